/*
 * lmdb_check.c - is data.mdb as long as what stands in it? LMDB maps the file, and who reads a mapped page beyond the
 * end of a file that was cut (a copy that broke off, a full disk) is killed by SIGBUS.
 *
 * The newest of the two meta pages tells how many pages there are. A file may be shorter for a good reason: LMDB does
 * not write what a transaction took at the end and gave back. So a short file is walked from its roots, reading and not
 * mapping it: it is cut when a page that is in use lies beyond its end. That reads all of it once, and happens to short
 * files only. An open of a file that is whole reads its meta pages, no more.
 *
 * The format is LMDB's version 1, on machines with words of 64 bits, as lmdb.h's MDB_VERSION 0.9 writes it:
 *     page   0 number    10 flags    12 end of the places of nodes (or 12 pages, of what overflows)    16 nodes
 *     node   0 low and 2 high half of a size    4 flags    6 bytes of the key    8 key, value; of a branch 0 page
 *     tree   40 root (48 bytes; empty: all ones)
 *     meta   16 magic    20 version    40 two trees, the first 4 bytes the page size    136 last page    144
 * transaction
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "kv/lmdb_map.h"

enum { PAGE_HEAD = 16, META_BYTES = 152, TREE_BYTES = 48, NODE_HEAD = 8, DEPTH_MAX = 32, PAGE_MIN = 256 };
enum { PAGE_BRANCH = 1, PAGE_LEAF = 2 };       /* flags of pages */
enum { NODE_OVERFLOWS = 1, NODE_IS_TREE = 2 }; /* flags of nodes */
#define META_MAGIC UINT32_C(0xBEEFC0DE)

struct file {
	int fd;
	uint64_t pages; /* that it has as a whole */
	size_t page_bytes;
	uint64_t last_page; /* by its meta page */
	uint64_t roots[2];
};

static bool read_at(int fd, void *place, size_t bytes, uint64_t at)
{
	ssize_t n;
	do
		n = pread(fd, place, bytes, (off_t)at);
	while (n < 0 && errno == EINTR);
	return n >= 0 && (size_t)n == bytes;
}

/* Numbers stand as the machine has them. */
static uint16_t u16(const uint8_t *at)
{
	uint16_t number;
	memcpy(&number, at, sizeof(number));
	return number;
}
static uint32_t u32(const uint8_t *at)
{
	uint32_t number;
	memcpy(&number, at, sizeof(number));
	return number;
}
static uint64_t u64(const uint8_t *at)
{
	uint64_t number;
	memcpy(&number, at, sizeof(number));
	return number;
}

/* False: there is nothing that LMDB would take for its own, which it says better itself. */
static bool read_meta(struct file *file)
{
	uint8_t meta[2][META_BYTES];
	struct stat status;
	if (!read_at(file->fd, meta[0], META_BYTES, 0) || u32(meta[0] + PAGE_HEAD) != META_MAGIC)
		return false;
	file->page_bytes = u32(meta[0] + 40);
	if (file->page_bytes < PAGE_MIN || file->page_bytes > 65536 ||
	    !read_at(file->fd, meta[1], META_BYTES, file->page_bytes) || u32(meta[1] + PAGE_HEAD) != META_MAGIC)
		return false;
	const uint8_t *newest = meta[u64(meta[1] + 144) > u64(meta[0] + 144)];
	file->last_page = u64(newest + 136);
	for (int i = 0; i < 2; i++)
		file->roots[i] = u64(newest + 40 + i * TREE_BYTES + 40);
	if (fstat(file->fd, &status) != 0) /* after the meta page: the file grows before that is written */
		return false;
	file->pages = (uint64_t)status.st_size / file->page_bytes;
	return true;
}

static bool walk(const struct file *file, uint64_t number, int depth);

static bool leaf_is_whole(const struct file *file, const uint8_t *node, size_t room, int depth)
{
	unsigned flags = u16(node + 4);
	uint64_t size = u16(node) | (uint64_t)u16(node + 2) << 16;
	const uint8_t *value = node + NODE_HEAD + u16(node + 6);
	size_t needed = (size_t)(value - node) + (flags & NODE_IS_TREE ? TREE_BYTES : 8);
	if (!(flags & (NODE_OVERFLOWS | NODE_IS_TREE)))
		return true;
	if (needed > room)
		return false;
	if (flags & NODE_IS_TREE)
		return walk(file, u64(value + 40), depth + 1);
	uint64_t pages = (PAGE_HEAD + size + file->page_bytes - 1) / file->page_bytes, first = u64(value);
	return first < file->pages && pages <= file->pages - first;
}

static bool nodes_are_whole(const struct file *file, const uint8_t *page, int depth)
{
	unsigned flags = u16(page + 10);
	size_t end = u16(page + 12);
	if (end > file->page_bytes)
		return false;
	for (size_t at = PAGE_HEAD; at + 2 <= end; at += 2) {
		size_t offset = u16(page + at);
		if (offset + NODE_HEAD > file->page_bytes)
			return false;
		const uint8_t *node = page + offset;
		uint64_t child = u16(node) | (uint64_t)u16(node + 2) << 16 | (uint64_t)u16(node + 4) << 32;
		bool whole = flags & PAGE_BRANCH ? walk(file, child, depth + 1)
		                                 : leaf_is_whole(file, node, file->page_bytes - offset, depth);
		if (!whole)
			return false;
	}
	return true;
}

/* All below a page lies within the file. */
static bool walk(const struct file *file, uint64_t number, int depth)
{
	if (number == UINT64_MAX)
		return true;
	uint8_t *page = depth < DEPTH_MAX && number < file->pages ? malloc(file->page_bytes) : NULL;
	if (!page)
		return false;
	bool whole = read_at(file->fd, page, file->page_bytes, number * file->page_bytes) &&
	             (u16(page + 10) & (PAGE_BRANCH | PAGE_LEAF)) && nodes_are_whole(file, page, depth);
	free(page);
	return whole;
}

static bool is_short(struct file *file)
{
	return read_meta(file) && file->last_page >= file->pages;
}

static enum hf_status check_short(const struct lmdb_map *map, struct file *file, hf_error *err)
{
	if (!is_short(file) || (walk(file, file->roots[0], 0) && walk(file, file->roots[1], 0)))
		return HF_OK;
	error_set(err, HF_E_CORRUPT, "could not open %s: data.mdb was cut: it has %llu pages of %llu", map->path,
	          (unsigned long long)file->pages, (unsigned long long)file->last_page + 1);
	error_hint(err, "take another copy: reading this one would end the process");
	return HF_E_CORRUPT;
}

enum hf_status lmdb_check_file(struct lmdb_map *map, int folder, hf_error *err)
{
	struct file file = {.fd = openat(folder, "data.mdb", O_RDONLY | O_CLOEXEC)};
	enum hf_status status = HF_OK;
	if (file.fd < 0)
		return HF_OK;
	if (is_short(&file)) { /* somebody may be writing: once more, without */
		status = lmdb_lock_writers(map, hf_deadline_in(map->ctx, LMDB_OPEN_MS), err);
		if (status == HF_OK) {
			status = check_short(map, &file, err);
			lmdb_unlock_writers(map);
		}
	}
	close(file.fd);
	return status;
}
