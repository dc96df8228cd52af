-- What the script `load` put aside takes the place of the namespace, at one moment; state and locks stay. With checkpoints
-- what goes is kept and what comes is noted, which is why they are counted first.
-- KEYS as everywhere. ARGV: what tells this load from others, then "look" (is it empty?), "drop", or "keep" or "replace" and
-- how many entries there have to be, and how many may change with checkpoints. Answers 1; 0 there are live entries and they
-- are to stay; -1 what was put aside is gone; -2 with checkpoints it is more.
-- include state.lua
-- include history.lua
-- include tell.lua
-- include aside.lua
local call, aside, what = redis.call, ':load:' .. ARGV[1], ARGV[2]
if what == 'drop' then
	call('UNLINK', KEYS[1] .. aside, KEYS[2] .. aside, KEYS[3] .. aside)
	return 1
end
local time = call('TIME')
local moment = time[1] * 1000000 + time[2]
local now = string.format('%.0f', moment)
if what ~= 'replace' and call('ZCARD', KEYS[2]) > call('ZCOUNT', KEYS[3], '-inf', now) then
	return 0
end
if what == 'look' then
	return 1
end
local wanted = tonumber(ARGV[3])
if not is_whole(aside, wanted, 0) then
	return -1
end
local rev, epoch, top = load_state()
if top > 0 then
	check_history()
	if call('ZCARD', KEYS[2]) + wanted > tonumber(ARGV[4]) then
		return -2
	end
	for _, key in ipairs(call('ZRANGE', KEYS[2], 0, -1)) do
		local raw = call('HGET', KEYS[1], key) or error('HFCORRUPT', 0)
		local _, written = head_of(raw)
		keep(key, raw, written, epoch, top)
	end
	local last = math.max(rev, moment - 1)
	rev = last + wanted
	for i, key in ipairs(call('ZRANGE', KEYS[2] .. aside, 0, -1)) do -- maybe written meanwhile: its revision has to grow
		local raw = call('HGET', KEYS[1] .. aside, key)
		call('HSET', KEYS[1] .. aside, key,
			string.sub(raw, 1, 5) .. struct.pack('<I4i8', epoch, last + i) .. string.sub(raw, 18))
		call('ZADD', KEYS[8], epoch, key)
	end
end
take_place(aside)
if rev > 0 or epoch > 1 then
	save_state(rev, epoch, top)
end
tell(6, '', 0, moment)
return 1
