/*
 * context.h (base) - inside of hf_context, and emitting log events.
 */
#ifndef BASE_CONTEXT_H
#define BASE_CONTEXT_H

#include <stdatomic.h>

#include "base/macros.h"
#include "holdfast/context.h"

struct hf_context {
	struct hf_context_options options; /* callbacks all set, except log */
	struct hf_metrics *metrics;        /* owned */
	atomic_bool interrupted;           /* never cleared */
};

DEFINE_OWNED(context, hf_context *, hf_context_free)

/** True when an event of this level would be seen: check before building expensive fields. */
static inline bool context_logs(const hf_context *ctx, enum hf_log_level level)
{
	return ctx->options.log && level <= ctx->options.log_level;
}

static inline struct hf_log_field field_text(const char *name, const char *text)
{
	return (struct hf_log_field){.name = name, .kind = HF_FIELD_TEXT, .text = hf_str_of(text)};
}
static inline struct hf_log_field field_int(const char *name, int64_t number)
{
	return (struct hf_log_field){.name = name, .kind = HF_FIELD_INT, .number = number};
}
static inline struct hf_log_field field_us(const char *name, int64_t us)
{
	return (struct hf_log_field){.name = name, .kind = HF_FIELD_MS, .number = us};
}
/** Hand an event to the program's callback, if there is one and the level passes. */
void context_log(const hf_context *ctx, enum hf_log_level level, const char *event, const struct hf_log_field *fields,
                 size_t nfields);
/** hf_now_monotonic_us() as of the system's last tick, up to 10 ms ago, at a fifth of the cost: for what is in no hurry
 *  to see a deadline pass. The program's own clock is asked itself. */
int64_t context_monotonic_tick_us(const hf_context *ctx);
/** Random bits for jitter and ids; aborts the process when the system has no randomness. */
uint64_t context_random_u64(hf_context *ctx);
/** Sleep in slices, so that an interruption is seen; what follows it answers HF_E_INTERRUPTED. */
void context_pause(const hf_context *ctx, int64_t us);

#endif
