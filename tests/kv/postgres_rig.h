/*
 * postgres_rig.h - a store on PostgreSQL for tests that look at the server too: a server a program, a database a test.
 */
#ifndef TESTS_KV_POSTGRES_RIG_H
#define TESTS_KV_POSTGRES_RIG_H

#include "holdfast/holdfast.h"
#include "../fixture.h"
#include "../sql.h"

struct rig {
	hf_context *ctx;
	char url[500];
	hf_kv *kv;
	hf_connection *connection; /* beside the store */
	hf_arena *arena;
};

/** A database of its own without a store. `ctx` NULL = fixture_context(); else it is freed with the rig. */
void rig_begin(struct rig *rig, hf_context *ctx);
/** The same with a store open in it, without sweeping whatever `options` say; they may be NULL. */
void rig_open(struct rig *rig, hf_context *ctx, const struct hf_kv_options *options);
/** A tear-down function of cmocka; *user is the rig. */
int rig_close(void **user);
/** On the connection beside the store, as sql_run() and sql_number(). */
void rig_run(struct rig *rig, const char *sql);
int64_t rig_number(struct rig *rig, const char *sql);
/** hf_kv_put() that must answer HF_OK. */
void rig_put(struct rig *rig, const char *key, const char *value);

#endif
