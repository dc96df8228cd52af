/* Queries by hand-written tables on a real server: types of the user, as parameters and in rows, and COPY. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pg/statements.h"
#include "rig.h"

/* ---- types of the user ---- */

enum mood { MOOD_UNKNOWN = -1, MOOD_SAD, MOOD_OK };
static const char *const mood_labels[] = {"sad", "ok"};
static const struct hf_type mood_type = {
	.kind = HF_TYPE_ENUM, .name = "public.mood", .size = sizeof(int), .labels = mood_labels, .count = 2};
static const struct hf_type mood_array_type = {.kind = HF_TYPE_ARRAY,
                                               .name = "public.mood[]",
                                               .size = sizeof(struct hf_array),
                                               .element = &mood_type};
struct pair {
	int32_t n;
	bool has_n;
	struct hf_str t;
	bool has_t;
	int mood;
	bool has_mood;
};
static const struct hf_field pair_fields[] = {
	NULLABLE(int4, struct pair, n),
	NULLABLE(text, struct pair, t),
	{"mood", &mood_type, offsetof(struct pair, mood), offsetof(struct pair, has_mood)},
};
static const struct hf_type pair_type = {.kind = HF_TYPE_COMPOSITE,
                                         .name = "public.pair",
                                         .size = sizeof(struct pair),
                                         .fields = pair_fields,
                                         .count = 3};
static const struct hf_type pair_array_type = {.kind = HF_TYPE_ARRAY,
                                               .name = "public.pair[]",
                                               .size = sizeof(struct hf_array),
                                               .element = &pair_type};

struct own {
	int mood;
	struct hf_array moods;
	struct pair pair;
	struct hf_array pairs;
	struct hf_str_array texts;
};
static const struct hf_field own_fields[] = {
	{"mood", &mood_type, offsetof(struct own, mood), HF_NEVER_NULL},
	{"moods", &mood_array_type, offsetof(struct own, moods), HF_NEVER_NULL},
	{"pair", &pair_type, offsetof(struct own, pair), HF_NEVER_NULL},
	{"pairs", &pair_array_type, offsetof(struct own, pairs), HF_NEVER_NULL},
	{"texts", &hf_type_text_array, offsetof(struct own, texts), HF_NEVER_NULL},
};
static const struct hf_query own_query =
	RIG_QUERY(own0000000000000, "SELECT $1::mood, $2::mood[], $3::pair, $4::pair[], $5::text[]", own_fields, 5,
                  own_fields, 5, sizeof(struct own));

static void make_own_types(struct rig *rig)
{
	rig_sql(rig, "DROP TYPE IF EXISTS pair, mood CASCADE");
	rig_sql(rig, "CREATE TYPE mood AS ENUM ('sad', 'ok', 'new')");
	rig_sql(rig, "CREATE TYPE pair AS (n int, t text, m mood)");
}

static void enums_composites_and_arrays_work(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	make_own_types(rig);
	const int moods[] = {MOOD_OK, MOOD_SAD};
	const bool nulls[] = {false, true};
	const struct pair pairs[] = {{.n = 1, .has_n = true, .t = HF_STR_INIT("x"), .has_t = true}, {.has_mood = true}};
	const struct hf_str texts[] = {HF_STR_INIT("a"), HF_STR_INIT(""), HF_STR_INIT("c"), HF_STR_INIT("d")};
	const int32_t dims[] = {2, 2}, lower_bounds[] = {0, -5};
	struct own in =
			   {
				   .mood = MOOD_OK,
				   .moods = {.count = 2, .nulls = nulls, .values = moods},
				   .pair = pairs[0],
				   .pairs = {.count = 2, .values = pairs},
				   .texts = {.count = 4,
	                                     .ndim = 2,
	                                     .dims = dims,
	                                     .lower_bounds = lower_bounds,
	                                     .values = texts},
			   },
		   out;
	for (int round = 0; round < 2; round++) {
		EXPECT_OK(hf_query_one(rig->where, &own_query, &in, rig->arena, &out, &err));
		assert_int_equal(out.mood, MOOD_OK);
		assert_int_equal(out.moods.count, 2);
		assert_int_equal(((const int *)out.moods.values)[0], MOOD_OK);
		assert_true(out.moods.nulls[1] && !out.moods.nulls[0]);
		const struct pair *got = out.pairs.values;
		assert_string_equal(got[0].t.ptr, "x");
		assert_false(got[0].has_mood);
		assert_true(got[1].has_mood && !got[1].has_n);
		assert_int_equal(got[1].mood, MOOD_SAD);
		assert_int_equal(out.texts.ndim, 2);
		assert_int_equal(out.texts.lower_bounds[1], -5);
		assert_string_equal(out.texts.values[3].ptr, "d");
		make_own_types(rig); /* other numbers: XX000 or 0A000, and all over again */
	}
}

