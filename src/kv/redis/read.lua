-- Several entries, from one moment. KEYS as everywhere; ARGV: 1 for heads only, then the keys.
-- Answers {seconds, microseconds, records or false}. Records of more than a gigabyte are too much for one answer.
local time = redis.call('TIME')
local answer = {time[1], time[2]}
local heads, bytes = ARGV[1] == '1', 0
for from = 2, #ARGV, 1000 do
	local raws = redis.call('HMGET', KEYS[1], unpack(ARGV, from, math.min(from + 999, #ARGV)))
	for i = 1, #raws do
		local raw = raws[i]
		if raw and heads then
			raw = string.sub(raw, 1, 41)
		end
		bytes = bytes + (raw and #raw or 0)
		if bytes > 1073741824 then
			error('HFLIMIT', 0)
		end
		answer[from + i] = raw
	end
end
return answer
