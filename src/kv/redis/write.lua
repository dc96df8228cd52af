-- Applies a batch, or one branch of a transaction, as a whole: every write is worked out on copies first; only when none
-- was refused are the keys written, the state before all others. That is the one command that a full server refuses,
-- and a script that has written is not refused afterwards: so nothing or everything.
--
-- KEYS: records, order, expiry, locks, images, untils, past, changed, points, epochs, feed, changes.
-- ARGV: a head <I4 compare, I4 writes of `then`, I4 its arguments, I4 writes of `otherwise`, I8 greatest value, I4 1 when
--   fenced, I4 values unpacked>, when fenced the lock's name, owner and fence, packed and plain values, then each write: <B operation, I2 flags, i8 ttl, i8 revision>, key, and where a flag says so value, metadata, value to
--   compare, when it was made.
-- A value may be packed, which nobody here can undo: what looks at one finds its plain value in ARGV, or asks for it.
-- Answers {3, '', packed values to unpack}, and nothing was done; else {1 held, 0 not held, 2 fenced, <B outcome, B existed, i8 revision> for each write, then sums and entries in order}.
-- include fence.lua
-- include state.lua
-- include history.lua
local call, pack, unpack, sub, band = redis.call, struct.pack, struct.unpack, string.sub, bit.band
local records, order, expiry = KEYS[1], KEYS[2], KEYS[3]
local PUT, DELETE, TOUCH, PERSIST, ADD, APPEND, READ = 1, 2, 3, 4, 5, 6, 7
local KEEP_TTL, KEEP_METADATA, NO_TTL, BEFORE, IF_ABSENT, IF_REV, IF_VALUE = 1, 2, 4, 8, 16, 64, 128
local CONDITIONS, MUST_EXIST, HAS_VALUE, HAS_METADATA, IS_PACKED, HAS_CREATED = 240, 224, 256, 512, 1024, 2048
local DONE, NO_ENTRY, EXISTS, ABSENT, CHANGED, NO_NUMBER, TOO_LONG = 1, 2, 3, 4, 5, 6, 7

local time = call('TIME')
local now = time[1] * 1000000 + time[2]
local compare, then_writes, then_args, else_writes, value_max, fenced, given = unpack('<I4I4I4I4I8I4I4', ARGV[1])
local at = 2
local stored_rev, epoch, top = load_state()
-- include tell.lua
local entries, touched, ntouched, last_rev = {}, {}, 0, nil
local plains, missing, nmissing = {}, {3, ''}, 2

-- The entry as it would be by now. raw: its record, false when it was changed since.
local function load(key)
	local raw = call('HGET', records, key)
	local entry = {key = key, raw = raw, stored = raw, live = false, touched = false, rev = 0, created = 0, updated = 0,
		expires = 0, was_expires = 0, was_live = false, was_rev = 0, written = 0, metadata_bytes = 0, metadata = false, value = false,
		packed = false} -- all at once: no growing
	if raw then
		local metadata, written, rev, created, updated, expires, packed = head_of(raw)
		entry.was_expires, entry.was_rev, entry.written, entry.packed = expires, rev, written, packed
		if expires == 0 or expires > now then
			entry.was_live = true
			entry.live, entry.rev, entry.created, entry.updated, entry.expires = true, rev, created, updated, expires
			entry.metadata_bytes = metadata
		end
	end
	entries[key] = entry
	return entry
end

local function metadata_of(entry)
	return entry.metadata or sub(entry.raw, HEAD_BYTES + 1, HEAD_BYTES + entry.metadata_bytes)
end

local function value_of(entry)
	return entry.value or sub(entry.raw, HEAD_BYTES + 1 + entry.metadata_bytes)
end

-- nil when it is packed and was not given; it is asked for then.
local function plain_of(entry)
	local value = value_of(entry)
	if not entry.packed then
		return value
	elseif plains[value] == nil then
		nmissing = nmissing + 1
		missing[nmissing] = value
		plains[value] = false
	end
	return plains[value] or nil
end

