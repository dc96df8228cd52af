/* Indexes on metadata: what is found with and without one is the same, the server goes by them, and making one keeps
 * nobody waiting. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/macros.h"
#include "queries/kv/indexes.h"
#include "queries/kv/members.h"
#include "postgres_rig.h"

enum { ENTRIES = 3000 };
#define B(text) HF_KV_KEY(text)

static const struct hf_kv_options options = {.size = sizeof(options),
                                             .schema = "we\"ird",
                                             .table = "Ta ble",
                                             .log_statements = true,
                                             .slow_ms = -1,
                                             .sweep_interval_ms = -1};
static atomic_int by_member; /* statements that went by a member's index */

static void log_event(UNUSED void *user, UNUSED enum hf_log_level level, UNUSED const char *event,
                      const struct hf_log_field *fields, size_t nfields)
{
	for (size_t i = 0; i < nfields; i++)
		if (strcmp(fields[i].name, "query") == 0 && fields[i].text.len > 7 &&
		    memcmp(fields[i].text.ptr, "member_", 7) == 0)
			atomic_fetch_add(&by_member, 1);
}

/* Every tenth is of "rare 0" to "rare 9", the others of "often"; a number and a list beside. */
static void put_all(struct rig *rig)
{
	static struct hf_kv_write writes[ENTRIES];
	static char keys[ENTRIES][12], metadata[ENTRIES][100];
	hf_error err = HF_ERROR_INIT;
	for (int i = 0; i < ENTRIES; i++) {
		char source[12] = "often";
		if (i % 10 == 0)
			snprintf(source, sizeof(source), "rare %d", i / 10 % 10);
		snprintf(keys[i], sizeof(keys[i]), "%06d", i);
		snprintf(metadata[i], sizeof(metadata[i]), "{\"source\":\"%s\",\"n\":%d,\"l\":[%d]}", source, i % 7,
		         i % 3);
		writes[i] = (struct hf_kv_write){.op = HF_KV_PUT,
		                                 .key = hf_kv_text(keys[i]),
		                                 .metadata = hf_str_of(metadata[i])};
	}
	EXPECT_OK(hf_kv_apply(rig->kv, writes, ENTRIES, NULL, rig->arena, NULL, &err));
}

static int set_up(void **user)
{
	static struct rig rig;
	hf_error err = HF_ERROR_INIT;
	hf_context *ctx = NULL;
	const struct hf_context_options told = {.size = sizeof(told), .log = log_event, .log_level = HF_LOG_DEBUG};
	EXPECT_OK(hf_context_new(&told, &ctx, &err));
	rig_open(&rig, ctx, &options);
	put_all(&rig);
	atomic_store(&by_member, 0);
	*user = &rig;
	return 0;
}

static void create(struct rig *rig, const char *member)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_index_create(rig->kv, member, HF_DEADLINE_DEFAULT, &err));
}

/* "all 1, source 1": what there is, and whether it is valid. */
static const char *indexes(struct rig *rig)
{
	static char text[300];
	struct hf_kv_index *list = NULL;
	size_t count = 0, at = 0;
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_kv_index_list(rig->kv, rig->arena, &list, &count, &err));
	text[0] = '\0';
	for (size_t i = 0; i < count; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s %d", i ? ", " : "",
		                       list[i].member.ptr ? (int)list[i].member.len : 3,
		                       list[i].member.ptr ? list[i].member.ptr : "all", list[i].valid);
	return text;
}

/* ---- what is found ---- */

enum { READS = 12 };
struct answers {
	char text[READS][60]; /* "first to last, how many, how many are counted" */
};

static void ask(struct rig *rig, int which, struct hf_kv_range range, char ret_text[60])
{
	struct hf_kv_entry *entries = NULL;
	size_t count = 0;
	uint64_t counted = 0;
	hf_error err = HF_ERROR_INIT;
	range.limit = range.limit ? range.limit : ENTRIES;
	EXPECT_OK(hf_kv_list(rig->kv, &range, rig->arena, &entries, &count, &err));
	EXPECT_OK(hf_kv_count(rig->kv, &range, &counted, &err));
	struct hf_bytes first = count ? entries[0].key : B("none"), last = count ? entries[count - 1].key : B("none");
	snprintf(ret_text, 60, "%d: %.*s to %.*s, %zu, %llu", which, (int)first.len, (const char *)first.ptr,
	         (int)last.len, (const char *)last.ptr, count, (unsigned long long)counted);
}

