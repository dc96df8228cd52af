-- One step of adding up what checkpoints keep. KEYS as everywhere; ARGV: where to go on ('-', or '(' and a key), how many keys
-- at most and images to read, and how many bytes of these. An image counts for the newest checkpoint that needs it.
-- Answers where the next step goes on ('' at the end), then epoch and bytes by turns.
-- include state.lua
local most, enough, seen, bytes = tonumber(ARGV[2]), tonumber(ARGV[3]), 0, 0
local keys, sums = redis.call('ZRANGEBYLEX', KEYS[7], ARGV[1], '+', 'LIMIT', 0, most), {}
local on = #keys == most and '(' .. keys[#keys] or ''
for i = 1, #keys do
	local key = keys[i]
	local untils = redis.call('HGET', KEYS[6], key) or ''
	for at = 1, #untils, 4 do
		local name = string.sub(untils, at, at + 3)
		local image = redis.call('HGET', KEYS[5], key .. name)
		if image then
			seen, bytes = seen + 1, bytes + #image
			local _, written = head_of(image)
			local needed = redis.call('ZREVRANGEBYSCORE', KEYS[10], (struct.unpack('>I4', name)), '(' .. written, 'WITHSCORES',
				'LIMIT', 0, 1)[2]
			if needed then
				sums[needed] = (sums[needed] or 0) + 100 + #key + #image - HEAD_BYTES
			end
		end
	end
	if (seen >= most or bytes >= enough) and i < #keys then
		on = '(' .. key
		break
	end
end
local answer = {on}
for epoch, sum in pairs(sums) do
	answer[#answer + 1], answer[#answer + 2] = tonumber(epoch), sum
end
return answer
