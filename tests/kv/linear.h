/*
 * linear.h - is a history of one register linearizable? A search over the orders that the times allow (Wing and Gong),
 * which remembers the dead ends (Lowe): a history has at most 64 calls.
 */
#ifndef TESTS_KV_LINEAR_H
#define TESTS_KV_LINEAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HISTORY_MAX = 64 };

/* Values are numbers above 0; 0 is absent. */
enum call_kind {
	CALL_GET,     /* answer: what was there */
	CALL_PUT,     /* value */
	CALL_SWAP,    /* value; answer: what was there */
	CALL_CAS,     /* expected, value; answer: 1 done, 0 refused */
	CALL_ADD_NEW, /* value if absent; answer: 1 done, 0 refused */
	CALL_DELETE   /* answer: 1 it existed */
};

struct call {
	enum call_kind kind;
	int64_t value, expected, answer;
	int64_t begin_ns, end_ns;
};

/** @param start what was there before. */
bool linear_check(const struct call *calls, size_t count, int64_t start);

#endif
