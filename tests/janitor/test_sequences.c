/*
 * Random sequences of everything that writes the queue - single requests, bulk runs, removals, claims and their ends -
 * against a small model, row by row after each step: no request is lost, nothing is handed out twice, fences grow, and
 * what is handed out is the head of what is free. HOLDFAST_TEST_SEED repeats one, HOLDFAST_TEST_LONG runs 40.
 */
#include "rig.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fixture.h"

enum { PLACES = 5, CLAIMS = 2000, STEPS = 700, ATTEMPTS = 2 };

static const char *const names[PLACES] = {"aa", "bb", "cc", "dd", "ee"};

struct place {
	bool present;
	int32_t id;
	int version; /* of the row: each write makes another */
	enum hf_bucket bucket;
	int64_t priority;
	int command;
};

struct taken {
	int64_t fence;
	int32_t id;
	int place, version;
	enum hf_claim_state state;
};

struct model {
	struct rig *rig;
	uint64_t seed;
	struct place places[PLACES];
	struct taken claims[CLAIMS];
	int nclaims, versions, commands;
	int32_t next_id;
	hf_arena *arena;
};

/* ---- what the model knows ---- */

static bool is_leased(const struct model *model, const struct place *place)
{
	for (int i = 0; i < model->nclaims; i++)
		if (model->claims[i].id == place->id && model->claims[i].state == HF_CLAIM_LEASED)
			return true;
	return false;
}

static bool is_dead(const struct model *model, const struct place *place)
{
	for (int i = 0; i < model->nclaims; i++)
		if (model->claims[i].id == place->id && model->claims[i].version == place->version &&
		    model->claims[i].state == HF_CLAIM_DEAD)
			return true;
	return false;
}

static int failures(const struct model *model, const struct taken *claim)
{
	int count = 0;
	for (int i = 0; i < model->nclaims; i++)
		count += model->claims[i].id == claim->id && model->claims[i].version == claim->version &&
		         model->claims[i].state == HF_CLAIM_FAILED;
	return count;
}

static void model_request(struct model *model, int at, enum hf_bucket bucket, int64_t priority, int command)
{
	struct place *place = &model->places[at];
	int32_t id = model->next_id++;
	bool open = place->present && (is_leased(model, place) || is_dead(model, place));
	if (place->present && !open && place->bucket < bucket)
		return;
	if (place->present && place->bucket == bucket && place->priority < priority)
		priority = place->priority;
	*place = (struct place){true, place->present ? place->id : id, ++model->versions, bucket, priority, command};
}

static const struct place *model_head(const struct model *model)
{
	const struct place *head = NULL;
	for (int i = 0; i < PLACES; i++) {
		const struct place *place = &model->places[i];
		if (!place->present || is_leased(model, place) || is_dead(model, place))
			continue;
		bool sooner = !head || place->bucket < head->bucket ||
		              (place->bucket == head->bucket &&
		               (place->priority < head->priority ||
		                (place->priority == head->priority && place->id < head->id)));
		head = sooner ? place : head;
	}
	return head;
}

/* ---- steps ---- */

static void ask(struct model *model)
{
	hf_error err = HF_ERROR_INIT;
	int at = (int)rig_below(&model->seed, PLACES), command = ++model->commands;
	char text[16];
	int32_t id;
	enum hf_bucket stored;
	snprintf(text, sizeof(text), "%d", command);
	struct hf_queue_request request = {.codebase = hf_str_of(names[at]),
	                                   .campaign = HF_STR("fixes"),
	                                   .command = hf_str_of(text),
	                                   .bucket = rig_below(&model->seed, 3) ? HF_BUCKET_DEFAULT : HF_BUCKET_MANUAL,
	                                   .offset = (double)rig_below(&model->seed, 400)};
	EXPECT_OK(hf_queue_add(model->rig->where, &request, &id, &stored, &err));
	model_request(model, at, request.bucket, (int64_t)request.offset, command);
	assert_int_equal(id, model->places[at].id);
	assert_int_equal(stored, model->places[at].bucket);
}

/* All codebases are worth the same and nothing ran: the offset is 35000 / (value + 100). */
static void ask_for_many(struct model *model)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_schedule_item items[PLACES];
	struct hf_schedule_options options = {.size = sizeof(options), .verify = PLACES, .verify_seed = 1};
	struct hf_schedule_report report;
	char texts[PLACES][16];
	size_t count = 1 + rig_below(&model->seed, PLACES);
	options.bucket_set = rig_below(&model->seed, 4) == 0;
	options.bucket = HF_BUCKET_MANUAL;
	for (size_t i = 0; i < count; i++) {
		int at = (int)rig_below(&model->seed, PLACES), command = ++model->commands;
		snprintf(texts[i], sizeof(texts[i]), "%d", command);
		items[i] = (struct hf_schedule_item){.codebase = hf_str_of(names[at]),
		                                     .campaign = HF_STR("fixes"),
		                                     .command = hf_str_of(texts[i]),
		                                     .has_value = true,
		                                     .value = 1.0 + (double)rig_below(&model->seed, 900),
		                                     .has_success_chance = true,
		                                     .success_chance = 1.0};
		model_request(model, at, options.bucket_set ? HF_BUCKET_MANUAL : HF_BUCKET_DEFAULT,
		              (int64_t)round(35000.0 / (items[i].value + 100.0)), command);
	}
	EXPECT_OK(hf_schedule_bulk(model->rig->where, items, count, &options, &report, &err));
}

