-- One step of adding up what checkpoints keep. KEYS as everywhere; ARGV: where to go on ('-', or '(' and a key), how many keys
-- at most. An image counts for the newest checkpoint that needs it.
-- Answers where the next step goes on ('' at the end), then epoch and bytes by turns.
-- include state.lua
local keys, sums = redis.call('ZRANGEBYLEX', KEYS[7], ARGV[1], '+', 'LIMIT', 0, ARGV[2]), {}
for i = 1, #keys do
	local key = keys[i]
	local untils = redis.call('HGET', KEYS[6], key) or ''
	for at = 1, #untils, 4 do
		local name = string.sub(untils, at, at + 3)
		local image = redis.call('HGET', KEYS[5], key .. name)
		if image then
			local _, written = head_of(image)
			local needed = redis.call('ZREVRANGEBYSCORE', KEYS[10], (struct.unpack('>I4', name)), '(' .. written, 'WITHSCORES',
				'LIMIT', 0, 1)[2]
			if needed then
				sums[needed] = (sums[needed] or 0) + 100 + #key + #image - HEAD_BYTES
			end
		end
	end
end
local answer = {#keys == tonumber(ARGV[2]) and '(' .. keys[#keys] or ''}
for epoch, bytes in pairs(sums) do
	answer[#answer + 1], answer[#answer + 2] = tonumber(epoch), bytes
end
return answer
