/*
 * savefile.h - a checkpoint as a file: writing one, reading one. docs/decisions/0007 says why it is so.
 *
 * Numbers are little endian; a varint is LEB128, a signed one has its sign in the lowest bit. Counts of bytes stand in
 * parentheses.
 *
 *     head     0 magic (8)   8 version (2)   10 flags (2): 1 incremental   12 length of the head (4)   16 id (16)
 *              32 parent (16), zeros in a base   48 made at, us (8)   56 length of the name (4)   60 zero (4)
 *              64 name of the namespace   CRC-32C of all that (4)
 *     block    0 "BLCK"   4 entries (4)   8 length unpacked (4)   12 length here (4)   16 of the first key (2)
 *              18 of the last key (2)   20 CRC-32C of the 20 before and of all behind it (4)   24 first key, last
 *              key, entries: a zstd frame, or as they are where both lengths are the same
 *     entry    flags (1): 1 deleted, 2 metadata, 4 expires, 8 updated   varint length of the key, key. That is all of
 *              a deleted one. varint length of the value   2: varint length of the metadata   signed created, from
 *              that of the entry before in the block   8: signed updated, from created   4: signed expires, from
 *              created   metadata, value
 *     foot     0 "FOOT"   4 blocks (4)   8 entries put (8)   16 keys deleted (8)   24 bytes put (8)
 *              32 digest of what is put (32)   64 flags (8): 1 the state is known   72 entries of the state (8)
 *              80 its bytes (8)   88 its digest (32)   120 of each block offset (8), entries (4), length (4)
 *              SHA-256 of the file up to here (32)   CRC-32C of the foot (4)
 *     trailer  0 offset of the foot (8)   8 its length (4)   12 CRC-32C of the 12 before (4)   16 magic (8)
 *
 * A block has up to a mebibyte of entries, or one entry that is longer. Keys rise strictly, within blocks and across.
 * The blocks of two files are the same where their entries are, whatever store they come from.
 *
 * Ownership: who opened a reader or a writer ends it. Threads: one at a time.
 */
#ifndef KV_SAVEFILE_H
#define KV_SAVEFILE_H

#include "base/macros.h"
#include "holdfast/kv_file.h"
#include "kv/digest.h"

enum {
	SAVEFILE_HEAD_FIXED = 64,
	SAVEFILE_HEAD_MAX = SAVEFILE_HEAD_FIXED + HF_KV_NAMESPACE_BYTES + 4,
	SAVEFILE_BLOCK_HEAD = 24,
	SAVEFILE_BLOCK_BYTES = 1 << 20,
	SAVEFILE_ENTRY_HEAD_MAX = 64, /* what stands in an entry besides its key, value and metadata */
	SAVEFILE_ENTRY_MAX =
		SAVEFILE_ENTRY_HEAD_MAX + HF_KV_KEY_BYTES_MAX + HF_KV_METADATA_BYTES + HF_KV_VALUE_BYTES_MAX,
	SAVEFILE_FOOT_FIXED = 120,
	SAVEFILE_INDEX_BYTES = 16,
	SAVEFILE_FOOT_END = 36,
	SAVEFILE_TRAILER = 24,
	SAVEFILE_BLOCKS_MAX = 1 << 27
};

/* ---- the bytes: pure, bounded; what is wrong is told as a text, NULL = nothing ---- */

struct savefile_block {
	uint32_t entries, bytes, stored;
	uint16_t first, last; /* bytes of these keys */
	uint32_t check;
};
struct savefile_trailer {
	uint64_t foot_offset;
	uint32_t foot_bytes;
};

/** @return its length. */
size_t savefile_head_encode(const struct hf_kv_file *about, uint8_t place[SAVEFILE_HEAD_MAX]);
/** The length of the whole head, by its first SAVEFILE_HEAD_FIXED bytes. @param ret_version set where it is another
 * one. */
const char *savefile_head_length(const uint8_t *fixed, size_t *ret_bytes, unsigned *ret_version);
/** @param head savefile_head_length() bytes, from which `ret_about` borrows the name. */
const char *savefile_head_decode(const uint8_t *head, size_t bytes, struct hf_kv_file *ret_about);

/** Leaves the check open. */
void savefile_block_encode(const struct savefile_block *block, uint8_t place[SAVEFILE_BLOCK_HEAD]);
const char *savefile_block_decode(const uint8_t *head, struct savefile_block *ret_block);

