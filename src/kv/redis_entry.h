/*
 * redis_entry.h - from the record in an answer to the entry that the caller gets.
 */
#ifndef KV_REDIS_ENTRY_H
#define KV_REDIS_ENTRY_H

#include "kv/redis.h"
#include "kv/redis_record.h"

/** The entry of `key` that `reply` holds; rev 0 when that is nil or expired at `now_us`. Copied into `arena`, `key`
 * too; with `arena` NULL it borrows from `key` and `reply`. HF_E_CORRUPT; HF_E_NOMEM; HF_E_PROTOCOL. */
enum hf_status redis_entry_read(const redisReply *reply, struct hf_bytes key, bool head_only, int64_t now_us,
                                hf_arena *arena, struct hf_kv_entry *ret_entry, hf_error *err);

#endif
