/*
 * Generated functions of the group `sample` on a real server: every cardinality, every type, NULLs, arrays and
 * composites.
 */
#include <string.h>

#include "base/arena.h"
#include "base/str.h"
#include "holdfast/values.h"
#include "queries/sample/everything.h"
#include "queries/sample/items.h"
#include "queries/sample/kinds.h"
#include "queries/sample/sample_constraints.h"
#include "sample.h"

static int32_t add_item(struct state *state, const char *name, enum mood mood)
{
	hf_error err = HF_ERROR_INIT;
	struct item_add_in in = {.name = hf_str_of(name), .mood = mood};
	struct item_add_row row;
	EXPECT_OK(item_add(state->where, &in, state->arena, &row, &err));
	assert_true(row.added.us > 0);
	return row.id;
}

static void one_gives_the_row_it_promised(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct item_count_row count;
	EXPECT_OK(item_count(state->where, state->arena, &count, &err));
	assert_int_equal(count.total, 0);
	assert_false(count.has_newest);
	int32_t id = add_item(state, "a", MOOD_HAPPY);
	EXPECT_OK(item_count(state->where, state->arena, &count, &err));
	assert_int_equal(count.total, 1);
	assert_true(count.has_newest);
	assert_int_equal(count.newest, id);
	struct next_number_row next;
	EXPECT_OK(next_number(state->where, state->arena, &next, &err));
	assert_int_equal(next.value, id + 1);
}

static void opt_finds_or_not(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct item_line row = {.id = -7};
	struct item_by_id_in in = {.id = add_item(state, "one", MOOD_NEEDS_WORK)};
	EXPECT_OK(item_by_id(state->where, &in, state->arena, &row, &err));
	assert_int_equal(row.id, in.id);
	assert_string_equal(row.name.ptr, "one");
	assert_false(row.has_note);
	assert_int_equal(row.mood, MOOD_NEEDS_WORK);
	assert_string_equal(mood_label(row.mood), "needs-work");
	in.id++;
	row.id = -7;
	EXPECT_STATUS(item_by_id(state->where, &in, state->arena, &row, &err), HF_NOT_FOUND);
	assert_int_equal(row.id, -7);
}

static void many_gives_an_array(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	add_item(state, "a", MOOD_HAPPY);
	add_item(state, "b", MOOD_UNKNOWN);
	add_item(state, "c", MOOD_NEEDS_WORK);
	const enum mood wanted[] = {MOOD_HAPPY, MOOD_NEEDS_WORK};
	struct items_by_mood_in in = {.moods = {.count = 2, .ndim = 1, .values = wanted}};
	struct item_line *rows = NULL;
	size_t count = 0;
	EXPECT_OK(items_by_mood(state->where, &in, state->arena, &rows, &count, &err));
	assert_int_equal(count, 2);
	assert_string_equal(rows[0].name.ptr, "a");
	assert_string_equal(rows[1].name.ptr, "c");
	in.moods = (struct mood_array){0};
	EXPECT_OK(items_by_mood(state->where, &in, state->arena, &rows, &count, &err));
	assert_int_equal(count, 0);
}

struct seen {
	size_t count, stop_at;
	struct items_scan_row rows[8];
};

static enum hf_status see(void *user, const struct items_scan_row *row, hf_error *err)
{
	(void)err;
	struct seen *seen = user;
	seen->rows[seen->count++] = *row;
	return seen->count == seen->stop_at ? HF_STOP : HF_OK;
}

static void each_streams_and_stops(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	int32_t first = add_item(state, "a", MOOD_HAPPY), second = add_item(state, "b", MOOD_HAPPY);
	char sql[100];
	snprintf(sql, sizeof(sql), "INSERT INTO part VALUES (%d, 1, 10), (%d, 2, NULL)", (int)first, (int)first);
	run(state, sql);
	struct seen seen = {0};
	struct items_scan_in in = {.from_id = first};
	EXPECT_OK(items_scan(state->where, &in, see, &seen, &err));
	assert_int_equal(seen.count, 3);
	assert_true(seen.rows[0].has_double_);
	assert_int_equal(seen.rows[0].double_, 10);
	assert_true(seen.rows[1].has_number);
	assert_false(seen.rows[1].has_double_);
	assert_int_equal(seen.rows[2].id, second);
	assert_false(seen.rows[2].has_number);
	seen = (struct seen){.stop_at = 1};
	EXPECT_OK(items_scan(state->where, &in, see, &seen, &err));
	assert_int_equal(seen.count, 1);
}

