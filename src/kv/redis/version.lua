-- Included by what looks back. The record of a key as of an epoch, false when there was none.
local function version_of(key, epoch)
	local raw = redis.call('HGET', KEYS[1], key)
	if raw then
		local _, written = head_of(raw)
		if written < epoch then
			return raw
		end
	end
	local untils = redis.call('HGET', KEYS[6], key)
	for at = 1, untils and #untils or 0, 4 do
		if struct.unpack('>I4', untils, at) >= epoch then
			local image = redis.call('HGET', KEYS[5], key .. string.sub(untils, at, at + 3))
			if not image then
				error('HFCORRUPT', 0)
			end
			local _, written = head_of(image)
			return written < epoch and image
		end
	end
	return false
end
