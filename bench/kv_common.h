/*
 * kv_common.h - what the measuring programs of the key-value store share: keys and values, a store, sessions by hand.
 *
 * Keys and values are those that bench/kv_store.py fills in. A failure ends the program.
 */
#ifndef BENCH_KV_COMMON_H
#define BENCH_KV_COMMON_H

#include <libpq-fe.h>

#include "common.h"
#include "holdfast/kv.h"

enum { KV_KEY_LEN = 24, KV_VALUE_LEN = 256 };

/** Write key number `number` and a NUL. */
void kv_key(char ret_key[KV_KEY_LEN + 1], long number);
/** A value that differs from others. */
void kv_value(uint8_t ret_value[KV_VALUE_LEN], uint64_t seed);
/** xorshift; `seed` is not 0. */
uint64_t kv_random(uint64_t *seed);
/** A store with so many connections, which are open. No sweeping. */
hf_kv *kv_open(hf_context *ctx, const char *url, uint32_t connections);
/** With `combine`. */
hf_kv *kv_open_combined(hf_context *ctx, const char *url, uint32_t width);
/** A session of libpq's. */
PGconn *kv_session(const char *url);
/** @return the result, of that status. */
PGresult *kv_expect(PGconn *pg, PGresult *result, ExecStatusType status);
void kv_command(PGconn *pg, const char *sql);
void kv_prepare(PGconn *pg, const char *name, const char *sql);
/** A positive number of the command line. */
long kv_number(const char *text, const char *usage);

#endif
