/* Names that are chosen at run time, on a real server: each statement reaches the tables of the names it was given, and
 * whatever the names are, they are names and nothing else. The server's own quoting makes the tables. */
#include "queries/chosen/store.h"
#include "pg/statements.h"
#include "sample.h"

#define BYTES(text) ((struct hf_bytes){(const uint8_t *)(text), strlen(text)})

static int set_up_empty(void **user)
{
	static struct state state;
	state.url = fixture_database(NULL);
	state.connection = fixture_connect(state.url);
	state.where = hf_on_connection(state.connection);
	state.arena = hf_arena_new(0);
	*user = &state;
	return 0;
}

#define EMPTY(test) cmocka_unit_test_setup_teardown(test, set_up_empty, tear_down)

/* `pattern` with %1$I for the schema, %2$I to %4$I for table, history and sequence, %5$I for the function. */
static void make(struct state *state, const char *pattern, struct hf_str schema, struct hf_str entries)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_sql_row row;
	struct hf_value params[] = {hf_text(hf_str_of(pattern)), hf_text(schema), hf_text(entries)};
	EXPECT_OK(hf_sql_one(state->where,
	                     HF_STR("SELECT format($1, $2::text, $3::text, $3::text || '_history', $3::text || '_rev',"
	                            " $3::text || '_epoch')"),
	                     params, ARRAY_LEN(params), state->arena, &row, &err));
	EXPECT_OK(hf_sql_exec(state->where, row.values[0].as.s, NULL, 0, NULL, &err));
}

static struct store_bound made(struct state *state, struct hf_str schema, struct hf_str entries)
{
	static const char *const patterns[] = {
		"CREATE SCHEMA IF NOT EXISTS %1$I",
		"CREATE SEQUENCE %1$I.%4$I",
		"CREATE TABLE %1$I.%2$I (key bytea PRIMARY KEY, value bytea NOT NULL, rev bigint NOT NULL)",
		"CREATE TABLE %1$I.%3$I (key bytea NOT NULL, rev bigint NOT NULL, PRIMARY KEY (key, rev))",
		"CREATE FUNCTION %1$I.%5$I(ns integer) RETURNS integer LANGUAGE sql AS 'SELECT ns + 1'",
	};
	hf_error err = HF_ERROR_INIT;
	struct store_bound bound;
	for (size_t i = 0; i < ARRAY_LEN(patterns); i++)
		make(state, patterns[i], schema, entries);
	EXPECT_OK(store_bind(&(struct store_names){schema, entries}, state->arena, &bound, &err));
	return bound;
}

static void put(struct state *state, const struct store_bound *bound, const char *key, const char *value)
{
	hf_error err = HF_ERROR_INIT;
	struct entry_put_row row = {0};
	EXPECT_OK(entry_put(state->where, bound, &(struct entry_put_in){BYTES(key), BYTES(value)}, state->arena, &row,
	                    &err));
	assert_true(row.rev > 0);
}

static const char *get(struct state *state, const struct store_bound *bound, const char *key)
{
	hf_error err = HF_ERROR_INIT;
	struct entry_get_row row = {0};
	enum hf_status status =
		entry_get(state->where, bound, &(struct entry_get_in){BYTES(key)}, state->arena, &row, &err);
	if (status != HF_OK)
		return hf_status_word(status);
	return hf_arena_str(state->arena, (struct hf_str){(const char *)row.value.ptr, row.value.len}).ptr;
}

static enum hf_status count_rows(void *user, UNUSED const struct entry_each_row *row, UNUSED hf_error *err)
{
	++*(int *)user;
	return HF_OK;
}

static enum hf_status next_row(void *user, struct entries_load_in *in, UNUSED hf_error *err)
{
	int *left = user;
	static const char *const keys[] = {"x", "y"};
	if (*left == 0)
		return HF_STOP;
	--*left;
	*in = (struct entries_load_in){BYTES(keys[*left]), BYTES("loaded"), 100};
	return HF_OK;
}

