-- Removes expired entries, of which a checkpoint keeps its image, and what the feed keeps no longer. KEYS as everywhere; ARGV:
-- how many at most. Answers how many entries there were.
-- include state.lua
-- include history.lua
-- include tell.lua
local time = redis.call('TIME')
local moment = time[1] * 1000000 + time[2]
local now = string.format('%.0f', moment)
local keys = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now, 'LIMIT', 0, ARGV[1])
local _, epoch, top = load_state()
if top > 0 and #keys > 0 then
	check_history()
	for i = 1, #keys do
		local raw = redis.call('HGET', KEYS[1], keys[i])
		if raw then
			local _, written = head_of(raw)
			keep(keys[i], raw, written, epoch, top)
		end
	end
end
for from = 1, #keys, 1000 do
	local to = math.min(from + 999, #keys)
	local records = fed and redis.call('HMGET', KEYS[1], unpack(keys, from, to)) or {}
	redis.call('HDEL', KEYS[1], unpack(keys, from, to))
	redis.call('ZREM', KEYS[2], unpack(keys, from, to))
	redis.call('ZREM', KEYS[3], unpack(keys, from, to))
	for i = 1, #records do
		local rev = records[i] and #records[i] >= 17 and struct.unpack('<i8', records[i], 10) or 0
		tell(4, keys[from + i - 1], rev, moment)
	end
end
if fed then
	redis.call('XTRIM', KEYS[12], 'MAXLEN', fed)
	local before, due = moment - redis.call('HGET', KEYS[11], 'keep'), nil
	repeat
		local rows = redis.call('XRANGE', KEYS[12], '-', '+', 'COUNT', 100)
		due = 0
		while due < #rows and struct.unpack('<i8', rows[due + 1][2][2], 10) < before do
			due = due + 1
			redis.call('XDEL', KEYS[12], rows[due][1])
		end
	until due < 100
end
return #keys
