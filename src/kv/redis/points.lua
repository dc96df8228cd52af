-- Checkpoints of a namespace. KEYS as everywhere: points holds <i8 made, I4 epoch, B pinned, B counted, i8 entries, i8 bytes>,
-- digest (32 bytes), bytes of the name (one), name and metadata under the id; epochs the id with the epoch as score.
-- ARGV: what, then
--   create: id, pinned, name, metadata, how many at most -> record, or 0: too many
--   list: an id or nothing for all -> {id, record, ...}, the newest first
--   update: id, pinned, counted, entries, bytes, digest (keeps what was counted, else pinned) -> 1, or 0: there is none
--   changed: id -> 2: something was written since, 1: nothing was, 0: there is none
--   delete: id -> 1, or 0: there is none; what it needed stays for `forget`
-- include state.lua
-- include point.lua
local what, id = ARGV[1], ARGV[2]
if what == 'create' then
	return create_point(id, ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])) or 0
elseif what == 'list' then
	local ids = id and {id} or redis.call('ZREVRANGE', KEYS[10], 0, -1)
	local answer, n = {}, 0
	for i = 1, #ids do
		local record = redis.call('HGET', KEYS[9], ids[i])
		if record then
			answer[n + 1], answer[n + 2] = ids[i], record
			n = n + 2
		end
	end
	return answer
end
local record = redis.call('HGET', KEYS[9], id)
if not record then
	return 0
elseif what == 'changed' then
	return redis.call('ZCOUNT', KEYS[8], redis.call('ZSCORE', KEYS[10], id), '+inf') > 0 and 2 or 1
elseif what == 'update' then
	if ARGV[4] == '0' then
		record = string.sub(record, 1, 12) .. string.char(tonumber(ARGV[3])) .. string.sub(record, 14)
	else
		record = string.sub(record, 1, 13) .. struct.pack('<Bi8i8', 1, tonumber(ARGV[5]), tonumber(ARGV[6])) .. ARGV[7]
			.. string.sub(record, POINT_BYTES + 33)
	end
	redis.call('HSET', KEYS[9], id, record)
	return 1
end
local rev, epoch = load_state()
redis.call('HDEL', KEYS[9], id)
redis.call('ZREM', KEYS[10], id)
local newest = redis.call('ZREVRANGE', KEYS[10], 0, 0, 'WITHSCORES')
save_state(rev, epoch, tonumber(newest[2] or 0))
return 1
