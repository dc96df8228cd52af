/*
 * savefile_read.c - reading a file: see savefile.h.
 *
 * From the first byte to the last, once: a pipe will do. Of a file the trailer is looked at first, so that one that was
 * cut off is refused at once. A length is compared with its bound, and with what is left of a file, before anything is
 * allocated for it; a block is unpacked when its checksum was right; an entry is told when its block was.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "core/key_range.h"
#include "base/bytes.h"
#include "kv/savefile.h"

enum { STEP_BYTES = 1 << 20 };

/* Bytes that grow as they arrive. */
struct room {
	uint8_t *ptr;
	size_t room;
};

struct savefile_reader {
	int fd;
	bool owns_fd;
	bool ended; /* HF_STOP was told */
	char *path; /* owned */
	uint64_t offset;
	uint64_t size;        /* of a file; UINT64_MAX = unknown */
	uint64_t foot_offset; /* by the trailer of a file; UINT64_MAX = unknown */
	struct hf_kv_file about;
	char name[HF_KV_NAMESPACE_BYTES];
	struct kv_sums puts;
	uint64_t deletes, blocks;
	uint32_t index_check; /* of what the index has to be */
	EVP_MD_CTX *sha;      /* owned, as is what follows */
	ZSTD_DCtx *zstd;
	struct room head, stored, block;
	uint64_t block_offset;
	const uint8_t *at, *end;     /* what is left of the block */
	uint32_t left;               /* entries of it */
	int64_t base_us;             /* when the entry before was created */
	struct hf_bytes first, last; /* of the block, in `head` */
	uint8_t before[HF_KV_KEY_BYTES_MAX];
	size_t before_len;
	bool has_before;
};

/* ---- what is wrong ---- */

static COLD enum hf_status corrupt(const struct savefile_reader *reader, uint64_t offset, const char *what,
                                   hf_error *err)
{
	error_set(err, HF_E_CORRUPT, "%s: %s (at byte %" PRIu64 ")", reader->path, what, offset);
	error_hint(err, "nothing was taken from it; an older file may be whole: holdfast kv checkpoint verify FILE");
	return HF_E_CORRUPT;
}

static COLD enum hf_status cut_off(const struct savefile_reader *reader, hf_error *err)
{
	return corrupt(reader, reader->offset, "it ends in the middle: cut off", err);
}

/* ---- bytes in ---- */

static enum hf_status read_all(struct savefile_reader *reader, uint8_t *place, size_t len, hf_error *err)
{
	while (len > 0) {
		ssize_t n = read(reader->fd, place, len);
		if (n < 0 && errno != EINTR)
			return error_errno(err, HF_E_FAILED, "could not read %s", reader->path);
		if (n == 0)
			return cut_off(reader, err);
		if (n < 0)
			continue;
		place += n;
		len -= (size_t)n;
		reader->offset += (uint64_t)n;
	}
	return HF_OK;
}

static enum hf_status take_in(struct savefile_reader *reader, uint8_t *place, size_t len, hf_error *err)
{
	enum hf_status status = read_all(reader, place, len, err);
	if (status == HF_OK && EVP_DigestUpdate(reader->sha, place, len) != 1)
		return error_nomem(err);
	return status;
}

static enum hf_status room_for(struct room *room, size_t wanted, hf_error *err)
{
	if (wanted <= room->room)
		return HF_OK;
	uint8_t *grown = realloc(room->ptr, wanted);
	if (!grown)
		return error_nomem(err);
	*room = (struct room){grown, wanted};
	return HF_OK;
}

/* No more memory than bytes came, but for one step. */
static enum hf_status take_into(struct savefile_reader *reader, struct room *room, size_t len, hf_error *err)
{
	enum hf_status status = HF_OK;
	if (reader->size != UINT64_MAX && len > reader->size - reader->offset)
		return cut_off(reader, err);
	for (size_t got = 0; status == HF_OK && got < len;) {
		size_t step = len - got < STEP_BYTES + got ? len - got : STEP_BYTES + got;
		status = room_for(room, got + step, err);
		if (status == HF_OK)
			status = take_in(reader, room->ptr + got, step, err);
		got += step;
	}
	return status;
}

/* ---- opening ---- */

/* Of a file: that it has its end. */
static enum hf_status look_at_end(struct savefile_reader *reader, hf_error *err)
{
	uint8_t bytes[SAVEFILE_TRAILER];
	struct savefile_trailer trailer;
	if (reader->size < SAVEFILE_HEAD_FIXED + SAVEFILE_TRAILER)
		return corrupt(reader, reader->size, "it is too short for a checkpoint: cut off", err);
	uint64_t at = reader->size - SAVEFILE_TRAILER;
	ssize_t n = pread(reader->fd, bytes, sizeof(bytes), (off_t)at);
	if (n < 0)
		return error_errno(err, HF_E_FAILED, "could not read %s", reader->path);
	const char *wrong = n != sizeof(bytes) ? "it became shorter" : savefile_trailer_decode(bytes, &trailer);
	if (!wrong && (trailer.foot_offset > at || trailer.foot_bytes != at - trailer.foot_offset))
		wrong = "its trailer points elsewhere";
	if (wrong)
		return corrupt(reader, at, wrong, err);
	reader->foot_offset = trailer.foot_offset;
	return HF_OK;
}

