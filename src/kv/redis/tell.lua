-- Included by what writes: a change for the feed, if there is one, which is looked for unless the state, where it was loaded,
-- says that there is none. Kept are about as many as it keeps; sweeping is exact.
local fed = unfed == '' and redis.call('HGET', KEYS[#KEYS - 1], 'most')
if fed then
	redis.call('XLEN', KEYS[#KEYS]) -- another's key is refused before anything is written
end
local function tell(kind, key, rev, now)
	if fed then
		local number = redis.call('HINCRBY', KEYS[#KEYS - 1], 'last', 1)
		redis.call('XADD', KEYS[#KEYS], 'MAXLEN', '~', fed, string.format('%.0f-0', number), 'c',
			struct.pack('<Bi8i8', kind, rev, now) .. key)
	end
end
