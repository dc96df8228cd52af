-- Empties a namespace at one moment; the memory is given back in the background. KEYS as everywhere: the revision stays.
-- Answers how many live entries there were.
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
local live = redis.call('HLEN', KEYS[1]) - redis.call('ZCOUNT', KEYS[3], '-inf', now)
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
return live