static COLD enum hf_status not_ours(const struct savefile_reader *reader, unsigned version, const char *wrong,
                                    hf_error *err)
{
	if (version <= HF_KV_FILE_VERSION)
		return corrupt(reader, 0, wrong, err);
	error_set(err, HF_E_UNSUPPORTED, "%s is of version %u: this program reads version %d", reader->path, version,
	          HF_KV_FILE_VERSION);
	error_hint(err, "a later holdfast reads it");
	return HF_E_UNSUPPORTED;
}

static enum hf_status read_head(struct savefile_reader *reader, hf_error *err)
{
	size_t bytes = 0;
	unsigned version;
	enum hf_status status = room_for(&reader->head, SAVEFILE_HEAD_MAX, err);
	if (status == HF_OK)
		status = take_in(reader, reader->head.ptr, SAVEFILE_HEAD_FIXED, err);
	if (status != HF_OK)
		return status;
	const char *wrong = savefile_head_length(reader->head.ptr, &bytes, &version);
	if (wrong)
		return not_ours(reader, version, wrong, err);
	if (reader->size != UINT64_MAX)
		status = look_at_end(reader, err);
	if (status == HF_OK)
		status = take_in(reader, reader->head.ptr + SAVEFILE_HEAD_FIXED, bytes - SAVEFILE_HEAD_FIXED, err);
	if (status != HF_OK)
		return status;
	wrong = savefile_head_decode(reader->head.ptr, bytes, &reader->about);
	if (wrong)
		return corrupt(reader, 0, wrong, err);
	memcpy(reader->name, reader->about.name_space.ptr, reader->about.name_space.len);
	reader->about.name_space.ptr = reader->name;
	return HF_OK;
}

static enum hf_status reader_new(const char *path, struct savefile_reader **ret_reader, hf_error *err)
{
	CLEANUP(savefile_reader_freep) struct savefile_reader *reader = calloc(1, sizeof(*reader));
	if (!reader)
		return error_nomem(err);
	reader->fd = -1;
	reader->size = reader->foot_offset = UINT64_MAX;
	reader->path = strdup(path);
	reader->sha = EVP_MD_CTX_new();
	reader->zstd = ZSTD_createDCtx();
	if (!reader->path || !reader->sha || !reader->zstd || EVP_DigestInit_ex(reader->sha, EVP_sha256(), NULL) != 1)
		return error_nomem(err);
	*ret_reader = savefile_reader_take(&reader);
	return HF_OK;
}

static enum hf_status open_place(struct savefile_reader *reader, const char *path, hf_error *err)
{
	struct stat about;
	if (strcmp(path, "-") == 0) {
		reader->fd = STDIN_FILENO;
		return HF_OK;
	}
	reader->fd = open(path, O_RDONLY | O_CLOEXEC);
	reader->owns_fd = true;
	if (reader->fd < 0)
		return error_errno(err, errno == ENOENT ? HF_NOT_FOUND : HF_E_FAILED, "could not open %s", path);
	if (fstat(reader->fd, &about) != 0)
		return error_errno(err, HF_E_FAILED, "could not read %s", path);
	if (S_ISREG(about.st_mode))
		reader->size = (uint64_t)about.st_size;
	return HF_OK;
}

enum hf_status savefile_open(const char *path, struct savefile_reader **ret_reader, hf_error *err)
{
	CLEANUP(savefile_reader_freep) struct savefile_reader *reader = NULL;
	enum hf_status status = reader_new(strcmp(path, "-") == 0 ? "standard input" : path, &reader, err);
	if (status == HF_OK)
		status = open_place(reader, path, err);
	if (status == HF_OK)
		status = read_head(reader, err);
	if (status == HF_OK)
		*ret_reader = savefile_reader_take(&reader);
	return status;
}

enum hf_status savefile_open_fd(int fd, uint64_t bytes, struct savefile_reader **ret_reader, hf_error *err)
{
	CLEANUP(savefile_reader_freep) struct savefile_reader *reader = NULL;
	enum hf_status status = reader_new("a copy", &reader, err);
	if (status != HF_OK)
		return status;
	reader->fd = fd;
	reader->size = bytes;
	status = read_head(reader, err);
	if (status == HF_OK)
		*ret_reader = savefile_reader_take(&reader);
	return status;
}

