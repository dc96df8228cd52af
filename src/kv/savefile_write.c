/*
 * savefile_write.c - writing a file: see savefile.h.
 *
 * Entries gather in blocks, which savefile_blocks.c packs and writes. The file is made beside its place under a name of
 * its own, made durable, and renamed: under `path` stands what stood there before, or all of it. What the index needs
 * is kept until the end, 16 bytes a block.
 */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/error.h"
#include "base/bytes.h"
#include "kv/savefile_blocks.h"

enum { NAME_TRIES = 20 };

struct savefile_writer {
	int fd;
	bool owns_fd, is_file;
	char *path;   /* owned; for messages too */
	char *beside; /* owned; NULL = the file has its name, or none */
	struct hf_kv_file about;
	char name[HF_KV_NAMESPACE_BYTES];
	struct kv_sums puts;
	struct savefile_blocks blocks;
};

static COLD enum hf_status failed(const struct savefile_writer *writer, const char *what, hf_error *err)
{
	return error_errno(err, HF_E_FAILED, "could not %s %s", what, writer->path);
}

/* ---- entries ---- */

static void keep_key(struct kept_key *kept, struct hf_bytes key)
{
	kept->len = key.len;
	if (key.len)
		memcpy(kept->bytes, key.ptr, key.len);
}

enum hf_status savefile_add(struct savefile_writer *writer, const struct hf_kv_entry *entry, hf_error *err)
{
	size_t most = SAVEFILE_ENTRY_HEAD_MAX + entry->key.len + entry->metadata.len + entry->value.len;
	struct block_room *room = blocks_room(&writer->blocks);
	enum hf_status status = HF_OK;
	if (entry->key.len > HF_KV_KEY_BYTES_MAX || most > SAVEFILE_ENTRY_MAX)
		return error_set(err, HF_E_LIMIT, "an entry of %zu bytes fits no file", most);
	if (room->len + most > SAVEFILE_BLOCK_BYTES) {
		status = blocks_give(&writer->blocks, err);
		room = blocks_room(&writer->blocks);
	}
	if (status == HF_OK)
		status = blocks_reserve(&writer->blocks, most, err);
	if (status != HF_OK)
		return status;
	room->len += savefile_entry_encode(entry, &room->base_us, room->bytes + room->len);
	if (room->entries++ == 0)
		keep_key(&room->first, entry->key);
	keep_key(&room->last, entry->key);
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

enum hf_status savefile_create(const char *path, const struct hf_kv_file *about, struct savefile_writer **ret_writer,
                               hf_error *err)
{
	uint8_t head[SAVEFILE_HEAD_MAX];
	CLEANUP(savefile_writer_freep) struct savefile_writer *writer = calloc(1, sizeof(*writer));
	if (!writer)
		return error_nomem(err);
	writer->fd = -1;
	writer->path = strdup(!path ? "a copy" : strcmp(path, "-") == 0 ? "standard output" : path);
	enum hf_status status = blocks_init(&writer->blocks, err);
	if (status == HF_OK && !writer->path)
		status = error_nomem(err);
	if (status != HF_OK)
		return status;
	writer->about = *about;
	memcpy(writer->name, about->name_space.ptr, about->name_space.len);
	writer->about.name_space.ptr = writer->name;
	status = open_place(writer, path, err);
	writer->blocks.fd = writer->fd;
	writer->blocks.path = writer->path;
	writer->blocks.apart = writer->is_file;
	if (status == HF_OK)
		status = blocks_put(&writer->blocks, head, savefile_head_encode(about, head), true, err);
	if (status == HF_OK)
		*ret_writer = savefile_writer_take(&writer);
	return status;
}

/* ---- the end ---- */

static enum hf_status put_foot(struct savefile_writer *writer, hf_error *err)
{
	uint8_t foot[SAVEFILE_FOOT_FIXED], end[SAVEFILE_FOOT_END];
	struct savefile_blocks *blocks = &writer->blocks;
	size_t index = blocks->count * SAVEFILE_INDEX_BYTES;
	savefile_foot_encode(&writer->about, foot);
	enum hf_status status = blocks_put(blocks, foot, sizeof(foot), true, err);
	if (status == HF_OK)
		status = blocks_put(blocks, blocks->index, index, true, err);
	if (status != HF_OK)
		return status;
	if (EVP_DigestFinal_ex(blocks->sha, end, NULL) != 1)
		return error_nomem(err);
	uint32_t check = crc32c(crc32c(0, foot, sizeof(foot)), blocks->index, index);
	put_le32(end + 32, crc32c(check, end, 32));
	return blocks_put(blocks, end, sizeof(end), false, err);
}

static enum hf_status put_end(struct savefile_writer *writer, hf_error *err)
{
	uint8_t bytes[SAVEFILE_TRAILER];
	struct savefile_blocks *blocks = &writer->blocks;
	struct savefile_trailer trailer = {.foot_offset = blocks->offset};
	enum hf_status status = put_foot(writer, err);
	trailer.foot_bytes = (uint32_t)(blocks->offset - trailer.foot_offset);
	savefile_trailer_encode(&trailer, bytes);
	return status == HF_OK ? blocks_put(blocks, bytes, sizeof(bytes), false, err) : status;
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
	enum hf_status status = blocks_give(&writer->blocks, err);
	if (status == HF_OK)
		status = blocks_wait(&writer->blocks, err);
	writer->about.blocks = writer->blocks.count;
	writer->about.puts = kv_sums_told(&writer->puts);
	writer->about.counted = state || !writer->about.incremental;
	writer->about.state = state ? *state : writer->about.incremental ? (struct hf_kv_sums){0} : writer->about.puts;
	if (status == HF_OK)
		status = put_end(writer, err);
	if (status == HF_OK && writer->is_file)
		status = take_place(writer, err);
	writer->about.bytes = writer->blocks.offset;
	if (status == HF_OK && ret_file)
		*ret_file = writer->about;
	return status;
}

enum hf_status savefile_writer_reread(struct savefile_writer *writer, struct savefile_reader **ret_reader,
                                      hf_error *err)
{
	if (lseek(writer->fd, 0, SEEK_SET) != 0)
		return failed(writer, "read", err);
	return savefile_open_fd(writer->fd, writer->blocks.offset, ret_reader, err);
}

void savefile_writer_free(struct savefile_writer *writer)
{
	blocks_deinit(&writer->blocks);
	if (writer->owns_fd && writer->fd >= 0)
		(void)close(writer->fd);
	if (writer->beside)
		(void)unlink(writer->beside);
	free(writer->beside);
	free(writer->path);
	free(writer);
}
