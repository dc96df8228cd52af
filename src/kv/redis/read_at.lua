-- Several entries as of a checkpoint. KEYS as everywhere; ARGV: id, "heads" for no more than these, else another word, then the
-- keys. Answers {seconds, microseconds, records or false}, nothing for an unknown id. Bounded as `read` is.
-- include state.lua
-- include version.lua
local epoch = tonumber(redis.call('ZSCORE', KEYS[10], ARGV[1]) or 0)
if epoch == 0 then
	return {}
end
local time, bytes = redis.call('TIME'), 0
local answer = {time[1], time[2]}
for i = 3, #ARGV do
	local raw = version_of(ARGV[i], epoch)
	if raw and ARGV[2] == 'heads' then
		raw = string.sub(raw, 1, HEAD_BYTES)
	end
	bytes = bytes + (raw and #raw or 0)
	if bytes > 1073741824 then
		error('HFLIMIT', 0)
	end
	answer[i] = raw
end
return answer
