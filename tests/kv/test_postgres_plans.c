/* How the server runs the store's statements: in a namespace that is newer than the statistics each finds its rows by
 * both columns of the key, with a plan for these parameters and with one for any; batches keep the order of their keys;
 * and updates stay on their page. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/macros.h"
#include "queries/kv/entries.h"
#include "postgres_rig.h"

static struct entries_bound entries;

static int set_up(void **user)
{
	static struct rig rig;
	hf_error err = HF_ERROR_INIT;
	const struct entries_names names = {HF_STR("public"), HF_STR("state_entries")};
	rig_open(&rig, NULL, NULL);
	EXPECT_OK(entries_bind(&names, rig.arena, &entries, &err));
	rig_run(&rig, "ALTER TABLE state_entries SET (autovacuum_enabled = false)");
	*user = &rig;
	return 0;
}

/* ---- plans ---- */

static const struct {
	const char *name, *value;
} arguments[] = {
	{"ns", "2"},
	{"key", "'key00001'"},
	{"from", "'key00001'"},
	{"to", "'key00100'"},
	{"most", "10"},
	{"part", "'{}'"},
	{"keys_only", "false"},
	{"relaxed", "false"},
	{"epoch", "1"},
	{"ttl", "NULL"},
	{"value", "'v'"},
	{"metadata", "NULL"},
	{"keys", "ARRAY['key00001', 'key00002']::bytea[]"},
	{"values", "ARRAY['a', 'b']::bytea[]"},
	{"needs", "'{1,1}'"},
	{"kinds", "'{1,3}'"},
	{"codecs", "'{0,0}'"},
	{"lock", "'l'"},
	{"owner", "'o'"},
	{"fence", "1"},
	{"revs", "'{1,2}'"},
	{"created", "ARRAY[now(), now()]"},
	{"updated", "ARRAY[now(), now()]"},
	{"expires", "ARRAY[now(), now()]"},
	{"ttls", "'{NULL,NULL}'"},
};

static const char *argument(const struct hf_query *query, const char *name)
{
	if (strcmp(name, "metadata") == 0 && query->params[0].type->kind == HF_TYPE_ARRAY)
		return "'{NULL,NULL}'";
	for (size_t i = 0; i < ARRAY_LEN(arguments); i++)
		if (strcmp(arguments[i].name, name) == 0)
			return arguments[i].value;
	return "NULL";
}

struct plan {
	char text[8000];
	size_t len;
	int looks; /* at the table by its key */
};

static bool is_by_key(const char *condition)
{
	return strstr(condition, "namespace = ") && (strstr(condition, "key = ") || strstr(condition, "key >= "));
}

static enum hf_status see_line(void *user, const struct hf_sql_row *row, UNUSED hf_error *err)
{
	struct plan *plan = user;
	const char *line = row->values[0].as.s.ptr;
	plan->len += (size_t)snprintf(plan->text + plan->len, sizeof(plan->text) - plan->len, "%s\n", line);
	assert_true(plan->len < sizeof(plan->text));
	plan->looks += strstr(line, "Index Cond: ") && is_by_key(line);
	return HF_OK;
}

static struct plan explain(struct rig *rig, const struct hf_query *query, const char *mode)
{
	hf_error err = HF_ERROR_INIT;
	struct plan plan = {.len = 0};
	char *sql = malloc(query->sql_len + 100), execute[1000];
	int n = snprintf(execute, sizeof(execute), "EXPLAIN (COSTS OFF) EXECUTE p (");
	for (uint32_t i = 0; i < query->nparams; i++)
		n += snprintf(execute + n, sizeof(execute) - (size_t)n, "%s%s", i ? ", " : "",
		              argument(query, query->params[i].name));
	snprintf(execute + n, sizeof(execute) - (size_t)n, ")");
	snprintf(sql, query->sql_len + 100, "PREPARE p AS %s", query->sql);
	rig_run(rig, sql);
	snprintf(sql, 100, "SET plan_cache_mode = %s", mode);
	rig_run(rig, sql);
	EXPECT_OK(hf_sql_each(hf_on_connection(rig->connection), hf_str_of(execute), NULL, 0, see_line, &plan, &err));
	rig_run(rig, "DEALLOCATE p");
	free(sql);
	return plan;
}

/* Namespace 2 is newer than the statistics. */
static void fill(struct rig *rig)
{
	rig_run(rig, "INSERT INTO state_entries_namespaces (name) VALUES ('new')");
	rig_run(rig, "INSERT INTO state_entries (rev, created_at, updated_at, namespace, epoch, key, value) SELECT i, "
	             "now(), now(), 1,"
	             " 1, convert_to(to_char(i, '\"key\"FM00000'), 'UTF8'), 'v' FROM generate_series(1, 20000) AS i");
	rig_run(rig, "ANALYZE state_entries");
	rig_run(rig, "INSERT INTO state_entries (rev, created_at, updated_at, namespace, epoch, key, value) SELECT i, "
	             "now(), now(), 2,"
	             " 1, convert_to(to_char(i, '\"key\"FM00000'), 'UTF8'), 'v' FROM generate_series(1, 5000) AS i");
}

