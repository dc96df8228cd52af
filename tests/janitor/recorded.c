/*
 * recorded.c - see recorded.h. A case costs one statement to begin and one per state that is compared.
 */
#include "recorded.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../fixture.h"

enum { CASE_BYTES_MAX = 4 << 20, SHOWN_MAX = 120 };

int replay_up(void **state)
{
	struct replay *replay = calloc(1, sizeof(*replay));
	assert_non_null(replay);
	rig_open(&replay->rig, fixture_database(NULL));
	*state = replay;
	return 0;
}

int replay_down(void **state)
{
	struct replay *replay = *state;
	if (replay->runner)
		http_double_stop(replay->runner);
	rig_close(&replay->rig);
	free(replay);
	return 0;
}

static void begin(struct replay *replay)
{
	const json_t *now = json_object_get(replay->current, "now");
	assert_true(!now || strcmp(json_string_value(now), "2024-06-01T12:00:00") == 0); /* RIG_NOW_US */
	rig_load(&replay->rig, json_object_get(replay->current, "load"));
	if (++replay->begun % 100 == 0) /* as the recording did: deleted rows would slow every scan down */
		rig_run(&replay->rig,
		        "VACUUM queue, run, last_run, new_result_branch, review, debian_build, candidate, codebase, "
		        "change_set, named_publish_policy, worker, publish, merge_proposal, followup");
}

void replay_set_sequence(struct replay *replay, const json_t *sequence)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_value params[] = {hf_int(json_integer_value(json_array_get(sequence, 0))),
	                            hf_bool(json_is_true(json_array_get(sequence, 1)))};
	EXPECT_OK(
		hf_sql_exec(replay->rig.where, HF_STR("SELECT setval('queue_id_seq', $1, $2)"), params, 2, NULL, &err));
}

/* ---- comparing ---- */

static bool same_number(const json_t *recorded, const json_t *ours)
{
	if (json_is_integer(recorded) && json_is_integer(ours))
		return json_integer_value(recorded) == json_integer_value(ours);
	double a = json_number_value(recorded), b = json_number_value(ours);
	return json_is_number(ours) && !(json_is_real(recorded) && json_is_integer(ours)) &&
	       memcmp(&a, &b, sizeof(a)) == 0;
}

static bool same_array(const json_t *recorded, const json_t *ours)
{
	if (!json_is_array(ours) || json_array_size(recorded) != json_array_size(ours))
		return false;
	for (size_t i = 0; i < json_array_size(recorded); i++)
		if (!same_json(json_array_get(recorded, i), json_array_get(ours, i)))
			return false;
	return true;
}

static bool same_object(const json_t *recorded, const json_t *ours)
{
	if (!json_is_object(ours) || json_object_size(recorded) != json_object_size(ours))
		return false;
	for (void *at = json_object_iter((json_t *)(uintptr_t)recorded); at;
	     at = json_object_iter_next((json_t *)(uintptr_t)recorded, at)) {
		const json_t *other = json_object_get(ours, json_object_iter_key(at));
		if (!other || !same_json(json_object_iter_value(at), other))
			return false;
	}
	return true;
}

bool same_json(const json_t *recorded, const json_t *ours)
{
	if (json_is_number(recorded))
		return same_number(recorded, ours);
	if (json_is_array(recorded))
		return same_array(recorded, ours);
	if (json_is_object(recorded))
		return same_object(recorded, ours);
	return json_equal(recorded, ours);
}

/* Go down to the first member that differs; `path` says where it is. */
static void narrow(const json_t **expected, const json_t **got, char *path, size_t size)
{
	for (size_t used = 0;;) {
		const json_t *down = NULL, *other = NULL;
		char step[64] = "";
		for (void *at = json_object_iter((json_t *)(uintptr_t)*expected); at && !down;
		     at = json_object_iter_next((json_t *)(uintptr_t)*expected, at)) {
			other = json_object_get(*got, json_object_iter_key(at));
			if (other && !same_json(json_object_iter_value(at), other))
				down = json_object_iter_value(at);
			snprintf(step, sizeof(step), ".%s", json_object_iter_key(at));
		}
		for (size_t i = 0; i < json_array_size(*expected) && !down; i++) {
			other = json_array_get(*got, i);
			if (other && !same_json(json_array_get(*expected, i), other))
				down = json_array_get(*expected, i);
			snprintf(step, sizeof(step), "[%zu]", i);
		}
		if (!down || used + sizeof(step) > size)
			return;
		used += (size_t)snprintf(path + used, size - used, "%s", step);
		*expected = down;
		*got = other;
	}
}