static void every_kind_of_statement_reaches_the_chosen_tables(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct store_bound bound = made(state, HF_STR("we\"ird"), HF_STR("Ta ble"));
	put(state, &bound, "a", "1");
	put(state, &bound, "a", "2");
	put(state, &bound, "b", "3");
	assert_string_equal(get(state, &bound, "a"), "2");
	assert_string_equal(text(state, "SELECT string_agg(convert_from(key, 'UTF8') || rev, ' ' ORDER BY key)"
	                                " FROM \"we\"\"ird\".\"Ta ble\""),
	                    "a3 b4");
	struct entry_star_row star = {0};
	EXPECT_OK(entry_star(state->where, &bound, &(struct entry_star_in){BYTES("b")}, state->arena, &star, &err));
	assert_string_equal(star.named.ptr, "\"Ta ble\"");
	struct entry_epoch_row epoch = {0};
	EXPECT_OK(entry_epoch(state->where, &bound, &(struct entry_epoch_in){41}, state->arena, &epoch, &err));
	assert_int_equal(epoch.epoch, 42);
	int64_t rows = 0;
	int left = 2, seen = 0;
	EXPECT_OK(entries_load(state->where, &bound, next_row, &left, &rows, &err));
	assert_int_equal(rows, 2);
	EXPECT_OK(entry_each(state->where, &bound, count_rows, &seen, &err));
	assert_int_equal(seen, 4);
	const struct entries_set_in set[] = {{BYTES("s"), BYTES("x")}, {BYTES("t"), BYTES("y")}};
	struct entries_set_row revs[2];
	EXPECT_OK(entries_set(state->where, &bound, set, 2, state->arena, revs, NULL, &err));
	assert_string_equal(get(state, &bound, "y"), "t");
	const struct entries_add_in add[] = {{BYTES("m"), BYTES("5")}, {BYTES("n"), BYTES("6")}};
	EXPECT_OK(entries_add(state->where, &bound, add, 2, &rows, &err));
	EXPECT_OK(entry_delete(state->where, &bound, &(struct entry_delete_in){BYTES("m")}, &rows, &err));
	assert_string_equal(get(state, &bound, "m"), "not-found");
	put(state, &bound, "m", "7");
	struct nothing_chosen_row one = {0};
	EXPECT_OK(nothing_chosen(state->where, &bound, state->arena, &one, &err));
	assert_int_equal(one.one, 1);
}

static size_t listed(struct state *state, const struct store_bound *bound, const struct entry_list_in *in)
{
	hf_error err = HF_ERROR_INIT;
	struct entry_list_row *rows = NULL;
	size_t count = 0;
	EXPECT_OK(entry_list(state->where, bound, in, state->arena, &rows, &count, &err));
	return count;
}

static void each_variant_reaches_them(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct store_bound bound = made(state, HF_STR("s"), HF_STR("t"));
	int64_t rows;
	put(state, &bound, "a", "1");
	put(state, &bound, "b", "2");
	EXPECT_OK(entry_delete(state->where, &bound, &(struct entry_delete_in){BYTES("a")}, &rows, &err));
	put(state, &bound, "a", "3");
	assert_int_equal(listed(state, &bound, &(struct entry_list_in){0}), 2);
	assert_int_equal(listed(state, &bound, &(struct entry_list_in){.with_since = true}), 1);
	assert_int_equal(listed(state, &bound, &(struct entry_list_in){.order = ENTRY_LIST_ORDER_BY_REV}), 2);
	assert_int_equal(listed(state, &bound,
	                        &(struct entry_list_in){.with_since = true, .order = ENTRY_LIST_ORDER_BY_REV}),
	                 1);
	struct entry_list_in none = {.order = (enum entry_list_order)2};
	struct entry_list_row *list = NULL;
	size_t count = 0;
	EXPECT_STATUS(entry_list(state->where, &bound, &none, state->arena, &list, &count, &err), HF_E_USAGE);
}

#define LETTERS_55 "abcdefghijabcdefghijabcdefghijabcdefghijabcdefghijabcde"
#define LETTERS_63 LETTERS_55 "12345678"

static const struct hf_str hostile[] = {
	HF_STR_INIT("\""),
	HF_STR_INIT("'"),
	HF_STR_INIT("\"\""),
	HF_STR_INIT("'; DROP TABLE victim; --"),
	HF_STR_INIT("\"; DROP TABLE victim; --"),
	HF_STR_INIT("back\\slash"),
	HF_STR_INIT("\\'"),
	HF_STR_INIT("\\"),
	HF_STR_INIT("select"),
	HF_STR_INIT("User"),
	HF_STR_INIT("$1"),
	HF_STR_INIT(":name"),
	HF_STR_INIT("$$"),
	HF_STR_INIT("a.b"),
	HF_STR_INIT(" "),
	HF_STR_INIT("line\nbreak"),
	HF_STR_INIT("/* */ --"),
	HF_STR_INIT("%1$I"),
	HF_STR_INIT("n\xc3\xa4r\xe2\x98\x83\xf0\x9f\x98\x80"),
	HF_STR_INIT("U&\"d\\0061t\""),
	HF_STR_INIT("\x01\x7f"),
	HF_STR_INIT(LETTERS_55),
};

static void a_name_is_nothing_but_a_name(void **user)
{
	struct state *state = *user;
	run(state, "CREATE TABLE public.victim ()");
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		struct store_bound bound = made(state, hostile[i], hostile[(i + 7) % ARRAY_LEN(hostile)]);
		run(state, i % 2 ? "SET standard_conforming_strings = off" : "SET standard_conforming_strings = on");
		put(state, &bound, "k", "v");
		assert_string_equal(get(state, &bound, "k"), "v");
		run(state, "SET standard_conforming_strings = on");
	}
	assert_string_equal(text(state, "SELECT count(*)::text FROM pg_class WHERE relname = 'victim'"), "1");
	char schemas[40];
	snprintf(schemas, sizeof(schemas), "%zu", ARRAY_LEN(hostile));
	assert_string_equal(text(state, "SELECT count(*)::text FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'"
	                                " AND nspname NOT IN ('public', 'information_schema')"),
	                    schemas);
}

