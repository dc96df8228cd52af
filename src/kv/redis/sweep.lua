-- Removes expired entries, and what the feed keeps no longer. KEYS as everywhere; ARGV: how many at most. Answers how many
-- entries there were.
-- include tell.lua
local time = redis.call('TIME')
local moment = time[1] * 1000000 + time[2]
local now = string.format('%.0f', moment)
local keys = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, ARGV[1])
for from = 1, #keys, 1000 do
	local to = math.min(from + 999, #keys)
	local records = fed and redis.call('HMGET', KEYS[1], unpack(keys, from, to)) or {}
	redis.call('HDEL', KEYS[1], unpack(keys, from, to))
	redis.call('ZREM', KEYS[2], unpack(keys, from, to))
	redis.call('ZREM', KEYS[3], unpack(keys, from, to))
	for i = 1, #records do
		local rev = records[i] and #records[i] >= 13 and struct.unpack('<i8', records[i], 6) or 0
		tell(4, keys[from + i - 1], rev, moment)
	end
end
if fed then
	redis.call('XTRIM', KEYS[7], 'MAXLEN', fed)
	local before, due = moment - redis.call('HGET', KEYS[6], 'keep'), nil
	repeat
		local rows = redis.call('XRANGE', KEYS[7], '-', '+', 'COUNT', 100)
		due = 0
		while due < #rows and struct.unpack('<i8', rows[due + 1][2][2], 10) < before do
			due = due + 1
			redis.call('XDEL', KEYS[7], rows[due][1])
		end
	until due < 100
end
return #keys