/* ---- blocks ---- */

static void note_index(struct savefile_reader *reader, const struct savefile_block *block)
{
	uint8_t entry[SAVEFILE_INDEX_BYTES];
	put_le64(entry, reader->block_offset);
	put_le32(entry + 8, block->entries);
	put_le32(entry + 12, (uint32_t)(reader->offset - reader->block_offset));
	reader->index_check = crc32c(reader->index_check, entry, sizeof(entry));
	reader->blocks++;
}

static enum hf_status unpack(struct savefile_reader *reader, const struct savefile_block *block, hf_error *err)
{
	reader->at = reader->stored.ptr;
	reader->end = reader->at + block->stored;
	if (block->stored == block->bytes)
		return HF_OK;
	enum hf_status status = room_for(&reader->block, block->bytes, err);
	if (status != HF_OK)
		return status;
	size_t got = ZSTD_decompressDCtx(reader->zstd, reader->block.ptr, block->bytes, reader->at, block->stored);
	if (got != block->bytes)
		return corrupt(reader, reader->block_offset, "a block cannot be unpacked", err);
	reader->at = reader->block.ptr;
	reader->end = reader->at + got;
	return HF_OK;
}

/* The keys in its head, and what is stored. */
static enum hf_status read_block(struct savefile_reader *reader, const uint8_t *head, hf_error *err)
{
	struct savefile_block block;
	const char *wrong = savefile_block_decode(head, &block);
	if (wrong)
		return corrupt(reader, reader->block_offset, wrong, err);
	size_t keys = (size_t)block.first + block.last;
	enum hf_status status = take_into(reader, &reader->head, keys, err);
	if (status == HF_OK)
		status = take_into(reader, &reader->stored, block.stored, err);
	if (status != HF_OK)
		return status;
	uint32_t check = crc32c(crc32c(0, head, 20), reader->head.ptr, keys);
	if (crc32c(check, reader->stored.ptr, block.stored) != block.check)
		return corrupt(reader, reader->block_offset, "the checksum of a block is wrong", err);
	note_index(reader, &block);
	reader->first = (struct hf_bytes){reader->head.ptr, block.first};
	reader->last = (struct hf_bytes){reader->head.ptr + block.first, block.last};
	reader->left = block.entries;
	reader->base_us = 0;
	return unpack(reader, &block, err);
}

/* ---- the end ---- */

static const char *check_foot(const struct savefile_reader *reader)
{
	const struct hf_kv_file *about = &reader->about;
	if (about->blocks != reader->blocks || about->deletes != reader->deletes ||
	    !kv_sums_same(&about->puts, &reader->puts))
		return "its foot counts other entries than there are";
	if (!about->incremental && !(about->counted && about->state.row_count == about->puts.row_count &&
	                             memcmp(&about->state, &about->puts, sizeof(about->puts)) == 0))
		return "its foot tells another state than there is";
	return NULL;
}

/* The index is not kept: it was made anew on the way. */
static enum hf_status read_index(struct savefile_reader *reader, uint32_t *check, hf_error *err)
{
	uint8_t bytes[256 * SAVEFILE_INDEX_BYTES];
	uint32_t index = 0;
	uint64_t left = reader->about.blocks * SAVEFILE_INDEX_BYTES;
	while (left > 0) {
		size_t step = left < sizeof(bytes) ? (size_t)left : sizeof(bytes);
		enum hf_status status = take_in(reader, bytes, step, err);
		if (status != HF_OK)
			return status;
		index = crc32c(index, bytes, step);
		*check = crc32c(*check, bytes, step);
		left -= step;
	}
	if (index != reader->index_check)
		return corrupt(reader, reader->block_offset, "its index names other blocks than there are", err);
	return HF_OK;
}

static enum hf_status read_sha(struct savefile_reader *reader, uint32_t check, hf_error *err)
{
	uint8_t end[SAVEFILE_FOOT_END], sha[EVP_MAX_MD_SIZE];
	if (EVP_DigestFinal_ex(reader->sha, sha, NULL) != 1)
		return error_nomem(err);
	enum hf_status status = read_all(reader, end, sizeof(end), err);
	if (status != HF_OK)
		return status;
	if (crc32c(check, end, 32) != get_le32(end + 32))
		return corrupt(reader, reader->block_offset, "the checksum of its foot is wrong", err);
	if (memcmp(end, sha, 32) != 0)
		return corrupt(reader, reader->block_offset, "its SHA-256 is wrong", err);
	return HF_OK;
}

