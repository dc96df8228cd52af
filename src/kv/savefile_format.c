/*
 * savefile_format.c - the bytes of a file: see savefile.h. Decides, no I/O, no allocation; nothing is believed before
 * it was compared with its bound.
 */
#include "base/crc32c.h"
#include "base/str.h"
#include "base/bytes.h"
#include "kv/savefile.h"

/* A transfer that takes it for text breaks the first eight bytes. */
static const uint8_t HEAD_MAGIC[8] = {0x8b, 'H', 'F', 'K', 'V', '\r', '\n', 0x1a};
static const uint8_t TRAILER_MAGIC[8] = {'H', 'F', 'K', 'V', 'E', 'N', 'D', '\n'};
#define BLOCK_TAG "BLCK"
#define FOOT_TAG "FOOT"

enum { INCREMENTAL = 1, STATE_KNOWN = 1 };
enum { DELETED = 1, HAS_METADATA = 2, HAS_EXPIRES = 4, HAS_UPDATED = 8 };
#define TIME_MAX_US INT64_C(253402300800000000) /* the year 10000 */

static void put_le16(uint8_t *at, unsigned number)
{
	at[0] = (uint8_t)number;
	at[1] = (uint8_t)(number >> 8);
}

static unsigned get_le16(const uint8_t *at)
{
	return at[0] | (unsigned)at[1] << 8;
}

/* ---- head ---- */

size_t savefile_head_encode(const struct hf_kv_file *about, uint8_t place[SAVEFILE_HEAD_MAX])
{
	size_t bytes = SAVEFILE_HEAD_FIXED + about->name_space.len + 4;
	memcpy(place, HEAD_MAGIC, sizeof(HEAD_MAGIC));
	put_le16(place + 8, HF_KV_FILE_VERSION);
	put_le16(place + 10, about->incremental ? INCREMENTAL : 0);
	put_le32(place + 12, (uint32_t)bytes);
	memcpy(place + 16, about->id.bytes, sizeof(about->id.bytes));
	memcpy(place + 32, about->parent.bytes, sizeof(about->parent.bytes));
	put_le64(place + 48, (uint64_t)about->created_us);
	put_le32(place + 56, (uint32_t)about->name_space.len);
	put_le32(place + 60, 0);
	if (about->name_space.len)
		memcpy(place + SAVEFILE_HEAD_FIXED, about->name_space.ptr, about->name_space.len);
	put_le32(place + bytes - 4, crc32c(0, place, bytes - 4));
	return bytes;
}

const char *savefile_head_length(const uint8_t *fixed, size_t *ret_bytes, unsigned *ret_version)
{
	uint32_t bytes = get_le32(fixed + 12);
	*ret_version = HF_KV_FILE_VERSION;
	if (memcmp(fixed, HEAD_MAGIC, sizeof(HEAD_MAGIC)) != 0)
		return "it is no checkpoint";
	*ret_version = get_le16(fixed + 8);
	if (*ret_version != HF_KV_FILE_VERSION)
		return "it is of another version";
	if (bytes < SAVEFILE_HEAD_FIXED + 4 || bytes > SAVEFILE_HEAD_MAX)
		return "the length of its head cannot be";
	*ret_bytes = bytes;
	return NULL;
}

const char *savefile_head_decode(const uint8_t *head, size_t bytes, struct hf_kv_file *ret_about)
{
	static const struct hf_uuid none;
	if (get_le32(head + bytes - 4) != crc32c(0, head, bytes - 4))
		return "the checksum of its head is wrong";
	struct hf_kv_file about = {
		.name_space = {(const char *)head + SAVEFILE_HEAD_FIXED, get_le32(head + 56)},
		.incremental = get_le16(head + 10) == INCREMENTAL,
		.created_us = (int64_t)get_le64(head + 48),
	};
	memcpy(about.id.bytes, head + 16, sizeof(about.id.bytes));
	memcpy(about.parent.bytes, head + 32, sizeof(about.parent.bytes));
	if (get_le16(head + 10) > INCREMENTAL || get_le32(head + 60) != 0)
		return "its head has flags that this version does not know";
	if (about.name_space.len != bytes - SAVEFILE_HEAD_FIXED - 4 || !str_is_utf8(about.name_space, NULL))
		return "the name in its head cannot be";
	if (about.created_us < 0 || about.created_us >= TIME_MAX_US)
		return "the time in its head cannot be";
	if (!about.incremental && memcmp(&about.parent, &none, sizeof(none)) != 0)
		return "it is a base and names a parent";
	*ret_about = about;
	return NULL;
}

/* ---- blocks ---- */

void savefile_block_encode(const struct savefile_block *block, uint8_t place[SAVEFILE_BLOCK_HEAD])
{
	memcpy(place, BLOCK_TAG, 4);
	put_le32(place + 4, block->entries);
	put_le32(place + 8, block->bytes);
	put_le32(place + 12, block->stored);
	put_le16(place + 16, block->first);
	put_le16(place + 18, block->last);
}

