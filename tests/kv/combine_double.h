/*
 * combine_double.h - a store in memory behind a gate, through the extension API (backend.h): a call of the backend can
 * be held there, so that a test decides who comes while a statement is on its way, and what comes of it.
 */
#ifndef TESTS_KV_COMBINE_DOUBLE_H
#define TESTS_KV_COMBINE_DOUBLE_H

#include "holdfast/backend.h"

enum { DOUBLE_CALLS_MAX = 64 };

/* What the backend was asked for. */
struct double_call {
	enum { DOUBLE_READ, DOUBLE_GATHER, DOUBLE_APPLY } what;
	size_t count;
	bool keys_only;
	bool blind;
	hf_deadline deadline;
	char keys[64]; /* joined */
};

/** A store with `combine` statements at a time; one at a time. */
hf_kv *double_open(hf_context *ctx, uint32_t combine);
/** Calls wait at the gate from here on. */
void double_hold(void);
/** Let `count` of those that wait, or will, go on; -1 = open the gate. */
void double_let_go(int count);
/** Wait until `count` are at the gate. */
void double_wait_held(unsigned count);
/** Wait until `count` requests of the handle wait in batches. */
void double_wait_gathered(const hf_kv *kv, uint32_t count);

/** What calls of more than one write, or of any with the value "bad", answer: HF_OK = what memory does. */
void double_fail(enum hf_status status, const char *sqlstate);
/** What calls that read answer. */
void double_fail_reads(enum hf_status status);

size_t double_calls(void);
const struct double_call *double_call(size_t index);

#endif
