-- Beginning and end of a restore that is too much for one script; between them `restore_aside` takes its steps. KEYS as
-- everywhere; ARGV: what, the id, then
--   begin: how many checkpoints at most, then nothing, or id and name of the checkpoint before -> {an epoch for the restore
--     alone, that of the newest checkpoint, the record of the one before}; nothing for an unknown id
--   end: what tells this restore from others, those two epochs, how many entries there have to be aside, how many others may
--     have written meanwhile -> 1: what was put aside has taken the place of the namespace. Else nothing was done: 0 a
--     checkpoint was made or deleted meanwhile, -1 too many were written, -2 what was put aside, or that epoch, is gone
-- include state.lua
-- include point.lua
-- include tell.lua
-- include aside.lua
local call, since, rev, epoch, top = redis.call, redis.call('ZSCORE', KEYS[10], ARGV[2]), load_state()
if ARGV[1] == 'begin' then
	if not since then
		return {}
	end
	local point = ''
	if epoch >= 4294967290 then
		error('HFPOINTS', 0)
	end
	if ARGV[4] then
		point = create_point(ARGV[4], '0', ARGV[5], '', tonumber(ARGV[3])) or error('HFPOINTS', 0)
	end
	rev, epoch, top = load_state()
	save_state(rev, epoch + 2, top)
	return {epoch + 1, top, point}
end
local aside, free, wanted = ':load:' .. ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[6])
if not since or top ~= tonumber(ARGV[5]) then
	return 0
elseif call('ZCOUNT', KEYS[8], free + 1, '+inf') > tonumber(ARGV[7]) then
	return -1
elseif epoch <= free or not is_whole(aside, wanted) then
	return -2
end
local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local last, keys = math.max(rev, now - 1), call('ZRANGEBYSCORE', KEYS[8], free + 1, '+inf')
save_state(last + #keys, epoch, top)
for i = 1, #keys do -- written meanwhile: its revision has to grow
	local raw = call('HGET', KEYS[1] .. aside, keys[i])
	if raw then
		call('HSET', KEYS[1] .. aside, keys[i],
			string.sub(raw, 1, 5) .. struct.pack('<I4i8', epoch, last + i) .. string.sub(raw, 18))
	end
end
take_place(aside)
save_state(last + #keys, epoch, top)
tell(6, '', 0, now)
return 1