struct kept {
	hf_arena *arena;
	size_t count;
	struct item_line rows[4];
};

static enum hf_status keep(void *user, const struct item_line *row, hf_error *err)
{
	struct kept *kept = user;
	return item_line_copy(kept->arena, row, &kept->rows[kept->count++], err);
}

static void rows_of_each_are_kept_by_copying(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	add_item(state, "first", MOOD_HAPPY);
	add_item(state, "second", MOOD_NEEDS_WORK);
	run(state, "UPDATE item SET note = 'of ' || name WHERE name = 'second'");
	struct kept kept = {.arena = state->arena};
	EXPECT_OK(items_each(state->where, keep, &kept, &err));
	assert_int_equal(kept.count, 2);
	assert_string_equal(kept.rows[0].name.ptr, "first");
	assert_false(kept.rows[0].has_note);
	assert_string_equal(kept.rows[1].note.ptr, "of second");
	assert_int_equal(kept.rows[1].mood, MOOD_NEEDS_WORK);
	CLEANUP(arena_freep) hf_arena *small = hf_arena_new(3);
	kept = (struct kept){.arena = small};
	EXPECT_STATUS(items_each(state->where, keep, &kept, &err), HF_E_LIMIT);
	assert_int_equal(kept.count, 1);
}

static void exec_and_execrows_change(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct item_rename_in in = {.id = add_item(state, "a", MOOD_HAPPY), .name = HF_STR("b")};
	int64_t rows = -1;
	in.note = HF_STR("n");
	in.has_note = true;
	EXPECT_OK(item_rename(state->where, &in, &rows, &err));
	assert_int_equal(rows, 1);
	assert_string_equal(text(state, "SELECT name || '/' || note FROM item"), "b/n");
	in.has_note = false;
	EXPECT_OK(item_rename(state->where, &in, NULL, &err));
	assert_string_equal(text(state, "SELECT coalesce(note, 'none') FROM item"), "none");
	in.id++;
	EXPECT_OK(item_rename(state->where, &in, &rows, &err));
	assert_int_equal(rows, 0);
	run(state, "INSERT INTO item (name) VALUES ('stays'), (';:x'), (':x')");
	struct items_drop_in drop = {.id = in.id - 1};
	EXPECT_OK(items_drop(state->where, &drop, &err));
	assert_string_equal(text(state, "SELECT string_agg(name, ',' ORDER BY id) FROM item"), "stays,:x");
	struct item_wait_in wait = {.seconds = 0.0};
	EXPECT_OK(item_wait(state->where, &wait, &err));
}

struct parts {
	int32_t item, next, last;
};

static enum hf_status next_part(void *user, struct parts_copy_in *in, hf_error *err)
{
	(void)err;
	struct parts *parts = user;
	if (parts->next == parts->last)
		return HF_STOP;
	assert_int_equal(in->weight, 0); /* cleared before each call */
	in->item = parts->item;
	in->number = ++parts->next;
	in->weight = in->number * 10;
	in->has_weight = in->number % 2 == 0;
	return HF_OK;
}

static enum hf_status next_item(void *user, struct items_copy_in *in, hf_error *err)
{
	(void)err;
	int *left = user;
	*in = (struct items_copy_in){.id = 1000 + *left, .name = HF_STR("copied"), .mood = MOOD_UNKNOWN};
	return (*left)-- > 0 ? HF_OK : HF_STOP;
}

static void copy_sends_rows(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct parts parts = {.item = add_item(state, "a", MOOD_HAPPY), .last = 1000};
	int64_t rows = -1;
	EXPECT_OK(parts_copy(state->where, next_part, &parts, &rows, &err));
	assert_int_equal(rows, 1000);
	assert_string_equal(text(state, "SELECT count(*) || '/' || count(weight) || '/' || sum(weight) FROM part"),
	                    "1000/500/2505000");
	int left = 3;
	EXPECT_OK(items_copy(state->where, next_item, &left, NULL, &err));
	assert_string_equal(text(state, "SELECT count(*)::text FROM item WHERE mood = 'unknown' AND name = 'copied'"),
	                    "3");
}

/* ---- constraints ---- */

static enum sample_constraint violated_by(struct state *state, const char *sql)
{
	hf_error err = HF_ERROR_INIT;
	assert_int_not_equal(hf_sql_exec(state->where, hf_str_of(sql), NULL, 0, NULL, &err), HF_OK);
	return sample_constraint_of(&err);
}