const char *savefile_block_decode(const uint8_t *head, struct savefile_block *ret_block)
{
	struct savefile_block block = {
		.entries = get_le32(head + 4),
		.bytes = get_le32(head + 8),
		.stored = get_le32(head + 12),
		.first = (uint16_t)get_le16(head + 16),
		.last = (uint16_t)get_le16(head + 18),
		.check = get_le32(head + 20),
	};
	uint32_t most = block.entries == 1 ? SAVEFILE_ENTRY_MAX : SAVEFILE_BLOCK_BYTES;
	if (memcmp(head, BLOCK_TAG, 4) != 0)
		return "there is neither a block nor the foot";
	if (block.entries == 0 || block.bytes > most || block.entries > block.bytes / 2 + 1)
		return "the size of a block cannot be";
	if (block.stored == 0 || block.stored > block.bytes)
		return "the size of a packed block cannot be";
	if (block.first > HF_KV_KEY_BYTES_MAX || block.last > HF_KV_KEY_BYTES_MAX)
		return "a key in the head of a block is too long";
	*ret_block = block;
	return NULL;
}

/* ---- entries ---- */

static uint8_t *put_varint(uint8_t *at, uint64_t number)
{
	for (; number >= 0x80; number >>= 7)
		*at++ = (uint8_t)(number | 0x80);
	*at++ = (uint8_t)number;
	return at;
}

static uint8_t *put_signed(uint8_t *at, int64_t number)
{
	return put_varint(at, (uint64_t)number << 1 ^ (uint64_t)(number >> 63));
}

static uint8_t *put_bytes(uint8_t *at, const void *bytes, size_t len)
{
	if (len)
		memcpy(at, bytes, len);
	return at + len;
}

size_t savefile_entry_encode(const struct hf_kv_entry *entry, int64_t *base_us, uint8_t *place)
{
	bool deleted = entry->rev == 0;
	unsigned flags = deleted ? DELETED
	                         : (entry->metadata.len ? HAS_METADATA : 0u) |
	                                   (entry->expires_us != HF_KV_NEVER ? HAS_EXPIRES : 0u) |
	                                   (entry->updated_us != entry->created_us ? HAS_UPDATED : 0u);
	uint8_t *at = place;
	*at++ = (uint8_t)flags;
	at = put_bytes(put_varint(at, entry->key.len), entry->key.ptr, entry->key.len);
	if (deleted)
		return (size_t)(at - place);
	at = put_varint(at, entry->value.len);
	if (flags & HAS_METADATA)
		at = put_varint(at, entry->metadata.len);
	at = put_signed(at, entry->created_us - *base_us);
	*base_us = entry->created_us;
	if (flags & HAS_UPDATED)
		at = put_signed(at, entry->updated_us - entry->created_us);
	if (flags & HAS_EXPIRES)
		at = put_signed(at, entry->expires_us - entry->created_us);
	at = put_bytes(at, entry->metadata.ptr, entry->metadata.len);
	at = put_bytes(at, entry->value.ptr, entry->value.len);
	return (size_t)(at - place);
}

/* What is left of the entries of a block. */
struct rest {
	const uint8_t *at, *end;
	const char *wrong; /* the first thing; what is read behind it is 0 */
};

static uint64_t take_varint(struct rest *rest, uint64_t most)
{
	uint64_t number = 0;
	for (unsigned shift = 0; rest->at < rest->end && shift < 64; shift += 7) {
		uint8_t byte = *rest->at++;
		number |= (uint64_t)(byte & 0x7f) << shift;
		if (byte & 0x80)
			continue;
		if (number <= most && !(shift == 63 && byte > 1))
			return number;
		break;
	}
	rest->wrong = rest->wrong ? rest->wrong : "a number in an entry cannot be";
	return 0;
}

static const uint8_t *take_bytes(struct rest *rest, size_t len)
{
	const uint8_t *at = rest->at;
	if (rest->wrong || len > (size_t)(rest->end - at)) {
		rest->wrong = rest->wrong ? rest->wrong : "an entry is longer than its block";
		return at;
	}
	rest->at += len;
	return at;
}

static int64_t take_time(struct rest *rest, int64_t base_us)
{
	uint64_t number = take_varint(rest, UINT64_MAX);
	int64_t time = 0, off = (int64_t)(number >> 1) ^ -(int64_t)(number & 1);
	bool fits = !__builtin_add_overflow(base_us, off, &time) && time >= 0 && time < TIME_MAX_US;
	if (!fits && !rest->wrong)
		rest->wrong = "a time in an entry cannot be";
	return fits ? time : 0;
}