void replay_fail(struct replay *replay, const char *what, const json_t *expected, const json_t *got)
{
	replay->failures++;
	if (replay->quiet || ++replay->shown > SHOWN_MAX)
		return;
	char path[256] = "";
	narrow(&expected, &got, path, sizeof(path));
	char *recorded = json_dumps(expected, JSON_ENCODE_ANY | JSON_COMPACT);
	char *ours = json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT);
	char *args = json_dumps(json_object_get(replay->call, "args"), JSON_COMPACT);
	print_message("# %s: %s %.300s%s: recorded %.3000s\n#   ours %.3000s\n",
	              json_string_value(json_object_get(replay->current, "case")), what, args ? args : "", path,
	              recorded ? recorded : "nothing", ours ? ours : "nothing");
	free(args);
	free(recorded);
	free(ours);
}

void replay_told(struct replay *replay, const char *what, const char *expected, const char *other, const char *got)
{
	json_t *one = json_string(expected), *two = json_pack("[s,s]", other, got);
	replay_fail(replay, what, one, two);
	json_decref(one);
	json_decref(two);
}

/* The answer is the recorded outcome ({"ok"} or {"error"}). */
static void compare(struct replay *replay, const char *fn, const json_t *recorded, const struct answer *answer)
{
	const json_t *ok = json_object_get(recorded, "ok"), *error = json_object_get(recorded, "error");
	const json_t *posts = json_object_get(recorded, "posts");
	if (posts || json_array_size(answer->posts) > 0)
		if (!posts || !answer->posts || !same_json(posts, answer->posts))
			replay_fail(replay, "what the runner heard", posts, answer->posts);
	if (answer->difference != SAME) {
		replay->differences[answer->difference]++;
		return;
	}
	if (!answer->ok && answer->err.status == HF_E_INPUT && strstr(answer->err.message, "is no bucket") &&
	    !str_eq(text_of(error, "sqlstate"), HF_STR("22P02"))) {
		replay->differences[UNKNOWN_BUCKET]++;
		return;
	}
	if (answer->ok ? ok && same_json(ok, answer->ok) : error && same_error(fn, error, &answer->err))
		return;
	json_t *ours = answer->ok ? json_pack("{s:O}", "ok", answer->ok)
	                          : json_pack("{s:s,s:s,s:s,s:s}", "status", hf_status_word(answer->err.status),
	                                      "sqlstate", answer->err.sqlstate, "constraint", answer->err.constraint,
	                                      "message", answer->err.message);
	replay_fail(replay, fn, ok ? ok : error, ours);
	json_decref(ours);
}

/* The row of the queue whose id was answered, as it stands after the call. */
static void compare_row(struct replay *replay, const json_t *call, const json_t *state)
{
	const json_t *wanted = json_object_get(call, "row"), *queue = json_object_get(state, "queue");
	if (!wanted)
		return;
	for (size_t i = 0; i < json_array_size(queue); i++) {
		const json_t *row = json_array_get(queue, i);
		if (!json_equal(json_array_get(wanted, 0), json_array_get(row, 0)))
			continue;
		replay->rows++;
		if (!same_json(wanted, row))
			replay_fail(replay, "row", wanted, row);
		return;
	}
	replay_fail(replay, "row", wanted, NULL);
}

static call_fn *find_call(const struct call *const *tables, const char *fn)
{
	for (; *tables; tables++)
		for (const struct call *call = *tables; call->fn; call++)
			if (strcmp(call->fn, fn) == 0)
				return call->make;
	fail_msg("no such call: %s", fn);
	return NULL;
}

/* What the case leaves behind. */
static void compare_after(struct replay *replay)
{
	const json_t *after = json_object_get(replay->current, "after");
	const json_t *watched = json_object_get(replay->current, "watch");
	json_t *state = rig_state(&replay->rig);
	replay->rows += json_array_size(json_object_get(after, "queue"));
	if (watched)
		json_object_set_new(state, "rows", rig_rows(&replay->rig, watched));
	if (!same_json(after, state))
		replay_fail(replay, "after", after, state);
	json_decref(state);
}

