-- Included by what puts entries aside, under KEYS with `aside` behind them, and by the ends of loads and restores, where `wanted`
-- of them take the place of the namespace. They have a time to live, so that a server which evicts may take them: the moments
-- of expiry, whose number nobody knows, with a mark that is no key. Its score is how many steps `restore_aside` has taken:
-- a server that began anew may have forgotten some.
local MARK = '\255'
local function mark(aside)
	if redis.call('EXISTS', KEYS[1] .. aside) == 0 then
		redis.call('ZADD', KEYS[3] .. aside, 0, MARK)
	end
end
local function has_steps(aside, steps)
	local taken = redis.call('ZSCORE', KEYS[3] .. aside, MARK)
	if not taken then
		return steps == 0 and redis.call('EXISTS', KEYS[1] .. aside) == 0
	end
	return tonumber(taken) == steps
end
local function is_whole(aside, wanted, steps)
	return redis.call('HLEN', KEYS[1] .. aside) == wanted and redis.call('ZCARD', KEYS[2] .. aside) == wanted
		and has_steps(aside, steps)
end
local function take_place(aside)
	redis.call('ZREM', KEYS[3] .. aside, MARK)
	redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
	for i = 1, 3 do
		if redis.call('EXISTS', KEYS[i] .. aside) == 1 then
			redis.call('RENAME', KEYS[i] .. aside, KEYS[i])
			redis.call('PERSIST', KEYS[i])
		end
	end
end
