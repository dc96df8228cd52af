-- Everything as it was at a checkpoint, at one moment: what was written since gets the version of then, or goes. It is
-- looked at as a whole before anything is written. KEYS as everywhere; ARGV: id, how many at most, how many checkpoints at
-- most, then nothing, or the id and the name of the checkpoint before.
-- Answers {entries put, entries deleted, record of that checkpoint}, nothing for an unknown id; 0, and nothing was done, where
-- it is too much.
-- include state.lua
-- include point.lua
-- include history.lua
-- include version.lua
-- include tell.lua
local call = redis.call
local since = tonumber(call('ZSCORE', KEYS[10], ARGV[1]) or 0)
if since == 0 then
	return {}
end
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
if call('ZCOUNT', KEYS[8], since, '+inf') > tonumber(ARGV[2]) then
	return 0
end
check_history()
call('ZCARD', KEYS[2])
call('ZCARD', KEYS[3])
local keys = call('ZRANGEBYSCORE', KEYS[8], since, '+inf')
for i = 1, #keys do
	local raw = version_of(keys[i], since)
	if raw then
		head_of(raw)
	end
end
local point = ''
if ARGV[4] then
	point = create_point(ARGV[4], '0', ARGV[5], '', tonumber(ARGV[3]))
	if not point then
		error('HFPOINTS', 0)
	end
end
local rev, epoch, top = load_state()
local last, put, deleted = math.max(rev, now - 1), 0, 0
save_state(last + #keys, epoch, top)
local function restore(key)
	local raw, new, expires, was, written, was_rev = call('HGET', KEYS[1], key), version_of(key, since), 0, 0, 0, 0
	if raw then
		local _
		_, written, was_rev, _, _, was = head_of(raw)
		if written < since then -- noted by steps that came to no end
			return
		end
	end
	if new then
		local metadata, _, _, created, updated, ends, packed = head_of(new)
		if ends == 0 or ends > now then
			last, put, expires = last + 1, put + 1, ends
			new = struct.pack(HEAD, packed and 4 or 3, metadata, epoch, last, created, updated, ends) .. string.sub(new, HEAD_BYTES + 1)
		else
			new = false
		end
	end
	if not new and not raw then
		return
	end
	keep(key, raw, written, epoch, top)
	if new then
		call('HSET', KEYS[1], key, new)
		if not raw then
			call('ZADD', KEYS[2], 0, key)
		end
		tell(1, key, last, now)
	else
		tell((was == 0 or was > now) and 3 or 4, key, was_rev, now)
		deleted = deleted + ((was == 0 or was > now) and 1 or 0)
		call('HDEL', KEYS[1], key)
		call('ZREM', KEYS[2], key)
	end
	if expires ~= was then
		if expires == 0 then
			call('ZREM', KEYS[3], key)
		else
			call('ZADD', KEYS[3], string.format('%.0f', expires), key)
		end
	end
end
tell(6, '', 0, now)
for i = 1, #keys do
	restore(keys[i])
end
return {put, deleted, point}
