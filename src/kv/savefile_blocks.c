/*
 * savefile_blocks.c - see savefile_blocks.h.
 */
#include "kv/savefile_blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/crc32c.h"
#include "base/error.h"
#include "base/thread.h"

enum { LEVEL = -1, HEAD_ROOM = SAVEFILE_BLOCK_HEAD + 2 * HF_KV_KEY_BYTES_MAX };

/* ---- bytes out ---- */

static enum hf_status write_all(struct savefile_blocks *blocks, const void *bytes, size_t len, hf_error *err)
{
	const uint8_t *at = bytes;
	blocks->offset += len;
	while (len > 0) {
		ssize_t n = write(blocks->fd, at, len);
		if (n < 0 && errno != EINTR)
			return error_errno(err, HF_E_FAILED, "could not write %s", blocks->path);
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return HF_OK;
}

enum hf_status blocks_put(struct savefile_blocks *blocks, const void *bytes, size_t len, bool hashed, hf_error *err)
{
	if (hashed && EVP_DigestUpdate(blocks->sha, bytes, len) != 1)
		return error_nomem(err);
	return write_all(blocks, bytes, len, err);
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

/* ---- one block ---- */

static enum hf_status note_block(struct savefile_blocks *blocks, uint32_t entries, size_t bytes, hf_error *err)
{
	size_t used = blocks->count * SAVEFILE_INDEX_BYTES;
	size_t room = blocks->index_room ? blocks->index_room * 2 : (size_t)256 * SAVEFILE_INDEX_BYTES;
	if (blocks->count == SAVEFILE_BLOCKS_MAX)
		return error_set(err, HF_E_LIMIT, "could not write %s: more than %d blocks", blocks->path,
		                 SAVEFILE_BLOCKS_MAX);
	enum hf_status status = HF_OK;
	if (used == blocks->index_room)
		status = grow(&blocks->index, &blocks->index_room, room, err);
	if (status != HF_OK)
		return status;
	put_le64(blocks->index + used, blocks->offset);
	put_le32(blocks->index + used + 8, entries);
	put_le32(blocks->index + used + 12, (uint32_t)bytes);
	blocks->count++;
	return HF_OK;
}

/* Packed where that makes it shorter. */
static enum hf_status pack(struct savefile_blocks *blocks, const struct block_room *room, struct hf_bytes *ret_stored,
                           hf_error *err)
{
	enum hf_status status = grow(&blocks->packed, &blocks->packed_room, ZSTD_compressBound(room->len), err);
	if (status != HF_OK)
		return status;
	size_t packed = ZSTD_compress2(blocks->zstd, blocks->packed, blocks->packed_room, room->bytes, room->len);
	if (ZSTD_isError(packed))
		return error_set(err, HF_E_NOMEM, "could not pack a block: %s", ZSTD_getErrorName(packed));
	*ret_stored = packed < room->len ? (struct hf_bytes){blocks->packed, packed}
	                                 : (struct hf_bytes){room->bytes, room->len};
	return HF_OK;
}

static uint8_t *add_key(uint8_t *at, const struct kept_key *key)
{
	memcpy(at, key->bytes, key->len);
	return at + key->len;
}

static enum hf_status put_block(struct savefile_blocks *blocks, const struct block_room *room, struct hf_bytes stored,
                                hf_error *err)
{
	uint8_t head[HEAD_ROOM];
	const struct savefile_block block = {.entries = room->entries,
	                                     .bytes = (uint32_t)room->len,
	                                     .stored = (uint32_t)stored.len,
	                                     .first = (uint16_t)room->first.len,
	                                     .last = (uint16_t)room->last.len};
	savefile_block_encode(&block, head);
	uint8_t *keys = head + SAVEFILE_BLOCK_HEAD;
	size_t head_bytes = (size_t)(add_key(add_key(keys, &room->first), &room->last) - head);
	uint32_t check = crc32c(crc32c(0, head, 20), keys, head_bytes - SAVEFILE_BLOCK_HEAD);
	put_le32(head + 20, crc32c(check, stored.ptr, stored.len));
	enum hf_status status = note_block(blocks, room->entries, head_bytes + stored.len, err);
	if (status == HF_OK)
		status = blocks_put(blocks, head, head_bytes, true, err);
	return status == HF_OK ? blocks_put(blocks, stored.ptr, stored.len, true, err) : status;
}

static enum hf_status pack_and_put(struct savefile_blocks *blocks, const struct block_room *room, hf_error *err)
{
	struct hf_bytes stored;
	enum hf_status status = pack(blocks, room, &stored, err);
	if (status == HF_OK)
		status = put_block(blocks, room, stored, err);
	if (blocks->packed_room > ZSTD_COMPRESSBOUND(SAVEFILE_BLOCK_BYTES)) { /* what a long entry took */
		free(blocks->packed);
		blocks->packed = NULL;
		blocks->packed_room = 0;
	}
	return status;
}

static void empty_room(struct block_room *room)
{
	room->len = room->entries = 0;
	room->base_us = 0;
	if (room->room > SAVEFILE_BLOCK_BYTES) {
		free(room->bytes);
		room->bytes = NULL;
		room->room = 0;
	}
}

/* ---- apart ---- */

static struct block_room *room_at(struct savefile_blocks *blocks, uint64_t number)
{
	return &blocks->rooms[number % SAVEFILE_ROOMS];
}

/* After a failure what still comes is dropped. */
static void take_one(struct savefile_blocks *blocks)
{
	struct block_room *room = room_at(blocks, blocks->done);
	hf_error err = HF_ERROR_INIT;
	enum hf_status before = blocks->status, status = HF_OK;
	pthread_mutex_unlock(&blocks->mutex);
	if (before == HF_OK)
		status = pack_and_put(blocks, room, &err);
	empty_room(room);
	pthread_mutex_lock(&blocks->mutex);
	if (status != HF_OK) {
		blocks->status = status;
		blocks->err = err;
	}
	blocks->done++;
	pthread_cond_broadcast(&blocks->changed);
}

static void *run(void *user)
{
	struct savefile_blocks *blocks = user;
	pthread_mutex_lock(&blocks->mutex);
	while (!blocks->stop || blocks->given > blocks->done) {
		if (blocks->given > blocks->done)
			take_one(blocks);
		else
			pthread_cond_wait(&blocks->changed, &blocks->mutex);
	}
	pthread_mutex_unlock(&blocks->mutex);
	return NULL;
}

static enum hf_status wait_for_rooms(struct savefile_blocks *blocks, uint64_t most, hf_error *err)
{
	pthread_mutex_lock(&blocks->mutex);
	while (blocks->given - blocks->done > most)
		pthread_cond_wait(&blocks->changed, &blocks->mutex);
	enum hf_status status = blocks->status;
	if (status != HF_OK && err)
		*err = blocks->err;
	pthread_mutex_unlock(&blocks->mutex);
	return status;
}

static bool has_thread(struct savefile_blocks *blocks)
{
	if (blocks->apart && !blocks->running)
		blocks->running = thread_start(&blocks->thread, run, blocks, "packing", NULL) == HF_OK;
	blocks->apart = blocks->running;
	return blocks->running;
}

enum hf_status blocks_give(struct savefile_blocks *blocks, hf_error *err)
{
	struct block_room *room = blocks_room(blocks);
	if (room->entries == 0)
		return HF_OK;
	if (!has_thread(blocks)) {
		enum hf_status status = pack_and_put(blocks, room, err);
		empty_room(room);
		return status;
	}
	pthread_mutex_lock(&blocks->mutex);
	blocks->given++;
	pthread_cond_broadcast(&blocks->changed);
	pthread_mutex_unlock(&blocks->mutex);
	return wait_for_rooms(blocks, SAVEFILE_ROOMS - 1, err);
}

enum hf_status blocks_wait(struct savefile_blocks *blocks, hf_error *err)
{
	return wait_for_rooms(blocks, 0, err);
}

/* ---- */

struct block_room *blocks_room(struct savefile_blocks *blocks)
{
	return room_at(blocks, blocks->given);
}

enum hf_status blocks_reserve(struct savefile_blocks *blocks, size_t wanted, hf_error *err)
{
	struct block_room *room = blocks_room(blocks);
	bool is_long = wanted > SAVEFILE_BLOCK_BYTES;
	enum hf_status status = is_long ? blocks_wait(blocks, err) : HF_OK;
	return status == HF_OK ? grow(&room->bytes, &room->room, is_long ? wanted : SAVEFILE_BLOCK_BYTES, err) : status;
}

enum hf_status blocks_init(struct savefile_blocks *blocks, hf_error *err)
{
	*blocks = (struct savefile_blocks){.fd = -1};
	pthread_mutex_init(&blocks->mutex, NULL);
	pthread_cond_init(&blocks->changed, NULL);
	blocks->sha = EVP_MD_CTX_new();
	blocks->zstd = ZSTD_createCCtx();
	bool ready = blocks->sha && blocks->zstd && EVP_DigestInit_ex(blocks->sha, EVP_sha256(), NULL) == 1 &&
	             !ZSTD_isError(ZSTD_CCtx_setParameter(blocks->zstd, ZSTD_c_compressionLevel, LEVEL));
	return ready ? HF_OK : error_nomem(err);
}

static void end_thread(struct savefile_blocks *blocks)
{
	pthread_mutex_lock(&blocks->mutex);
	blocks->stop = true;
	blocks->status = blocks->status == HF_OK ? HF_E_INTERRUPTED : blocks->status; /* what waits is dropped */
	pthread_cond_broadcast(&blocks->changed);
	pthread_mutex_unlock(&blocks->mutex);
	pthread_join(blocks->thread, NULL);
}

void blocks_deinit(struct savefile_blocks *blocks)
{
	if (blocks->running)
		end_thread(blocks);
	for (size_t i = 0; i < SAVEFILE_ROOMS; i++)
		free(blocks->rooms[i].bytes);
	free(blocks->packed);
	free(blocks->index);
	EVP_MD_CTX_free(blocks->sha);
	ZSTD_freeCCtx(blocks->zstd);
	pthread_cond_destroy(&blocks->changed);
	pthread_mutex_destroy(&blocks->mutex);
}
