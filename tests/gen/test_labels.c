/*
 * Labels that a program was not compiled with, on a real server whose enum got one more (ALTER TYPE ... ADD VALUE):
 * refused with query, column, type and label, wherever in a value they stand and however rows are read; kept where the
 * column is open.
 */
#include "base/arena.h"
#include "queries/sample/batches.h"
#include "queries/sample/items.h"
#include "queries/sample/labels.h"
#include "sample.h"

/* A new label, and an item that has it between two that have none. */
static int set_up_newer(void **user)
{
	set_up(user);
	struct state *state = *user;
	run(state, "ALTER TYPE mood ADD VALUE 'newer' BEFORE 'happy'");
	run(state,
	    "INSERT INTO item (id, name, mood) VALUES (1, 'a', 'unknown'), (2, 'b', 'newer'), (3, 'c', 'happy')");
	return 0;
}

#define NEWER(test) cmocka_unit_test_setup_teardown(test, set_up_newer, tear_down)

static void expect_refusal(const hf_error *err, const char *query, const char *column, const char *type)
{
	char message[300];
	snprintf(message, sizeof(message),
	         "query \"%s\", column \"%s\": type %s changed since the program was compiled: it has a label "
	         "\"newer\" now",
	         query, column, type);
	assert_string_equal(strstr(err->message, "query"), message);
	assert_string_equal(err->query, query);
	assert_string_equal(err->column, column);
	assert_int_equal(err->category, HF_CATEGORY_SCHEMA);
	assert_int_equal(err->action, HF_ACTION_NEVER);
	EXPECT_CONTAINS(err->hint, "annotated \"open\"");
}

/* ---- where in a value ---- */

static const struct labels_strict_in all_known = {HF_STR_INIT("happy"), HF_STR_INIT("unknown"),
                                                  HF_STR_INIT("needs-work"), HF_STR_INIT("happy"),
                                                  HF_STR_INIT("unknown")};
#define NEW_LABEL HF_STR_INIT("newer")

static void a_strict_column_refuses_it_anywhere(void **user)
{
	struct state *state = *user;
	static const struct {
		const char *column, *type;
		size_t offset;
	} places[] = {
		{"scalar", "public.mood", offsetof(struct labels_strict_in, scalar)},
		{"of_domain", "public.mood", offsetof(struct labels_strict_in, of_domain)},
		{"in_array", "public.mood", offsetof(struct labels_strict_in, in_array)},
		{"in_composite", "public.mood", offsetof(struct labels_strict_in, in_composite)},
		{"nested", "public.mood", offsetof(struct labels_strict_in, nested)},
	};
	struct labels row, untouched;
	memset(&row, 0x77, sizeof(row));
	memcpy(&untouched, &row, sizeof(row));
	for (size_t i = 0; i < ARRAY_LEN(places); i++) {
		hf_error err = HF_ERROR_INIT;
		struct labels_strict_in in = all_known;
		memcpy((char *)&in + places[i].offset, &(struct hf_str)NEW_LABEL, sizeof(struct hf_str));
		EXPECT_STATUS(labels_strict(state->where, &in, state->arena, &row, &err), HF_E_DRIFT);
		expect_refusal(&err, "labels_strict", places[i].column, places[i].type);
		assert_memory_equal(&row, &untouched, sizeof(row));
		EXPECT_STATUS(labels_strict(state->where, &in, state->arena, &row, NULL), HF_E_DRIFT);
	}
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(labels_strict(state->where, &all_known, state->arena, &row, &err));
	assert_int_equal(row.nested.values[0].first.mood, MOOD_UNKNOWN);
}

static void expect_kept(const struct labels *row)
{
	assert_int_equal(row->scalar, MOOD_UNRECOGNIZED);
	assert_int_equal(row->of_domain, MOOD_UNRECOGNIZED);
	assert_int_equal(row->in_array.values[0], MOOD_HAPPY);
	assert_int_equal(row->in_array.values[1], MOOD_UNRECOGNIZED);
	assert_true(row->in_composite.has_mood && row->in_composite.mood == MOOD_UNRECOGNIZED);
	assert_true(row->nested.values[0].first.has_mood);
	assert_int_equal(row->nested.values[0].first.mood, MOOD_UNRECOGNIZED);
	assert_string_equal(row->nested.values[0].first.label.ptr, "l");
	assert_string_equal(mood_label(row->scalar), "");
}

static void an_open_column_keeps_it_anywhere_and_so_does_a_copy(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct labels_open_in in = {NEW_LABEL, NEW_LABEL, NEW_LABEL, NEW_LABEL, NEW_LABEL};
	struct labels row, copy;
	CLEANUP(arena_freep) hf_arena *kept = hf_arena_new(0);
	EXPECT_OK(labels_open(state->where, &in, state->arena, &row, &err));
	expect_kept(&row);
	EXPECT_OK(labels_copy(kept, &row, &copy, &err));
	hf_arena_reset(state->arena);
	expect_kept(&copy);
}

/* ---- however rows are read ---- */

struct seen {
	size_t count;
	enum mood moods[4];
};

