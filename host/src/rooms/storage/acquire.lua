-- KEYS[1]: the room. ARGV: the server, its address, a new token, the length of a lease in milliseconds.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = redis.call('HMGET', KEYS[1], 'server', 'since', 'until', 'address')
-- A lease from the future is one from before the clock was set back.
local runs = lease[1] and tonumber(lease[2]) <= now and now < tonumber(lease[3])
if runs and lease[1] ~= ARGV[1] then
  return {'elsewhere', lease[4], tonumber(lease[3]) - now}
end
redis.call('HSET', KEYS[1], 'server', ARGV[1], 'address', ARGV[2], 'token', ARGV[3],
  'since', now, 'until', now + ARGV[4], 'number', 0)
return {'here', redis.call('HGET', KEYS[1], 'state')}
