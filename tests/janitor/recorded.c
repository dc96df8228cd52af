/*
 * recorded.c - see recorded.h. A case costs one statement to begin and one per state that is compared.
 */
#include "recorded.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "../fixture.h"

enum { CASE_BYTES_MAX = 4 << 20, SHOWN_MAX = 30 };

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
	rig_close(&replay->rig);
	free(replay);
	return 0;
}

static void begin(struct replay *replay)
{
	const json_t *now = json_object_get(replay->current, "now");
	assert_true(!now || strcmp(json_string_value(now), "2024-06-01T12:00:00") == 0); /* RIG_NOW_US */
	rig_load(&replay->rig, json_object_get(replay->current, "load"));
	if (++replay->cases % 100 == 0) /* as the recording did: deleted rows would slow every scan down */
		rig_run(&replay->rig, "VACUUM queue, run, last_run, candidate, codebase, change_set, named_publish_policy");
}

void replay_set_sequence(struct replay *replay, const json_t *sequence)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_value params[] = {hf_int(json_integer_value(json_array_get(sequence, 0))),
	                            hf_bool(json_is_true(json_array_get(sequence, 1)))};
	EXPECT_OK(hf_sql_exec(replay->rig.where, HF_STR("SELECT setval('queue_id_seq', $1, $2)"), params, 2, NULL, &err));
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

void replay_fail(struct replay *replay, const char *what, const json_t *expected, const json_t *got)
{
	if (++replay->failures > SHOWN_MAX)
		return;
	char *recorded = json_dumps(expected, JSON_ENCODE_ANY | JSON_COMPACT);
	char *ours = json_dumps(got, JSON_ENCODE_ANY | JSON_COMPACT);
	print_message("# %s: %s: recorded %.3000s\n#   ours %.3000s\n",
	              json_string_value(json_object_get(replay->current, "case")), what,
	              recorded ? recorded : "nothing", ours ? ours : "nothing");
	free(recorded);
	free(ours);
}

/* The answer is the recorded outcome ({"ok"} or {"error"}). */
static void compare(struct replay *replay, const char *fn, const json_t *recorded, const struct answer *answer)
{
	const json_t *ok = json_object_get(recorded, "ok"), *error = json_object_get(recorded, "error");
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
	                          : json_pack("{s:s,s:s,s:s,s:s}", "status", hf_status_word(answer->err.status), "sqlstate",
	                                      answer->err.sqlstate, "constraint", answer->err.constraint, "message",
	                                      answer->err.message);
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

static void play(struct replay *replay, const struct call *const *tables)
{
	const json_t *calls = json_object_get(replay->current, "calls");
	bool ended = false;
	begin(replay);
	for (size_t i = 0; i < json_array_size(calls) && !ended; i++) {
		const json_t *call = json_array_get(calls, i);
		const char *fn = json_string_value(json_object_get(call, "fn"));
		struct answer answer = {.err = HF_ERROR_INIT, .difference = SAME};
		find_call(tables, fn)(replay, json_object_get(call, "args"), &answer);
		compare(replay, fn, call, &answer);
		if (json_object_get(call, "row") && answer.difference == SAME) {
			json_t *state = rig_state(&replay->rig);
			compare_row(replay, call, state);
			json_decref(state);
		}
		json_decref(answer.ok);
		replay->calls += answer.difference == SAME;
		ended = answer.ends_case;
	}
	replay->ended += ended;
	if (ended)
		return;
	json_t *state = rig_state(&replay->rig);
	const json_t *after = json_object_get(replay->current, "after");
	replay->rows += json_array_size(json_object_get(after, "queue"));
	if (!same_json(after, state))
		replay_fail(replay, "after", after, state);
	json_decref(state);
}

void replay_file(struct replay *replay, const char *file, const struct call *const *tables)
{
	char path[512];
	char *line = malloc(CASE_BYTES_MAX);
	size_t before = replay->failures;
	assert_non_null(line);
	snprintf(path, sizeof(path), "%s/%s", getenv("HOLDFAST_RECORDED"), file);
	gzFile input = gzopen(path, "rb");
	assert_non_null(input);
	while (gzgets(input, line, CASE_BYTES_MAX)) {
		replay->current = json_loads(line, 0, NULL);
		assert_non_null(replay->current);
		play(replay, tables);
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
