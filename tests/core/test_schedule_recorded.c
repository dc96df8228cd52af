/*
 * Scheduling arithmetic and environments against what the Python original answered: tests/data/janitor/arithmetic.jsonl.gz, whose
 * README has the columns. Every line, every bit.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <zlib.h>

#include "core/environment.h"
#include "core/schedule.h"
#include "../check.h"
#include "base/arena.h"
#include "base/macros.h"
#include "base/str.h"

static const struct hf_defects parity = {{UINT64_MAX, UINT64_MAX}};

#define LINE_MAX_BYTES 65536
#define AT_LEAST_OFFSETS 10000
#define AT_LEAST_MEANS 10000
#define AT_LEAST_PROBABILITIES 250
#define AT_LEAST_INTERVALS 3000
#define AT_LEAST_ENVIRONMENTS 1500

/* Wherever the histories of the recording are, their clock is later. */
#define LONG_AFTER_US INT64_C(4000000000000000)

static struct schedule_value value_of(const json_t *number)
{
	return json_is_null(number) ? SCHEDULE_UNKNOWN : (struct schedule_value){true, json_number_value(number)};
}

static void same_bits(double got, const json_t *expected, const char *line)
{
	double wanted = json_number_value(expected);
	if (memcmp(&got, &wanted, sizeof(got)) != 0)
		fail_msg("got %.17g, recorded %.17g: %s", got, wanted, line);
}

/* ["offset", duration, normalized, probability, value, runs, success chance, answer] */
static void check_offset(const json_t *row, const char *line)
{
	double offset = NAN;
	const json_t *answer = json_array_get(row, 7);
	enum schedule_fault fault = schedule_offset(
	        json_integer_value(json_array_get(row, 1)), value_of(json_array_get(row, 2)),
	        json_number_value(json_array_get(row, 3)), value_of(json_array_get(row, 4)),
	        json_integer_value(json_array_get(row, 5)), &parity, &offset);
	if (json_is_string(answer) != (fault != SCHEDULE_FINE))
		fail_msg("fault %d (%s): %s", fault, schedule_fault_text(fault), line);
	if (fault == SCHEDULE_FINE)
		same_bits(offset, answer, line);
}

/* ["mean", [durations], answer] */
static void check_mean(const json_t *row, const char *line)
{
	struct schedule_history history;
	schedule_history_init(&history, true, LONG_AFTER_US);
	const json_t *durations = json_array_get(row, 1);
	for (size_t i = 0; i < json_array_size(durations); i++) {
		struct schedule_run run = {.has_times = true, .success = true,
		                           .duration_us = json_integer_value(json_array_get(durations, i))};
		schedule_history_add(&history, &run);
	}
	struct schedule_estimate estimate = {0};
	assert_int_equal(schedule_history_finish(&history, &estimate), SCHEDULE_FINE);
	if (estimate.duration_us != json_integer_value(json_array_get(row, 2)))
		fail_msg("got %lld: %s", (long long)estimate.duration_us, line);
}

static bool same_text(const json_t *a, const json_t *b)
{
	return json_is_string(a) && json_is_string(b) && strcmp(json_string_value(a), json_string_value(b)) == 0;
}

/* ["probability", context, [[code, instigated, context], ...], counted, answer] */
static void check_probability(const json_t *row, const char *line)
{
	const json_t *context = json_array_get(row, 1), *runs = json_array_get(row, 2);
	struct schedule_history history;
	schedule_history_init(&history, json_is_null(context), LONG_AFTER_US);
	for (size_t i = 0; i < json_array_size(runs); i++) {
		const json_t *recorded = json_array_get(runs, i);
		bool any = json_is_string(context) && json_string_length(context) > 0;
		struct schedule_run run = {
		        .has_times = true, .duration_us = 1000000,
		        .success = strcmp(json_string_value(json_array_get(recorded, 0)), "success") == 0,
		        .same_context = any && (same_text(context, json_array_get(recorded, 1)) ||
		                                same_text(context, json_array_get(recorded, 2)))};
		schedule_history_add(&history, &run);
	}
	struct schedule_estimate estimate = {0};
	assert_int_equal(schedule_history_finish(&history, &estimate), SCHEDULE_FINE);
	assert_int_equal(estimate.total, json_integer_value(json_array_get(row, 3)));
	same_bits(estimate.probability, json_array_get(row, 4), line);
}

