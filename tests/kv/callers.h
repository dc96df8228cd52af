/*
 * callers.h - threads that call a store at the same time, for tests of callers that share statements.
 */
#ifndef TESTS_KV_CALLERS_H
#define TESTS_KV_CALLERS_H

#include <pthread.h>

#include "kv/combine_batch.h"

enum { CALLERS_MAX = 16 };

struct caller {
	pthread_t thread;
	hf_kv *kv;
	hf_arena *arena;
	enum { GET, VALUE, CONTAINS, PUT, SET, DELETE } what; /* SET: a put that asks nothing */
	struct hf_bytes key, value;
	int64_t timeout_ms; /* 0 = the handle's */
	enum hf_status status;
	hf_error err;
	struct hf_kv_entry entry;
	int64_t rev;
	bool existed;
};

extern struct caller begun[CALLERS_MAX];
extern size_t nbegun;

/** A caller as `how` says, in a thread of its own. */
struct caller *callers_begin(hf_kv *kv, struct caller how);
/** Until so many wait in batches that are not on their way; `of` is kv->combine. */
void callers_wait_gathered(struct combine *of, uint32_t count);
/** Until somebody is on the way. */
void callers_wait_running(struct combine *of);
void callers_join(void);
/** Forget them: of a test's end. */
void callers_free(void);
/** It was answered with this value. */
void caller_read(const struct caller *c, struct hf_bytes value);

#endif
