-- A batch of plain puts of different keys without checkpoints: what the script `write` does with them, a thousand at a time.
-- KEYS as everywhere; ARGV: of each put key, microseconds to live or 0, metadata, value, the record's version.
-- Answers with its results one after the other, or with nothing where it is for `write`, and then nothing was done.
-- include state.lua
local call, count, time = redis.call, #ARGV / 5, redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local rev, epoch, top = load_state()
-- include tell.lua
if top > 0 then
	return ''
end
rev = math.max(rev, now - 1)
local seen, results, fields = {}, {}, {}
local new, gone, expiring, nnew, ngone, nexpiring = {}, {}, {}, 0, 0, 0
for from = 1, count, 1000 do
	local names, to = {}, math.min(from + 999, count)
	for i = from, to do
		names[i - from + 1] = ARGV[5 * i - 4]
	end
	local raws = call('HMGET', KEYS[1], unpack(names))
	for i = from, to do
		local key, ttl, metadata, raw = names[i - from + 1], ARGV[5 * i - 3], ARGV[5 * i - 2], raws[i - from + 1]
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
		results[i] = struct.pack('<BBi8', 1, existed, rev)
		fields[2 * i - 1] = key
		fields[2 * i] = struct.pack(HEAD, ARGV[5 * i], #metadata, epoch, rev, created, now, expires) .. metadata .. ARGV[5 * i - 1]
	end
end
call('ZCARD', KEYS[2])
call('ZCARD', KEYS[3])
unfed = fed and '' or '\0'
save_state(rev, epoch, top)
local function in_steps(command, key, words, n)
	for from = 1, n, 2000 do
		call(command, key, unpack(words, from, math.min(from + 1999, n)))
	end
end
in_steps('HSET', KEYS[1], fields, 2 * count)
in_steps('ZADD', KEYS[2], new, nnew)
in_steps('ZREM', KEYS[3], gone, ngone)
in_steps('ZADD', KEYS[3], expiring, nexpiring)
for i = 1, fed and count or 0 do
	tell(1, fields[2 * i - 1], rev - count + i, now)
end
return table.concat(results)
