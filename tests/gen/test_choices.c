/* Statements with optional parts and orders, on a real server: each combination is the statement that it says. */
#include "pg/statements.h"
#include "queries/sample/choices.h"
#include "sample.h"

static void add_items(struct state *state)
{
	run(state, "INSERT INTO item (id, name, note, mood, added) VALUES"
	           " (1, 'xa', NULL, 'happy', '2020-01-03'), (2, 'a', 'note b', 'unknown', '2020-01-01'),"
	           " (3, 'xxa', 'note c', 'happy', '2020-01-02'), (4, 'ya', 'd', 'happy', '2020-01-04')");
}

/* The ids in the order in which they came, "1 2 4". */
static const char *ids(struct state *state, const struct items_list_in *in)
{
	hf_error err = HF_ERROR_INIT;
	struct item_line *rows = NULL;
	size_t count = 0, len = 0;
	char *text = hf_arena_calloc(state->arena, 1, 100);
	EXPECT_OK(items_list(state->where, in, state->arena, &rows, &count, &err));
	for (size_t i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, 100 - len, "%s%d", i ? " " : "", (int)rows[i].id);
	return text;
}

static void each_part_is_on_or_off(void **user)
{
	struct state *state = *user;
	add_items(state);
	struct items_list_in in = {.mood = MOOD_HAPPY, .note_like = HF_STR("note%"), .word = HF_STR("a")};
	assert_string_equal(ids(state, &in), "1 2 3 4");
	in.with_mood = true;
	assert_string_equal(ids(state, &in), "1 3 4");
	in.with_note = true;
	assert_string_equal(ids(state, &in), "3");
	in.with_mood = false;
	assert_string_equal(ids(state, &in), "2 3");
	in.has_most = true;
	in.most = 1;
	assert_string_equal(ids(state, &in), "2");
}

static void the_order_is_one_of_the_list(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	add_items(state);
	struct items_list_in in = {.word = HF_STR("a"), .order = ITEMS_LIST_ORDER_NEWEST};
	assert_string_equal(ids(state, &in), "4 1 3 2");
	in.order = ITEMS_LIST_ORDER_LIKENESS;
	assert_string_equal(ids(state, &in), "2 1 4 3");
	in.with_mood = true;
	in.mood = MOOD_HAPPY;
	assert_string_equal(ids(state, &in), "1 4 3");
	in.order = (enum items_list_order)3;
	struct item_line *rows = NULL;
	size_t count = 0;
	EXPECT_STATUS(items_list(state->where, &in, state->arena, &rows, &count, &err), HF_E_USAGE);
	EXPECT_CONTAINS(err.message, "query \"items_list\": the order is none of its enum");
	struct items_in_order_in order = {.order = ITEMS_IN_ORDER_ORDER_DOWN};
	EXPECT_OK(items_in_order(state->where, &order, state->arena, &rows, &count, &err));
	assert_int_equal(rows[0].id, 4);
}

/* The cache tells them apart by their text. */
static void each_variant_is_a_statement_of_its_own(void **user)
{
	struct state *state = *user;
	add_items(state);
	struct items_list_in in = {.mood = MOOD_HAPPY, .note_like = HF_STR("%"), .word = HF_STR("a")};
	uint32_t before = statement_count(state->connection);
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 12; i++) {
			in.with_mood = i & 1;
			in.with_note = i & 2;
			in.order = (enum items_list_order)(i >> 2);
			ids(state, &in);
			assert_int_equal(statement_count(state->connection), before + (round ? 12 : i + 1));
		}
}

static enum hf_status count_row(void *user, const struct items_walk_row *row, hf_error *err)
{
	(void)row;
	(void)err;
	++*(int *)user;
	return HF_OK;
}

static void every_cardinality_has_variants(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	add_items(state);
	int walked = 0;
	struct items_walk_in walk = {.with_after = true, .after = 2};
	EXPECT_OK(items_walk(state->where, &walk, count_row, &walked, &err));
	assert_int_equal(walked, 2);
	struct item_latest_in latest = {.name = HF_STR("xa")};
	struct item_line row;
	EXPECT_OK(item_latest(state->where, &latest, state->arena, &row, &err));
	assert_int_equal(row.id, 4);
	latest.with_named = true;
	EXPECT_OK(item_latest(state->where, &latest, state->arena, &row, &err));
	assert_int_equal(row.id, 1);
	struct item_change_in change = {.id = 2, .name = HF_STR("new"), .with_note = true};
	int64_t rows = 0;
	EXPECT_OK(item_change(state->where, &change, &rows, &err));
	assert_string_equal(text(state, "SELECT name || coalesce(note, '-') FROM item WHERE id = 2"), "new-");
	change = (struct item_change_in){.id = 3, .name = HF_STR("new"), .note = HF_STR("ignored"), .has_note = true};
	EXPECT_OK(item_change(state->where, &change, &rows, &err));
	assert_int_equal(rows, 1);
	assert_string_equal(text(state, "SELECT name || note FROM item WHERE id = 3"), "newnote c");
}

static void a_column_is_nullable_if_it_is_in_any_variant(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct items_count_in in = {.id = 1};
	struct items_count_row row;
	EXPECT_OK(items_count(state->where, &in, state->arena, &row, &err));
	assert_false(row.has_first);
	in.with_filled = true;
	EXPECT_OK(items_count(state->where, &in, state->arena, &row, &err));
	assert_true(row.has_first && row.first == 0);
	assert_int_equal(row.total, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAMPLE(each_part_is_on_or_off),
		SAMPLE(the_order_is_one_of_the_list),
		SAMPLE(each_variant_is_a_statement_of_its_own),
		SAMPLE(every_cardinality_has_variants),
		SAMPLE(a_column_is_nullable_if_it_is_in_any_variant),
	};
	return cmocka_run_group_tests_name("choices", tests, NULL, NULL);
}
