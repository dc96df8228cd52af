/*
 * steps.h - the conformance suite's table: a case is a script of steps, or a function where a script does not do.
 *
 * A step that looks (IS, GONE) asks every way of reading: get, contains, ttl, get_many, READ in a transaction, list,
 * scan, count; they must agree. Failures name kind of store, case, step, what was expected and what came.
 */
#ifndef TESTS_KV_STEPS_H
#define TESTS_KV_STEPS_H

#include "rig.h"

/* Steps and keys name what they need; the rest is zero. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

#define BYTES(text)                                           \
	{                                                     \
		(const uint8_t *)"" text "", sizeof(text) - 1 \
	}
#define B(text) ((struct hf_bytes)BYTES(text))
#define K(text) .key = BYTES(text)
#define V(text) .value = BYTES(text)
#define WAS(text) .old = BYTES(text)
#define SECONDS(n) ((n)*KV_SECOND_US)

enum kv_act {
	PUT = 1,
	DEL, /* number: did it exist */
	TOUCH,
	PERSIST,
	CAS, /* `old` to `value` */
	ADD, /* number: delta; sum: the answer */
	APPEND,
	GETDEL, /* `old`: what was there */
	GETPUT,
	IS, /* value, metadata, and ttl (0 = none, else an upper bound) */
	GONE,
	COUNT, /* number */
	CLEAR, /* number: how many were removed */
	SWEEP, /* number: how many at least */
	PASS   /* number: microseconds */
};

struct kv_step {
	enum kv_act act;
	struct hf_bytes key, value, old;
	const char *metadata;
	int64_t ttl;
	int64_t number, sum;
	uint32_t flags;
	int if_slot; /* PUT: the revision that stands in this slot; IF_REV is implied */
	enum hf_status want;
	/* afterwards, of the key's revision: */
	int save;  /* remember it, 1..7 */
	int above; /* it is greater than the one remembered there */
	int same;  /* it is that one */
};

struct kv_test;
struct kv_case {
	const char *name;
	const struct kv_step *steps; /* ends with act 0 */
	void (*run)(struct kv_test *t);
};
/* For tables of cases. */
#define SCRIPT(text, ...)                                         \
	{                                                         \
		.name = (text), .steps = (const struct kv_step[]) \
		{                                                 \
			__VA_ARGS__,                              \
			{                                         \
				0                                 \
			}                                         \
		}                                                 \
	}

struct kv_test {
	struct kv_rig *rig;
	const char *name;
	const struct kv_case *of;
	hf_kv *kv; /* a namespace of its own, empty */
	hf_arena *arena;
	hf_error err;
	int64_t slots[8];
};

extern const struct kv_case kv_cases_entry[], kv_cases_expiry[], kv_cases_write[], kv_cases_batch[], kv_cases_range[],
	kv_cases_care[], kv_cases_lock[], kv_cases_checkpoint[], kv_cases_past[], kv_cases_value[], kv_cases_blob[],
	kv_cases_watch[]; /* each ends with one without a name */

void kv_steps_run(struct kv_test *t, const struct kv_step *steps);
/** Every way to read says: this value, this metadata, a time to live of at most `ttl_max_us` (0 = none). Returns the
 *  entry. */
struct hf_kv_entry kv_look(struct kv_test *t, struct hf_bytes key, struct hf_bytes value, const char *metadata,
                           int64_t ttl_max_us);
/** Every way to read says: not there. */
void kv_look_gone(struct kv_test *t, struct hf_bytes key);
/** Fail with kind, case and this message. */
_Noreturn void kv_wrong(const struct kv_test *t, const char *format, ...) PRINTF_LIKE(2, 3);
/** hf_kv_put() that must answer HF_OK. */
void kv_put(struct kv_test *t, struct hf_bytes key, struct hf_bytes value, int64_t ttl_us);
uint64_t kv_live(struct kv_test *t);
/** A second empty namespace; close it. */
hf_kv *kv_other(struct kv_test *t, const char *name);

#define WANT(call, expected)                                                                                          \
	do {                                                                                                          \
		enum hf_status got_ = (call);                                                                         \
		if (got_ != (expected))                                                                               \
			kv_wrong(t, "%s:%d: %s: expected %s, got %s: %s %s", __FILE__, __LINE__, #call,               \
			         hf_status_word(expected), hf_status_word(got_), got_ == HF_OK ? "" : t->err.message, \
			         got_ == HF_OK ? "" : t->err.detail);                                                 \
	} while (0)
#define WANT_OK(call) WANT(call, HF_OK)
#define WANT_INT(got, expected)                                                                     \
	do {                                                                                        \
		int64_t got_ = (int64_t)(got), expected_ = (int64_t)(expected);                     \
		if (got_ != expected_)                                                              \
			kv_wrong(t, "%s:%d: %s: expected %lld, got %lld", __FILE__, __LINE__, #got, \
			         (long long)expected_, (long long)got_);                            \
	} while (0)
#define WANT_BYTES(got, expected)                                                                       \
	do {                                                                                            \
		struct hf_bytes got_ = (got), expected_ = (expected);                                   \
		if (!kv_same(got_, expected_))                                                          \
			kv_wrong(t, "%s:%d: %s: expected \"%s\", got \"%s\"", __FILE__, __LINE__, #got, \
			         kv_show(expected_), kv_show(got_));                                    \
	} while (0)
#define WANT_TRUE(condition)                                                               \
	do {                                                                               \
		if (!(condition))                                                          \
			kv_wrong(t, "%s:%d: expected %s", __FILE__, __LINE__, #condition); \
	} while (0)

#endif
