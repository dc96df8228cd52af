/*
 * Claims under load and in random order: threads that claim, finish, fail, give back, let their lease run out and ask
 * again, judged afterwards by the history that the database kept; then a single session beside a model in memory.
 * Prints its seed; HOLDFAST_TEST_SEED repeats one.
 */
#include "rig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../fixture.h"

enum { ITEMS = 60, THREADS = 8, STEPS = 150, MODEL_ITEMS = 6, MODEL_STEPS = 600 };

/* 7 of "cb7". */
static int number_of(struct hf_str codebase)
{
	return (int)strtol(codebase.ptr + 2, NULL, 10);
}

static void fill(struct rig *rig, int items)
{
	char sql[256];
	rig_load_text(rig, "{}");
	rig_run(rig, "TRUNCATE holdfast.queue_claim");
	snprintf(sql, sizeof(sql), "INSERT INTO codebase (name) SELECT 'cb' || n FROM generate_series(1, %d) AS n",
	         items);
	rig_run(rig, sql);
	rig_run(rig,
	        "INSERT INTO queue (codebase, suite, command, priority) SELECT name, 'fixes', 'x', 1 FROM codebase "
	        "ORDER BY length(name::text), name");
}

/* ---- threads ---- */

struct crew {
	hf_pool *pool;
	unsigned seed;
	pthread_mutex_t mutex;
	int64_t finished, asked, conflicts, claims;
};

struct worker {
	struct crew *crew;
	unsigned random;
	char holder[16];
	int64_t claims, finished, asked, conflicts;
	const char *wrong;
	hf_error err;
};

static void ask(struct worker *worker, int item)
{
	char codebase[16];
	int32_t id;
	enum hf_bucket bucket;
	snprintf(codebase, sizeof(codebase), "cb%d", item);
	struct hf_queue_request request = {.codebase = hf_str_of(codebase),
	                                   .campaign = HF_STR("fixes"),
	                                   .command = HF_STR("again"),
	                                   .bucket = HF_BUCKET_DEFAULT};
	enum hf_status status = hf_queue_add(hf_on_pool(worker->crew->pool), &request, &id, &bucket, &worker->err);
	if (status != HF_OK && status != HF_CONFLICT)
		worker->wrong = "asking";
	worker->asked += status == HF_OK;
}

/* One claim and what becomes of it. */
static void turn(struct worker *worker, hf_arena *arena)
{
	hf_where where = hf_on_pool(worker->crew->pool);
	int fate = rand_r(&worker->random) % 10;
	struct hf_claim_options options = {.size = sizeof(options),
	                                   .holder = hf_str_of(worker->holder),
	                                   .lease_us = fate == 0 ? 1000 : 60000000,
	                                   .attempts_max = 1000};
	struct hf_str holder = options.holder;
	struct hf_claim claim;
	bool again, dead;
	hf_arena_reset(arena);
	enum hf_status status = hf_claim_next(where, &options, arena, &claim, &worker->err);
	if (status == HF_NOT_FOUND || status == HF_BUSY) {
		ask(worker, 1 + rand_r(&worker->random) % ITEMS);
		return;
	}
	if (status != HF_OK) {
		worker->wrong = "claiming";
		return;
	}
	worker->claims++;
	if (fate == 0)
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	if (fate == 1)
		ask(worker, number_of(claim.next.item.codebase));
	if (fate == 2)
		status = hf_claim_fail(where, claim.fence, holder, HF_STR("dice"), &dead, &worker->err);
	else if (fate == 3)
		status = hf_claim_release(where, claim.fence, holder, &worker->err);
	else
		status = hf_claim_finish(where, claim.fence, holder, &again, &worker->err);
	worker->finished += status == HF_OK && fate != 2 && fate != 3 && !again;
	worker->conflicts += status == HF_CONFLICT;
	if ((status != HF_OK && status != HF_CONFLICT) || (status == HF_CONFLICT && fate != 0))
		worker->wrong = "ending";
}

static void *work(void *user)
{
	struct worker *worker = user;
	hf_arena *arena = hf_arena_new(0);
	for (int i = 0; i < STEPS && !worker->wrong; i++)
		turn(worker, arena);
	hf_arena_free(arena);
	return NULL;
}

