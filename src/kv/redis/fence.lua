-- Included by what a fence may guard. Is the lock held by this owner with this fence?
local function is_held(name, owner, fence, now)
	local raw = redis.call('HGET', KEYS[4], name)
	if not raw then
		return false
	elseif #raw < 24 then
		error('HFCORRUPT', 0)
	end
	local given, _, expires = struct.unpack('<i8i8i8', raw)
	return given == fence and expires > now and string.sub(raw, 25) == owner
end
