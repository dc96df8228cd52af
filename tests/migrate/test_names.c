/* Sets whose objects bear names that are chosen: what is put where in a text, the sets' own names, and on a real server
 * the instances of the set "kv": their catalog, two beside each other, names that look like SQL, the way down, and what
 * its triggers keep. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../check.h"
#include "../fixture.h"
#include "migrate/file.h"
#include "migrate/names.h"
#include "run.h"

/* ---- texts ---- */

static hf_arena *arena;

static const char *filled(const char *schema, const char *entries, const char *text)
{
	hf_error err = HF_ERROR_INIT;
	struct names names = {.declared = {HF_STR("schema"), HF_STR("entries")},
	                      .values = {hf_str_of(schema), hf_str_of(entries)},
	                      .count = 2};
	struct hf_str made;
	enum hf_status status = names_fill(&names, hf_str_of(text), "1_x.sql", 10, arena, &made, &err);
	return status == HF_OK ? made.ptr : hf_arena_str(arena, hf_str_of(err.message)).ptr;
}

static void names_are_put_where_they_stand(UNUSED void **state)
{
	assert_string_equal(filled("s", "t", "TABLE :\"schema\".:\"entries_history\";"), "TABLE \"s\".\"t_history\";");
	assert_string_equal(filled("s", "t", "SELECT nextval(:'schema.entries_rev')"),
	                    "SELECT nextval(E'\"s\".\"t_rev\"')");
	assert_string_equal(filled("S", "a\"b'c\\d", ":\"entries\" :'entries'"),
	                    "\"a\"\"b'c\\d\" E'\"a\"\"b''c\\\\d\"'");
	assert_string_equal(filled("s", "t", "AS $body$ SELECT :\"entries\" $body$, $$:'schema'$$"),
	                    "AS $body$ SELECT \"t\" $body$, $$E'\"s\"'$$");
	assert_string_equal(filled("s", "t", "DO $a$ EXECUTE $b$ :\"schema\" $b$ $a$"),
	                    "DO $a$ EXECUTE $b$ \"s\" $b$ $a$");
}

static void all_else_is_left_alone(UNUSED void **state)
{
	static const char *const same[] = {
		"SELECT 1::\"schema\"",
		"-- :\"schema\"\nSELECT 1",
		"/* :'entries' */",
		"'a :\"schema\" b'",
		"E'\\':\"schema\"'",
		"\":\"\"schema\"\"\"",
		"SELECT a[1:2], : \"x\"",
		"$1$ :",
		"SELECT '$$' || ':\"schema\"'",
		"x := 1",
		":",
		"",
		"$$ -- :\"schema\"\n $$",
	};
	for (size_t i = 0; i < ARRAY_LEN(same); i++)
		assert_string_equal(filled("s", "t", same[i]), same[i]);
}

static void a_dollar_quote_that_a_name_would_end_gets_another_tag(UNUSED void **state)
{
	assert_string_equal(filled("$$", "t", "DO $$ :\"schema\" $$;"), "DO $_$ \"$$\" $_$;");
	assert_string_equal(filled("a$b$c", "$b_$", "DO $b$ :\"schema\" :\"entries\" $b$;"),
	                    "DO $b__$ \"a$b$c\" \"$b_$\" $b__$;");
}

static void what_is_not_declared_is_named(UNUSED void **state)
{
	assert_string_equal(filled("s", "t", "SELECT 1;\nTABLE :\"other\""),
	                    "1_x.sql:11: no identifier \"other\" is declared");
	assert_string_equal(filled("s", "t", "DO $$\n\n:\"entriesx\"$$"),
	                    "1_x.sql:12: no identifier \"entriesx\" is declared");
	assert_string_equal(filled("s", "t", "SELECT :'schema.x'"), "1_x.sql:10: no identifier \"x\" is declared");
	assert_string_equal(filled("s", "", ":\"entries\""), "the name \"entries\" is empty");
	assert_string_equal(
		filled("s", "123456789012345678901234567890123456789012345678901234567890", ":\"entries_rev\""),
		"the name \"entries\" is longer than 59 bytes: _rev comes behind it, and the server takes 63");
}

