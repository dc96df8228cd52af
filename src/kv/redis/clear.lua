-- Empties a namespace at one moment; the memory is given back in the background. KEYS as everywhere: the
-- revision and the locks stay. ARGV: nothing, or of a lock that must be held its name, owner and fence.
-- Answers how many live entries there were, -1 when it is fenced.
-- include fence.lua
-- include tell.lua
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if #ARGV == 3 and not is_held(ARGV[1], ARGV[2], tonumber(ARGV[3]), now) then
	return -1
end
local live = redis.call('HLEN', KEYS[1]) - redis.call('ZCOUNT', KEYS[3], '-inf', string.format('%.0f', now))
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
tell(5, '', 0, now)
return live