static void an_error_names_its_constraint(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct parts parts = {.item = 4711, .last = 1};
	EXPECT_STATUS(parts_copy(state->where, next_part, &parts, NULL, &err), HF_REJECTED);
	assert_int_equal(sample_constraint_of(&err), HF_CONSTRAINT_part_item_fkey);
	int32_t id = add_item(state, "a", MOOD_HAPPY);
	parts = (struct parts){.item = id, .last = 1};
	EXPECT_OK(parts_copy(state->where, next_part, &parts, NULL, &err));
	parts = (struct parts){.item = id, .last = 1};
	EXPECT_STATUS(parts_copy(state->where, next_part, &parts, NULL, &err), HF_CONFLICT);
	assert_int_equal(sample_constraint_of(&err), HF_CONSTRAINT_part_pkey);
	assert_int_equal(violated_by(state, "DELETE FROM item"), HF_CONSTRAINT_part_item_fkey);
	assert_int_equal(violated_by(state, "SELECT 'A'::word"), HF_CONSTRAINT_word_check);
	assert_int_equal(violated_by(state, "SELECT 1 / 0"), SAMPLE_CONSTRAINT_NONE);
	assert_int_equal(sample_constraint_of(NULL), SAMPLE_CONSTRAINT_NONE);
	sql_run(state->where, "ALTER TABLE item ADD CONSTRAINT brief CHECK (length(name) < 9)");
	assert_int_equal(violated_by(state, "INSERT INTO item (name) VALUES ('much too long')"),
	                 SAMPLE_CONSTRAINT_UNKNOWN);
	sql_run(state->where, "ALTER TABLE part RENAME TO portion");
	assert_int_equal(violated_by(state, "INSERT INTO portion VALUES (0, 0)"), HF_CONSTRAINT_part_item_fkey);
}

/* ---- every type ---- */

#define NEVER_NULL(X)                                                                                                 \
	X(a_bool)                                                                                                     \
	X(a_int2)                                                                                                     \
	X(a_int4)                                                                                                     \
	X(a_int8) X(a_oid) X(a_float4) X(a_float8) X(a_numeric) X(a_text) X(a_varchar) X(a_bpchar) X(a_name) X(a_xml) \
		X(a_json) X(a_jsonb) X(a_bytea) X(a_char) X(a_uuid) X(a_date) X(a_time) X(a_timetz) X(a_timestamp)    \
			X(a_timestamptz) X(a_interval) X(a_mood) X(a_size) X(a_word) X(a_mood_domain) X(a_point)      \
				X(a_pair) X(some_bools) X(some_int4s) X(some_texts) X(some_dates) X(some_varchars)    \
					X(some_moods) X(some_words) X(some_points) X(some_uuids) X(some_timestamps)   \
						X(some_json)
#define NULLABLE(X)                                                                                              \
	X(n_bool)                                                                                                \
	X(n_int8)                                                                                                \
	X(n_text)                                                                                                \
	X(n_bytea) X(n_uuid) X(n_timestamp) X(n_interval) X(n_numeric) X(n_mood) X(n_word) X(n_point) X(n_texts) \
		X(n_points)
#define COPY(name) in->name = row->name;
#define COPY_HAS(name) in->name = row->name, in->has_##name = row->has_##name;

static void put_again(struct everything_put_in *in, const struct everything_get_row *row)
{
	NEVER_NULL(COPY)
	NULLABLE(COPY_HAS)
}

struct copying {
	const struct everything_get_row *row;
	int64_t id;
};

static enum hf_status next_everything(void *user, struct everything_copy_in *in, hf_error *err)
{
	(void)err;
	struct copying *copying = user;
	const struct everything_get_row *row = copying->row;
	if (!row)
		return HF_STOP;
	NEVER_NULL(COPY)
	NULLABLE(COPY_HAS)
	in->id = copying->id;
	copying->row = NULL;
	return HF_OK;
}

static const char full_row[] =
	"INSERT INTO everything VALUES (1, true, -2, -4, -8, 4000000000, 1.5, -2.25, -12345.6789, 'tëxt', 'varchar', "
	"'bp',"
	" 'name', '<x/>', '{\"a\": 1}', '{\"b\": [null]}', '\\x00ff', 'c', '00112233-4455-6677-8899-aabbccddeeff',"
	" '1999-12-31', '24:00', '01:02:03+05', '2000-01-01 00:00:01', '1999-12-31 23:59:59+00', '1 mon 2 days 3s',"
	" 'needs-work', 'L', 'word', 'happy', (1, NULL, 'p', 'unknown'), ((7, 8, NULL, NULL), '{ab,NULL}', 0.5),"
	" '{t,NULL,f}', '[5:6]={1,2}', '{a,\"b c\",NULL}', '{2000-01-02,infinity}', '{}', '{happy,needs-work}', "
	"'{xyz}',"
	" ARRAY[ROW(1, 2, 'l', NULL), NULL]::point3[], '{00000000-0000-0000-0000-000000000001}',"
	" '{{epoch,infinity},{-infinity,2000-01-01}}', ARRAY['1', 'null']::jsonb[],"
	" false, 9223372036854775807, '', '\\x', 'ffffffff-ffff-ffff-ffff-ffffffffffff', 'infinity', '-1 year', 'NaN',"
	" 'happy', 'w', (NULL, NULL, NULL, NULL), '{x}', '{}')";