/* ["interval", seconds, answer] */
static void check_interval(const json_t *row, const char *line)
{
	int64_t us = schedule_us_of_seconds(json_number_value(json_array_get(row, 1)));
	if (us != json_integer_value(json_array_get(row, 2)))
		fail_msg("got %lld: %s", (long long)us, line);
}

static bool recorded_text(struct hf_str got, const json_t *expected)
{
	return str_eq(got, (struct hf_str){json_string_value(expected), json_string_length(expected)});
}

/* ["splitout", command, [[variable, value], ...] or null, rest or reason] */
static void check_splitout(const json_t *row, const char *line)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct env_command found;
	const json_t *vars = json_array_get(row, 2), *rest = json_array_get(row, 3);
	enum env_fault fault = env_split(hf_str_of(json_string_value(json_array_get(row, 1))), arena, &found);
	if (json_is_null(vars)) {
		const bool quotation = recorded_text(HF_STR("No closing quotation"), rest);
		if (fault != (quotation ? ENV_OPEN_QUOTE : ENV_OPEN_ESCAPE))
			fail_msg("fault %d: %s", fault, line);
		return;
	}
	if (fault != ENV_FINE || found.nvars != json_array_size(vars) || !recorded_text(found.command, rest))
		fail_msg("fault %d: %s", fault, line);
	for (size_t i = 0; i < found.nvars; i++)
		if (!recorded_text(found.vars[i].name, json_array_get(json_array_get(vars, i), 0)) ||
		    !recorded_text(found.vars[i].value, json_array_get(json_array_get(vars, i), 1)))
			fail_msg("%s", line);
}

/* ["committer", committer, name, address] */
static void check_committer(const json_t *row, const char *line)
{
	struct env_var vars[ENV_COMMITTER_MAX];
	struct hf_str name = HF_STR(""), address = HF_STR("");
	size_t n = env_committer(hf_str_of(json_string_value(json_array_get(row, 1))), vars);
	for (size_t i = 0; i < n; i++) {
		name = str_eq(vars[i].name, HF_STR("DEBFULLNAME")) ? vars[i].value : name;
		address = str_eq(vars[i].name, HF_STR("EMAIL")) ? vars[i].value : address;
	}
	if (!recorded_text(name, json_array_get(row, 2)) || !recorded_text(address, json_array_get(row, 3)))
		fail_msg("%.*s, %.*s: %s", STR_ARG(name), STR_ARG(address), line);
}

/* Run `check` on every line whose first word is `word`; there must be `at_least` of them. */
static void each_line(const char *word, void (*check)(const json_t *row, const char *line), size_t at_least)
{
	const char *path = test_variable("HOLDFAST_RECORDED");
	gzFile file = gzopen(path, "rb");
	assert_non_null(file);
	static char line[LINE_MAX_BYTES];
	size_t checked = 0;
	while (gzgets(file, line, sizeof(line))) {
		json_error_t error;
		json_t *row = json_loads(line, 0, &error);
		if (!row)
			fail_msg("%s: %s", error.text, line);
		if (strcmp(json_string_value(json_array_get(row, 0)), word) == 0) {
			check(row, line);
			checked++;
		}
		json_decref(row);
	}
	gzclose(file);
	if (checked < at_least)
		fail_msg("only %zu lines of %s", checked, word);
}

static void every_recorded_offset(UNUSED void **state)
{
	each_line("offset", check_offset, AT_LEAST_OFFSETS);
}

static void every_recorded_mean_duration(UNUSED void **state)
{
	each_line("mean", check_mean, AT_LEAST_MEANS);
}

static void every_recorded_probability(UNUSED void **state)
{
	each_line("probability", check_probability, AT_LEAST_PROBABILITIES);
}

static void every_recorded_interval(UNUSED void **state)
{
	each_line("interval", check_interval, AT_LEAST_INTERVALS);
}

static void every_recorded_command(UNUSED void **state)
{
	each_line("splitout", check_splitout, AT_LEAST_ENVIRONMENTS);
}

static void every_recorded_committer(UNUSED void **state)
{
	each_line("committer", check_committer, AT_LEAST_ENVIRONMENTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(every_recorded_offset),
	        cmocka_unit_test(every_recorded_mean_duration),
	        cmocka_unit_test(every_recorded_probability),
	        cmocka_unit_test(every_recorded_interval),
	        cmocka_unit_test(every_recorded_command),
	        cmocka_unit_test(every_recorded_committer),
	};
	return cmocka_run_group_tests_name("schedule_recorded", tests, NULL, NULL);
}
