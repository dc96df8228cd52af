-- Entries as they are, beside the namespace: nobody sees them before the script `load_end` puts them in its place. What a
-- program leaves there that was killed is gone after an hour. Their epoch is 0: with checkpoints the end gives another, and another
-- revision.
-- KEYS as everywhere. ARGV: what tells this load from others, how many are there at least, then of each entry <B the record's
-- version, i8 created, i8 updated, i8 expires>, key, metadata, value. Answers 1; -1 where they are gone: dropped by who gave up,
-- before this step of his arrived, or evicted.
-- include state.lua
-- include aside.lua
local call, pack, unpack = redis.call, struct.pack, struct.unpack
local aside = ':load:' .. ARGV[1]
local records, order, expiry = KEYS[1] .. aside, KEYS[2] .. aside, KEYS[3] .. aside
if call('HLEN', records) < tonumber(ARGV[2]) then
	return -1
end
local time, last, epoch, top = call('TIME'), load_state()
local rev = math.max(last, time[1] * 1000000 + time[2] - 1)
save_state(rev + (#ARGV - 2) / 4, epoch, top)
mark(aside)
for at = 3, #ARGV, 4 do
	local version, created, updated, expires = unpack('<Bi8i8i8', ARGV[at])
	local key, metadata = ARGV[at + 1], ARGV[at + 2]
	rev = rev + 1
	call('HSET', records, key, pack(HEAD, version, #metadata, 0, rev, created, updated, expires) .. metadata .. ARGV[at + 3])
	call('ZADD', order, 0, key)
	if expires ~= 0 then
		call('ZADD', expiry, string.format('%.0f', expires), key)
	end
end
call('EXPIRE', records, 3600)
call('EXPIRE', order, 3600)
call('EXPIRE', expiry, 3600)
return 1