static const struct hf_field mood_column[] = {{"mood", &mood_type, 0, HF_NEVER_NULL}};

static void an_unknown_label_is_no_crash(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	static const struct hf_query query =
		RIG_QUERY(label00000000000, "SELECT 'new'::mood", NULL, 0, mood_column, 1, sizeof(int));
	int mood = 7;
	make_own_types(rig);
	EXPECT_STATUS(hf_query_one(rig->where, &query, NULL, rig->arena, &mood, &err), HF_E_DRIFT);
	EXPECT_CONTAINS(err.message, "label \"new\"");
	assert_int_equal(mood, 7);
	static const bool open[] = {true};
	struct hf_query open_query = query;
	open_query.open = open;
	EXPECT_OK(hf_query_one(rig->where, &open_query, NULL, rig->arena, &mood, &err));
	assert_int_equal(mood, HF_ENUM_UNKNOWN);
	assert_string_equal(hf_enum_label(&mood_type, mood), "");
}

static void a_missing_type_is_named(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	rig_sql(rig, "DROP TYPE IF EXISTS pair, mood CASCADE");
	static const struct hf_query query =
		RIG_QUERY(nolabel000000000, "SELECT 'new'::mood", NULL, 0, mood_column, 1, sizeof(int));
	int mood;
	hf_connection *fresh = rig_connect(rig, NULL); /* one that has learned nothing yet */
	EXPECT_STATUS(hf_query_one(hf_on_connection(fresh), &query, NULL, rig->arena, &mood, &err), HF_E_DRIFT);
	assert_int_equal(err.category, HF_CATEGORY_MISSING_TYPES);
	EXPECT_CONTAINS(err.message, "public.mood");
	hf_connection_free(fresh);
}

/* ---- COPY ---- */

struct copy_row {
	int32_t i;
	struct hf_str text;
	bool has_text;
	struct hf_int4_array list;
};
static const struct hf_field copy_fields[] = {
	FIELD(int4, struct copy_row, i),
	NULLABLE(text, struct copy_row, text),
	{"list", &hf_type_int4_array, offsetof(struct copy_row, list), HF_NEVER_NULL},
};
static const struct hf_query copy_query =
	RIG_QUERY(copy000000000000, "COPY copied (i, t, list) FROM STDIN (FORMAT binary)", copy_fields, 3, NULL, 0, 0);

struct source {
	int next, count, fail_at;
	char *filler;
	size_t filler_len;
};
static const int32_t listed[] = {1, 2, 3};

static enum hf_status next_row(void *user, void *in, hf_error *err)
{
	struct source *source = user;
	struct copy_row *row = in;
	if (source->next == source->count)
		return HF_STOP;
	if (source->next == source->fail_at) {
		err->status = HF_E_CORRUPT;
		return HF_E_CORRUPT;
	}
	row->i = source->next++;
	row->has_text = row->i % 2 == 0;
	row->text = source->filler ? (struct hf_str){source->filler, source->filler_len} : HF_STR("even");
	row->list.count = (uint32_t)row->i % 4;
	row->list.values = listed;
	return HF_OK;
}

static void make_copied(struct rig *rig)
{
	rig_sql(rig, "DROP TABLE IF EXISTS copied");
	rig_sql(rig, "CREATE TABLE copied (i int PRIMARY KEY, t text, list int[] NOT NULL)");
}

static void copy_writes_rows(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	struct source source = {.count = 10000, .fail_at = -1};
	int64_t rows = 0;
	make_copied(rig);
	EXPECT_OK(hf_query_copy(rig->where, &copy_query, sizeof(struct copy_row), next_row, &source, &rows, &err));
	assert_int_equal(rows, 10000);
	assert_string_equal(rig_text(rig, "SELECT concat_ws(',', count(*), sum(i), count(t), "
	                                  "sum(cardinality(list))) FROM copied"),
	                    "10000,49995000,5000,15000");
}

