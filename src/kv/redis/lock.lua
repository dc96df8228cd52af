-- Leases. KEYS as everywhere; ARGV: "take" or "renew", name, owner, microseconds of the lease, and to renew the fence.
-- A lock is <i8 fence, i8 acquired, i8 expires, owner> under its name, and stays when it was released: fences only grow. Like
-- revisions they are the time or one more than the last, so that they grow across what a server lost.
-- Answers {1 or 0 when another holds it or it is not held so, fence, acquired, expires, owner}.
-- include fence.lua
local what, name, owner, ttl = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local fence, acquired, expires, holder = 0, 0, 0, ''
local raw = redis.call('HGET', KEYS[4], name)
if raw then
	if #raw < 24 then
		error('HFCORRUPT', 0)
	end
	fence, acquired, expires = struct.unpack('<i8i8i8', raw)
	holder = string.sub(raw, 25)
end
local refused
if what == 'take' then
	refused = expires > now and holder ~= owner
else
	refused = not is_held(name, owner, tonumber(ARGV[5]), now)
end
if refused then
	return {0, fence, acquired, expires, holder}
end
if expires <= now then
	fence, acquired = math.max(fence + 1, now), now
end
expires = now + ttl
redis.call('HSET', KEYS[4], name, struct.pack('<i8i8i8', fence, acquired, expires) .. owner)
return {1, fence, acquired, expires, owner}