static void every_statement_finds_its_rows_by_the_whole_key(void **user)
{
	struct rig *rig = *user;
	const struct entries_bound *all = &entries;
	const struct hf_query *queries[80];
	size_t count = 0;
	queries[count++] = &all->entry_get;
	queries[count++] = &all->entries_get;
	queries[count++] = &all->value_get;
	queries[count++] = &all->stored_get;
	queries[count++] = &all->values_get;
	queries[count++] = &all->entry_delete;
	for (size_t i = 0; i < ARRAY_LEN(all->entry_replace); i++)
		queries[count++] = &all->entry_replace[i];
	for (size_t i = 0; i < ARRAY_LEN(all->entry_replaced); i++)
		queries[count++] = &all->entry_replaced[i];
	for (size_t i = 0; i < ARRAY_LEN(all->entries_hold); i++)
		queries[count++] = &all->entries_hold[i];
	for (size_t i = 0; i < ARRAY_LEN(all->entries_store); i++) /* but what makes rows alone has none to find */
		if (strstr(all->entries_store[i].sql, "replaced AS") || strstr(all->entries_store[i].sql, "gone AS"))
			queries[count++] = &all->entries_store[i];
	for (size_t i = 0; i < ARRAY_LEN(all->entries_scan); i++)
		queries[count++] = &all->entries_scan[i];
	for (size_t i = 0; i < ARRAY_LEN(all->keys_scan); i++)
		queries[count++] = &all->keys_scan[i];
	for (size_t i = 0; i < ARRAY_LEN(all->bare_scan); i++)
		queries[count++] = &all->bare_scan[i];
	for (size_t i = 0; i < ARRAY_LEN(all->bare_page); i++)
		queries[count++] = &all->bare_page[i];
	fill(rig);
	for (size_t i = 0; i < count; i++) {
		for (int generic = 0; generic < 2; generic++) {
			const char *mode = generic ? "force_generic_plan" : "force_custom_plan";
			const struct plan plan = explain(rig, queries[i], mode);
			if (plan.looks == 0 || strstr(plan.text, "Seq Scan"))
				fail_msg("%s, %s:\n%s", queries[i]->name, mode, plan.text);
		}
	}
}

/* Two batches with keys in common wait for each other in a circle unless each takes them in their order: nothing in the
 * plan may change it, and the rows are found by the primary key alone. */
static void expect_in_order(struct rig *rig, const struct hf_query *query)
{
	static const char *const others[] = {"Scan on state_entries", "Sort", "Hash", "Merge", "Materialize"};
	for (int generic = 0; generic < 2; generic++) {
		const char *mode = generic ? "force_generic_plan" : "force_custom_plan";
		const struct plan plan = explain(rig, query, mode);
		bool as_given = strstr(plan.text, "Conflict Arbiter Indexes: state_entries_pkey") &&
		                strstr(plan.text, "ProjectSet");
		for (size_t i = 0; i < ARRAY_LEN(others); i++)
			as_given = as_given && !strstr(plan.text, others[i]);
		if (!as_given)
			fail_msg("%s, %s:\n%s", query->name, mode, plan.text);
	}
}

static void batches_take_their_keys_in_the_order_they_are_given(void **user)
{
	struct rig *rig = *user;
	fill(rig);
	for (size_t i = 0; i < ARRAY_LEN(entries.entries_put); i++)
		expect_in_order(rig, &entries.entries_put[i]);
	for (size_t i = 0; i < ARRAY_LEN(entries.entries_set); i++)
		expect_in_order(rig, &entries.entries_set[i]);
}

/* ---- updates on their page ---- */

enum { KEYS = 500, PUTS = 4000, HOT_PERCENT = 95 };

static void put_often(struct rig *rig, int64_t ttl_us)
{
	hf_error err = HF_ERROR_INIT;
	uint8_t value[200] = {0};
	const struct hf_kv_put how = {.ttl_us = ttl_us, .how = {.durability = HF_KV_RELAXED, .durability_set = true}};
	for (int i = 0; i < PUTS; i++) {
		char key[16];
		snprintf(key, sizeof(key), "hot%04d", i * 7 % KEYS);
		EXPECT_OK(hf_kv_put(rig->kv, hf_kv_text(key), (struct hf_bytes){value, sizeof(value)}, &how, &err));
	}
}

/* What a session counts reaches the view when it ends or has been idle for a while. */
static void hot_share_is_high(struct rig *rig)
{
	hf_kv_close(rig->kv);
	rig->kv = NULL;
	int64_t updates = 0;
	for (int i = 0; i < 200 && updates < PUTS - KEYS; i++) {
		rig_run(rig, "SELECT pg_sleep(0.05), pg_stat_clear_snapshot()");
		updates = rig_number(rig, "SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'state_entries'");
	}
	assert_true(updates >= PUTS - KEYS);
	assert_true(rig_number(rig, "SELECT n_tup_hot_upd * 100 / n_tup_upd FROM pg_stat_user_tables"
	                            " WHERE relname = 'state_entries'") >= HOT_PERCENT);
}

static void puts_stay_on_their_page(void **user)
{
	put_often(*user, 0);
	hot_share_is_high(*user);
}

static void refreshed_expiries_stay_on_their_page(void **user)
{
	put_often(*user, INT64_C(86400000000));
	hot_share_is_high(*user);
}

#define STORE(test) cmocka_unit_test_setup_teardown(test, set_up, rig_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		STORE(every_statement_finds_its_rows_by_the_whole_key),
		STORE(batches_take_their_keys_in_the_order_they_are_given),
		STORE(puts_stay_on_their_page),
		STORE(refreshed_expiries_stay_on_their_page),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