static const char *refusal(const char *head)
{
	static hf_error err;
	struct hf_migration migration;
	struct hf_str depends;
	struct names names = {0};
	const struct version_file parts = {HF_STR("1"), HF_STR("x"), 1, false};
	char text[500];
	snprintf(text, sizeof(text), "%s\n-- up\nSELECT 1;\n", head);
	err = (hf_error)HF_ERROR_INIT;
	EXPECT_STATUS(file_parse(&parts, "1_x.sql", hf_str_of(text), false, &names, arena, &migration, &depends, &err),
	              HF_E_INPUT);
	return err.message;
}

static void a_wrong_declaration_is_refused(UNUSED void **state)
{
	static const char *const wrong[] = {
		"-- identifier: a",
		"-- identifier: = b",
		"-- identifier: a =",
		"-- identifier: A = b",
		"-- identifier: a = b c",
		"-- identifier: a = b\n-- identifier: a = c",
		"-- identifier: a = \"b\"",
		("-- identifier: a = b\n-- identifier: c = d\n-- identifier: e = f\n"
	         "-- identifier: g = h\n-- identifier: i = j"),
	};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		EXPECT_CONTAINS(refusal(wrong[i]),
		                ": not an identifier, or one too many, or of a name that stands twice");
}

/* ---- names of sets ---- */

static hf_migrations *embedded(const char *name)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	EXPECT_OK(hf_migrations_embedded(NULL, name, &set, &err));
	return set;
}

static hf_migrations *instance(const char *schema, const char *table)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	EXPECT_OK(hf_migrations_instance(NULL, "kv", (struct hf_str[]){hf_str_of(schema), hf_str_of(table)}, 2, &set,
	                                 &err));
	return set;
}

static void is_called(const char *asked, const char *name)
{
	CLEANUP(migrations_freep) hf_migrations *set = embedded(asked);
	assert_string_equal(hf_migrations_name(set), name);
}

static void an_instance_is_called_after_its_tables(UNUSED void **state)
{
	is_called("kv", "kv:public.state_entries");
	is_called("kv:app.sessions", "kv:app.sessions");
	is_called("kv:\"app\".sessions", "kv:app.sessions");
	is_called("kv:\"we\"\"ird\".\"Ta ble\"", "kv:\"we\"\"ird\".\"Ta ble\"");
	is_called("kv:\"a.b\".c", "kv:\"a.b\".c");
	CLEANUP(migrations_freep) hf_migrations *set = instance("we\"ird", "Ta ble");
	assert_string_equal(hf_migrations_name(set), "kv:\"we\"\"ird\".\"Ta ble\"");
	is_called("janitor", "janitor");
}