static void copy_of_large_values_is_flushed(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	char *filler = malloc(3 << 20);
	assert_non_null(filler);
	memset(filler, 'x', 3 << 20);
	struct source source = {.count = 8, .fail_at = -1, .filler = filler, .filler_len = 3 << 20};
	make_copied(rig);
	EXPECT_OK(hf_query_copy(rig->where, &copy_query, sizeof(struct copy_row), next_row, &source, NULL, &err));
	assert_string_equal(rig_text(rig, "SELECT sum(length(t))::text FROM copied"), "12582912");
	free(filler);
}

static void a_failing_source_copies_nothing(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	make_copied(rig);
	struct source early = {.count = 10, .fail_at = 3}, late = {.count = 100000, .fail_at = 90000};
	EXPECT_STATUS(hf_query_copy(rig->where, &copy_query, sizeof(struct copy_row), next_row, &early, NULL, &err),
	              HF_E_CORRUPT);
	EXPECT_STATUS(hf_query_copy(rig->where, &copy_query, sizeof(struct copy_row), next_row, &late, NULL, &err),
	              HF_E_CORRUPT);
	assert_string_equal(rig_text(rig, "SELECT count(*)::text FROM copied"), "0");
}

static void copy_errors_of_the_server_are_told(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	make_copied(rig);
	rig_sql(rig, "INSERT INTO copied VALUES (5, NULL, '{}')");
	struct source source = {.count = 10, .fail_at = -1};
	EXPECT_STATUS(hf_query_copy(rig->where, &copy_query, sizeof(struct copy_row), next_row, &source, NULL, &err),
	              HF_CONFLICT);
	assert_string_equal(err.constraint, "copied_pkey");
	rig_sql(rig, "DROP TABLE copied");
	source.next = 0;
	EXPECT_STATUS(hf_query_copy(rig->where, &copy_query, sizeof(struct copy_row), next_row, &source, NULL, &err),
	              HF_E_DRIFT);
	struct hf_query no_copy = copy_query;
	no_copy.sql = "SELECT 1";
	EXPECT_STATUS(hf_query_copy(rig->where, &no_copy, sizeof(struct copy_row), next_row, &source, NULL, &err),
	              HF_E_PROTOCOL);
	rig_sql(rig, "SELECT 1");
}

static const char *const other_columns[] = {"t TYPE varchar", "i TYPE real", "i TYPE date USING NULL", "i TYPE bigint",
                                            "list TYPE bigint[]"};

/* The bytes of a COPY carry no types: an int would be taken for a real. */
static void copy_compares_types_each_time(void **state)
{
	struct rig *rig = *state;
	hf_error err = HF_ERROR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(other_columns); i++) {
		struct source source = {.count = 2, .fail_at = -1};
		char alter[128];
		make_copied(rig);
		EXPECT_OK(hf_query_copy(rig->where, &copy_query, sizeof(struct copy_row), next_row, &source, NULL, &err));
		rig_sql(rig, "ALTER TABLE copied DROP CONSTRAINT copied_pkey, ALTER i DROP NOT NULL");
		snprintf(alter, sizeof(alter), "ALTER TABLE copied ALTER %s", other_columns[i]);
		rig_sql(rig, alter);
		source.next = 0;
		EXPECT_STATUS(hf_query_copy(rig->where, &copy_query, sizeof(struct copy_row), next_row, &source, NULL,
		                            &err), HF_E_DRIFT);
		EXPECT_CONTAINS(err.message, "query \"copy000000000000\": parameter");
		assert_int_equal(source.next, 0);
	}
	assert_string_equal(err.column, "list");
	rig_sql(rig, "DROP TABLE copied");
	rig_sql(rig, "CREATE TABLE copied (list int[] NOT NULL, t text, i int GENERATED ALWAYS AS IDENTITY)");
	struct source source = {.count = 2, .fail_at = -1};
	EXPECT_OK(hf_query_copy(rig->where, &copy_query, sizeof(struct copy_row), next_row, &source, NULL, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(enums_composites_and_arrays_work, rig_ready),
		cmocka_unit_test_setup(an_unknown_label_is_no_crash, rig_ready),
		cmocka_unit_test_setup(a_missing_type_is_named, rig_ready),
		cmocka_unit_test_setup(copy_writes_rows, rig_ready),
		cmocka_unit_test_setup(copy_of_large_values_is_flushed, rig_ready),
		cmocka_unit_test_setup(a_failing_source_copies_nothing, rig_ready),
		cmocka_unit_test_setup(copy_errors_of_the_server_are_told, rig_ready),
		cmocka_unit_test_setup(copy_compares_types_each_time, rig_ready),
	};
	return cmocka_run_group_tests(tests, rig_up, rig_down);
}
