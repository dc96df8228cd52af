/*
 * savefile_blocks.h - the bytes of a file in the making: blocks are packed, all is summed up, hashed and written.
 *
 * A full block is given away and the next one filled meanwhile: a thread packs and writes them in their order. It is
 * started with the first block that is full, so that a small file needs none; where there is none to be had, or what is
 * written to is no file (a pipe whose reader left is told by a signal to who writes), the caller packs.
 *
 * Memory: four blocks; beside them, while an entry is longer than one, twice that entry.
 *
 * Threads: one caller. From blocks_give() to blocks_wait() all but the room being filled is the thread's.
 */
#ifndef KV_SAVEFILE_BLOCKS_H
#define KV_SAVEFILE_BLOCKS_H

#include <openssl/evp.h>
#include <pthread.h>
#include <zstd.h>

#include "kv/savefile.h"

enum { SAVEFILE_ROOMS = 3 };

struct kept_key {
	size_t len;
	uint8_t bytes[HF_KV_KEY_BYTES_MAX];
};

/* A block in the making. */
struct block_room {
	uint8_t *bytes; /* owned */
	size_t room, len;
	int64_t base_us; /* when its last entry was created */
	uint32_t entries;
	struct kept_key first, last;
};

struct savefile_blocks {
	int fd;                 /* borrowed, as is the path: for messages */
	const char *path;       /* of it */
	uint64_t offset, count; /* bytes and blocks that were written */
	EVP_MD_CTX *sha;        /* owned, as is what follows */
	ZSTD_CCtx *zstd;
	uint8_t *packed, *index; /* 16 bytes a block */
	size_t packed_room, index_room;
	struct block_room rooms[SAVEFILE_ROOMS];
	bool apart; /* in a thread, which runs: */
	bool running, stop;
	pthread_t thread;
	pthread_mutex_t mutex; /* of what follows */
	pthread_cond_t changed;
	uint64_t given, done;  /* blocks; the room being filled is number `given` */
	enum hf_status status; /* the first failure of the thread, and why */
	hf_error err;
};

/** Into `fd`, which the caller sets. HF_E_NOMEM; blocks_deinit() whatever the outcome. */
enum hf_status blocks_init(struct savefile_blocks *blocks, hf_error *err);
void blocks_deinit(struct savefile_blocks *blocks);

/** The room being filled. */
struct block_room *blocks_room(struct savefile_blocks *blocks);
/** It has place for `wanted` more bytes. For an entry longer than a block it waits until all that was given is written:
 * two of such are never in memory. The failure may be of a block given before. */
enum hf_status blocks_reserve(struct savefile_blocks *blocks, size_t wanted, hf_error *err);
/** The room is full; nothing where it is empty. The failure may be of a block given before. */
enum hf_status blocks_give(struct savefile_blocks *blocks, hf_error *err);
/** Until all that was given is written. */
enum hf_status blocks_wait(struct savefile_blocks *blocks, hf_error *err);

/** Bytes that are no block, while no block is on its way. @param hashed they are covered by the SHA-256 */
enum hf_status blocks_put(struct savefile_blocks *blocks, const void *bytes, size_t len, bool hashed, hf_error *err);

#endif
