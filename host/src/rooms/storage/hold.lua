-- Renews a lease, and writes a state if there is one.
-- KEYS[1]: the room. ARGV: the server, its address, the token, the length of a lease in milliseconds, `1` if the lease
-- has not run out by the clock of the server, and then, with a state, its number and the state.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if redis.call('EXISTS', KEYS[1]) == 1 then
  if redis.call('HGET', KEYS[1], 'token') ~= ARGV[3] then
    return 0
  end
elseif ARGV[5] ~= '1' then
  -- Redis has lost the room, and perhaps another server had it meanwhile.
  return 0
end
redis.call('HSET', KEYS[1], 'server', ARGV[1], 'address', ARGV[2], 'token', ARGV[3],
  'since', now, 'until', now + ARGV[4])
-- A state that was delayed on its way must not replace a newer one.
if ARGV[6] and tonumber(ARGV[6]) >= tonumber(redis.call('HGET', KEYS[1], 'number') or 0) then
  redis.call('HSET', KEYS[1], 'number', ARGV[6], 'state', ARGV[7])
end
return 1