static void crowds_hold_each_item_once(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct hf_pool_options options = {.size = sizeof(options), .connections_max = THREADS};
	struct crew crew = {.seed = (unsigned)rig_seed()};
	struct worker workers[THREADS];
	pthread_t threads[THREADS];
	int64_t finished = 0, claims = 0, conflicts = 0;
	fill(rig, ITEMS);
	EXPECT_OK(hf_pool_open(rig->ctx, rig->settings, &options, &crew.pool, &err));
	for (int i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){.crew = &crew, .random = crew.seed + (unsigned)i};
		snprintf(workers[i].holder, sizeof(workers[i].holder), "w%d", i);
		assert_int_equal(pthread_create(&threads[i], NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	hf_pool_close(crew.pool);
	for (int i = 0; i < THREADS; i++) {
		if (workers[i].wrong)
			fail_msg("%s: %s", workers[i].wrong, workers[i].err.message);
		finished += workers[i].finished;
		claims += workers[i].claims;
		conflicts += workers[i].conflicts;
	}
	fprintf(stderr, "# %lld claims, %lld finished, %lld leases lost\n", (long long)claims, (long long)finished,
	        (long long)conflicts);
	assert_true(claims > ITEMS && conflicts > 0);
	/* Leases of an item never overlap. */
	assert_int_equal(rig_number(rig,
	                            "SELECT count(*) FROM holdfast.queue_claim AS a JOIN holdfast.queue_claim AS b "
	                            "USING (queue_id) WHERE a.fence < b.fence AND b.claimed_at < "
	                            "least(a.until, coalesce(a.ended_at, a.until))"),
	                 0);
	/* A later claim has the greater fence. */
	assert_int_equal(rig_number(rig,
	                            "SELECT count(*) FROM holdfast.queue_claim AS a JOIN holdfast.queue_claim AS b "
	                            "USING (queue_id) WHERE a.fence < b.fence AND a.claimed_at > b.claimed_at"),
	                 0);
	/* Every claim was recorded, and nothing was lost: an entry is gone only where a claim of it finished. */
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM holdfast.queue_claim"), claims);
	assert_int_equal(rig_number(rig, "SELECT count(*) FROM (SELECT generate_series(1, max(queue_id)) AS id FROM "
	                                 "holdfast.queue_claim EXCEPT SELECT id FROM queue EXCEPT SELECT queue_id FROM "
	                                 "holdfast.queue_claim WHERE state = 'finished' EXCEPT SELECT unused FROM "
	                                 "(SELECT generate_series(1, (SELECT last_value FROM queue_id_seq)) AS unused "
	                                 "EXCEPT SELECT queue_id FROM holdfast.queue_claim) AS never) AS lost"),
	                 0);
}

/* ---- a model ---- */

struct model_item {
	bool waiting;
	int64_t order; /* of the queue; smaller first */
	int64_t fence; /* of a live lease, 0 = free */
	bool asked_again;
	int attempts;
};

struct model {
	struct rig *rig;
	struct model_item items[MODEL_ITEMS + 1];
	int64_t last_fence;
	unsigned random;
	hf_arena *arena;
};

static int model_next(const struct model *model)
{
	int best = 0;
	for (int i = 1; i <= MODEL_ITEMS; i++)
		if (model->items[i].waiting && !model->items[i].fence &&
		    (!best || model->items[i].order < model->items[best].order))
			best = i;
	return best;
}

static void model_claim(struct model *model)
{
	struct hf_claim_options options = {.size = sizeof(options), .holder = HF_STR("me"), .lease_us = 3600000000};
	int expected = model_next(model);
	struct hf_claim claim;
	hf_error err = HF_ERROR_INIT;
	enum hf_status status = hf_claim_next(model->rig->where, &options, model->arena, &claim, &err);
	EXPECT_STATUS(status, expected ? HF_OK : HF_NOT_FOUND);
	if (!expected)
		return;
	assert_int_equal(number_of(claim.next.item.codebase), expected);
	assert_true(claim.fence > model->last_fence);
	assert_int_equal(claim.attempt, model->items[expected].attempts + 1);
	model->items[expected].fence = model->last_fence = claim.fence;
}

static void model_end(struct model *model, int item, int how)
{
	struct model_item *it = &model->items[item];
	hf_where where = model->rig->where;
	hf_error err = HF_ERROR_INIT;
	bool again = false, dead = false;
	if (!it->fence)
		return;
	if (how == 0) {
		EXPECT_OK(hf_claim_finish(where, it->fence, HF_STR("me"), &again, &err));
		assert_int_equal(again, it->asked_again);
		it->waiting = again;
	} else if (how == 1) {
		EXPECT_OK(hf_claim_fail(where, it->fence, HF_STR("me"), (struct hf_str){NULL, 0}, &dead, &err));
		it->attempts += it->asked_again ? -it->attempts : 1;
		if (!it->asked_again && it->attempts == 5) {
			assert_true(dead);
			it->order = INT64_MAX; /* never handed out: asked for again below */
		}
	} else {
		EXPECT_OK(hf_claim_release(where, it->fence, HF_STR("me"), &err));
		it->attempts = it->asked_again ? 0 : it->attempts;
	}
	if (how == 0)
		it->attempts = 0;
	it->fence = 0;
	it->asked_again = false;
	EXPECT_STATUS(hf_claim_renew(where, model->last_fence + 1, HF_STR("me"), 1, &(struct hf_timestamptz){0}, &err),
	              HF_NOT_FOUND);
}

static void model_ask(struct model *model, int item)
{
	struct model_item *it = &model->items[item];
	char codebase[16], where[128];
	int32_t id;
	enum hf_bucket bucket;
	hf_error err = HF_ERROR_INIT;
	snprintf(codebase, sizeof(codebase), "cb%d", item);
	struct hf_queue_request request = {.codebase = hf_str_of(codebase),
	                                   .campaign = HF_STR("fixes"),
	                                   .command = HF_STR("y"),
	                                   .offset = 1.0 + rand_r(&model->random) % 50,
	                                   .bucket = HF_BUCKET_DEFAULT};
	EXPECT_OK(hf_queue_add(model->rig->where, &request, &id, &bucket, &err));
	snprintf(where, sizeof(where), "SELECT priority * 1000000 + id FROM queue WHERE codebase = '%s'", codebase);
	it->order = rig_number(model->rig, where);
	it->asked_again = it->fence != 0;
	it->waiting = true;
	it->attempts = it->fence ? it->attempts : 0;
}

static void random_sequences_follow_the_model(void **state)
{
	struct model model = {.rig = *state, .random = (unsigned)rig_seed(), .arena = hf_arena_new(0)};
	fill(model.rig, MODEL_ITEMS);
	for (int i = 1; i <= MODEL_ITEMS; i++)
		model.items[i] = (struct model_item){.waiting = true, .order = 1000000 + i};
	for (int step = 0; step < MODEL_STEPS; step++) {
		int dice = rand_r(&model.random) % 10, item = 1 + rand_r(&model.random) % MODEL_ITEMS;
		bool dead = model.items[item].order == INT64_MAX;
		hf_arena_reset(model.arena);
		if (dead || dice < 2)
			model_ask(&model, item);
		else if (dice < 6)
			model_claim(&model);
		else
			model_end(&model, item, dice % 3);
		/* Dead entries are asked for again before anything else is claimed. */
		for (int i = 1; i <= MODEL_ITEMS; i++)
			if (model.items[i].order == INT64_MAX)
				model_ask(&model, i);
	}
	hf_arena_free(model.arena);
}

/* ---- refusals that the command cannot make ---- */

static void options_are_checked(void **state)
{
	struct rig *rig = *state;
	struct hf_claim_options options = {.size = sizeof(options) - 1, .holder = HF_STR("me")};
	struct hf_claim claim;
	struct hf_timestamptz until;
	int64_t pruned;
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	EXPECT_STATUS(hf_claim_next(rig->where, &options, arena, &claim, &err), HF_E_USAGE);
	options.size = sizeof(options);
	options.lease_us = -1;
	EXPECT_STATUS(hf_claim_next(rig->where, &options, arena, &claim, &err), HF_E_INPUT);
	options.lease_us = INT64_C(8) * 86400 * 1000000;
	EXPECT_STATUS(hf_claim_next(rig->where, &options, arena, &claim, &err), HF_E_INPUT);
	options.lease_us = 0;
	options.attempts_max = -1;
	EXPECT_STATUS(hf_claim_next(rig->where, &options, arena, &claim, &err), HF_E_INPUT);
	EXPECT_STATUS(hf_claim_renew(rig->where, 1, HF_STR("me"), 0, &until, &err), HF_E_INPUT);
	EXPECT_STATUS(hf_claim_prune(rig->where, -1, &pruned, &err), HF_E_INPUT);
	assert_string_equal(hf_claim_state_word((enum hf_claim_state)77), "");
	assert_string_equal(hf_assigner_word(HF_ASSIGNER_ORIGINAL), "original");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crowds_hold_each_item_once),
		cmocka_unit_test(random_sequences_follow_the_model),
		cmocka_unit_test(options_are_checked),
	};
	return cmocka_run_group_tests(tests, rig_up, rig_down);
}