static void expect_scalars(const struct everything_get_row *row)
{
	assert_true(row->a_bool);
	assert_int_equal(row->a_int2, -2);
	assert_int_equal(row->a_int4, -4);
	assert_int_equal(row->a_int8, -8);
	assert_int_equal(row->a_oid, 4000000000u);
	assert_true(row->a_float4 == 1.5f && row->a_float8 == -2.25);
	assert_int_equal(row->a_numeric.sign, 0x4000);
	assert_int_equal(row->a_numeric.dscale, 4);
	assert_string_equal(row->a_text.ptr, "tëxt");
	assert_string_equal(row->a_bpchar.ptr, "bp  ");
	assert_string_equal(row->a_xml.ptr, "<x/>");
	assert_string_equal(row->a_json.ptr, "{\"a\": 1}");
	assert_string_equal(row->a_jsonb.ptr, "{\"b\": [null]}");
	assert_int_equal(row->a_bytea.len, 2);
	assert_memory_equal(row->a_bytea.ptr, "\x00\xff", 2);
	assert_int_equal(row->a_char, 'c');
	assert_int_equal(row->a_uuid.bytes[15], 0xff);
	assert_int_equal(row->a_date.days, -1);
	assert_int_equal(row->a_time.us, INT64_C(86400000000));
	assert_int_equal(row->a_timetz.west_s, -18000);
	assert_int_equal(row->a_timestamp.us, 1000000);
	assert_int_equal(row->a_timestamptz.us, -1000000);
	assert_int_equal(row->a_interval.months, 1);
	assert_int_equal(row->a_interval.days, 2);
	assert_int_equal(row->a_interval.us, 3000000);
	assert_int_equal(row->a_mood, MOOD_NEEDS_WORK);
	assert_int_equal(row->a_size, APP_SIZE_L);
	assert_string_equal(row->a_word.ptr, "word");
	assert_int_equal(row->a_mood_domain, MOOD_HAPPY);
}

static void expect_composed(const struct everything_get_row *row)
{
	assert_true(row->a_point.has_x && !row->a_point.has_y && row->a_point.has_mood);
	assert_int_equal(row->a_point.mood, MOOD_UNKNOWN);
	assert_true(row->a_pair.has_first && !row->a_pair.first.has_label);
	assert_int_equal(row->a_pair.first.y, 8);
	assert_int_equal(row->a_pair.words.count, 2);
	assert_true(row->a_pair.words.nulls[1]);
	assert_true(row->some_bools.nulls[1] && row->some_bools.values[0]);
	assert_int_equal(row->some_int4s.lower_bounds[0], 5);
	assert_string_equal(row->some_texts.values[1].ptr, "b c");
	assert_int_equal(row->some_dates.values[1].days, INT32_MAX);
	assert_int_equal(row->some_varchars.ndim, 0);
	assert_int_equal(row->some_moods.values[1], MOOD_NEEDS_WORK);
	assert_string_equal(row->some_points.values[0].label.ptr, "l");
	assert_true(row->some_points.nulls[1]);
	assert_int_equal(row->some_timestamps.ndim, 2);
	assert_int_equal(row->some_timestamps.values[2].us, INT64_MIN);
	assert_string_equal(row->some_json.values[1].ptr, "null");
	assert_true(row->has_n_bool && !row->n_bool);
	assert_true(row->has_n_text && row->n_text.len == 0);
	assert_int_equal(row->n_numeric.sign, 0xC000);
	assert_true(row->has_n_point && !row->n_point.has_x);
	assert_true(row->has_n_points && row->n_points.count == 0);
}