static void take_entry(struct rest *rest, unsigned flags, int64_t base_us, struct hf_kv_entry *entry)
{
	entry->rev = 1;
	entry->value.len = take_varint(rest, HF_KV_VALUE_BYTES_MAX);
	if (flags & HAS_METADATA)
		entry->metadata.len = take_varint(rest, HF_KV_METADATA_BYTES);
	entry->created_us = entry->updated_us = take_time(rest, base_us);
	if (flags & HAS_UPDATED)
		entry->updated_us = take_time(rest, entry->created_us);
	if (flags & HAS_EXPIRES)
		entry->expires_us = take_time(rest, entry->created_us);
	bool empty = ((flags & HAS_METADATA) && entry->metadata.len == 0) ||
	             ((flags & HAS_EXPIRES) && entry->expires_us == HF_KV_NEVER);
	if (empty && !rest->wrong)
		rest->wrong = "an entry says that it has what it has not";
	if (flags & HAS_METADATA)
		entry->metadata.ptr = (const char *)take_bytes(rest, entry->metadata.len);
	entry->value.ptr = take_bytes(rest, entry->value.len);
}

const char *savefile_entry_decode(const uint8_t **at, const uint8_t *end, int64_t *base_us,
                                  struct hf_kv_entry *ret_entry)
{
	struct rest rest = {*at, end, NULL};
	struct hf_kv_entry entry = {.rev = 0};
	const uint8_t *flags = take_bytes(&rest, 1);
	if (rest.wrong)
		return "a block ends before its entries";
	if (*flags > 15 || ((*flags & DELETED) && *flags != DELETED))
		return "an entry has flags that this version does not know";
	entry.key.len = take_varint(&rest, HF_KV_KEY_BYTES_MAX);
	entry.key.ptr = take_bytes(&rest, entry.key.len);
	if (!rest.wrong && !(*flags & DELETED))
		take_entry(&rest, *flags, *base_us, &entry);
	if (rest.wrong)
		return rest.wrong;
	*at = rest.at;
	*base_us = entry.rev ? entry.created_us : *base_us;
	*ret_entry = entry;
	return NULL;
}

/* ---- foot ---- */

static void sums_encode(const struct hf_kv_sums *sums, uint8_t *rows, uint8_t *bytes, uint8_t *digest)
{
	put_le64(rows, sums->row_count);
	put_le64(bytes, sums->data_size);
	memcpy(digest, sums->digest.bytes, sizeof(sums->digest.bytes));
}

static void sums_decode(const uint8_t *rows, const uint8_t *bytes, const uint8_t *digest, struct hf_kv_sums *ret_sums)
{
	ret_sums->row_count = get_le64(rows);
	ret_sums->data_size = get_le64(bytes);
	memcpy(ret_sums->digest.bytes, digest, sizeof(ret_sums->digest.bytes));
}

void savefile_foot_encode(const struct hf_kv_file *about, uint8_t place[SAVEFILE_FOOT_FIXED])
{
	memcpy(place, FOOT_TAG, 4);
	put_le32(place + 4, (uint32_t)about->blocks);
	sums_encode(&about->puts, place + 8, place + 24, place + 32);
	put_le64(place + 16, about->deletes);
	put_le64(place + 64, about->counted ? STATE_KNOWN : 0);
	sums_encode(&about->state, place + 72, place + 80, place + 88);
}

const char *savefile_foot_decode(const uint8_t *foot, struct hf_kv_file *ret_about)
{
	if (memcmp(foot, FOOT_TAG, 4) != 0)
		return "there is no foot where the trailer says";
	if (get_le32(foot + 4) > SAVEFILE_BLOCKS_MAX)
		return "the number of its blocks cannot be";
	if (get_le64(foot + 64) > STATE_KNOWN)
		return "its foot has flags that this version does not know";
	ret_about->blocks = get_le32(foot + 4);
	sums_decode(foot + 8, foot + 24, foot + 32, &ret_about->puts);
	ret_about->deletes = get_le64(foot + 16);
	ret_about->counted = get_le64(foot + 64) == STATE_KNOWN;
	sums_decode(foot + 72, foot + 80, foot + 88, &ret_about->state);
	return NULL;
}

/* ---- trailer ---- */

void savefile_trailer_encode(const struct savefile_trailer *trailer, uint8_t place[SAVEFILE_TRAILER])
{
	put_le64(place, trailer->foot_offset);
	put_le32(place + 8, trailer->foot_bytes);
	put_le32(place + 12, crc32c(0, place, 12));
	memcpy(place + 16, TRAILER_MAGIC, sizeof(TRAILER_MAGIC));
}

const char *savefile_trailer_decode(const uint8_t *bytes, struct savefile_trailer *ret_trailer)
{
	if (memcmp(bytes + 16, TRAILER_MAGIC, sizeof(TRAILER_MAGIC)) != 0)
		return "it does not end as a checkpoint does: cut off, or something stands behind it";
	if (get_le32(bytes + 12) != crc32c(0, bytes, 12))
		return "the checksum of its trailer is wrong";
	ret_trailer->foot_offset = get_le64(bytes);
	ret_trailer->foot_bytes = get_le32(bytes + 8);
	return NULL;
}