static void take_away(struct model *model)
{
	hf_error err = HF_ERROR_INIT;
	struct place *place = &model->places[rig_below(&model->seed, PLACES)];
	EXPECT_STATUS(hf_queue_remove(model->rig->where, place->present ? place->id : 1000000, &err),
	              place->present ? HF_OK : HF_NOT_FOUND);
	place->present = false;
}

static void claim(struct model *model)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_claim_options options = {.size = sizeof(options), .holder = HF_STR("me"), .attempts_max = ATTEMPTS};
	const struct place *head = model_head(model);
	struct hf_claim taken;
	if (model->nclaims == CLAIMS)
		return;
	enum hf_status status = hf_claim_next(model->rig->where, &options, model->arena, &taken, &err);
	EXPECT_STATUS(status, head ? HF_OK : HF_NOT_FOUND);
	if (!head)
		return;
	assert_int_equal(taken.next.item.id, head->id);
	if (model->nclaims > 0)
		assert_true(taken.fence > model->claims[model->nclaims - 1].fence);
	struct taken *claim = &model->claims[model->nclaims];
	*claim = (struct taken){taken.fence, head->id, (int)(head - model->places), head->version, HF_CLAIM_LEASED};
	assert_int_equal(taken.attempt, 1 + failures(model, claim));
	model->nclaims++;
}

static struct taken *some_lease(struct model *model)
{
	for (int i = 0; i < 8 && model->nclaims > 0; i++) {
		int back = (int)rig_below(&model->seed, 12);
		struct taken *claim = &model->claims[model->nclaims - 1 - (back < model->nclaims ? back : 0)];
		if (claim->state == HF_CLAIM_LEASED)
			return claim;
	}
	return NULL;
}

static void finish(struct model *model)
{
	hf_error err = HF_ERROR_INIT;
	struct taken *claim = some_lease(model);
	bool again;
	if (!claim)
		return;
	struct place *place = &model->places[claim->place];
	bool untouched = place->present && place->id == claim->id && place->version == claim->version;
	EXPECT_OK(hf_claim_finish(model->rig->where, claim->fence, HF_STR("me"), &again, &err));
	assert_int_equal(again, !untouched);
	claim->state = HF_CLAIM_FINISHED;
	place->present = place->present && !untouched;
}

static void give_up(struct model *model)
{
	hf_error err = HF_ERROR_INIT;
	struct taken *claim = some_lease(model);
	bool dead;
	if (!claim)
		return;
	EXPECT_OK(hf_claim_fail(model->rig->where, claim->fence, HF_STR("me"), HF_STR("why"), &dead, &err));
	claim->state = failures(model, claim) + 1 >= ATTEMPTS ? HF_CLAIM_DEAD : HF_CLAIM_FAILED;
	assert_int_equal(dead, claim->state == HF_CLAIM_DEAD);
}

/* ---- rows ---- */

static void compare(struct model *model, int step)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	char expected[1024] = "";
	size_t n = 0;
	for (int i = 0; i < PLACES; i++) {
		const struct place *place = &model->places[i];
		if (place->present)
			n += (size_t)snprintf(expected + n, sizeof(expected) - n, "%s %d %s %lld %d;", names[i],
			                      place->id, hf_bucket_word(place->bucket), (long long)place->priority,
			                      place->command);
	}
	EXPECT_OK(hf_sql_one(
		model->rig->where,
		HF_STR("SELECT coalesce(string_agg(concat_ws(' ', codebase, id, bucket, priority, command) || ';', "
	               "'' ORDER BY codebase), '') FROM queue"),
		NULL, 0, model->arena, &row, &err));
	if (!str_eq(row.values[0].as.s, hf_str_of(expected)))
		fail_msg("step %d: %.*s, not %s", step, STR_ARG(row.values[0].as.s), expected);
}

static void one_sequence(struct rig *rig, uint64_t seed)
{
	static struct model model;
	static void (*const steps[])(struct model *) = {ask,   ask,    ask_for_many, claim,   claim,
	                                                claim, finish, finish,       give_up, take_away};
	model = (struct model){.rig = rig, .seed = seed, .next_id = 1, .arena = hf_arena_new(0)};
	rig_load_text(model.rig,
	              "{\"codebase\":[{\"name\":\"aa\",\"value\":1},{\"name\":\"bb\",\"value\":1},"
	              "{\"name\":\"cc\",\"value\":1},{\"name\":\"dd\",\"value\":1},{\"name\":\"ee\",\"value\":1}]}");
	rig_run(model.rig, "DELETE FROM holdfast.queue_claim");
	rig_run(model.rig, "ALTER SEQUENCE queue_id_seq RESTART");
	for (int step = 0; step < STEPS; step++) {
		hf_arena_reset(model.arena);
		steps[rig_below(&model.seed, ARRAY_LEN(steps))](&model);
		compare(&model, step);
	}
	hf_arena_free(model.arena);
}

static void random_sequences_follow_the_model(void **state)
{
	const uint64_t seed = rig_seed();
	for (uint64_t round = 0; round < (getenv("HOLDFAST_TEST_LONG") ? 40 : 1); round++)
		one_sequence(*state, seed + round);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(random_sequences_follow_the_model)};
	return cmocka_run_group_tests_name("sequences", tests, rig_up, rig_down);
}