static void every_type_goes_both_ways(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	run(state, full_row);
	struct everything_get_row row;
	struct everything_get_in get = {.id = 1};
	EXPECT_OK(everything_get(state->where, &get, state->arena, &row, &err));
	expect_scalars(&row);
	expect_composed(&row);
	struct everything_put_in put = {.id = 2};
	put_again(&put, &row);
	EXPECT_OK(everything_put(state->where, &put, &err));
	struct copying copying = {&row, 3};
	int64_t copied = 0;
	EXPECT_OK(everything_copy(state->where, next_everything, &copying, &copied, &err));
	assert_int_equal(copied, 1);
	const char *same = "SELECT (count(*) = 3 AND count(DISTINCT regexp_replace(e::text, '^\\(\\d+', '')) = 1)::text"
			   " FROM everything AS e";
	assert_string_equal(text(state, same), "true");
}

static void every_nullable_type_takes_null(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	run(state, full_row);
	struct everything_get_row row;
	struct everything_get_in get = {.id = 1};
	EXPECT_OK(everything_get(state->where, &get, state->arena, &row, &err));
	struct everything_put_in put = {.id = 2};
	put_again(&put, &row);
#define CLEAR(name) put.has_##name = false;
	NULLABLE(CLEAR)
	EXPECT_OK(everything_put(state->where, &put, &err));
	assert_string_equal(text(state,
	                         "SELECT num_nulls(n_bool, n_int8, n_text, n_bytea, n_uuid, n_timestamp, n_interval,"
	                         " n_numeric, n_mood, n_word, n_point, n_texts, n_points)::text FROM everything"
	                         " WHERE id = 2"),
	                    "13");
	get.id = 2;
	EXPECT_OK(everything_get(state->where, &get, state->arena, &row, &err));
#define EXPECT_NONE(name) assert_false(row.has_##name);
	NULLABLE(EXPECT_NONE)
	expect_scalars(&row);
}

/* ---- every other kind ---- */

/* clang-format off */
static const char full_kinds[] = "INSERT INTO kinds VALUES ("
	"1, '-12.34', 'cursor', '$.a[*] ? (@.b > 1)', 'a:1A fat:2B,4C', 'fat & !(rat | cat:*)', "
	"'10:20:12,15', '10:20:12,15', B'101', B'1010000011', '10.1.2.3/8', '2001:db8::/32', "
	"'08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '(1,-2)', '{1,2,3}', '[(0,1),(2,3)]', "
	"'(0,1),(2,3)', '[(0,0),(1,1),(2,0)]', '((0,0),(1,1),(2,0),(Infinity,NaN))', '<(1,2),3>', "
	"'16/B374D848', '18446744073709551615', '4294967295', '7', '(4294967295,65535)', 'kinds', "
	"'\"C\"', 'english', 'simple', 'app', '|/', '+(int4,int4)', 'now', 'abs(int4)', 'pg_monitor', "
	"'text', '3 -1 2', '4000000000', '[1,4]', '(,9223372036854775807)', '(0.5,1.25]', 'empty', "
	"'[2000-01-01,infinity]', '(,)', '{[1,3),[5,)}', '{}', '{(,0),[1.5,2.5]}', "
	"'{[2000-01-01,2000-01-02)}', '{[epoch,2000-01-01]}', '{(,)}', '[-0.5,Infinity)', "
	"'{[1,2],(3,4)}', '[\"a b\",\"c\"\"d\"]', 'CiTeXt', 'Top.Science', 'Top.*{1,2}', '[1,2]', "
	"'{\"(0,0)\",\"(1,0)\",\"(0,1)\"}', "
	"ROW(ROW('{\"[1,2)\",NULL}', '::1', '{happy}'), ARRAY[ROW(NULL, '1.2.3.4', '{}'), NULL]::shallow[], NULL), "
	"'{10.0.0.1,NULL,::/0}', '{1,\"\",010101010}', '{(1,1),(0,0);(2,2),(1,1)}', "
	"'{\"((0,0))\",\"[(1,2),(3,4)]\"}', '{1.50,NaN,-Infinity,1e100}', '{1.00,NULL}', "
	"'{0/0,FFFFFFFF/FFFFFFFF}', '{\"(0,1)\"}', '{1 2,3}', '{\"[1,2)\",empty,\"(,)\"}', "
	"'{\"{[2000-01-01,)}\",\"{}\"}', '{{\"[1,2)\"},{\"(,3]\"}}', '{A,NULL,b}', "
	"ARRAY['{\"(0,0)\",\"(1,0)\",\"(0,1)\"}'::triangle], ARRAY[NULL, ROW(NULL, NULL, NULL)]::deep[], "
	"'[3:4]={happy,NULL}', '{int4,text[]}', '{a,b}', '{24:00:00-15:59}', '1.2.3.4', B'', "
	"'(1,1),(0,0)', '((1,1))', '[2,)', '{[2,)}', 'empty', 'x', ROW(NULL,NULL,NULL), '1')";