static struct answers ask_all(struct rig *rig)
{
	const struct hf_kv_range reads[READS] = {
		{.has_metadata = HF_STR("{\"source\":\"rare 3\"}")},
		{.has_metadata = HF_STR("{\"n\":4,\"source\":\"rare 3\"}")},
		{.has_metadata = HF_STR("{\"n\":4.0}")},
		{.has_metadata = HF_STR("{\"l\":[2]}")},
		{.has_metadata = HF_STR("{\"source\":\"nobody\"}")},
		{.has_metadata = HF_STR("{}"), .limit = 5},
		{.has_metadata = HF_STR("\"often\"")},
		{.has_metadata = HF_STR("{\"source\":\"often\"}"), .limit = 100, .reverse = true},
		{.has_metadata = HF_STR("{\"source\":\"often\"}"), .prefix = B("0011")},
		{.has_metadata = HF_STR("{\"source\":\"often\"}"), .limit = 7, .after = B("000777")},
		{.has_metadata = HF_STR("{\"source\":\"often\"}"),
	         .limit = 7,
	         .how.keys_only = true,
	         .to = B("000005")},
		{.has_metadata = HF_STR("{\"source\":\"rare 3\"}"), .bare = true, .reverse = true},
	};
	struct answers answers;
	for (int i = 0; i < READS; i++)
		ask(rig, i, reads[i], answers.text[i]);
	return answers;
}

static void want_same(const struct answers *a, const struct answers *b)
{
	for (int i = 0; i < READS; i++)
		assert_string_equal(a->text[i], b->text[i]);
}

static void the_same_is_found_with_and_without(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	const struct answers without = ask_all(rig);
	assert_string_equal(without.text[0], "0: 000030 to 002930, 30, 30");
	assert_string_equal(without.text[4], "4: none to none, 0, 0");
	assert_int_equal(atomic_load(&by_member), 0);
	create(rig, "source");
	struct answers with = ask_all(rig);
	want_same(&without, &with);
	assert_int_equal(atomic_load(&by_member), 2 * 8); /* a list and a count of each that names a source */
	create(rig, NULL);
	with = ask_all(rig);
	want_same(&without, &with);
	EXPECT_OK(hf_kv_index_drop(rig->kv, "source", HF_DEADLINE_DEFAULT, &err));
	int before = atomic_load(&by_member);
	with = ask_all(rig);
	want_same(&without, &with);
	assert_int_equal(atomic_load(&by_member), before);
}

/* Known to this handle for a minute more: its statement finds the same without. */
static void an_index_that_another_one_dropped_is_no_failure(void **user)
{
	struct rig *rig = *user;
	const struct answers without = ask_all(rig);
	create(rig, "source");
	struct answers with = ask_all(rig);
	want_same(&without, &with);
	rig_run(rig, "DROP INDEX \"we\"\"ird\".\"Ta ble_by_source\"");
	with = ask_all(rig);
	want_same(&without, &with);
}

/* A value of any length can be put, and found; a name may be what it likes. */
static void long_values_and_strange_names(void **user)
{
	static char metadata[40000];
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	uint64_t count = 0;
	create(rig, "it's \\ wei%rd");
	memset(metadata, 'x', sizeof(metadata));
	memcpy(metadata, "{\"it's \\\\ wei%rd\":\"", 19);
	memcpy(metadata + sizeof(metadata) - 3, "\"}", 3);
	const struct hf_kv_put put = {.metadata = hf_str_of(metadata)};
	EXPECT_OK(hf_kv_put(rig->kv, B("long"), B("v"), &put, &err));
	const struct hf_kv_range range = {.has_metadata = hf_str_of(metadata)};
	int before = atomic_load(&by_member);
	EXPECT_OK(hf_kv_count(rig->kv, &range, &count, &err));
	assert_int_equal(count, 1);
	assert_int_equal(atomic_load(&by_member), before + 1);
	assert_string_equal(indexes(rig), "it's \\ wei%rd 1");
}

/* ---- plans ---- */

static enum hf_status see_line(void *user, const struct hf_sql_row *row, UNUSED hf_error *err)
{
	char *text = user;
	size_t at = strlen(text);
	snprintf(text + at, 4000 - at, "%s\n", row->values[0].as.s.ptr);
	return HF_OK;
}

