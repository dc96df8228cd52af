/*
 * token.h - what is kept with the token of a write: a hash of what was asked for, and what came of it.
 *
 * The hash is XXH3 of 128 bits over all writes with their conditions, metadata in canonical form, TTLs as the caller
 * gave them. It finds a token that was used for something else by accident; it is no signature. Deadline, durability
 * and fence are no part of a request: who repeats it may hold the lock anew.
 *
 * Results are, numbers little endian: a byte, 1 where the comparisons of a transaction held; then of each write
 *     1 outcome    1 flags    8 rev    8 number
 * and with TOLD_BEFORE 8 each: its rev, created, updated, expires, bytes of key, of value, of metadata; then these
 * three.
 */
#ifndef KV_TOKEN_H
#define KV_TOKEN_H

#include "holdfast/backend.h"

/** @param given as the caller has it; NULL = no TTL is said. @param checked the same as the backend gets it. */
struct hf_uuid token_hash(const struct hf_kv_txn *given, const struct hf_kv_txn *checked);
enum hf_status token_pack(bool held, const struct hf_kv_result *results, size_t count, hf_arena *arena,
                          struct hf_bytes *ret_bytes, hf_error *err);
/** @param nthen, notherwise how many results there are where it held, where not: `ret_results` has room for either.
 *  Entries are copied into the arena. HF_E_CORRUPT. */
enum hf_status token_unpack(struct hf_bytes bytes, size_t nthen, size_t notherwise, hf_arena *arena, bool *ret_held,
                            struct hf_kv_result *ret_results, hf_error *err);

#endif
