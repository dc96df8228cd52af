-- Included by what makes or changes checkpoints; needs state.lua.
local POINT, POINT_BYTES = '<i8I4BBi8i8', 30
local function create_point(id, pinned, name, metadata, most)
	local time = redis.call('TIME')
	local rev, epoch = load_state()
	if redis.call('ZCARD', KEYS[10]) >= most or epoch >= 4294967294 then
		return nil
	end
	local record = struct.pack(POINT, time[1] * 1000000 + time[2], epoch + 1, tonumber(pinned), 0, 0, 0)
		.. string.rep('\0', 32) .. string.char(#name) .. name .. metadata
	save_state(rev, epoch + 1, epoch + 1)
	redis.call('HSET', KEYS[9], id, record)
	redis.call('ZADD', KEYS[10], epoch + 1, id)
	return record
end