/* clang-format on */

static void expect_kinds(const struct kinds_get_row *row)
{
	assert_int_equal(row->a_money, -1234);
	assert_string_equal(row->a_jsonpath.ptr, "$.\"a\"[*]?(@.\"b\" > 1)");
	assert_int_equal(row->a_bit.count, 3);
	assert_true(hf_bit(row->a_varbit, 0) && !hf_bit(row->a_varbit, 1) && hf_bit(row->a_varbit, 9));
	assert_true(row->a_inet.family == 4 && row->a_inet.bits == 8 && row->a_inet.addr[3] == 3 && !row->a_inet.is_cidr);
	assert_true(row->a_cidr.family == 6 && row->a_cidr.bits == 32 && row->a_cidr.is_cidr);
	assert_int_equal(row->a_macaddr.bytes[2], 0x2b);
	assert_int_equal(row->a_macaddr8.bytes[7], 5);
	assert_true(row->a_point.x == 1.0 && row->a_point.y == -2.0);
	assert_true(row->a_line.c == 3.0 && row->a_lseg.to.x == 2.0 && row->a_box.high.x == 2.0);
	assert_true(row->a_path.count == 3 && !row->a_path.closed && row->a_path.points[1].y == 1.0);
	assert_true(row->a_polygon.count == 4 && row->a_circle.radius == 3.0);
	assert_true(row->a_lsn == UINT64_C(0x16B374D848) && row->a_xid8 == UINT64_MAX);
	assert_true(row->a_tid.block == UINT32_MAX && row->a_tid.offset == UINT16_MAX);
	assert_int_equal(row->a_regtype, 25);
	assert_true(row->a_int2vector.count == 3 && row->a_int2vector.values[1] == -1);
	assert_string_equal(row->a_citext.ptr, "CiTeXt");
	assert_string_equal(row->a_ltree.ptr, "Top.Science");
}

static void expect_ranges(const struct kinds_get_row *row)
{
	assert_true(row->a_int4range.lower == 1 && row->a_int4range.upper == 5);
	assert_int_equal(row->a_int4range.flags, HF_RANGE_LOWER_INC);
	assert_int_equal(row->a_int8range.flags, HF_RANGE_LOWER_INF);
	assert_int_equal(row->a_numrange.upper.dscale, 2);
	assert_int_equal(row->a_daterange.flags, HF_RANGE_EMPTY);
	assert_int_equal(row->a_tstzrange.flags, HF_RANGE_LOWER_INF | HF_RANGE_UPPER_INF);
	assert_int_equal(row->a_int4multirange.count, 2);
	assert_int_equal(row->a_int4multirange.ranges[1].flags, HF_RANGE_LOWER_INC | HF_RANGE_UPPER_INF);
	assert_int_equal(row->a_int8multirange.count, 0);
	assert_true(row->a_span.lower == -0.5 && row->a_spans.count == 2 && row->a_spans.ranges[1].lower == 3.0);
	assert_string_equal(row->a_wordrange.lower.ptr, "a b");
	assert_string_equal(row->a_wordrange.upper.ptr, "c\"d");
	assert_true(row->a_span_domain.upper == 2.0 && row->a_points_domain.values[2].y == 1.0);
	assert_true(row->some_ranges.values[1].flags == HF_RANGE_EMPTY && row->some_multiranges.values[1].count == 0);
}

static void expect_depth(const struct kinds_get_row *row)
{
	const struct deep *deep = &row->a_deep;
	assert_true(deep->has_inner_one && deep->inner_one.spans.nulls[1] && deep->inner_one.spans.values[0].upper == 2.0);
	assert_true(deep->inner_one.home.family == 6 && deep->inner_one.moods.values[0] == MOOD_HAPPY);
	assert_true(deep->inner_many.count == 2 && deep->inner_many.nulls[1] && !deep->inner_many.values[0].has_spans);
	assert_false(deep->has_corners);
	assert_true(row->some_deeps.nulls[0] && !row->some_deeps.values[1].has_inner_many);
	assert_int_equal(row->some_triangles.values[0].count, 3);
	assert_true(row->some_mood_domains.lower_bounds[0] == 3 && row->some_mood_domains.nulls[1]);
	assert_true(row->some_inets.nulls[1] && row->some_inets.values[2].bits == 0);
	assert_int_equal(row->some_boxes.count, 2);
	assert_int_equal(row->some_oidvectors.values[0].values[1], 2);
	assert_string_equal(row->some_citexts.values[0].ptr, "A");
}