local function raw_of(entry)
	if not entry.raw then
		entry.raw = pack(HEAD, entry.packed and 4 or 3, #entry.metadata, epoch, entry.rev, entry.created, entry.updated, entry.expires)
			.. entry.metadata .. entry.value
		entry.metadata_bytes = #entry.metadata
	end
	return entry.raw
end

-- The time, or one more than the last: not given twice even where a crash forgets the last ones.
local function next_rev()
	if not last_rev then
		last_rev = math.max(stored_rev, now - 1)
	end
	last_rev = last_rev + 1
	return last_rev
end

local function touch(entry)
	if not entry.touched then
		entry.touched = true
		ntouched = ntouched + 1
		touched[ntouched] = entry
	end
end

-- Another expiry; the rest stays.
local function expire_at(entry, expires)
	entry.metadata, entry.value = metadata_of(entry), value_of(entry)
	entry.expires, entry.raw = expires, false
	touch(entry)
end

local function set(entry, value, packed, metadata, expires)
	if not entry.live then
		entry.live, entry.created = true, now
	end
	entry.rev, entry.updated, entry.expires = next_rev(), math.max(now, entry.created), expires
	entry.metadata, entry.value, entry.packed, entry.raw = metadata, value, packed, false
	touch(entry)
end

local function expires_of(entry, flags, ttl, keep)
	if keep and entry.live then
		return entry.expires
	elseif ttl == 0 or band(flags, NO_TTL) ~= 0 then
		return 0
	end
	return now + ttl
end

-- Numbers of 64 bits are sign * (high * 10^10 + low): Lua's own are exact to 53 bits only.
local function fits(sign, high, low)
	return high < 922337203 or (high == 922337203 and low <= (sign < 0 and 6854775808 or 6854775807))
end

-- nil for what is no decimal number of 64 bits.
local function number_of(text)
	local minus, digits = string.match(text, '^(-?)0*(%d-)$')
	if not digits or #digits > 19 or (digits == '' and sub(text, -1) ~= '0') then
		return nil
	end
	local sign = minus == '-' and -1 or 1
	local high, low = tonumber(sub(digits, 1, -11)) or 0, tonumber(sub(digits, -10)) or 0
	if not fits(sign, high, low) then
		return nil
	end
	return sign * high, sign * low
end

-- The sum as text, or nil when it leaves 64 bits.
local function sum_of(a, b)
	local high, low = number_of(a)
	local more_high, more_low = number_of(b)
	if not high then
		return nil
	end
	high, low = high + more_high, low + more_low
	local sign = (high < 0 or (high == 0 and low < 0)) and -1 or 1
	high, low = high * sign, low * sign
	if low < 0 then
		high, low = high - 1, low + 10000000000
	elseif low >= 10000000000 then
		high, low = high + 1, low - 10000000000
	end
	if not fits(sign, high, low) then
		return nil
	end
	local digits = high > 0 and string.format('%.0f%010.0f', high, low) or string.format('%.0f', low)
	return sign < 0 and '-' .. digits or digits
end

local function refusal(entry, flags, if_rev, if_value)
	if band(flags, IF_ABSENT) ~= 0 then
		return entry.live and EXISTS or nil
	elseif not entry.live then
		return band(flags, MUST_EXIST) ~= 0 and ABSENT or nil
	elseif band(flags, IF_REV) ~= 0 and entry.rev ~= if_rev then
		return CHANGED
	elseif band(flags, IF_VALUE) ~= 0 and (plain_of(entry) or if_value) ~= if_value then
		return CHANGED
	end
end

local function write(entry, op, flags, ttl, value, metadata, created)
	if op == PUT then
		local keep = entry.live and band(flags, KEEP_METADATA) ~= 0
		set(entry, value, band(flags, IS_PACKED) ~= 0, keep and metadata_of(entry) or metadata or '',
			expires_of(entry, flags, ttl, band(flags, KEEP_TTL) ~= 0))
		entry.created = created and math.min(created, now) or entry.created
		return DONE
	elseif op == ADD then
		local sum = sum_of(entry.live and (plain_of(entry) or '0') or '0', value)
		if not sum then
			return NO_NUMBER
		end
		set(entry, sum, false, entry.live and metadata_of(entry) or '', expires_of(entry, flags, ttl, true))
		return DONE, sum
	elseif op == APPEND then
		local old = entry.live and plain_of(entry) or ''
		if #old + #value > value_max then
			return TOO_LONG
		end
		set(entry, old .. value, false, entry.live and metadata_of(entry) or '', expires_of(entry, flags, ttl, true))
		return DONE
	elseif op == DELETE then
		local was = entry.live
		entry.live = false
		if entry.stored or was then
			touch(entry)
		end
		return was and DONE or NO_ENTRY
	elseif not entry.live then
		return NO_ENTRY
	elseif op == TOUCH then
		expire_at(entry, now + ttl)
	elseif op == PERSIST and entry.expires ~= 0 then
		expire_at(entry, 0)
	end
	return DONE
end

-- The next write of ARGV. Returns its outcome, whether there was an entry, its revision now, a sum, the entry before.
local function step()
	local op, flags, ttl, if_rev = unpack('<BI2i8i8', ARGV[at])
	local key, value, metadata, if_value, created = ARGV[at + 1], nil, nil, nil, nil
	at = at + 2
	if band(flags, HAS_VALUE) ~= 0 then
		value, at = ARGV[at], at + 1
	end
	if band(flags, HAS_METADATA) ~= 0 then
		metadata, at = ARGV[at], at + 1
	end
	if band(flags, IF_VALUE) ~= 0 then
		if_value, at = ARGV[at], at + 1
	end
	if band(flags, HAS_CREATED) ~= 0 then
		created, at = tonumber(ARGV[at]), at + 1
	end
	local entry = entries[key] or load(key)
	local existed, before, outcome, sum = entry.live, nil, nil, nil
	if band(flags, BEFORE) ~= 0 then
		before = existed and raw_of(entry)
	end
	if band(flags, CONDITIONS) ~= 0 then
		outcome = refusal(entry, flags, if_rev, if_value)
	end
	if not outcome then
		outcome, sum = write(entry, op, flags, ttl, value, metadata, created)
	end
	return outcome, existed, entry.live and entry.rev or 0, sum, before
end

if fenced == 1 then
	if not is_held(ARGV[2], ARGV[3], tonumber(ARGV[4]), now) then
		return {2, ''}
	end
	at = 5
end
for _ = 1, given do
	plains[ARGV[at]] = ARGV[at + 1]
	at = at + 2
end
local held = true
for _ = 1, compare do
	if step() >= EXISTS then
		held = false
	end
end
if nmissing > 2 then
	return missing
end
local writes = then_writes
if not held then
	at, writes = at + then_args, else_writes
end
local refused, results, answer, n = false, {}, {held and 1 or 0, ''}, 2
for i = 1, writes do
	local outcome, existed, rev, sum, before = step()
	results[i] = pack('<BBi8', outcome, existed and 1 or 0, rev)
	refused = refused or outcome >= EXISTS
	if sum then
		n = n + 1
		answer[n] = sum
	end
	if before ~= nil then
		n = n + 1
		answer[n] = before
	end
end
if nmissing > 2 then
	return missing
end
answer[2] = table.concat(results)
if refused or ntouched == 0 then
	return answer
end

-- From here on only what cannot be refused.
call('ZCARD', order)
call('ZCARD', expiry)
if top > 0 then
	check_history()
end
if last_rev then
	unfed = fed and '' or '\0'
	save_state(last_rev, epoch, top)
end
for i = 1, ntouched do
	local entry = touched[i]
	local key, expires, was = entry.key, 0, entry.was_expires
	keep(key, entry.stored, entry.written, epoch, top)
	if entry.live then
		expires = entry.expires
		call('HSET', records, key, raw_of(entry))
		if not entry.stored then
			call('ZADD', order, 0, key)
		end
		tell(entry.was_live and entry.rev == entry.was_rev and 2 or 1, key, entry.rev, now)
	elseif entry.stored then
		call('HDEL', records, key)
		call('ZREM', order, key)
		tell(entry.was_live and 3 or 4, key, entry.was_rev, now)
	end
	if expires ~= was then
		if expires == 0 then
			call('ZREM', expiry, key)
		else
			call('ZADD', expiry, string.format('%.0f', expires), key)
		end
	end
end
return answer
