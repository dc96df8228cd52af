-- What the script `load` put aside takes the place of the namespace, at one moment; revision and locks stay.
-- KEYS as everywhere. ARGV: what tells this load from others, then "look" (is it empty?), "drop", or "keep" or "replace" and
-- how many entries there have to be. Answers 1; 0 there are live entries and they are to stay; -1 what was put aside is gone.
-- include tell.lua
local call, aside, what = redis.call, ':load:' .. ARGV[1], ARGV[2]
if what == 'drop' then
	call('UNLINK', KEYS[1] .. aside, KEYS[2] .. aside, KEYS[3] .. aside)
	return 1
end
local time = call('TIME')
local moment = time[1] * 1000000 + time[2]
local now = string.format('%.0f', moment)
if what ~= 'replace' and call('HLEN', KEYS[1]) > call('ZCOUNT', KEYS[3], '-inf', now) then
	return 0
end
if what == 'look' then
	return 1
end
if call('HLEN', KEYS[1] .. aside) ~= tonumber(ARGV[3]) then
	return -1
end
call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
for i = 1, 3 do
	if call('EXISTS', KEYS[i] .. aside) == 1 then
		call('RENAME', KEYS[i] .. aside, KEYS[i])
		call('PERSIST', KEYS[i])
	end
end
tell(6, '', 0, moment)
return 1
