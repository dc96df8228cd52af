-- Included by the ends of loads and restores: what was put aside, `wanted` entries under KEYS with `aside` behind them, takes the
-- place of the namespace.
local function is_whole(aside, wanted)
	return redis.call('HLEN', KEYS[1] .. aside) == wanted and redis.call('ZCARD', KEYS[2] .. aside) == wanted
end
local function take_place(aside)
	redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
	for i = 1, 3 do
		if redis.call('EXISTS', KEYS[i] .. aside) == 1 then
			redis.call('RENAME', KEYS[i] .. aside, KEYS[i])
			redis.call('PERSIST', KEYS[i])
		end
	end
end
