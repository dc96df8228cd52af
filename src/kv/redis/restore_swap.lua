-- Beginning and end of a restore, a load or a clearing that is too much for one script; between them `restore_aside` takes its
-- steps. KEYS as everywhere; ARGV: what, the id of the checkpoint or '' where none comes back, then
--   begin: how many checkpoints at most, then nothing, or id and name of the checkpoint before -> {an epoch for this
--     alone, that of the newest checkpoint, the record of the one before}; nothing for an unknown id
--   end: what tells this from others, those two epochs, how many entries there have to be aside, how many others may have
--     written meanwhile, what the feed is told, how many steps were taken, then nothing, or "empty" where nothing live may
--     stand there, or of a lock that must be held its name, owner and fence -> how many live entries what was put aside has
--     taken the place of. Else nothing was done: -1 a checkpoint was made or deleted meanwhile, -2 too many were written, -3
--     what was put aside, a step, or that epoch is gone, -4 it is not empty, -5 it is fenced
-- include fence.lua
-- include state.lua
-- include point.lua
-- include tell.lua
-- include aside.lua
local call, since = redis.call, ARGV[2] == '' or redis.call('ZSCORE', KEYS[10], ARGV[2])
local rev, epoch, top = load_state()
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
local aside, free, wanted, time = ':load:' .. ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[6]), call('TIME')
local now = time[1] * 1000000 + time[2]
local live = call('ZCARD', KEYS[2]) - call('ZCOUNT', KEYS[3], '-inf', string.format('%.0f', now))
if not since or top ~= tonumber(ARGV[5]) then
	return -1
elseif wanted > 0 and call('ZCOUNT', KEYS[8], free + 1, '+inf') > tonumber(ARGV[7]) then
	return -2
elseif epoch <= free or not is_whole(aside, wanted, tonumber(ARGV[9])) then
	return -3
elseif ARGV[10] == 'empty' and not ARGV[11] and live > 0 then
	return -4
elseif ARGV[11] and not is_held(ARGV[10], ARGV[11], tonumber(ARGV[12]), now) then
	return -5
end
local last, keys = math.max(rev, now - 1), wanted > 0 and call('ZRANGEBYSCORE', KEYS[8], free + 1, '+inf') or {}
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
tell(tonumber(ARGV[8]), '', 0, now)
return live
