-- Several entries, from one moment. KEYS as everywhere; ARGV: "heads" for no more than these, or how many bytes a value may have
-- at most, then the keys. Answers {seconds, microseconds, of each key its record, or false, or 1 where its value has more}. Records
-- of more than a gigabyte are too much for one answer.
local time = redis.call('TIME')
local answer = {time[1], time[2]}
local most, bytes = tonumber(ARGV[1]), 0
for from = 2, #ARGV, 1000 do
	local raws = redis.call('HMGET', KEYS[1], unpack(ARGV, from, math.min(from + 999, #ARGV)))
	for i = 1, #raws do
		local raw = raws[i]
		if raw and not most then
			raw = string.sub(raw, 1, 41)
		elseif raw and #raw > 41 + most and #raw > 41 + most + struct.unpack('<I4', raw, 2) then
			raw = 1
		end
		bytes = bytes + (raw and raw ~= 1 and #raw or 0)
		if bytes > 1073741824 then
			error('HFLIMIT', 0)
		end
		answer[from + i] = raw
	end
end
return answer
