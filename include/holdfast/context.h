/*
 * context.h - the root object: clock, randomness, log callback and metrics of one program. No globals elsewhere.
 *
 * Life cycle: make it first, free it last, after every pool and connection made from it. Threads: all functions may
 * be called from any thread; the callbacks must be thread-safe and must not call back into the library.
 */
#ifndef HOLDFAST_CONTEXT_H
#define HOLDFAST_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "holdfast/error.h"
#include "holdfast/types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hf_context hf_context;
struct hf_metrics;

/* An absolute moment on the context's monotonic clock, in microseconds. 0 = the object's default applies. */
typedef int64_t hf_deadline;
#define HF_DEADLINE_DEFAULT 0

enum hf_log_level { HF_LOG_ERROR = 0, HF_LOG_WARN, HF_LOG_INFO, HF_LOG_DEBUG, HF_LOG_TRACE };

/* One field of a log event; exactly one of text/number is meant, by `kind`. */
struct hf_log_field {
	const char *name;
	enum { HF_FIELD_TEXT, HF_FIELD_INT, HF_FIELD_MS } kind; /* HF_FIELD_MS: number is microseconds, shown as ms */
	struct hf_str text;
	int64_t number;
};
/* event is a constant word such as "tx_retry"; fields are borrowed for the call. No secrets, no parameter values. */
typedef void hf_log_fn(void *user, enum hf_log_level level, const char *event, const struct hf_log_field *fields,
                       size_t nfields);

struct hf_context_options {
	size_t size; /* sizeof(struct hf_context_options) */
	void *user;  /* passed to the callbacks */
	hf_log_fn *log;                          /* NULL = no logging */
	enum hf_log_level log_level;             /* events above it are not formatted */
	int64_t (*monotonic_us)(void *user);     /* NULL = CLOCK_MONOTONIC */
	int64_t (*wall_us)(void *user);          /* microseconds since 1970; NULL = CLOCK_REALTIME */
	int (*random)(void *user, void *bytes, size_t n); /* 0 or -1; NULL = getrandom(2) */
	unsigned log_statements;                 /* 1 = an event per statement, at debug: name, ms, rows, outcome */
};

/** @param options NULL for defaults. @return HF_OK; HF_E_NOMEM; HF_E_USAGE for a wrong `size`. */
enum hf_status hf_context_new(const struct hf_context_options *options, hf_context **ret_ctx, hf_error *err);
void hf_context_free(hf_context *ctx);

/** Now on the context's clocks. */
int64_t hf_now_monotonic_us(hf_context *ctx);
int64_t hf_now_wall_us(hf_context *ctx);
/** The deadline `timeout_ms` from now; never HF_DEADLINE_DEFAULT. */
hf_deadline hf_deadline_in(hf_context *ctx, int64_t timeout_ms);
/**
 * Ask everything that runs on this context to end soon: a statement is cancelled, a wait ends, and the call answers
 * HF_E_INTERRUPTED; an open transaction is rolled back. Stays so until the context is freed. May be called from a
 * signal handler and from any thread.
 */
void hf_context_interrupt(hf_context *ctx);
/** True once it was asked: for loops of the program. */
bool hf_context_interrupted(const hf_context *ctx);
/** The registry that everything made from this context counts in (metrics.h). */
struct hf_metrics *hf_context_metrics(hf_context *ctx);

#ifdef __cplusplus
}
#endif
#endif
