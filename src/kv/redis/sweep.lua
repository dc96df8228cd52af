-- Removes expired entries. KEYS as everywhere; ARGV: how many at most. Answers how many there were.
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
local keys = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, ARGV[1])
for from = 1, #keys, 1000 do
	local to = math.min(from + 999, #keys)
	redis.call('HDEL', KEYS[1], unpack(keys, from, to))
	redis.call('ZREM', KEYS[2], unpack(keys, from, to))
	redis.call('ZREM', KEYS[3], unpack(keys, from, to))
end
return #keys
