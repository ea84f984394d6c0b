-- Renews a lease, and writes a state if there is one.
-- KEYS[1]: the room. ARGV: the server, its address, the token, the length of a lease in milliseconds, `1` if the lease
-- has not run out by the clock of the server, the number of the last state of this lease, and that state if it is to be written.
-- Returns 1, or 2 if no state is to be written and the last one is not here, or 0 if another server can have had the room.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local found = redis.call('HMGET', KEYS[1], 'token', 'number')
if found[1] ~= ARGV[3] then
  -- Redis can have lost the room. If the lease had run out too, another server could have had it meanwhile.
  if redis.call('EXISTS', KEYS[1]) == 1 or ARGV[5] ~= '1' then
    return 0
  end
end
redis.call('HSET', KEYS[1], 'server', ARGV[1], 'address', ARGV[2], 'token', ARGV[3],
  'since', now, 'until', now + ARGV[4])
local number = tonumber(found[2] or 0)
if not ARGV[7] then
  return number < tonumber(ARGV[6]) and 2 or 1
end
-- A state that was delayed on its way must not replace a newer one.
if number <= tonumber(ARGV[6]) then
  redis.call('HSET', KEYS[1], 'number', ARGV[6], 'state', ARGV[7])
end
return 1
