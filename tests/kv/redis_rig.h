/*
 * redis_rig.h - a store on a real Redis for tests that look at the server too: a server a program, a database a test.
 */
#ifndef TESTS_KV_REDIS_RIG_H
#define TESTS_KV_REDIS_RIG_H

#include "base/context.h"
#include "holdfast/kv.h"
#include "redis_fixture.h"

#define B(text) HF_KV_KEY(text)
#define CASE(name) cmocka_unit_test_setup_teardown(name, redis_rig_set_up, redis_rig_tear_down)

extern struct redis_fixture redis_rig_server;

struct redis_rig {
	hf_context *ctx;
	hf_arena *arena;
	hf_kv *kv;
	int database;
	char url[128];
	char events[1024]; /* "event field=text ..." of what was logged */
};

/** Start and stop the server: of the group. */
int redis_rig_start(void **state);
int redis_rig_stop(void **state);
/** A rig with an open store in an empty database: of a test. */
int redis_rig_set_up(void **state);
int redis_rig_tear_down(void **state);
/** Open `rig->kv` anew, without sweeping, slow events and long pauses unless `options` say so. */
enum hf_status redis_rig_open(struct redis_rig *rig, const char *url, const struct hf_kv_options *options,
                              hf_error *err);
/** The three keys of a namespace agree: every record is in the order, every expiry is that of a record. */
void redis_rig_check_whole(const struct redis_rig *rig, const char *name, long long entries, long long expiring);
/** A command in the rig's database; printf-like as redisCommand(). An error fails the test. */
void redis_rig_does(const struct redis_rig *rig, const char *format, ...);
void redis_rig_put(struct redis_rig *rig, struct hf_bytes key, struct hf_bytes value, int64_t ttl_us);
/** k000000 and on, from `from` to before `to`, each its own value; in one call. */
void redis_rig_put_numbered(struct redis_rig *rig, int from, int to, int64_t ttl_us);
void redis_rig_holds(struct redis_rig *rig, struct hf_bytes key, const char *value);
uint64_t redis_rig_count(struct redis_rig *rig, const struct hf_kv_range *range);

#endif