static void refused(struct hf_str schema, struct hf_str entries, const char *message)
{
	hf_error err = HF_ERROR_INIT;
	struct store_bound bound, before;
	hf_arena *arena = hf_arena_new(0);
	memset(&bound, 0x5a, sizeof(bound));
	memcpy(&before, &bound, sizeof(bound));
	EXPECT_STATUS(store_bind(&(struct store_names){schema, entries}, arena, &bound, &err), HF_E_INPUT);
	assert_string_equal(err.message, message);
	assert_memory_equal(&before, &bound, sizeof(bound));
	hf_arena_free(arena);
}

static void what_is_no_name_is_refused(UNUSED void **user)
{
	const struct hf_str good = HF_STR("good");
	refused(HF_STR(""), good, "the name \"schema\" is empty");
	refused(good, (struct hf_str){NULL, 0}, "the name \"entries\" is empty");
	refused((struct hf_str){"a\0b", 3}, good, "the name \"schema\" is not UTF-8 without NUL: byte 1");
	refused(good, HF_STR("ab\xff"), "the name \"entries\" is not UTF-8 without NUL: byte 2");
	refused(HF_STR(LETTERS_63 "x"), good, "the name \"schema\" is longer than 63 bytes");
	refused(good, HF_STR(LETTERS_55 "x"),
	        "the name \"entries\" is longer than 55 bytes: _history comes behind it, and the server takes 63");
}

static void the_longest_schema_is_no_other(void **user)
{
	struct state *state = *user;
	struct store_bound bound = made(state, HF_STR(LETTERS_63), HF_STR("t"));
	put(state, &bound, "k", "v");
	assert_string_equal(get(state, &bound, "k"), "v");
}

static void two_stores_on_one_connection_do_not_meet(void **user)
{
	struct state *state = *user;
	struct store_bound left = made(state, HF_STR("s"), HF_STR("left")),
			   right = made(state, HF_STR("s"), HF_STR("right"));
	put(state, &left, "k", "left");
	put(state, &right, "k", "right");
	assert_string_equal(get(state, &left, "k"), "left");
	assert_string_equal(get(state, &right, "k"), "right");
	assert_int_equal(statement_count(state->connection), 4);
}

/* A store is closed and another one opened in the same memory, while the pool keeps its connections. In a transaction,
 * which a statement that does not exist would abort. */
static void another_store_in_the_same_place_is_another(void **user)
{
	struct state *state = *user;
	struct store_bound left = made(state, HF_STR("s"), HF_STR("left")),
			   right = made(state, HF_STR("s"), HF_STR("right"));
	put(state, &left, "k", "left");
	put(state, &right, "k", "right");
	struct store_bound place = left;
	run(state, "BEGIN");
	assert_string_equal(get(state, &place, "k"), "left");
	place = right;
	assert_string_equal(get(state, &place, "k"), "right");
	place = left;
	assert_string_equal(get(state, &place, "k"), "left");
	run(state, "COMMIT");
}

static void the_defaults_give_the_text_that_was_proven(UNUSED void **user)
{
	hf_error err = HF_ERROR_INIT;
	struct store_bound bound;
	hf_arena *arena = hf_arena_new(0);
	const struct store_names names = {HF_STR("public"), HF_STR("chosen_entries")};
	EXPECT_OK(store_bind(&names, arena, &bound, &err));
	assert_string_equal(bound.entry_get.sql,
	                    "SELECT e.\"key\", e.\"value\", e.\"rev\" FROM \"public\".\"chosen_entries\""
	                    " AS e WHERE e.key = $1");
	assert_int_equal(bound.entry_get.sql_len, strlen(bound.entry_get.sql));
	assert_string_equal(bound.entry_get.statement, "hf_e0d81df1a8a3aac8"); /* as in golden/store.c.txt */
	hf_arena_free(arena);
}

static void an_arena_that_is_full_is_an_error(UNUSED void **user)
{
	const struct store_names names = {HF_STR("s"), HF_STR("t")};
	hf_error err = HF_ERROR_INIT;
	for (size_t size = 64; size < 8192; size += 512) {
		struct store_bound bound;
		hf_arena *arena = hf_arena_new(size);
		enum hf_status status = store_bind(&names, arena, &bound, &err);
		assert_true(status == HF_OK || status == HF_E_NOMEM);
		hf_arena_free(arena);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EMPTY(every_kind_of_statement_reaches_the_chosen_tables),
		EMPTY(each_variant_reaches_them),
		EMPTY(a_name_is_nothing_but_a_name),
		cmocka_unit_test(what_is_no_name_is_refused),
		EMPTY(the_longest_schema_is_no_other),
		EMPTY(two_stores_on_one_connection_do_not_meet),
		EMPTY(another_store_in_the_same_place_is_another),
		cmocka_unit_test(the_defaults_give_the_text_that_was_proven),
		cmocka_unit_test(an_arena_that_is_full_is_an_error),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
