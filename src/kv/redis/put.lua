-- One plain put: what the script `write` does with it, without what only others need.
-- KEYS as everywhere; ARGV: key, microseconds to live or 0, metadata, value, the record's version. Answers as `write` does.
-- include tell.lua
local call, records, key, ttl = redis.call, KEYS[1], ARGV[1], ARGV[2]
local time, last, raw = call('TIME'), call('GET', KEYS[4]), call('HGET', KEYS[1], ARGV[1])
local now = time[1] * 1000000 + time[2]
local rev, created, was, expires, existed = now, now, 0, 0, 0
if last and last + 1 > now then
	rev = last + 1
end
if ttl ~= '0' then
	expires = now + ttl
end
if raw then
	local version, metadata, _, first, _, ends = 0, 0, nil, nil, nil, nil
	if #raw >= 37 then
		version, metadata, _, first, _, ends = struct.unpack('<BI4i8i8i8i8', raw)
	end
	if version < 1 or version > 2 or metadata > #raw - 37 then
		error('HFCORRUPT', 0)
	end
	was = ends
	if ends == 0 or ends > now then
		created, existed = first, 1
	end
else
	call('ZCARD', KEYS[2])
end
if expires ~= was then
	call('ZCARD', KEYS[3])
end
call('SET', KEYS[4], string.format('%.0f', rev))
call('HSET', records, key, struct.pack('<BI4i8i8i8i8', ARGV[5], #ARGV[3], rev, created, now, expires) .. ARGV[3] .. ARGV[4])
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
