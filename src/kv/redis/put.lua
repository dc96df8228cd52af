-- One plain put: what the script `write` does with it, without what only others need.
-- KEYS: records, order, expiry, then feed, changes where there may be a feed; ARGV: key, microseconds to live or 0, metadata,
-- value, the record's version. Answers as `write` does; with nothing where a checkpoint has to keep what was there, or nothing was
-- written before, which is for `write`; with "feed" where the last two keys are needed.
local call, key, ttl = redis.call, ARGV[1], ARGV[2]
local time, found = call('TIME'), call('HMGET', KEYS[1], key, '\255')
local raw, state = found[1], found[2]
local now = time[1] * 1000000 + time[2]
local rev, created, was, expires, existed, epoch, top, written = now, now, 0, 0, 0, 1, 0, nil
if state then
	local last
	last, epoch, top = struct.unpack('<i8I4I4', state)
	if last >= now then
		rev = last + 1
	end
end
local unfed = state and string.sub(state, 17) or ''
if unfed == '' and #KEYS == 3 then
	return state and 'feed' or ''
end
-- include tell.lua
if ttl ~= '0' then
	expires = now + ttl
end
if raw then
	local version, metadata, first, ends, _ = 0, 0, nil, nil, nil
	if #raw >= 41 then
		version, metadata, written, _, first, _, ends = struct.unpack('<BI4I4i8i8i8i8', raw)
	end
	if version < 3 or version > 4 or metadata > #raw - 41 then
		error('HFCORRUPT', 0)
	end
	was = ends
	if ends == 0 or ends > now then
		created, existed = first, 1
	end
else
	call('ZCARD', KEYS[2])
end
if top > 0 and written ~= epoch then
	return ''
end
if expires ~= was then
	call('ZCARD', KEYS[3])
end
call('HSET', KEYS[1], key,
	struct.pack('<BI4I4i8i8i8i8', ARGV[5], #ARGV[3], epoch, rev, created, now, expires) .. ARGV[3] .. ARGV[4],
	'\255', struct.pack('<i8I4I4', rev, epoch, top) .. (fed and '' or '\0'))
if not raw then
	call('ZADD', KEYS[2], 0, key)
end
if expires ~= was then
	if expires == 0 then
		call('ZREM', KEYS[3], key)
	else
		call('ZADD', KEYS[3], string.format('%.0f', expires), key)
	end
end
tell(1, key, rev, now)
return struct.pack('<BBi8', 1, existed, rev)
