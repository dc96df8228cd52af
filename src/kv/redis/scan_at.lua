-- A page of keys as of a checkpoint: of those that are there now and those that have images, in order. KEYS as everywhere;
-- ARGV: as `scan`, then the id.
-- Answers as `scan` does, with the key where the next page goes on behind the 1; nothing for an unknown id.
-- include state.lua
-- include version.lua
local reversed, low, high, limit, heads, enough = ARGV[1] == '1', ARGV[2], ARGV[3], tonumber(ARGV[4]),
	ARGV[5] == '1', tonumber(ARGV[6])
local epoch = tonumber(redis.call('ZSCORE', KEYS[10], ARGV[7]) or 0)
if epoch == 0 then
	return {}
end
local function range(key)
	if reversed then
		return redis.call('ZREVRANGEBYLEX', key, high, low, 'LIMIT', 0, limit)
	end
	return redis.call('ZRANGEBYLEX', key, low, high, 'LIMIT', 0, limit)
end
-- Bytes, whatever the locale says of letters. Below 0: a comes first.
local function order(a, b)
	for i = 1, math.min(#a, #b) do
		local one, other = string.byte(a, i), string.byte(b, i)
		if one ~= other then
			return reversed and other - one or one - other
		end
	end
	return reversed and #b - #a or #a - #b
end
local time = redis.call('TIME')
local present, past = range(KEYS[2]), range(KEYS[7])
local answer, n, bytes, i, j, last = {time[1], time[2], 0, ''}, 4, 0, 1, 1, ''
for visits = 1, limit do
	local a, b = present[i], past[j]
	if not a and not b then
		break
	end
	local by = a and b and order(a, b) or (a and -1 or 1)
	local key = by <= 0 and a or b
	i, j = by <= 0 and i + 1 or i, by >= 0 and j + 1 or j
	local raw = version_of(key, epoch)
	last = key
	if raw then
		if heads then
			raw = string.sub(raw, 1, HEAD_BYTES)
		end
		answer[n + 1], answer[n + 2] = key, raw
		n, bytes = n + 2, bytes + #key + #raw
	end
	if bytes >= enough or visits == limit then
		answer[3] = 1
		break
	end
end
answer[4] = last
return answer