/** @param base_us when the entry before was created, 0 in front of a block; moves on.
 *  @param place has room for SAVEFILE_ENTRY_HEAD_MAX and key, metadata and value. @return bytes written. */
size_t savefile_entry_encode(const struct hf_kv_entry *entry, int64_t *base_us, uint8_t *place);
/** Reads at `*at`, which moves on; `ret_entry` borrows. rev is 1, or 0: the key is deleted. */
const char *savefile_entry_decode(const uint8_t **at, const uint8_t *end, int64_t *base_us,
                                  struct hf_kv_entry *ret_entry);

/** All that stands before the index. */
void savefile_foot_encode(const struct hf_kv_file *about, uint8_t place[SAVEFILE_FOOT_FIXED]);
const char *savefile_foot_decode(const uint8_t *foot, struct hf_kv_file *ret_about);

void savefile_trailer_encode(const struct savefile_trailer *trailer, uint8_t place[SAVEFILE_TRAILER]);
const char *savefile_trailer_decode(const uint8_t *bytes, struct savefile_trailer *ret_trailer);

/* ---- writing ---- */

struct savefile_writer;

/** @param path "-" = standard output; NULL = a file without a name in TMPDIR, for savefile_writer_reread(). `about`
 *  says id, parent, incremental, name_space and created_us. */
enum hf_status savefile_create(const char *path, const struct hf_kv_file *about, struct savefile_writer **ret_writer,
                               hf_error *err);
/** In the order of keys; rev 0 = deleted. */
enum hf_status savefile_add(struct savefile_writer *writer, const struct hf_kv_entry *entry, hf_error *err);
/** Of what was put so far. */
void savefile_sums(const struct savefile_writer *writer, struct kv_sums *ret_sums);
/** Make it durable and give it its name. @param state of the whole checkpoint; NULL = not known. */
enum hf_status savefile_finish(struct savefile_writer *writer, const struct hf_kv_sums *state,
                               struct hf_kv_file *ret_file, hf_error *err);
/** End; what was not finished is gone. */
void savefile_writer_free(struct savefile_writer *writer);
DEFINE_OWNED(savefile_writer, struct savefile_writer *, savefile_writer_free)

/* ---- reading ---- */

struct savefile_reader;

/** Reads the head; of a file that can be sought the trailer too. @param path "-" = standard input. */
enum hf_status savefile_open(const char *path, struct savefile_reader **ret_reader, hf_error *err);
/** The same of a file that is open and at its start; it stays the caller's. @param bytes how many it has */
enum hf_status savefile_open_fd(int fd, uint64_t bytes, struct savefile_reader **ret_reader, hf_error *err);
/** What a writer without a name has written and finished; the reader ends before it. */
enum hf_status savefile_writer_reread(struct savefile_writer *writer, struct savefile_reader **ret_reader,
                                      hf_error *err);
/** The next entry, valid until the next call; HF_STOP: that was all, and all of it is as it was written. */
enum hf_status savefile_next(struct savefile_reader *reader, struct hf_kv_entry *ret_entry, hf_error *err);
/** What the head says; behind HF_STOP everything. Borrowed from the reader. */
const struct hf_kv_file *savefile_about(const struct savefile_reader *reader);
const char *savefile_path(const struct savefile_reader *reader);
void savefile_reader_free(struct savefile_reader *reader);
DEFINE_OWNED(savefile_reader, struct savefile_reader *, savefile_reader_free)

/* ---- a base and what follows it, as one ---- */

struct savefile_chain;

/** Opens all, and checks that each follows the one before. @param loose a single file need not be a base. */
enum hf_status savefile_chain_open(const char *const *paths, size_t count, bool loose,
                                   struct savefile_chain **ret_chain, hf_error *err);
/** A chain of one; `reader` is its own from here on. */
enum hf_status savefile_chain_of(struct savefile_reader *reader, struct savefile_chain **ret_chain, hf_error *err);
/** The next entry of the state that they come to: of a key what the last file says, without what had expired when the
 * last checkpoint was made. As savefile_next(); of a loose file also what is deleted. */
enum hf_status savefile_chain_next(struct savefile_chain *chain, struct hf_kv_entry *ret_entry, hf_error *err);
const struct hf_kv_file *savefile_chain_about(const struct savefile_chain *chain, size_t index);
void savefile_chain_free(struct savefile_chain *chain);
DEFINE_OWNED(savefile_chain, struct savefile_chain *, savefile_chain_free)

#endif
