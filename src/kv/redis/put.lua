-- One plain put: what the script `write` does with it, without what only others need. Each word of a call costs time, so the
-- names of the other keys, which are in the same slot, are made here where they are needed.
-- KEYS: records; ARGV: key, the first five bytes of the record, metadata and value, and microseconds to live where it expires.
-- Answers the revision, negative where there was no entry; 0 where a checkpoint has to keep what was there, or nothing was
-- written before, which is for `write`.
local call, records, key, ttl = redis.call, KEYS[1], ARGV[1], ARGV[4]
local time, found = call('TIME'), call('HMGET', records, key, '\255')
local raw, state = found[1], found[2]
if not state then
	return 0
end
local now = time[1] * 1000000 + time[2]
local last, epoch, top = struct.unpack('<i8I4I4', state)
local rev, created, was, expires, existed, written = math.max(last + 1, now), now, 0, 0, false, nil
-- Most puts: there is an entry, neither it nor the new one expires, no feed, no checkpoint that needs it.
if raw and not ttl and #state == 17 and #raw >= 41 then
	local version, metadata, epoch_of, _, first, _, ends = struct.unpack('<BI4I4i8i8i8i8', raw)
	if ends == 0 and (top == 0 or epoch_of == epoch) and (version == 3 or version == 4) and metadata <= #raw - 41 then
		local updated = math.max(first, now)
		call('HSET', records, key, ARGV[2] .. struct.pack('<I4i8i8i8i8', epoch, rev, first, updated, 0) .. ARGV[3],
			'\255', struct.pack('<i8I4I4B', rev, epoch, top, 0))
		return rev
	end
end
local function beside(name)
	return string.sub(records, 1, -8) .. name
end
local unfed = string.sub(state, 17)
if unfed == '' then
	KEYS[2], KEYS[3] = beside('feed'), beside('changes')
end
-- include tell.lua
if ttl then
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
		created, existed = first, true
	end
else
	call('ZCARD', beside('order'))
end
if top > 0 and written ~= epoch then
	return 0
end
if expires ~= was then
	call('ZCARD', beside('expiry'))
end
local updated = math.max(created, now)
call('HSET', records, key, ARGV[2] .. struct.pack('<I4i8i8i8i8', epoch, rev, created, updated, expires) .. ARGV[3],
	'\255', struct.pack('<i8I4I4', rev, epoch, top) .. (fed and '' or '\0'))
if not raw then
	call('ZADD', beside('order'), 0, key)
end
if expires ~= was then
	if expires == 0 then
		call('ZREM', beside('expiry'), key)
	else
		call('ZADD', beside('expiry'), string.format('%.0f', expires), key)
	end
end
tell(1, key, rev, now)
return existed and rev or -rev
