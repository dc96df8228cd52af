-- One step of a restore, a load or a clearing that is too much for one script (redis_restore.c): entries as of a checkpoint go
-- beside the namespace, and what they take the place of is kept and noted under an epoch that nobody else writes in: until the
-- end an image more.
-- KEYS as everywhere; ARGV: what tells this from others, the id of the checkpoint or '' where none comes back, that epoch,
-- "present" for keys that are there now, "past" for those that have images, or "aside" for what a load put aside, which gets
-- that epoch and another revision, where to go on, how many keys at most, how many bytes to read, and how many steps were
-- taken before this one.
-- Answers {where the next step goes on ('' at the end), entries put aside, of those put back, entries deleted}; nothing for an
-- unknown id; -3 where the server has lost that epoch, or one of those steps. What is put aside and left is gone after an hour.
-- include state.lua
-- include version.lua
-- include history.lua
-- include aside.lua
local call, pack, free, source, most = redis.call, struct.pack, tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[6])
local since = ARGV[2] ~= '' and tonumber(call('ZSCORE', KEYS[10], ARGV[2]) or 0)
if since == 0 then
	return {}
end
check_history()
local aside = ':load:' .. ARGV[1]
local records, order, expiry = KEYS[1] .. aside, KEYS[2] .. aside, KEYS[3] .. aside
local time, rev, epoch, top = call('TIME'), load_state()
if epoch <= free or not has_steps(aside, tonumber(ARGV[8])) then
	return -3
end
local now = time[1] * 1000000 + time[2]
local last, added, put, deleted, bytes = math.max(rev, now - 1), 0, 0, 0, 0
local sources = {present = KEYS[2], past = KEYS[7], aside = order}
local keys = call('ZRANGEBYLEX', sources[source], ARGV[5], '+', 'LIMIT', 0, most)
save_state(last + #keys, epoch, top)
call('ZADD', expiry, ARGV[8] + 1, MARK)
local function add(key, raw, expires)
	call('HSET', records, key, raw)
	call('ZADD', order, 0, key)
	if expires ~= 0 then
		call('ZADD', expiry, string.format('%.0f', expires), key)
	end
	added = added + 1
end
-- As it was then, unless it has expired since.
local function put_back(key)
	local raw = version_of(key, since)
	local metadata, _, _, created, updated, expires, packed = 0, 0, 0, 0, 0, 1, false
	if raw then
		bytes = bytes + #raw
		metadata, _, _, created, updated, expires, packed = head_of(raw)
	end
	if expires == 0 or expires > now then
		last, put = last + 1, put + 1
		add(key, pack(HEAD, packed and 4 or 3, metadata, free, last, created, updated, expires) .. string.sub(raw, HEAD_BYTES + 1),
			expires)
		return true
	end
end
local function note(key, raw, written)
	local noted = call('ZSCORE', KEYS[8], key)
	if not noted or tonumber(noted) < free then
		call('ZADD', KEYS[8], free, key)
	end
	local until_epoch = pack('>I4', free)
	if raw and written < top and call('HSETNX', KEYS[5], key .. until_epoch, raw) == 1 then
		call('HSET', KEYS[6], key, (call('HGET', KEYS[6], key) or '') .. until_epoch)
		call('ZADD', KEYS[7], 0, key)
	end
end
local function take_present(key)
	local raw = call('HGET', KEYS[1], key) or error('HFCORRUPT', 0)
	local _, written, _, _, _, expires = head_of(raw)
	bytes = bytes + #raw
	if since and written < since then
		return add(key, raw, expires)
	end
	if not (since and put_back(key)) and (expires == 0 or expires > now) then
		deleted = deleted + 1
	end
	note(key, raw, written)
end
local function take_past(key)
	if call('HEXISTS', records, key) == 0 and put_back(key) then
		note(key, false, 0)
	end
end
local function take_aside(key)
	local raw = call('HGET', records, key)
	if raw then
		bytes, last = bytes + #raw, last + 1
		call('HSET', records, key, string.sub(raw, 1, 5) .. pack('<I4i8', free, last) .. string.sub(raw, 18))
		note(key, false, 0)
	end
end
local take = ({present = take_present, past = take_past, aside = take_aside})[source]
local on = #keys == most and '(' .. keys[#keys] or ''
for i = 1, #keys do
	take(keys[i])
	if bytes >= tonumber(ARGV[7]) and i < #keys then
		on = '(' .. keys[i]
		break
	end
end
call('EXPIRE', records, 3600)
call('EXPIRE', order, 3600)
call('EXPIRE', expiry, 3600)
return {on, added, put, deleted}
