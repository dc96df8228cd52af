-- One step of letting go of what no checkpoint needs. KEYS as everywhere; ARGV: where to go on ('-', or '(' and a key), how much
-- at most. Answers where the next step goes on, nothing when it is done.
-- include state.lua
local from, most = ARGV[1], tonumber(ARGV[2])
local oldest = redis.call('ZRANGE', KEYS[10], 0, 0, 'WITHSCORES')[2]
local rows = redis.call('ZRANGEBYSCORE', KEYS[8], '-inf', oldest and '(' .. oldest or '+inf', 'LIMIT', 0, most)
if #rows > 0 then
	for at = 1, #rows, 1000 do
		redis.call('ZREM', KEYS[8], unpack(rows, at, math.min(at + 999, #rows)))
	end
	return from
end
local keys, seen = redis.call('ZRANGEBYLEX', KEYS[7], from, '+', 'LIMIT', 0, most), 0
for i = 1, #keys do
	local key, kept = keys[i], {}
	local untils = redis.call('HGET', KEYS[6], key) or ''
	for at = 1, #untils, 4 do
		local name = string.sub(untils, at, at + 3)
		local image = redis.call('HGET', KEYS[5], key .. name)
		if image then
			local _, written = head_of(image)
			if redis.call('ZCOUNT', KEYS[10], '(' .. written, (struct.unpack('>I4', name))) > 0 then
				kept[#kept + 1] = name
			else
				redis.call('HDEL', KEYS[5], key .. name)
			end
		end
		seen = seen + 1
	end
	if #kept == 0 then
		redis.call('HDEL', KEYS[6], key)
		redis.call('ZREM', KEYS[7], key)
	elseif #kept * 4 < #untils then
		redis.call('HSET', KEYS[6], key, table.concat(kept))
	end
	if seen >= most and i < #keys then
		return '(' .. key
	end
end
return #keys == most and '(' .. keys[#keys] or ''