static void play(struct replay *replay, const struct call *const *tables)
{
	const json_t *calls = json_object_get(replay->current, "calls");
	bool ended = false;
	begin(replay);
	replay->cases++;
	for (size_t i = 0; i < json_array_size(calls) && !ended; i++) {
		const json_t *call = json_array_get(calls, i);
		const char *fn = json_string_value(json_object_get(call, "fn"));
		struct answer answer = {.err = HF_ERROR_INIT, .difference = SAME};
		replay->call = call;
		find_call(tables, fn)(replay, json_object_get(call, "args"), &answer);
		compare(replay, fn, call, &answer);
		if (json_object_get(call, "row") && answer.difference == SAME) {
			json_t *state = rig_state(&replay->rig);
			compare_row(replay, call, state);
			json_decref(state);
		}
		json_decref(answer.ok);
		json_decref(answer.posts);
		replay->calls += answer.difference == SAME;
		ended = answer.ends_case;
	}
	replay->call = NULL;
	replay->ended += ended;
	if (!ended)
		compare_after(replay);
}

/* ---- without the defects ---- */

/* Whether the case comes out as recorded where `keep` is kept. Nothing is counted or shown. */
static bool same_with(struct replay *replay, struct hf_defects keep, const struct call *const *tables)
{
	struct replay before = *replay;
	replay->keep = keep;
	replay->quiet = true;
	play(replay, tables);
	bool same = replay->failures == before.failures;
	before.rig = replay->rig;
	before.runner = replay->runner;
	before.begun = replay->begun;
	*replay = before;
	return same;
}

/* Take out of `needed` what is not, one after the other. */
static struct hf_defects least(struct replay *replay, struct hf_defects needed, const struct call *const *tables)
{
	for (int number = 1; number <= HF_DEFECT_COUNT; number++) {
		if (!hf_defects_kept(&needed, number))
			continue;
		hf_defects_keep(&needed, number, false);
		if (!same_with(replay, needed, tables))
			hf_defects_keep(&needed, number, true);
	}
	return needed;
}

/* Which defects make the difference? What made one before is tried first: cases of a kind stand together. */
static void explain(struct replay *replay, const struct call *const *tables)
{
	struct hf_defects needed = HF_DEFECTS_NONE;
	size_t known = 0;
	while (known < replay->nknown && !same_with(replay, replay->known[known], tables))
		known++;
	for (int number = 1; number <= HF_DEFECT_COUNT; number++)
		hf_defects_keep(&needed, number, known == replay->nknown && replay_has_switch(number));
	needed = least(replay, known < replay->nknown ? replay->known[known] : needed, tables);
	if (known == replay->nknown && replay->nknown < ARRAY_LEN(replay->known))
		replay->nknown++;
	for (size_t i = known < ARRAY_LEN(replay->known) ? known : ARRAY_LEN(replay->known) - 1; i > 0; i--)
		replay->known[i] = replay->known[i - 1];
	replay->known[0] = needed;
	replay->mended++;
	for (int number = 1; number <= HF_DEFECT_COUNT; number++) {
		if (!hf_defects_kept(&needed, number) || replay->defects[number]++ > 0)
			continue;
		snprintf(replay->first[number], sizeof(replay->first[number]), "%s",
		         json_string_value(json_object_get(replay->current, "case")));
	}
}

const struct hf_defects *keep_of(struct replay *replay)
{
	replay->asked = true;
	return &replay->keep;
}

static bool sampled(const struct replay *replay)
{
	const char *name = json_string_value(json_object_get(replay->current, "case"));
	const char *const *rare = replay->rare;
	while (*rare && strcmp(*rare, name) != 0)
		rare++;
	return *rare || (replay->cases - replay->earlier) % replay->every == 0;
}

static void play_both(struct replay *replay, const struct call *const *tables)
{
	size_t failures = replay->failures;
	replay->keep = hf_defects_all();
	replay->asked = false;
	play(replay, tables);
	if (!replay->asked || replay->failures != failures || !sampled(replay))
		return;
	if (same_with(replay, (struct hf_defects)HF_DEFECTS_NONE, tables))
		return;
	explain(replay, tables);
}

