-- Included by what reads or writes records. STATE is the one field of the records that is no key: a key that begins with
-- its byte comes with that byte twice. It is <i8 the last revision, I4 epoch, I4 epoch of the newest checkpoint or 0>, and a
-- zero byte where it was seen that there is no feed (tell.lua); feed.lua takes that away.
local HEAD, HEAD_BYTES, STATE = '<BI4I4i8i8i8i8', 41, '\255'
local function head_of(raw)
	local version, metadata, epoch, rev, created, updated, expires = 0, 0, 0, 0, 0, 0, 0
	if #raw >= HEAD_BYTES then
		version, metadata, epoch, rev, created, updated, expires = struct.unpack(HEAD, raw)
	end
	if version < 3 or version > 4 or metadata > #raw - HEAD_BYTES then
		error('HFCORRUPT', 0)
	end
	return metadata, epoch, rev, created, updated, expires, version == 4
end
local unfed = ''
local function read_state(raw)
	if not raw then
		return 0, 1, 0
	elseif #raw ~= 16 and #raw ~= 17 then
		error('HFCORRUPT', 0)
	end
	unfed = string.sub(raw, 17)
	return struct.unpack('<i8I4I4', raw)
end
local function load_state()
	return read_state(redis.call('HGET', KEYS[1], STATE))
end
local function state_of(rev, epoch, top)
	return struct.pack('<i8I4I4', rev, epoch, top) .. unfed
end
local function save_state(rev, epoch, top)
	redis.call('HSET', KEYS[1], STATE, state_of(rev, epoch, top))
end