/* All columns are parameters as well, in the same order and with the same nullability: two structs, one layout. */
_Static_assert(sizeof(struct kinds_put_in) == sizeof(struct kinds_get_row), "layouts differ");
_Static_assert(sizeof(struct kinds_copy_in) == sizeof(struct kinds_get_row), "layouts differ");
_Static_assert(sizeof(struct kinds_all_row) == sizeof(struct kinds_get_row), "layouts differ");
_Static_assert(offsetof(struct kinds_put_in, has_n_vector) == offsetof(struct kinds_get_row, has_n_vector), "differ");

static enum hf_status next_kinds(void *user, struct kinds_copy_in *in, hf_error *err)
{
	(void)err;
	const struct kinds_get_row **row = user;
	if (!*row)
		return HF_STOP;
	memcpy(in, *row, sizeof(*in));
	in->id = 3;
	*row = NULL;
	return HF_OK;
}

static const char same_kinds[] =
	"SELECT (count(*) = 4 AND count(DISTINCT regexp_replace(k::text, '^\\(\\d+', '')) = 1)::text FROM kinds AS k";

static void every_kind_goes_both_ways(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	run(state, full_kinds);
	struct kinds_get_row row;
	struct kinds_get_in get = {.id = 1};
	EXPECT_OK(kinds_get(state->where, &get, state->arena, &row, &err));
	expect_kinds(&row);
	expect_ranges(&row);
	expect_depth(&row);
	struct kinds_put_in put;
	memcpy(&put, &row, sizeof(put));
	put.id = 2;
	EXPECT_OK(kinds_put(state->where, &put, &err));
	const struct kinds_get_row *copied = &row;
	EXPECT_OK(kinds_copy(state->where, next_kinds, &copied, NULL, &err));
	struct kinds_all_row *rows = NULL;
	size_t count = 0;
	EXPECT_OK(kinds_all(state->where, state->arena, &rows, &count, &err));
	assert_int_equal(count, 3);
	assert_string_equal(rows[2].some_citexts.values[0].ptr, "A"); /* the NULL behind it begins with 0xff */
	memcpy(&put, &rows[2], sizeof(put)); /* what borrows from the result */
	put.id = 4;
	EXPECT_OK(kinds_put(state->where, &put, &err));
	assert_string_equal(text(state, same_kinds), "true");
}

/* A copy outlives the row that it was made of: overwritten here, and its memory freed. */
static void every_kind_is_copied(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	run(state, full_kinds);
	struct kinds_all_row *rows = NULL, copy;
	size_t count = 0;
	hf_arena *shorter = hf_arena_new(0);
	assert_non_null(hf_arena_alloc(shorter, 1 << 20)); /* one block, which a reset keeps */
	hf_arena_reset(shorter);
	EXPECT_OK(kinds_all(state->where, shorter, &rows, &count, &err));
	EXPECT_OK(kinds_all_row_copy(state->arena, &rows[0], &copy, &err));
	hf_arena_reset(shorter);
	memset(hf_arena_alloc(shorter, 1 << 20), 0xa5, 1 << 20);
	hf_arena_free(shorter);
	struct kinds_put_in put;
	memcpy(&put, &copy, sizeof(put));
	for (put.id = 2; put.id <= 4; put.id++)
		EXPECT_OK(kinds_put(state->where, &put, &err));
	assert_string_equal(text(state, same_kinds), "true");
}

static void every_nullable_kind_takes_null(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	run(state, full_kinds);
	struct kinds_get_row row;
	struct kinds_get_in get = {.id = 1};
	EXPECT_OK(kinds_get(state->where, &get, state->arena, &row, &err));
	struct kinds_put_in put;
	memcpy(&put, &row, sizeof(put));
	const size_t flags = offsetof(struct kinds_put_in, has_n_inet);
	memset((char *)&put + flags, 0, sizeof(put) - flags);
	put.id = 2;
	EXPECT_OK(kinds_put(state->where, &put, &err));
	assert_string_equal(text(state,
	                         "SELECT num_nulls(n_inet, n_varbit, n_box, n_path, n_range, n_multirange, n_span, n_citext,"
	                         " n_deep, n_vector)::text FROM kinds WHERE id = 2"),
	                    "10");
	get.id = 2;
	EXPECT_OK(kinds_get(state->where, &get, state->arena, &row, &err));
	assert_false(row.has_n_inet || row.has_n_path || row.has_n_span || row.has_n_vector);
}

