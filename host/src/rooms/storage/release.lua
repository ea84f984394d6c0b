-- Ends a lease. KEYS[1]: the room. ARGV: the token. A room without a state is removed.
local found = redis.call('HMGET', KEYS[1], 'token', 'state')
if found[1] ~= ARGV[1] then
  return 0
end
if found[2] then
  redis.call('HDEL', KEYS[1], 'server', 'address', 'token', 'since', 'until', 'number')
else
  redis.call('DEL', KEYS[1])
end
return 1
