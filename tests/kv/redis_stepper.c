/*
 * redis_stepper.c - see redis_stepper.h.
 */
#include "redis_stepper.h"

#include <signal.h>
#include <time.h>

#include "kv/redis.h"
#include "kv/store.h"
#include "../check.h"

static int64_t stepper_clock(void *user)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000) + now.tv_nsec / 1000 + ((struct stepper *)user)->later_us;
}

static void after_request(void *user, UNUSED enum hf_log_level level, const char *event,
                          const struct hf_log_field *fields, size_t nfields)
{
	struct stepper *stepper = user;
	if (strcmp(event, "redis") != 0)
		return;
	stepper->counted += stepper->what && nfields > 0 && strcmp(fields[0].text.ptr, stepper->what) == 0;
	if (!stepper->hook)
		return;
	stepper->seen++;
	stepper->hook(stepper);
}

void open_stepper(struct stepper *stepper, struct redis_rig *rig)
{
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_options options = {.size = sizeof(options), .sweep_interval_ms = -1, .log_statements = true};
	*stepper = (struct stepper){.rig = rig};
	const struct hf_context_options how = {.size = sizeof(how),
	                                       .user = stepper,
	                                       .log = after_request,
	                                       .log_level = HF_LOG_DEBUG,
	                                       .monotonic_us = stepper_clock};
	EXPECT_OK(hf_context_new(&how, &stepper->ctx, &err));
	EXPECT_OK(hf_kv_open(stepper->ctx, rig->url, &options, &stepper->kv, &err));
	stepper->kv->backend->state->changes_max = MANY;
}

void close_stepper(struct stepper *stepper)
{
	stepper->hook = NULL;
	hf_kv_close(stepper->kv);
	hf_context_free(stepper->ctx);
}

struct hf_kv_checkpoint make_point(struct redis_rig *rig)
{
	struct hf_kv_checkpoint point;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_checkpoint_create(rig->kv, NULL, rig->arena, &point, &err));
	return point;
}

void make_another(struct stepper *stepper)
{
	if (stepper->seen == stepper->at)
		make_point(stepper->rig);
}

bool holds_now(struct redis_rig *rig, const struct hf_kv_checkpoint *wanted)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_kv_checkpoint now = make_point(rig);
	EXPECT_OK(hf_kv_checkpoint_delete(rig->kv, &now.id, &err));
	return now.row_count == wanted->row_count && memcmp(&now.digest, &wanted->digest, sizeof(now.digest)) == 0;
}

void expect_tidy(struct redis_rig *rig)
{
	redis_rig_does(rig, "EVAL %s 0",
	               "return #redis.call('KEYS', '*:load:*') == 0 or error('something stays aside')");
}

void expect_now(struct redis_rig *rig, const struct hf_kv_checkpoint *wanted, int expiring)
{
	assert_true(holds_now(rig, wanted));
	redis_rig_check_whole(rig, "default", (long long)wanted->row_count, expiring);
	expect_tidy(rig);
}

void expect_kept(struct redis_rig *rig, const struct hf_uuid *id)
{
	struct hf_kv_checkpoint shown;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_checkpoint_verify(rig->kv, id, rig->arena, &shown, &err));
}

void let_time_pass(struct stepper *stepper)
{
	if (stepper->seen == stepper->at)
		stepper->later_us = INT64_C(3600000000);
}

void interrupt(struct stepper *stepper)
{
	if (stepper->seen == stepper->at)
		hf_context_interrupt(stepper->ctx);
}

void die(struct stepper *stepper)
{
	if (stepper->seen == stepper->at)
		raise(SIGKILL);
}