void replay_file(struct replay *replay, const char *file, const struct call *const *tables, size_t every)
{
	char path[512];
	char *line = malloc(CASE_BYTES_MAX);
	size_t before = replay->failures;
	replay->shown = 0;
	replay->nknown = 0;
	replay->earlier = replay->cases;
	replay->every = getenv("HOLDFAST_TEST_LONG") ? 1 : every;
	assert_non_null(line);
	snprintf(path, sizeof(path), "%s/%s", test_variable("HOLDFAST_RECORDED"), file);
	gzFile input = gzopen(path, "rb");
	assert_non_null(input);
	while (gzgets(input, line, CASE_BYTES_MAX)) {
		replay->current = json_loads(line, JSON_ALLOW_NUL, NULL);
		assert_non_null(replay->current);
		play_both(replay, tables);
		json_decref(replay->current);
	}
	assert_true(gzeof(input));
	gzclose(input);
	free(line);
	print_message("# %s: so far %zu cases, %zu calls, %zu rows compared\n", file, replay->cases, replay->calls,
	              replay->rows);
	if (replay->failures != before)
		fail_msg("%zu answers differ", replay->failures - before);
}

/* ---- between JSON and our structs ---- */

struct hf_str text_of(const json_t *args, const char *name)
{
	const json_t *value = json_object_get(args, name);
	return json_is_string(value) ? (struct hf_str){json_string_value(value), json_string_length(value)}
	                             : (struct hf_str){NULL, 0};
}

json_t *json_of(struct hf_str text)
{
	return text.ptr ? json_stringn(text.ptr, text.len) : json_null();
}

json_t *json_in(struct hf_str text)
{
	json_t *value = text.ptr ? json_loadb(text.ptr, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL) : json_null();
	assert_non_null(value);
	return value;
}

json_t *json_time(bool known, struct hf_timestamp time)
{
	char text[HF_TIMESTAMP_TEXT_MAX];
	if (!known)
		return json_null();
	assert_int_equal(hf_timestamp_to_text(time, "", text, sizeof(text)), HF_OK);
	return json_string(text);
}

/* A key that sorts as Python sorts what stands in such lists: null first where there is one. */
static int by_members(const void *a, const void *b)
{
	const json_t *one = *(json_t *const *)a, *two = *(json_t *const *)b;
	if (json_is_array(one)) {
		for (size_t i = 0; i < json_array_size(one); i++) {
			const json_t *members[] = {json_array_get(one, i), json_array_get(two, i)};
			int order = by_members(&members[0], &members[1]);
			if (order != 0)
				return order;
		}
		return 0;
	}
	if (json_is_string(one) && json_is_string(two))
		return strcmp(json_string_value(one), json_string_value(two));
	return json_is_number(one) && json_is_number(two) ? (json_number_value(one) > json_number_value(two)) -
	                                                            (json_number_value(one) < json_number_value(two))
	                                                  : json_is_null(two) - json_is_null(one);
}

json_t *json_sorted(const json_t *list)
{
	size_t n = json_array_size(list);
	json_t **members = calloc(n + 1, sizeof(*members)), *sorted = json_array();
	for (size_t i = 0; i < n; i++)
		members[i] = json_array_get(list, i);
	qsort(members, n, sizeof(*members), by_members);
	for (size_t i = 0; i < n; i++)
		json_array_append(sorted, members[i]);
	free(members);
	return sorted;
}

bool number_of(const json_t *args, const char *name, double *ret_number)
{
	const json_t *value = json_object_get(args, name);
	if (json_is_string(value))
		*ret_number = strtod(json_string_value(value), NULL); /* "nan", "inf", "-inf" */
	else if (json_is_number(value))
		*ret_number = json_number_value(value);
	return json_is_string(value) || json_is_number(value);
}

bool integer_of(const json_t *args, const char *name, int64_t *ret_number)
{
	const json_t *value = json_object_get(args, name);
	if (json_is_integer(value))
		*ret_number = json_integer_value(value);
	return json_is_integer(value);
}

bool bool_of(const json_t *args, const char *name)
{
	return json_is_true(json_object_get(args, name));
}

bool bucket_of(const json_t *args, enum hf_bucket *ret_bucket, hf_error *err)
{
	struct hf_str word = text_of(args, "bucket");
	return word.ptr && hf_bucket_parse(word, ret_bucket, err) == HF_OK;
}
