-- Ends a lease. KEYS[1]: the room. ARGV: the token.
if redis.call('HGET', KEYS[1], 'token') ~= ARGV[1] then
  return 0
end
redis.call('HDEL', KEYS[1], 'server', 'address', 'token', 'since', 'until', 'number')
return 1