static enum hf_status read_trailer(struct savefile_reader *reader, hf_error *err)
{
	uint8_t bytes[SAVEFILE_TRAILER], more;
	struct savefile_trailer trailer;
	uint64_t at = reader->offset;
	enum hf_status status = read_all(reader, bytes, sizeof(bytes), err);
	if (status != HF_OK)
		return status;
	const char *wrong = savefile_trailer_decode(bytes, &trailer);
	if (!wrong && (trailer.foot_offset != reader->block_offset || trailer.foot_bytes != at - reader->block_offset))
		wrong = "its trailer points elsewhere";
	if (!wrong && read(reader->fd, &more, 1) > 0)
		wrong = "something stands behind it";
	if (wrong)
		return corrupt(reader, at, wrong, err);
	reader->about.bytes = reader->offset;
	reader->ended = true;
	return HF_STOP;
}

/* @param tag the first bytes of it. */
static enum hf_status read_foot(struct savefile_reader *reader, const uint8_t *tag, hf_error *err)
{
	uint8_t foot[SAVEFILE_FOOT_FIXED];
	memcpy(foot, tag, SAVEFILE_BLOCK_HEAD);
	enum hf_status status = take_in(reader, foot + SAVEFILE_BLOCK_HEAD, sizeof(foot) - SAVEFILE_BLOCK_HEAD, err);
	if (status != HF_OK)
		return status;
	uint32_t check = crc32c(0, foot, sizeof(foot));
	const char *wrong = savefile_foot_decode(foot, &reader->about);
	if (!wrong && reader->about.blocks != reader->blocks)
		wrong = "its foot counts other blocks than there are";
	if (wrong)
		return corrupt(reader, reader->block_offset, wrong, err);
	status = read_index(reader, &check, err);
	if (status == HF_OK)
		status = read_sha(reader, check, err);
	wrong = check_foot(reader);
	if (status == HF_OK && wrong)
		return corrupt(reader, reader->block_offset, wrong, err);
	return status == HF_OK ? read_trailer(reader, err) : status;
}

/* ---- entries ---- */

/* HF_OK a block; HF_STOP the end. */
static enum hf_status next_block(struct savefile_reader *reader, hf_error *err)
{
	uint8_t head[SAVEFILE_BLOCK_HEAD];
	if (reader->at != reader->end)
		return corrupt(reader, reader->block_offset, "a block has more than its entries", err);
	reader->block_offset = reader->offset;
	enum hf_status status = take_in(reader, head, sizeof(head), err);
	if (status != HF_OK)
		return status;
	return memcmp(head, "FOOT", 4) == 0 ? read_foot(reader, head, err) : read_block(reader, head, err);
}

static const char *check_entry(struct savefile_reader *reader, const struct hf_kv_entry *entry, bool is_first)
{
	if (reader->has_before && key_compare((struct hf_bytes){reader->before, reader->before_len}, entry->key) >= 0)
		return "its keys are not in order";
	if (is_first && key_compare(reader->first, entry->key) != 0)
		return "a block begins with another key than its head says";
	if (reader->left == 0 && key_compare(reader->last, entry->key) != 0)
		return "a block ends with another key than its head says";
	if (entry->rev == 0 && !reader->about.incremental)
		return "it is a base and deletes a key";
	return NULL;
}

static void note_entry(struct savefile_reader *reader, const struct hf_kv_entry *entry)
{
	if (entry->key.len)
		memcpy(reader->before, entry->key.ptr, entry->key.len);
	reader->before_len = entry->key.len;
	reader->has_before = true;
	if (entry->rev)
		kv_sums_add(&reader->puts, entry);
	else
		reader->deletes++;
}

enum hf_status savefile_next(struct savefile_reader *reader, struct hf_kv_entry *ret_entry, hf_error *err)
{
	bool is_first = reader->left == 0;
	enum hf_status status = reader->ended ? HF_STOP : is_first ? next_block(reader, err) : HF_OK;
	if (status != HF_OK)
		return status;
	struct hf_kv_entry entry;
	const char *wrong = savefile_entry_decode(&reader->at, reader->end, &reader->base_us, &entry);
	reader->left--;
	if (!wrong)
		wrong = check_entry(reader, &entry, is_first);
	if (wrong)
		return corrupt(reader, reader->block_offset, wrong, err);
	note_entry(reader, &entry);
	*ret_entry = entry;
	return HF_OK;
}

const struct hf_kv_file *savefile_about(const struct savefile_reader *reader)
{
	return &reader->about;
}

const char *savefile_path(const struct savefile_reader *reader)
{
	return reader->path;
}

void savefile_reader_free(struct savefile_reader *reader)
{
	if (reader->owns_fd && reader->fd >= 0)
		(void)close(reader->fd);
	free(reader->path);
	free(reader->head.ptr);
	free(reader->stored.ptr);
	free(reader->block.ptr);
	EVP_MD_CTX_free(reader->sha);
	ZSTD_freeDCtx(reader->zstd);
	free(reader);
}
