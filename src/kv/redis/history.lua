-- Included by what changes entries while there may be checkpoints. The first change of a record older than the newest
-- checkpoint keeps it as an image under key and epoch, so that it lived in [its own epoch, that epoch].
local function check_history()
	redis.call('HLEN', KEYS[5])
	redis.call('HLEN', KEYS[6])
	redis.call('ZCARD', KEYS[7])
	redis.call('ZCARD', KEYS[8])
end
-- stored: the record that is there, or false; written: its epoch.
local function keep(key, stored, written, epoch, top)
	if top == 0 or (stored and written == epoch) then
		return
	end
	redis.call('ZADD', KEYS[8], epoch, key)
	if stored and written < top then
		local until_epoch = struct.pack('>I4', epoch)
		redis.call('HSET', KEYS[5], key .. until_epoch, stored)
		redis.call('HSET', KEYS[6], key, (redis.call('HGET', KEYS[6], key) or '') .. until_epoch)
		redis.call('ZADD', KEYS[7], 0, key)
	end
end
