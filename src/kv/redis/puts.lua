-- A batch of plain puts of different keys without checkpoints: what the script `write` does with them, a thousand at a time.
-- As in `put`, the names of the other keys are made where they are needed, and the state goes along with the entries.
-- KEYS: records; ARGV: of each put key, microseconds to live or 0, the first five bytes of the record, metadata and value.
-- Answers with its results one after the other, or with nothing where it is for `write`, and then nothing was done.
-- include state.lua
local call, pack, records, count, time = redis.call, struct.pack, KEYS[1], #ARGV / 4, redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function beside(name)
	return string.sub(records, 1, -8) .. name
end
local function read(from)
	local names = {STATE}
	for i = from, math.min(from + 999, count) do
		names[i - from + 2] = ARGV[4 * i - 3]
	end
	return call('HMGET', records, unpack(names))
end
local raws = read(1)
local rev, epoch, top = read_state(raws[1])
if top > 0 then
	return ''
end
if unfed == '' then
	KEYS[2], KEYS[3] = beside('feed'), beside('changes')
end
-- include tell.lua
rev = math.max(rev, now - 1)
local seen, results, fields = {}, {}, {STATE, ''}
local new, gone, expiring, nnew, ngone, nexpiring = {}, {}, {}, 0, 0, 0
for from = 1, count, 1000 do
	raws = from == 1 and raws or read(from)
	for i = from, math.min(from + 999, count) do
		local key, ttl, raw = ARGV[4 * i - 3], ARGV[4 * i - 2], raws[i - from + 2]
		local created, was, expires, existed = now, 0, 0, 0
		if seen[key] then
			return ''
		end
		seen[key] = true
		if raw then
			local _, first
			_, _, _, first, _, was = head_of(raw)
			if was == 0 or was > now then
				created, existed = first, 1
			end
		else
			new[nnew + 1], new[nnew + 2], nnew = 0, key, nnew + 2
		end
		if ttl ~= '0' then
			expires = now + ttl
		end
		if expires ~= was and expires == 0 then
			ngone = ngone + 1
			gone[ngone] = key
		elseif expires ~= was then
			expiring[nexpiring + 1], expiring[nexpiring + 2], nexpiring = string.format('%.0f', expires), key, nexpiring + 2
		end
		rev = rev + 1
		results[i] = pack('<BBi8', 1, existed, rev)
		fields[2 * i + 1] = key
		local updated = math.max(created, now)
		fields[2 * i + 2] = ARGV[4 * i - 1] .. pack('<I4i8i8i8i8', epoch, rev, created, updated, expires) .. ARGV[4 * i]
	end
end
if nnew > 0 then
	call('ZCARD', beside('order'))
end
if ngone > 0 or nexpiring > 0 then
	call('ZCARD', beside('expiry'))
end
unfed = fed and '' or '\0'
fields[2] = state_of(rev, epoch, top)
local function in_steps(command, key, words, n)
	for from = 1, n, 2000 do
		call(command, key, unpack(words, from, math.min(from + 1999, n)))
	end
end
in_steps('HSET', records, fields, 2 * count + 2)
in_steps('ZADD', beside('order'), new, nnew)
in_steps('ZREM', beside('expiry'), gone, ngone)
in_steps('ZADD', beside('expiry'), expiring, nexpiring)
for i = 1, fed and count or 0 do
	tell(1, fields[2 * i + 1], rev - count + i, now)
end
return table.concat(results)
