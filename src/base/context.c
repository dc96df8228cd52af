/*
 * context.c - the root object: fills in the default callbacks once, so that nobody else asks whether one is set.
 */
#include "base/context.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "base/error.h"
#include "base/metrics.h"

enum { PAUSE_SLICE_US = 200000 };

static int64_t clock_us(clockid_t id)
{
	struct timespec now;
	clock_gettime(id, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

HOT static int64_t system_monotonic_us(UNUSED void *user)
{
	return clock_us(CLOCK_MONOTONIC);
}

static int64_t system_wall_us(UNUSED void *user)
{
	return clock_us(CLOCK_REALTIME);
}

static int system_random(UNUSED void *user, void *bytes, size_t n)
{
	char *at = bytes;
	while (n > 0) {
		ssize_t got = getrandom(at, n, 0);
		if (got < 0)
			return -1;
		at += got;
		n -= (size_t)got;
	}
	return 0;
}

enum hf_status hf_context_new(const struct hf_context_options *options, hf_context **ret_ctx, hf_error *err)
{
	struct hf_context_options chosen = {.size = sizeof(chosen)};
	if (options && options_check("hf_context_options", options->size, sizeof(*options), err) != HF_OK)
		return HF_E_USAGE;
	if (options)
		chosen = *options;
	if (!chosen.monotonic_us)
		chosen.monotonic_us = system_monotonic_us;
	if (!chosen.wall_us)
		chosen.wall_us = system_wall_us;
	if (!chosen.random)
		chosen.random = system_random;
	CLEANUP(context_freep) hf_context *ctx = calloc(1, sizeof(*ctx));
	if (!ctx)
		return error_nomem(err);
	ctx->options = chosen;
	ctx->metrics = metrics_new();
	if (!ctx->metrics)
		return error_nomem(err);
	*ret_ctx = context_take(&ctx);
	return HF_OK;
}

void hf_context_free(hf_context *ctx)
{
	if (!ctx)
		return;
	metrics_free(ctx->metrics);
	free(ctx);
}

HOT int64_t hf_now_monotonic_us(hf_context *ctx)
{
	return ctx->options.monotonic_us(ctx->options.user);
}

HOT int64_t context_monotonic_tick_us(const hf_context *ctx)
{
	bool system = ctx->options.monotonic_us == system_monotonic_us;
	return system ? clock_us(CLOCK_MONOTONIC_COARSE) : ctx->options.monotonic_us(ctx->options.user);
}

int64_t hf_now_wall_us(hf_context *ctx)
{
	return ctx->options.wall_us(ctx->options.user);
}

hf_deadline hf_deadline_in(hf_context *ctx, int64_t timeout_ms)
{
	int64_t us, deadline;
	if (__builtin_mul_overflow(timeout_ms, 1000, &us) ||
	    __builtin_add_overflow(hf_now_monotonic_us(ctx), us, &deadline))
		return timeout_ms > 0 ? INT64_MAX : INT64_MIN;
	return deadline == HF_DEADLINE_DEFAULT ? 1 : deadline;
}

void hf_context_interrupt(hf_context *ctx)
{
	atomic_store_explicit(&ctx->interrupted, true, memory_order_release);
}

HOT bool hf_context_interrupted(const hf_context *ctx)
{
	return atomic_load_explicit(&ctx->interrupted, memory_order_acquire);
}

struct hf_metrics *hf_context_metrics(hf_context *ctx)
{
	return ctx->metrics;
}

void context_log(const hf_context *ctx, enum hf_log_level level, const char *event, const struct hf_log_field *fields,
                 size_t nfields)
{
	if (context_logs(ctx, level))
		ctx->options.log(ctx->options.user, level, event, fields, nfields);
}

uint64_t context_random_u64(hf_context *ctx)
{
	uint64_t bits = 0;
	ASSERT(ctx->options.random(ctx->options.user, &bits, sizeof(bits)) == 0);
	return bits;
}

void context_pause(const hf_context *ctx, int64_t us)
{
	while (us > 0 && !hf_context_interrupted(ctx)) {
		int64_t slice_us = us < PAUSE_SLICE_US ? us : PAUSE_SLICE_US;
		struct timespec left = {.tv_nsec = slice_us * 1000};
		while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
			;
		us -= slice_us;
	}
}