static const char *argument(const char *name)
{
	static const char *const arguments[][2] = {{"ns", "1"},
	                                           {"from", "'000100'"},
	                                           {"to", "'000900'"},
	                                           {"most", "10"},
	                                           {"keys_only", "false"},
	                                           {"wanted", "'\"rare 3\"'"},
	                                           {"part", "'{\"source\": \"rare 3\"}'"}};
	for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
		if (strcmp(arguments[i][0], name) == 0)
			return arguments[i][1];
	return "NULL";
}

static void explain(struct rig *rig, const struct hf_query *query, const char *mode, char ret_plan[4000])
{
	static char sql[8000];
	hf_error err = HF_ERROR_INIT;
	int n = snprintf(sql, sizeof(sql), "PREPARE p AS %s", query->sql);
	assert_true(n > 0 && (size_t)n < sizeof(sql));
	rig_run(rig, sql);
	snprintf(sql, sizeof(sql), "SET plan_cache_mode = %s", mode);
	rig_run(rig, sql);
	n = snprintf(sql, sizeof(sql), "EXPLAIN (COSTS OFF) EXECUTE p (");
	for (uint32_t i = 0; i < query->nparams; i++)
		n += snprintf(sql + n, sizeof(sql) - (size_t)n, "%s%s", i ? ", " : "", argument(query->params[i].name));
	snprintf(sql + n, sizeof(sql) - (size_t)n, ")");
	ret_plan[0] = '\0';
	EXPECT_OK(hf_sql_each(hf_on_connection(rig->connection), hf_str_of(sql), NULL, 0, see_line, ret_plan, &err));
	rig_run(rig, "DEALLOCATE p");
}

/* In the order of keys, so without a sort, whatever the server knows of the table and of the parameters. */
static void pages_go_by_the_index_of_the_member(void **user)
{
	struct rig *rig = *user;
	static const char *const modes[] = {"force_custom_plan", "force_generic_plan"};
	const struct members_names names = {HF_STR("we\"ird"), HF_STR("Ta ble"), HF_STR("source"),
	                                    HF_STR("Ta ble_by_source")};
	struct members_bound bound;
	char plan[4000];
	hf_error err = HF_ERROR_INIT;
	create(rig, "source");
	EXPECT_OK(members_bind(&names, rig->arena, &bound, &err));
	for (int analysed = 0; analysed < 2; analysed++) {
		for (size_t i = 0; i < ARRAY_LEN(bound.member_scan) * ARRAY_LEN(modes); i++) {
			const struct hf_query *query = &bound.member_scan[i / 2];
			explain(rig, query, modes[i % 2], plan);
			if (!strstr(plan, "Ta ble_by_source") || strstr(plan, "Sort") ||
			    !strstr(plan, "Index Cond: ((namespace = "))
				fail_msg("%s, %s:\n%s", query->name, modes[i % 2], plan);
		}
		rig_run(rig, "ANALYZE \"we\"\"ird\".\"Ta ble\"");
	}
}

/* By the server's own counters, which come late: by a plan of what it runs. */
static void whatever_is_contained_goes_by_the_index_on_all(void **user)
{
	struct rig *rig = *user;
	char plan[4000] = "";
	hf_error err = HF_ERROR_INIT;
	create(rig, NULL);
	rig_run(rig, "ANALYZE \"we\"\"ird\".\"Ta ble\"");
	rig_run(rig, "SET enable_seqscan = off");
	EXPECT_OK(hf_sql_each(hf_on_connection(rig->connection),
	                      HF_STR("EXPLAIN (COSTS OFF) SELECT key FROM \"we\"\"ird\".\"Ta ble\" WHERE metadata @> "
	                             "'{\"source\": \"rare 3\"}'"),
	                      NULL, 0, see_line, plan, &err));
	EXPECT_CONTAINS(plan, "Bitmap Index Scan on \"Ta ble_metadata\"");
}

/* ---- making them ---- */

struct writer {
	struct rig *rig;
	atomic_bool stop;
	atomic_int puts;
};

static void *keep_writing(void *user)
{
	struct writer *writer = user;
	hf_error err = HF_ERROR_INIT;
	const struct hf_kv_put put = {.metadata = HF_STR("{\"source\":\"meanwhile\"}")};
	while (!atomic_load(&writer->stop)) {
		EXPECT_OK(hf_kv_put(writer->rig->kv, B("k"), B("v"), &put, &err));
		atomic_fetch_add(&writer->puts, 1);
	}
	return NULL;
}

