-- Empties a namespace at one moment; the memory is given back in the background. With checkpoints every record is kept,
-- which is why they are counted first. KEYS as everywhere; the state and the locks stay. ARGV: how many entries at most
-- with checkpoints, then nothing, or of a lock that must be held its name, owner and fence.
-- Answers how many live entries there were, -1 when it is fenced, -2 when there are more.
-- include fence.lua
-- include state.lua
-- include history.lua
-- include tell.lua
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if #ARGV == 4 and not is_held(ARGV[2], ARGV[3], tonumber(ARGV[4]), now) then
	return -1
end
local rev, epoch, top = load_state()
local count = redis.call('ZCARD', KEYS[2])
local live = count - redis.call('ZCOUNT', KEYS[3], '-inf', string.format('%.0f', now))
if top > 0 then
	check_history()
	if count > tonumber(ARGV[1]) then
		return -2
	end
	local keys, stored, written = redis.call('ZRANGE', KEYS[2], 0, -1), {}, {}
	for i = 1, count do
		stored[i] = redis.call('HGET', KEYS[1], keys[i]) or error('HFCORRUPT', 0)
		local _, epoch_of = head_of(stored[i])
		written[i] = epoch_of
	end
	for i = 1, count do
		keep(keys[i], stored[i], written[i], epoch, top)
	end
end
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
if rev > 0 or epoch > 1 then
	save_state(rev, epoch, top)
end
tell(5, '', 0, now)
return live