static void what_is_no_instance_is_refused(UNUSED void **state)
{
	static const struct {
		const char *name;
		enum hf_status status;
	} cases[] = {
		{"kv:", HF_E_USAGE},       {"kv:a", HF_E_USAGE},        {"kv:a.b.c", HF_E_USAGE},
		{"kv:A.b", HF_E_USAGE},    {"kv:a.", HF_E_USAGE},       {"kv:.b", HF_E_USAGE},
		{"kv:\"a.b", HF_E_USAGE},  {"kv:\"a\"b.c", HF_E_USAGE}, {"kv:a.b.c.d.e", HF_E_USAGE},
		{"kv:\"\".b", HF_E_INPUT}, {"kv:a b.c", HF_E_USAGE},    {"janitor:a.b", HF_E_USAGE},
		{"nix:a.b", HF_NOT_FOUND},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		hf_migrations *set = NULL;
		enum hf_status status = hf_migrations_embedded(NULL, cases[i].name, &set, &err);
		if (status != cases[i].status)
			fail_msg("%s: %s %s", cases[i].name, hf_status_word(status), err.message);
		assert_null(set);
	}
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	const struct hf_str names[5] = {HF_STR("a"), HF_STR("b"), HF_STR("c"), HF_STR("d"), HF_STR("e")};
	EXPECT_STATUS(hf_migrations_instance(NULL, "kv", names, 1, &set, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_migrations_instance(NULL, "kv", names, 5, &set, &err), HF_E_USAGE);
	EXPECT_STATUS(hf_migrations_instance(NULL, "kv", (struct hf_str[]){{"a\0b", 3}, HF_STR("b")}, 2, &set, &err),
	              HF_E_INPUT);
}

static void checksums_are_those_of_the_text_as_written(UNUSED void **state)
{
	CLEANUP(migrations_freep) hf_migrations *left = embedded("kv"), *right = instance("other", "$refuse$");
	assert_int_equal(hf_migrations_count(left), hf_migrations_count(right));
	for (size_t i = 0; i < hf_migrations_count(left); i++)
		assert_memory_equal(hf_migrations_get(left, i)->checksum, hf_migrations_get(right, i)->checksum,
		                    HF_MIGRATION_DIGEST_BYTES);
	assert_string_not_equal(hf_migrations_chain(left), hf_migrations_chain(right));
}

/* ---- on a server ---- */

static void migrate_up(hf_connection *connection, const hf_migrations *set)
{
	hf_error err = HF_ERROR_INIT;
	EXPECT_OK(hf_migrate_up(connection, set, NULL, NULL, &err));
	EXPECT_OK(hf_migrate_check(hf_on_connection(connection), set, &err));
}

static void the_catalog_is_as_designed(UNUSED void **state)
{
	CLEANUP(connection_freep) hf_connection *connection = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = embedded("kv");
	migrate_up(connection, set);
	assert_string_equal(
		run_text(connection, "SELECT string_agg(relname || ':' || relkind::text, ' ' ORDER BY relname)"
	                             " FROM pg_class WHERE relnamespace = 'public'::regnamespace"),
		"state_entries:r state_entries_changes:r state_entries_changes_pkey:i state_entries_changes_seq:S"
		" state_entries_checkpoints:r state_entries_checkpoints_namespace_epoch_key:i"
		" state_entries_checkpoints_pkey:i state_entries_epochs:S state_entries_expire:i state_entries_feeds:r"
		" state_entries_feeds_pkey:i state_entries_history:r state_entries_history_pkey:i state_entries_locks:r"
		" state_entries_locks_pkey:i state_entries_namespaces:r state_entries_namespaces_id_seq:S"
		" state_entries_namespaces_name_key:i state_entries_namespaces_pkey:i state_entries_pkey:i"
		" state_entries_rev:S state_entries_snapshots:r state_entries_snapshots_pkey:i state_entries_tokens:r"
		" state_entries_tokens_at:i state_entries_tokens_pkey:i");
	assert_string_equal(
		run_text(connection, "SELECT string_agg(attname || attstorage::text, ' ' ORDER BY attnum) FROM"
	                             " pg_attribute WHERE attrelid = 'state_entries'::regclass AND attnum > 0"),
		"revp created_atp updated_atp expires_atp expire_bucketp namespacep epochp codecp keym valuee"
		" metadatax");
	assert_string_equal(run_text(connection,
	                             "SELECT string_agg(relname || ' ' || reloptions[1], ', ' ORDER BY relname)"
	                             " FROM pg_class WHERE relkind = 'r' AND reloptions IS NOT NULL"
	                             " AND relnamespace = 'public'::regnamespace"),
	                    "state_entries fillfactor=80, state_entries_changes autovacuum_vacuum_scale_factor=0.1,"
	                    " state_entries_history fillfactor=100,"
	                    " state_entries_locks fillfactor=50, state_entries_namespaces fillfactor=50,"
	                    " state_entries_snapshots fillfactor=100, state_entries_tokens fillfactor=60");
	assert_string_equal(
		run_text(connection, "SELECT pg_get_indexdef('state_entries_pkey'::regclass) || '; ' ||"
	                             " pg_get_indexdef('state_entries_expire'::regclass)"),
		"CREATE UNIQUE INDEX state_entries_pkey ON public.state_entries USING btree (namespace, key);"
		" CREATE INDEX state_entries_expire ON public.state_entries USING btree (expire_bucket)"
		" WHERE (expire_bucket IS NOT NULL)");
	assert_string_equal(run_text(connection, "SELECT string_agg(set_name || version, ' ' ORDER BY version)"
	                                         " FROM holdfast.migration WHERE state = 'applied'"),
	                    "kv:public.state_entries0001 kv:public.state_entries0002 kv:public.state_entries0003"
	                    " kv:public.state_entries0005 kv:public.state_entries0006"
	                    " kv:public.state_entries0007 kv:public.state_entries0008"
	                    " kv:public.state_entries0009 kv:public.state_entries0010"
	                    " kv:public.state_entries0011");
}

static void two_instances_stand_beside_each_other(UNUSED void **state)
{
	CLEANUP(connection_freep) hf_connection *connection = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *left = instance("app", "left"), *right = instance("app", "right");
	hf_error err = HF_ERROR_INIT;
	struct hf_str_array findings;
	migrate_up(connection, left);
	EXPECT_STATUS(hf_migrate_check(hf_on_connection(connection), right, &err), HF_DIFFERS);
	migrate_up(connection, right);
	migrate_up(connection, left);
	EXPECT_OK(hf_migrate_verify(connection, left, NULL, arena, &findings, &err));
	EXPECT_OK(hf_migrate_verify(connection, right, NULL, arena, &findings, &err));
	assert_string_equal(run_text(connection,
	                             "SELECT count(*) FROM pg_class WHERE relnamespace = 'app'::regnamespace"
	                             " AND relkind = 'r'"),
	                    "18");
	EXPECT_OK(hf_migrate_to(connection, left, "0", NULL, NULL, &err));
	assert_string_equal(run_text(connection, "SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class"
	                                         " WHERE relnamespace = 'app'::regnamespace AND relkind = 'r'"),
	                    "right right_changes right_checkpoints right_feeds right_history right_locks "
	                    "right_namespaces right_snapshots right_tokens");
	EXPECT_OK(hf_migrate_check(hf_on_connection(connection), right, &err));
}

static void the_way_down_leaves_nothing(UNUSED void **state)
{
	CLEANUP(connection_freep) hf_connection *connection = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = instance("we\"ird", "Ta ble");
	hf_error err = HF_ERROR_INIT;
	run_sql(connection, "CREATE SCHEMA \"we\"\"ird\"");
	char *before = run_catalog(connection);
	migrate_up(connection, set);
	EXPECT_OK(hf_migrate_to(connection, set, "0", NULL, NULL, &err));
	char *after = run_catalog(connection);
	assert_string_equal(before, after);
	free(before);
	free(after);
	migrate_up(connection, set);
}

static void names_that_look_like_sql_are_names(UNUSED void **state)
{
	static const char *const hostile[] = {
		"\"",
		"'",
		"\\",
		"'; DROP TABLE victim; --",
		"$$",
		"$body$",
		"$refuse$",
		"$",
		"select",
		"Ta ble",
		"\n-- down\nDROP TABLE victim;\n",
		"%I %",
		"/* ",
		":\"schema\"",
		"\\'",
		"we\"ird",
		"E'",
		"n\xc3\xa4r\xe2\x98\x83",
		"$body_$ $body$",
		"a.b",
	};
	CLEANUP(connection_freep) hf_connection *connection = run_database(NULL);
	run_sql(connection, "CREATE TABLE victim ()");
	for (size_t i = 0; i < ARRAY_LEN(hostile); i++) {
		const char *schema = hostile[i], *table = hostile[(i + 3) % ARRAY_LEN(hostile)];
		CLEANUP(migrations_freep) hf_migrations *set = instance(schema, table), *again = NULL;
		hf_error err = HF_ERROR_INIT;
		migrate_up(connection, set);
		EXPECT_OK(hf_migrations_embedded(NULL, hf_migrations_name(set), &again, &err));
		assert_string_equal(hf_migrations_chain(set), hf_migrations_chain(again));
		EXPECT_OK(hf_migrate_check(hf_on_connection(connection), again, &err));
		if (i % 2)
			EXPECT_OK(hf_migrate_to(connection, set, "0", NULL, NULL, &err));
	}
	assert_string_equal(run_text(connection, "SELECT to_regclass('victim')"), "victim");
	assert_string_equal(
		run_text(connection,
	                 "SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_history' AND relkind = 'r'"),
		"10");
}

static void a_table_that_stands_there_is_refused(UNUSED void **state)
{
	CLEANUP(connection_freep) hf_connection *connection = run_database(NULL);
	CLEANUP(migrations_freep) hf_migrations *set = embedded("kv");
	hf_error err = HF_ERROR_INIT;
	run_sql(connection,
	        "CREATE TABLE state_entries (key bytea PRIMARY KEY, value bytea NOT NULL, created_at timestamptz"
	        " NOT NULL, updated_at timestamptz NOT NULL, expires_at timestamptz, metadata jsonb)");
	EXPECT_STATUS(hf_migrate_up(connection, set, NULL, NULL, &err), HF_CONFLICT);
	EXPECT_CONTAINS(err.message,
	                "table \"public\".\"state_entries\" is there already, and was not made by holdfast");
	EXPECT_CONTAINS(err.hint, "holdfast kv import");
	assert_string_equal(run_text(connection,
	                             "SELECT count(*) FROM pg_class WHERE relname LIKE 'state%' AND relkind IN"
	                             " ('r', 'S')"),
	                    "1");
	CLEANUP(migrations_freep) hf_migrations *other = instance("public", "other");
	migrate_up(connection, other);
}

/* ---- what the triggers keep ---- */

/* Key `key` as the library writes it: in the namespace's epoch. */
static void put(hf_connection *connection, const char *key, const char *value)
{
	char sql[600];
	snprintf(sql, sizeof(sql),
	         "INSERT INTO app.e AS t (rev, created_at, updated_at, namespace, epoch, key, value) VALUES"
	         " (nextval('app.e_rev'), now(), now(), 1, app.e_epoch(1), '%s', '%s') ON CONFLICT (namespace, key) DO "
	         "UPDATE"
	         " SET rev = nextval('app.e_rev'), epoch = excluded.epoch, value = excluded.value",
	         key, value);
	run_sql(connection, sql);
}

#define CHECKPOINT "INSERT INTO app.e_checkpoints (namespace, epoch) VALUES (1, app.e_next_epoch(1))"

static void checkpoint(hf_connection *connection)
{
	run_sql(connection, CHECKPOINT);
}

static const char *history(hf_connection *connection)
{
	return run_text(connection,
	                "SELECT string_agg(convert_from(key, 'UTF8') || convert_from(value, 'UTF8') || ' ' ||"
	                " epoch_from || '-' || epoch_to, ', ' ORDER BY key, epoch_to) FROM app.e_history");
}

static hf_connection *store_at(const char **ret_url)
{
	CLEANUP(migrations_freep) hf_migrations *set = instance("app", "e");
	hf_connection *connection = run_database(ret_url);
	migrate_up(connection, set);
	run_sql(connection, "INSERT INTO app.e_namespaces (name) VALUES ('one'), ('two')");
	return connection;
}

static hf_connection *store(void)
{
	return store_at(NULL);
}

static void an_image_is_kept_once_per_checkpoint(UNUSED void **state)
{
	CLEANUP(connection_freep) hf_connection *connection = store();
	put(connection, "a", "1");
	put(connection, "a", "2");
	assert_string_equal(history(connection), "");
	checkpoint(connection); /* epoch 2 */
	put(connection, "a", "3");
	put(connection, "a", "4");
	put(connection, "b", "new");
	assert_string_equal(history(connection), "a2 1-2");
	checkpoint(connection); /* 3 */
	checkpoint(connection); /* 4: nothing happened in between */
	put(connection, "a", "5");
	run_sql(connection, "DELETE FROM app.e WHERE key = 'b'");
	put(connection, "b", "again");
	run_sql(connection, "DELETE FROM app.e WHERE key = 'b'");
	assert_string_equal(history(connection), "a2 1-2, a4 2-4, bnew 2-4");
	assert_string_equal(run_text(connection, "SELECT convert_from(value, 'UTF8') || epoch FROM app.e"), "54");
}

/* A checkpoint is gone, or was of another namespace: nobody will ask for the image. */
static void nothing_is_kept_for_nobody(UNUSED void **state)
{
	CLEANUP(connection_freep) hf_connection *connection = store();
	put(connection, "a", "1");
	put(connection, "b", "1");
	run_sql(connection, "SELECT app.e_next_epoch(1)");
	run_sql(connection, "INSERT INTO app.e_checkpoints (namespace, epoch) VALUES (2, app.e_next_epoch(2))");
	put(connection, "a", "2");
	run_sql(connection, "DELETE FROM app.e WHERE key = 'b'");
	assert_string_equal(history(connection), "");
}

static void an_unknown_namespace_has_no_checkpoints(UNUSED void **state)
{
	CLEANUP(connection_freep) hf_connection *connection = store();
	assert_string_equal(run_text(connection, "SELECT coalesce(app.e_next_epoch(9)::text, 'none')"), "none");
}

/* The number is seen at once, whatever the transaction that took it comes to: no two checkpoints share it. */
static void an_epoch_is_never_used_twice(UNUSED void **state)
{
	CLEANUP(connection_freep) hf_connection *connection = store();
	put(connection, "a", "1");
	run_sql(connection, "BEGIN");
	run_sql(connection, "SELECT app.e_next_epoch(1)");
	run_sql(connection, "ROLLBACK");
	put(connection, "a", "2");
	checkpoint(connection);
	put(connection, "a", "3");
	assert_string_equal(history(connection), "a2 2-3");
	assert_string_equal(run_text(connection, "SELECT epoch::text FROM app.e_namespaces WHERE id = 1"), "3");
}

static enum hf_status next_epoch(hf_connection *connection, hf_error *err)
{
	return hf_sql_exec(hf_on_connection(connection), HF_STR("SELECT app.e_next_epoch(1)"), NULL, 0, NULL, err);
}

/* A checkpoint lets nobody in between: it waits for the writers of its namespace and of no other. */
static void the_epoch_moves_between_transactions(UNUSED void **state)
{
	hf_error err = HF_ERROR_INIT;
	const char *url = NULL;
	CLEANUP(connection_freep) hf_connection *writer = run_database(&url);
	CLEANUP(connection_freep) hf_connection *other = run_connect(fixture_context(), url);
	CLEANUP(migrations_freep) hf_migrations *set = instance("app", "e"), *twin = instance("app", "twin");
	migrate_up(writer, set);
	migrate_up(writer, twin);
	run_sql(writer, "INSERT INTO app.e_namespaces (name) VALUES ('one'), ('two')");
	run_sql(writer, "INSERT INTO app.twin_namespaces (name) VALUES ('one')");
	run_sql(other, "SET lock_timeout = '20ms'");
	run_sql(writer, "BEGIN");
	put(writer, "a", "1");
	EXPECT_STATUS(next_epoch(other, &err), HF_BUSY);
	assert_string_equal(run_text(other, "SELECT app.e_next_epoch(2)"), "2");
	assert_string_equal(run_text(other, "SELECT app.twin_next_epoch(1)"), "2");
	put(other, "b", "1"); /* writers do not wait for each other */
	run_sql(writer, "COMMIT");
	EXPECT_OK(next_epoch(other, &err));
	assert_string_equal(run_text(writer, "SELECT app.e_epoch(1)"), "3");
}

/* The epoch that a statement waited for is the one it writes in, whatever its snapshot was. */
static void a_writer_sees_the_epoch_that_it_waited_for(UNUSED void **state)
{
	const char *url = NULL;
	CLEANUP(connection_freep) hf_connection *maker = run_database(&url);
	CLEANUP(connection_freep) hf_connection *writer = run_connect(fixture_context(), url);
	CLEANUP(migrations_freep) hf_migrations *set = instance("app", "e");
	migrate_up(maker, set);
	run_sql(maker, "INSERT INTO app.e_namespaces (name) VALUES ('one')");
	put(maker, "a", "1");
	run_sql(maker, "BEGIN");
	checkpoint(maker);
	/* the writer's transaction began before the checkpoint is committed, its statement comes after */
	run_sql(writer, "BEGIN");
	run_sql(maker, "COMMIT");
	put(writer, "a", "2");
	run_sql(writer, "COMMIT");
	assert_string_equal(history(maker), "a1 1-2");
}

/* ---- a checkpoint that waits for a writer ---- */

struct making {
	hf_connection *connection;
	enum hf_status status;
	hf_error err;
};

static void *make_checkpoint(void *user)
{
	struct making *making = user;
	making->status =
		hf_sql_exec(hf_on_connection(making->connection), HF_STR(CHECKPOINT), NULL, 0, NULL, &making->err);
	return NULL;
}

/* "a1 b2": what the newest one has. */
static const char *newest(hf_connection *connection)
{
	return run_text(connection,
	                "SELECT string_agg(convert_from(v.key, 'UTF8') || convert_from(v.value, 'UTF8'), ' '"
	                " ORDER BY v.key) FROM (SELECT max(epoch) AS at FROM app.e_checkpoints) AS c CROSS JOIN"
	                " (SELECT key, value, epoch AS since, 2147483647 AS until FROM app.e"
	                " UNION ALL SELECT key, value, epoch_from, epoch_to FROM app.e_history) AS v"
	                " WHERE v.since < c.at AND v.until >= c.at");
}

/* While a checkpoint waits for it a transaction writes in two epochs: another namespace took a number in between. */
static void write_in_two_epochs(hf_connection *writer, const char *url)
{
	CLEANUP(connection_freep) hf_connection *maker = run_connect(fixture_context(), url);
	CLEANUP(connection_freep) hf_connection *other = run_connect(fixture_context(), url);
	struct making making = {.connection = maker, .err = HF_ERROR_INIT};
	pthread_t thread;
	run_sql(writer, "BEGIN");
	put(writer, "a", "2");
	assert_int_equal(pthread_create(&thread, NULL, make_checkpoint, &making), 0);
	run_sql(other, "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)"
	               " LOOP PERFORM pg_sleep(0.01); END LOOP; END $$");
	run_sql(other, "SELECT nextval('app.e_epochs')");
	put(writer, "a", "3");
	put(writer, "b", "1");
	run_sql(writer, "DELETE FROM app.e WHERE key = 'gone'");
	run_sql(writer, "COMMIT");
	pthread_join(thread, NULL);
	if (making.status != HF_OK)
		fail_msg("%s", making.err.message);
}

static void a_transaction_is_before_a_checkpoint_as_a_whole(UNUSED void **state)
{
	const char *url = NULL;
	CLEANUP(connection_freep) hf_connection *writer = store_at(&url);
	put(writer, "a", "1");
	put(writer, "gone", "1");
	checkpoint(writer);
	write_in_two_epochs(writer, url);
	assert_string_equal(newest(writer), "a3 b1");
	put(writer, "a", "4");
	run_sql(writer, "DELETE FROM app.e WHERE key = 'b'");
	assert_string_equal(newest(writer), "a3 b1");
}

/* The reason for one sequence: the function of before it, which counts from the namespace's row. It has not what was
 * written last, and still has what went; the next that is made right is right. */
static void counted_from_the_row_it_is_torn(UNUSED void **state)
{
	const char *url = NULL;
	CLEANUP(connection_freep) hf_connection *writer = store_at(&url);
	put(writer, "a", "1");
	put(writer, "gone", "1");
	checkpoint(writer);
	run_sql(writer, "ALTER FUNCTION app.e_next_epoch(integer) RENAME TO e_right");
	run_sql(writer, "CREATE FUNCTION app.e_next_epoch(ns integer) RETURNS integer LANGUAGE plpgsql AS $$"
	                " DECLARE moved integer; BEGIN PERFORM pg_advisory_xact_lock("
	                "('app.e_namespaces'::regclass::oid::bigint - 2147483648)::integer, ns);"
	                " UPDATE app.e_namespaces SET epoch = epoch + 1 WHERE id = ns RETURNING epoch INTO moved;"
	                " RETURN moved; END $$");
	write_in_two_epochs(writer, url);
	assert_string_equal(newest(writer), "gone1");
	run_sql(writer, "INSERT INTO app.e_checkpoints (namespace, epoch) VALUES (1, app.e_right(1))");
	assert_string_equal(newest(writer), "a3 b1");
}

static int set_up(UNUSED void **state)
{
	return (arena = hf_arena_new(0)) ? 0 : -1;
}

static int tear_down(UNUSED void **state)
{
	hf_arena_free(arena);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_put_where_they_stand),
		cmocka_unit_test(all_else_is_left_alone),
		cmocka_unit_test(a_dollar_quote_that_a_name_would_end_gets_another_tag),
		cmocka_unit_test(what_is_not_declared_is_named),
		cmocka_unit_test(a_wrong_declaration_is_refused),
		cmocka_unit_test(an_instance_is_called_after_its_tables),
		cmocka_unit_test(what_is_no_instance_is_refused),
		cmocka_unit_test(checksums_are_those_of_the_text_as_written),
		cmocka_unit_test(the_catalog_is_as_designed),
		cmocka_unit_test(two_instances_stand_beside_each_other),
		cmocka_unit_test(the_way_down_leaves_nothing),
		cmocka_unit_test(names_that_look_like_sql_are_names),
		cmocka_unit_test(a_table_that_stands_there_is_refused),
		cmocka_unit_test(an_image_is_kept_once_per_checkpoint),
		cmocka_unit_test(nothing_is_kept_for_nobody),
		cmocka_unit_test(an_unknown_namespace_has_no_checkpoints),
		cmocka_unit_test(an_epoch_is_never_used_twice),
		cmocka_unit_test(the_epoch_moves_between_transactions),
		cmocka_unit_test(a_writer_sees_the_epoch_that_it_waited_for),
		cmocka_unit_test(a_transaction_is_before_a_checkpoint_as_a_whole),
		cmocka_unit_test(counted_from_the_row_it_is_torn),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
