/*
 * savefile_write.c - writing a file: see savefile.h.
 *
 * Entries gather in a block; a full one is packed, summed up and written. The file is made beside its place under a
 * name of its own, made durable, and renamed: under `path` stands what stood there before, or all of it. What the index
 * needs is kept until the end, 16 bytes a block.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/bytes.h"
#include "kv/savefile.h"

enum { LEVEL = 1, NAME_TRIES = 20, HEAD_ROOM = SAVEFILE_BLOCK_HEAD + 2 * HF_KV_KEY_BYTES_MAX };

struct kept_key {
	size_t len;
	uint8_t bytes[HF_KV_KEY_BYTES_MAX];
};

struct savefile_writer {
	int fd;
	bool owns_fd, is_file;
	char *path;   /* owned; for messages too */
	char *beside; /* owned; NULL = the file has its name, or none */
	struct hf_kv_file about;
	char name[HF_KV_NAMESPACE_BYTES];
	uint64_t offset;
	struct kv_sums puts;
	EVP_MD_CTX *sha; /* owned, as is what follows */
	ZSTD_CCtx *zstd;
	uint8_t *block, *packed, *index;
	size_t room, packed_room, index_room;
	size_t bytes;    /* of the block so far */
	int64_t base_us; /* when its last entry was created */
	uint32_t entries;
	struct kept_key first, last;
};

static COLD enum hf_status failed(const struct savefile_writer *writer, const char *what, hf_error *err)
{
	return error_errno(err, HF_E_FAILED, "could not %s %s", what, writer->path);
}

/* ---- bytes out ---- */

