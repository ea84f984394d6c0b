-- KEYS[1]: the room. ARGV: the server, its address, a new token, the length of a lease in milliseconds.
-- Returns `here`, the number of leases so far and the state, or `elsewhere`, the address and the milliseconds left.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = redis.call('HMGET', KEYS[1], 'server', 'since', 'until', 'address')
if lease[1] and lease[1] ~= ARGV[1] then
  -- A lease from far in the future is one from before the clock was set back.
  local is_sane = tonumber(lease[2]) <= now + ARGV[4]
  local left = tonumber(lease[3]) - now
  if is_sane and left > 0 then
    return {'elsewhere', lease[4], left}
  end
end
local leases = redis.call('HINCRBY', KEYS[1], 'leases', 1)
redis.call('HSET', KEYS[1], 'server', ARGV[1], 'address', ARGV[2], 'token', ARGV[3],
  'since', now, 'until', now + ARGV[4], 'number', 0)
return {'here', leases, redis.call('HMGET', KEYS[1], 'state')[1]}