static void a_changed_composite_is_drift(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	run(state, full_kinds);
	struct kinds_get_row row;
	struct kinds_get_in get = {.id = 1};
	EXPECT_OK(kinds_get(state->where, &get, state->arena, &row, &err));
	run(state, "ALTER TYPE shallow ADD ATTRIBUTE more int");
	EXPECT_STATUS(kinds_get(state->where, &get, state->arena, &row, &err), HF_E_DRIFT);
	EXPECT_CONTAINS(err.message, "column \"a_deep\": type public.shallow changed");
	run(state, "ALTER TYPE shallow DROP ATTRIBUTE more, DROP ATTRIBUTE home, ADD ATTRIBUTE home text");
	EXPECT_STATUS(kinds_get(state->where, &get, state->arena, &row, &err), HF_E_DRIFT);
	EXPECT_CONTAINS(err.message, "another type than the compiled one");
}

static void builtin_arrays_and_whole_rows(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct hf_str names[] = {HF_STR("n1"), HF_STR("n2")};
	const uint32_t oids[] = {1, 4000000000u};
	struct chars_echo_in in = {
		.chars = {.count = 2, .ndim = 1, .values = "xy"},
		.names = {.count = 2, .ndim = 1, .values = names},
		.oids = {.count = 2, .ndim = 1, .values = oids},
	};
	struct chars_echo_row row;
	EXPECT_OK(chars_echo(state->where, &in, state->arena, &row, &err));
	assert_int_equal(row.chars.values[1], 'y');
	assert_string_equal(row.names.values[1].ptr, "n2");
	assert_int_equal(row.oids.values[1], 4000000000u);
	struct item_whole_in id = {.id = add_item(state, "whole", MOOD_HAPPY)};
	struct item_whole_row whole;
	EXPECT_OK(item_whole(state->where, &id, state->arena, &whole, &err));
	assert_true(whole.item.has_name && !whole.item.has_note);
	assert_string_equal(whole.item.name.ptr, "whole");
	assert_int_equal(whole.items.count, 1);
	assert_int_equal(whole.items.values[0].mood, MOOD_HAPPY);
}

static void a_star_is_frozen(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	struct item_all_of_in in = {.id = add_item(state, "a", MOOD_HAPPY), .factor = 7};
	struct item_all_of_row row;
	struct item_touch_row *rows = NULL;
	size_t count = 0;
	run(state, "ALTER TABLE item ADD COLUMN later int");
	for (int i = 0; i < 2; i++) {
		EXPECT_OK(item_all_of(state->where, &in, state->arena, &row, &err));
		assert_string_equal(row.shout.ptr, "A");
		assert_int_equal(row.id, in.id);
		assert_int_equal(row.a__b, 7);
		EXPECT_OK(item_touch(state->where, state->arena, &rows, &count, &err));
		assert_int_equal(count, 1);
		assert_int_equal(rows[0].mood, MOOD_HAPPY);
		run(state, i ? "ALTER TABLE item DROP COLUMN later" : "ALTER TABLE item ADD COLUMN more int");
	}
}

static void a_changed_schema_is_drift(void **user)
{
	struct state *state = *user;
	hf_error err = HF_ERROR_INIT;
	run(state, "DROP VIEW item_part");
	run(state, "ALTER TABLE item ALTER name TYPE bytea USING name::bytea");
	struct item_line row;
	struct item_by_id_in in = {.id = 1};
	EXPECT_STATUS(item_by_id(state->where, &in, state->arena, &row, &err), HF_E_DRIFT);
	EXPECT_CONTAINS(err.message, "name");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(one_gives_the_row_it_promised, set_up, tear_down),
		cmocka_unit_test_setup_teardown(opt_finds_or_not, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_gives_an_array, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_streams_and_stops, set_up, tear_down),
		cmocka_unit_test_setup_teardown(exec_and_execrows_change, set_up, tear_down),
		cmocka_unit_test_setup_teardown(copy_sends_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_error_names_its_constraint, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_type_goes_both_ways, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_nullable_type_takes_null, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_kind_goes_both_ways, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_kind_is_copied, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rows_of_each_are_kept_by_copying, set_up, tear_down),
		cmocka_unit_test_setup_teardown(every_nullable_kind_takes_null, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_changed_composite_is_drift, set_up, tear_down),
		cmocka_unit_test_setup_teardown(builtin_arrays_and_whole_rows, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_star_is_frozen, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_changed_schema_is_drift, set_up, tear_down),
	};
	return cmocka_run_group_tests_name("generated", tests, NULL, NULL);
}
