-- The feed of a namespace. KEYS as everywhere; ARGV: "on", microseconds and how many to keep; "off"; "show"; or "read", the
-- number behind which to begin (-1: at the end) and how many at most.
-- Numbers go on where they were when it was turned off, and one is left out: so who was there before is told.
-- Answers nothing when there is no feed; to "show" {kept for, how many, since, how many there are}; to "read" {the last
-- number, the first that is kept, then number and change by turns}; else 1.
local call, feed, changes, what = redis.call, KEYS[11], KEYS[12], ARGV[1]
local on = call('HEXISTS', feed, 'most') == 1
if what == 'on' then
	if not on then
		local time = call('TIME')
		call('HINCRBY', feed, 'last', 1)
		call('HSET', feed, 'since', string.format('%.0f', time[1] * 1000000 + time[2]))
		local state = call('HGET', KEYS[1], '\255')
		if state then
			call('HSET', KEYS[1], '\255', string.sub(state, 1, 16))
		end
	end
	call('HSET', feed, 'keep', ARGV[2])
	call('HSET', feed, 'most', ARGV[3])
	return 1
elseif not on then
	return false
elseif what == 'off' then
	call('HDEL', feed, 'keep', 'most', 'since')
	call('DEL', changes)
	return 1
elseif what == 'show' then
	local kept = call('HMGET', feed, 'keep', 'most', 'since')
	return {kept[1], kept[2], kept[3], call('XLEN', changes)}
end
local answer, last = {}, call('HGET', feed, 'last')
local first = call('XRANGE', changes, '-', '+', 'COUNT', 1)[1]
answer[1], answer[2] = last, first and first[1] or string.format('%.0f-0', last + 1)
if ARGV[2] ~= '-1' then
	local rows = call('XRANGE', changes, string.format('%.0f-0', ARGV[2] + 1), '+', 'COUNT', ARGV[3])
	for i = 1, #rows do
		answer[2 * i + 1], answer[2 * i + 2] = rows[i][1], rows[i][2][2]
	end
end
return answer