/* A transaction that is open holds the making up, and nobody else. */
static void *make_it(void *user)
{
	create(user, "source");
	return NULL;
}

static void writers_do_not_wait_for_it(void **user)
{
	struct rig *rig = *user;
	struct writer writer = {.rig = rig};
	pthread_t writing, making;
	rig_run(rig, "BEGIN ISOLATION LEVEL REPEATABLE READ");
	rig_run(rig, "INSERT INTO \"we\"\"ird\".\"Ta ble_locks\" VALUES (1, now(), now(), 9, 'x', 'y')");
	assert_int_equal(pthread_create(&making, NULL, make_it, rig), 0);
	while (strcmp(indexes(rig), "source 0") != 0)
		continue;
	assert_int_equal(pthread_create(&writing, NULL, keep_writing, &writer), 0);
	while (atomic_load(&writer.puts) < 20)
		continue;
	assert_string_equal(indexes(rig), "source 0");
	rig_run(rig, "ROLLBACK");
	pthread_join(making, NULL);
	atomic_store(&writer.stop, true);
	pthread_join(writing, NULL);
	assert_string_equal(indexes(rig), "source 1");
}

static void what_was_not_finished_is_made_anew(void **user)
{
	struct rig *rig = *user;
	hf_error err = HF_ERROR_INIT;
	rig_run(rig, "BEGIN ISOLATION LEVEL REPEATABLE READ");
	rig_run(rig, "INSERT INTO \"we\"\"ird\".\"Ta ble_locks\" VALUES (1, now(), now(), 9, 'x', 'y')");
	EXPECT_STATUS(hf_kv_index_create(rig->kv, "source", hf_deadline_in(rig->ctx, 300), &err), HF_TIMEOUT);
	rig_run(rig, "ROLLBACK");
	create(rig, "source");
	create(rig, "source");
	assert_string_equal(indexes(rig), "source 1");
	rig_run(rig, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = '\"we\"\"ird\".\"Ta "
	             "ble_by_source\"'::regclass");
	assert_string_equal(indexes(rig), "source 0");
	create(rig, "source");
	assert_string_equal(indexes(rig), "source 1");
}

static void what_cannot_be_is_refused(void **user)
{
	struct rig *rig = *user;
	static const char *const wrong[] = {"", "a\"b", "\xff"};
	char name[80], member[4];
	hf_error err = HF_ERROR_INIT;
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		EXPECT_STATUS(hf_kv_index_create(rig->kv, wrong[i], HF_DEADLINE_DEFAULT, &err), HF_E_USAGE);
	memset(name, 'm', sizeof(name));
	name[63 - 10 + 1] = '\0'; /* "Ta ble_by_" before it */
	EXPECT_STATUS(hf_kv_index_create(rig->kv, name, HF_DEADLINE_DEFAULT, &err), HF_E_LIMIT);
	name[63 - 10] = '\0';
	create(rig, name);
	EXPECT_OK(hf_kv_index_drop(rig->kv, name, HF_DEADLINE_DEFAULT, &err));
	EXPECT_STATUS(hf_kv_index_drop(rig->kv, name, HF_DEADLINE_DEFAULT, &err), HF_NOT_FOUND);
	EXPECT_STATUS(hf_kv_index_drop(rig->kv, NULL, HF_DEADLINE_DEFAULT, &err), HF_NOT_FOUND);
	for (int i = 0; i < HF_KV_INDEX_MEMBERS_MAX; i++) {
		snprintf(member, sizeof(member), "m%d", i);
		create(rig, member);
	}
	EXPECT_STATUS(hf_kv_index_create(rig->kv, "more", HF_DEADLINE_DEFAULT, &err), HF_E_LIMIT);
	create(rig, NULL);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, set_up, rig_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(the_same_is_found_with_and_without),
		STORE(an_index_that_another_one_dropped_is_no_failure),
		STORE(long_values_and_strange_names),
		STORE(pages_go_by_the_index_of_the_member),
		STORE(whatever_is_contained_goes_by_the_index_on_all),
		STORE(writers_do_not_wait_for_it),
		STORE(what_was_not_finished_is_made_anew),
		STORE(what_cannot_be_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
