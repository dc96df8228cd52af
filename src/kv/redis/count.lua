-- Live entries. KEYS as everywhere; ARGV: nothing for all, or low and high end in the words of ZRANGEBYLEX.
-- Answers {how many keys, how many of the whole expired}, and for a range at most 1,000 of the expired keys.
local time = redis.call('TIME')
local now = string.format('%.0f', time[1] * 1000000 + time[2])
local expired = redis.call('ZCOUNT', KEYS[3], '-inf', now)
if #ARGV == 0 then
	local count = redis.call('ZCARD', KEYS[2]) -- the records have one field more: the state
	if count ~= math.max(redis.call('HLEN', KEYS[1]) - 1, 0) then
		error('HFCORRUPT', 0)
	end
	return {count, expired}
end
local answer = {redis.call('ZLEXCOUNT', KEYS[2], ARGV[1], ARGV[2]), expired}
if expired > 0 and answer[1] > 0 and expired <= 1000 then
	local keys = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)
	for i = 1, #keys do
		answer[2 + i] = keys[i]
	end
end
return answer