static enum hf_status write_all(struct savefile_writer *writer, const void *bytes, size_t len, hf_error *err)
{
	const uint8_t *at = bytes;
	writer->offset += len;
	while (len > 0) {
		ssize_t n = write(writer->fd, at, len);
		if (n < 0 && errno != EINTR)
			return failed(writer, "write", err);
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return HF_OK;
}

static enum hf_status put_out(struct savefile_writer *writer, const void *bytes, size_t len, hf_error *err)
{
	if (EVP_DigestUpdate(writer->sha, bytes, len) != 1)
		return error_nomem(err);
	return write_all(writer, bytes, len, err);
}

static enum hf_status grow(uint8_t **place, size_t *room, size_t wanted, hf_error *err)
{
	if (wanted <= *room)
		return HF_OK;
	uint8_t *grown = realloc(*place, wanted);
	if (!grown)
		return error_nomem(err);
	*place = grown;
	*room = wanted;
	return HF_OK;
}

/* ---- blocks ---- */

static enum hf_status note_block(struct savefile_writer *writer, const struct savefile_block *block, size_t bytes,
                                 hf_error *err)
{
	size_t used = writer->about.blocks * SAVEFILE_INDEX_BYTES;
	size_t room = writer->index_room ? writer->index_room * 2 : (size_t)256 * SAVEFILE_INDEX_BYTES;
	if (writer->about.blocks == SAVEFILE_BLOCKS_MAX)
		return error_set(err, HF_E_LIMIT, "could not write %s: more than %d blocks", writer->path,
		                 SAVEFILE_BLOCKS_MAX);
	enum hf_status status = HF_OK;
	if (used == writer->index_room)
		status = grow(&writer->index, &writer->index_room, room, err);
	if (status != HF_OK)
		return status;
	put_le64(writer->index + used, writer->offset);
	put_le32(writer->index + used + 8, block->entries);
	put_le32(writer->index + used + 12, (uint32_t)bytes);
	writer->about.blocks++;
	return HF_OK;
}

/* Packed where that makes it shorter. */
static enum hf_status pack(struct savefile_writer *writer, const uint8_t **ret_stored, size_t *ret_bytes, hf_error *err)
{
	enum hf_status status = grow(&writer->packed, &writer->packed_room, ZSTD_compressBound(writer->bytes), err);
	if (status != HF_OK)
		return status;
	size_t packed = ZSTD_compress2(writer->zstd, writer->packed, writer->packed_room, writer->block, writer->bytes);
	if (ZSTD_isError(packed))
		return error_set(err, HF_E_NOMEM, "could not pack a block: %s", ZSTD_getErrorName(packed));
	bool shorter = packed < writer->bytes;
	*ret_stored = shorter ? writer->packed : writer->block;
	*ret_bytes = shorter ? packed : writer->bytes;
	return HF_OK;
}

static uint8_t *add_key(uint8_t *at, const struct kept_key *key)
{
	memcpy(at, key->bytes, key->len);
	return at + key->len;
}

static enum hf_status put_block(struct savefile_writer *writer, const uint8_t *stored, size_t bytes, hf_error *err)
{
	uint8_t head[HEAD_ROOM];
	const struct savefile_block block = {.entries = writer->entries,
	                                     .bytes = (uint32_t)writer->bytes,
	                                     .stored = (uint32_t)bytes,
	                                     .first = (uint16_t)writer->first.len,
	                                     .last = (uint16_t)writer->last.len};
	savefile_block_encode(&block, head);
	uint8_t *keys = head + SAVEFILE_BLOCK_HEAD;
	size_t head_bytes = (size_t)(add_key(add_key(keys, &writer->first), &writer->last) - head);
	uint32_t check = crc32c(crc32c(0, head, 20), keys, head_bytes - SAVEFILE_BLOCK_HEAD);
	put_le32(head + 20, crc32c(check, stored, bytes));
	enum hf_status status = note_block(writer, &block, head_bytes + bytes, err);
	if (status == HF_OK)
		status = put_out(writer, head, head_bytes, err);
	return status == HF_OK ? put_out(writer, stored, bytes, err) : status;
}

static enum hf_status flush(struct savefile_writer *writer, hf_error *err)
{
	const uint8_t *stored = NULL;
	size_t bytes = 0;
	if (writer->entries == 0)
		return HF_OK;
	enum hf_status status = pack(writer, &stored, &bytes, err);
	if (status == HF_OK)
		status = put_block(writer, stored, bytes, err);
	writer->entries = 0;
	writer->bytes = 0;
	writer->base_us = 0;
	if (writer->room > SAVEFILE_BLOCK_BYTES) { /* what a long entry took */
		free(writer->block);
		free(writer->packed);
		writer->block = writer->packed = NULL;
		writer->room = writer->packed_room = 0;
	}
	return status;
}

static void keep_key(struct kept_key *kept, struct hf_bytes key)
{
	kept->len = key.len;
	if (key.len)
		memcpy(kept->bytes, key.ptr, key.len);
}

enum hf_status savefile_add(struct savefile_writer *writer, const struct hf_kv_entry *entry, hf_error *err)
{
	size_t most = SAVEFILE_ENTRY_HEAD_MAX + entry->key.len + entry->metadata.len + entry->value.len;
	enum hf_status status = HF_OK;
	if (entry->key.len > HF_KV_KEY_BYTES_MAX || most > SAVEFILE_ENTRY_MAX)
		return error_set(err, HF_E_LIMIT, "an entry of %zu bytes fits no file", most);
	if (writer->bytes + most > SAVEFILE_BLOCK_BYTES)
		status = flush(writer, err);
	if (status == HF_OK)
		status = grow(&writer->block, &writer->room, most > SAVEFILE_BLOCK_BYTES ? most : SAVEFILE_BLOCK_BYTES,
		              err);
	if (status != HF_OK)
		return status;
	writer->bytes += savefile_entry_encode(entry, &writer->base_us, writer->block + writer->bytes);
	if (writer->entries++ == 0)
		keep_key(&writer->first, entry->key);
	keep_key(&writer->last, entry->key);
	if (entry->rev)
		kv_sums_add(&writer->puts, entry);
	else
		writer->about.deletes++;
	return HF_OK;
}

void savefile_sums(const struct savefile_writer *writer, struct kv_sums *ret_sums)
{
	*ret_sums = writer->puts;
}

/* ---- making it ---- */

/* 0 to 35 as letters and digits: a name that nobody else has. */
static enum hf_status make_beside(struct savefile_writer *writer, hf_error *err)
{
	uint64_t random = 0;
	for (int i = 0; i < NAME_TRIES; i++) {
		free(writer->beside);
		writer->beside = NULL;
		if (getrandom(&random, sizeof(random), 0) != sizeof(random) ||
		    asprintf(&writer->beside, "%s.%08x.new", writer->path, (unsigned)random) < 0) {
			writer->beside = NULL;
			return error_nomem(err);
		}
		writer->fd = open(writer->beside, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (writer->fd >= 0 || errno != EEXIST)
			break;
	}
	if (writer->fd >= 0)
		return HF_OK;
	enum hf_status status = failed(writer, "make", err);
	free(writer->beside);
	writer->beside = NULL;
	return status;
}

static enum hf_status make_nameless(struct savefile_writer *writer, hf_error *err)
{
	const char *folder = secure_getenv("TMPDIR");
	char name[] = "/holdfast-copy-XXXXXX";
	free(writer->path);
	if (asprintf(&writer->path, "%s%s", folder && *folder ? folder : "/tmp", name) < 0) {
		writer->path = NULL;
		return error_nomem(err);
	}
	writer->fd = mkostemp(writer->path, O_CLOEXEC);
	if (writer->fd < 0)
		return failed(writer, "make", err);
	(void)unlink(writer->path);
	return HF_OK;
}

/* A device or a pipe: something whose place no file may take. */
static bool is_no_file(const char *path)
{
	struct stat status;
	return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static enum hf_status open_place(struct savefile_writer *writer, const char *path, hf_error *err)
{
	if (path && strcmp(path, "-") == 0) {
		writer->fd = STDOUT_FILENO;
		return HF_OK;
	}
	writer->owns_fd = true;
	if (!path)
		return make_nameless(writer, err);
	if (!is_no_file(path)) {
		char *behind_link = realpath(path, NULL); /* NULL: there is nothing yet */
		if (behind_link) {
			free(writer->path);
			writer->path = behind_link;
		}
		writer->is_file = true;
		return make_beside(writer, err);
	}
	writer->fd = open(path, O_WRONLY | O_CLOEXEC);
	return writer->fd < 0 ? failed(writer, "open", err) : HF_OK;
}

static bool make_tools(struct savefile_writer *writer, const char *path)
{
	writer->path = strdup(!path ? "a copy" : strcmp(path, "-") == 0 ? "standard output" : path);
	writer->sha = EVP_MD_CTX_new();
	writer->zstd = ZSTD_createCCtx();
	if (!writer->path || !writer->sha || !writer->zstd)
		return false;
	return EVP_DigestInit_ex(writer->sha, EVP_sha256(), NULL) == 1 &&
	       !ZSTD_isError(ZSTD_CCtx_setParameter(writer->zstd, ZSTD_c_compressionLevel, LEVEL));
}

enum hf_status savefile_create(const char *path, const struct hf_kv_file *about, struct savefile_writer **ret_writer,
                               hf_error *err)
{
	uint8_t head[SAVEFILE_HEAD_MAX];
	CLEANUP(savefile_writer_freep) struct savefile_writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		return error_nomem(err);
	writer->fd = -1;
	if (!make_tools(writer, path))
		return error_nomem(err);
	writer->about = *about;
	memcpy(writer->name, about->name_space.ptr, about->name_space.len);
	writer->about.name_space.ptr = writer->name;
	enum hf_status status = open_place(writer, path, err);
	if (status == HF_OK)
		status = put_out(writer, head, savefile_head_encode(about, head), err);
	if (status == HF_OK)
		*ret_writer = savefile_writer_take(&writer);
	return status;
}

/* ---- the end ---- */

static enum hf_status put_foot(struct savefile_writer *writer, hf_error *err)
{
	uint8_t foot[SAVEFILE_FOOT_FIXED], end[SAVEFILE_FOOT_END];
	size_t index = writer->about.blocks * SAVEFILE_INDEX_BYTES;
	savefile_foot_encode(&writer->about, foot);
	enum hf_status status = put_out(writer, foot, sizeof(foot), err);
	if (status == HF_OK)
		status = put_out(writer, writer->index, index, err);
	if (status != HF_OK)
		return status;
	if (EVP_DigestFinal_ex(writer->sha, end, NULL) != 1)
		return error_nomem(err);
	uint32_t check = crc32c(crc32c(0, foot, sizeof(foot)), writer->index, index);
	put_le32(end + 32, crc32c(check, end, 32));
	return write_all(writer, end, sizeof(end), err);
}

static enum hf_status put_end(struct savefile_writer *writer, hf_error *err)
{
	uint8_t bytes[SAVEFILE_TRAILER];
	struct savefile_trailer trailer = {.foot_offset = writer->offset};
	enum hf_status status = put_foot(writer, err);
	trailer.foot_bytes = (uint32_t)(writer->offset - trailer.foot_offset);
	savefile_trailer_encode(&trailer, bytes);
	return status == HF_OK ? write_all(writer, bytes, sizeof(bytes), err) : status;
}

static enum hf_status sync_folder(const struct savefile_writer *writer, hf_error *err)
{
	char *copy = strdup(writer->path);
	if (!copy)
		return error_nomem(err);
	int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool done = fd >= 0 && fsync(fd) == 0;
	enum hf_status status = done ? HF_OK : failed(writer, "make durable the folder of", err);
	if (fd >= 0)
		(void)close(fd);
	free(copy);
	return status;
}

/* Only now it has its name. */
static enum hf_status take_place(struct savefile_writer *writer, hf_error *err)
{
	if (fsync(writer->fd) != 0)
		return failed(writer, "make durable", err);
	if (rename(writer->beside, writer->path) != 0)
		return failed(writer, "give its name to", err);
	free(writer->beside);
	writer->beside = NULL;
	return sync_folder(writer, err);
}

enum hf_status savefile_finish(struct savefile_writer *writer, const struct hf_kv_sums *state,
                               struct hf_kv_file *ret_file, hf_error *err)
{
	enum hf_status status = flush(writer, err);
	writer->about.puts = kv_sums_told(&writer->puts);
	writer->about.counted = state || !writer->about.incremental;
	writer->about.state = state ? *state : writer->about.incremental ? (struct hf_kv_sums){0} : writer->about.puts;
	if (status == HF_OK)
		status = put_end(writer, err);
	if (status == HF_OK && writer->is_file)
		status = take_place(writer, err);
	writer->about.bytes = writer->offset;
	if (status == HF_OK && ret_file)
		*ret_file = writer->about;
	return status;
}

enum hf_status savefile_writer_reread(struct savefile_writer *writer, struct savefile_reader **ret_reader,
                                      hf_error *err)
{
	if (lseek(writer->fd, 0, SEEK_SET) != 0)
		return failed(writer, "read", err);
	return savefile_open_fd(writer->fd, writer->offset, ret_reader, err);
}

void savefile_writer_free(struct savefile_writer *writer)
{
	if (writer->owns_fd && writer->fd >= 0)
		(void)close(writer->fd);
	if (writer->beside)
		(void)unlink(writer->beside);
	free(writer->beside);
	free(writer->path);
	free(writer->block);
	free(writer->packed);
	free(writer->index);
	EVP_MD_CTX_free(writer->sha);
	ZSTD_freeCCtx(writer->zstd);
	free(writer);
}
