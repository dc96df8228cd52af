/*
 * redis_entry.h - from the record in an answer to the entry that the caller gets.
 */
#ifndef KV_REDIS_ENTRY_H
#define KV_REDIS_ENTRY_H

#include "kv/redis.h"
#include "kv/redis_record.h"

/* How records become entries. */
struct redis_look {
	hf_kv_backend_state *state;
	hf_arena *arena;
	int64_t now_us;
	bool head_only;      /* the records have no more than their heads */
	uint32_t leaves_out; /* longer values, for which a number may stand: rev 1, no value; 0 = none */
	bool borrows;        /* from key and reply; only a value that was packed is in the arena */
};

/** The entry of `key` that `reply` holds; rev 0 when that is nil or expired. Without `borrows` all of it, `key` too, is
 *  in the arena. HF_E_CORRUPT; HF_E_LIMIT; HF_E_NOMEM; HF_E_PROTOCOL. */
enum hf_status redis_entry_read(const struct redis_look *look, const redisReply *reply, struct hf_bytes key,
                                struct hf_kv_entry *ret_entry, hf_error *err);
/** The answer of the scripts `read` and `read_at`. @param look now_us 0 = expiries are judged at the server's now. */
enum hf_status redis_read_answer(struct redis_look *look, const redisReply *reply, const struct hf_bytes *keys,
                                 size_t count, struct hf_kv_entry *ret_entries, hf_error *err);

#endif