static enum hf_status see(void *user, const struct item_line *row, hf_error *err)
{
	(void)err;
	struct seen *seen = user;
	seen->moods[seen->count++] = row->mood;
	return HF_OK;
}

static void every_cardinality_refuses_it(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct item_line row, *rows = NULL, found[3];
	struct item_touch_row *touched = NULL;
	struct seen seen = {0};
	struct hf_batch_item items[3];
	size_t count = 77;
	EXPECT_STATUS(item_by_id(state->where, &(struct item_by_id_in){.id = 2}, state->arena, &row, &err), HF_E_DRIFT);
	expect_refusal(&err, "item_by_id", "mood", "public.mood");
	EXPECT_OK(item_by_id(state->where, &(struct item_by_id_in){.id = 3}, state->arena, &row, &err));
	EXPECT_STATUS(item_touch(state->where, state->arena, &touched, &count, &err), HF_E_DRIFT);
	expect_refusal(&err, "item_touch", "mood", "public.mood");
	assert_true(!rows && count == 77);
	EXPECT_STATUS(items_each(state->where, see, &seen, &err), HF_E_DRIFT);
	expect_refusal(&err, "items_each", "mood", "public.mood");
	assert_true(seen.count == 1 && seen.moods[0] == MOOD_UNKNOWN);
	const struct items_find_in names[] = {{HF_STR_INIT("c")}, {HF_STR_INIT("b")}, {HF_STR_INIT("a")}};
	EXPECT_STATUS(items_find(state->where, names, 3, state->arena, found, items, &err), HF_E_DRIFT);
	expect_refusal(&err, "items_find", "mood", "public.mood");
	EXPECT_CONTAINS(err.message, "items[1]: ");
	seen.count = 0;
	EXPECT_STATUS(items_each(state->where, see, &seen, &err), HF_E_DRIFT); /* the connection is fine */
}

static void every_cardinality_keeps_it_when_open(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct item_line row, *rows = NULL, found[2];
	struct seen seen = {0};
	size_t count = 0;
	EXPECT_OK(item_shown(state->where, &(struct item_shown_in){.id = 2}, state->arena, &row, &err));
	assert_int_equal(row.mood, MOOD_UNRECOGNIZED);
	for (int variant = 0; variant < 2; variant++) {
		const struct items_shown_in in = {.with_name = variant == 1, .name = HF_STR("b")};
		EXPECT_OK(items_shown(state->where, &in, state->arena, &rows, &count, &err));
		assert_int_equal(count, variant ? 1 : 3);
		assert_int_equal(rows[variant ? 0 : 1].mood, MOOD_UNRECOGNIZED);
	}
	EXPECT_OK(items_shown_each(state->where, see, &seen, &err));
	assert_true(seen.count == 3 && seen.moods[1] == MOOD_UNRECOGNIZED && seen.moods[2] == MOOD_HAPPY);
	const struct items_shown_find_in names[] = {{HF_STR_INIT("b")}, {HF_STR_INIT("c")}};
	EXPECT_OK(items_shown_find(state->where, names, 2, state->arena, found, NULL, &err));
	assert_true(found[0].mood == MOOD_UNRECOGNIZED && found[1].mood == MOOD_HAPPY);
}

/* ---- what is left behind ---- */

static void a_refusal_leaves_the_transaction_as_it_is(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct item_touch_row *rows = NULL;
	struct seen seen = {0};
	size_t count;
	run(state, "BEGIN");
	run(state, "UPDATE item SET note = 'kept' WHERE id = 1");
	EXPECT_STATUS(item_touch(state->where, state->arena, &rows, &count, &err), HF_E_DRIFT);
	EXPECT_STATUS(items_each(state->where, see, &seen, &err), HF_E_DRIFT);
	run(state, "COMMIT");
	assert_string_equal(text(state, "SELECT note FROM item WHERE id = 1"), "kept");
}

static void it_cannot_be_sent(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct mood_echo_in echo = {.mood = MOOD_NEEDS_WORK, .size = APP_SIZE_M};
	struct mood_echo_row back;
	EXPECT_OK(mood_echo(state->where, &echo, state->arena, &back, &err));
	assert_int_equal(back.mood, MOOD_NEEDS_WORK);
	assert_int_equal(back.size, APP_SIZE_M);
	echo.mood = MOOD_UNRECOGNIZED;
	assert_int_not_equal(mood_echo(state->where, &echo, state->arena, &back, &err), HF_OK);
	assert_int_equal(mood_of(HF_STR("unknown")), MOOD_UNKNOWN);
	assert_int_equal(mood_of(HF_STR("newer")), MOOD_UNRECOGNIZED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		NEWER(a_strict_column_refuses_it_anywhere),
		NEWER(an_open_column_keeps_it_anywhere_and_so_does_a_copy),
		NEWER(every_cardinality_refuses_it),
		NEWER(every_cardinality_keeps_it_when_open),
		NEWER(a_refusal_leaves_the_transaction_as_it_is),
		NEWER(it_cannot_be_sent),
	};
	return cmocka_run_group_tests_name("labels", tests, NULL, NULL);
}
