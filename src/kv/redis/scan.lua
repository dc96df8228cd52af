-- A page of keys in order. KEYS as everywhere; ARGV: 1 for reversed, low and high end in the words of ZRANGEBYLEX, how many,
-- 1 for heads only, how many bytes are enough.
-- Answers {seconds, microseconds, 1 when there may be more, key, record, key, record, ...}.
local reversed, low, high, limit, heads, enough = ARGV[1] == '1', ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5] == '1',
	tonumber(ARGV[6])
local time = redis.call('TIME')
local keys
if reversed then
	keys = redis.call('ZREVRANGEBYLEX', KEYS[2], high, low, 'LIMIT', 0, limit)
else
	keys = redis.call('ZRANGEBYLEX', KEYS[2], low, high, 'LIMIT', 0, limit)
end
local answer, bytes, count = {time[1], time[2], #keys == limit and 1 or 0}, 0, #keys
for i = 1, count do
	local raw = redis.call('HGET', KEYS[1], keys[i])
	if not raw then
		error('HFCORRUPT', 0)
	end
	if heads then
		raw = string.sub(raw, 1, 41)
	end
	answer[2 * i + 2], answer[2 * i + 3] = keys[i], raw
	bytes = bytes + #keys[i] + #raw
	if bytes >= enough and i < count then
		answer[3] = 1
		break
	end
end
return answer
