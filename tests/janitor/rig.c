/* rig.c - see rig.h. The tables are emptied and filled by a function of the database: one round trip. */
#include "rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../fixture.h"
#include "../sql.h"

/*
 * Empties the tables as the recording did, then fills them: rows of a table have equal columns. No trigger and no key
 * fires; those of runs and publishes, which are most of the work of a case, are done once for each codebase, campaign
 * and change set instead of once a row. In a session of its own, since changing session_replication_role throws the
 * plans of a session away.
 */
static const char begin_sql[] =
	"CREATE FUNCTION rig_begin(tables json) RETURNS void LANGUAGE plpgsql AS $$\n"
	"DECLARE\n"
	"  name text; rows json; names text; one record; pair text; heard text[] := '{}'; asked text[] := '{}';\n"
	"BEGIN\n"
	"  DELETE FROM followup; DELETE FROM publish; DELETE FROM merge_proposal; DELETE FROM queue;\n"
	"  DELETE FROM debian_build; DELETE FROM review; DELETE FROM new_result_branch; DELETE FROM last_run;\n"
	"  DELETE FROM run; DELETE FROM candidate; DELETE FROM named_publish_policy; DELETE FROM change_set;\n"
	"  DELETE FROM codebase; DELETE FROM worker;\n"
	"  PERFORM setval('candidate_id_seq', 1, false), setval('queue_id_seq', 1, false);\n"
	"  IF tables->'all_debian_versions' IS NULL AND to_regclass('all_debian_versions') IS NOT NULL THEN\n"
	"    DROP TABLE all_debian_versions;\n"
	"  ELSIF tables->'all_debian_versions' IS NOT NULL AND to_regclass('all_debian_versions') IS NULL THEN\n"
	"    CREATE TABLE all_debian_versions (source text, version debversion);\n"
	"  ELSIF tables->'all_debian_versions' IS NOT NULL THEN\n"
	"    DELETE FROM all_debian_versions;\n"
	"  END IF;\n"
	"  FOR name, rows IN\n"
	"    SELECT e.key, e.value FROM json_each(tables) AS e\n"
	"      JOIN unnest(ARRAY['worker','codebase','change_set','named_publish_policy','candidate','run',\n"
	"                        'new_result_branch','merge_proposal','publish','review','followup','debian_build',\n"
	"                        'queue','all_debian_versions']) WITH ORDINALITY AS o (name, place) ON o.name = e.key\n"
	"     WHERE e.value->0 IS NOT NULL ORDER BY o.place LOOP\n"
	"    SELECT string_agg(quote_ident(k), ', ') INTO names FROM json_object_keys(rows->0) AS k;\n"
	"    EXECUTE format('INSERT INTO %I (%s) SELECT %s FROM json_populate_recordset(NULL::%I, $1)', name, names,\n"
	"                   names, name) USING rows;\n"
	"    CONTINUE WHEN name NOT IN ('run', 'publish');\n"
	"    FOR one IN SELECT r->>'change_set' AS change_set, r->>'codebase' AS codebase, r->>'suite' AS suite,\n"
	"                      r->>'result_code' AS result FROM json_array_elements(rows) AS r LOOP\n"
	"      CONTINUE WHEN name = 'publish' AND one.result <> 'success';\n"
	"      IF one.change_set <> ALL (asked) THEN\n"
	"        PERFORM refresh_change_set_state(one.change_set);\n"
	"        asked := asked || one.change_set;\n"
	"      END IF;\n"
	"      pair := one.codebase || ' ' || one.suite;\n"
	"      IF name = 'run' AND pair <> ALL (heard) THEN\n"
	"        PERFORM refresh_last_run(one.codebase, one.suite);\n"
	"        heard := heard || pair;\n"
	"        asked := '{}';\n"
	"      END IF;\n"
	"    END LOOP;\n"
	"    asked := '{}';\n"
	"  END LOOP;\n"
	"END $$";

static const char state_sql[] =
	"CREATE FUNCTION rig_state() RETURNS text LANGUAGE sql AS $$\n"
	"SELECT json_build_object(\n"
	"  'queue', coalesce((SELECT json_agg(json_build_array(\n"
	"      id, bucket::text, codebase, suite::text, change_set, command, priority, context,\n"
	"      (extract(epoch FROM estimated_duration) * 1000000)::bigint, estimated_duration::text, refresh, "
        "requester)\n"
	"    ORDER BY id, bucket, codebase, suite) FROM queue), '[]'),\n"
	"  'queue_id_seq', (SELECT json_build_array(last_value, is_called) FROM queue_id_seq))::text $$";

static const char rows_sql[] =
	"CREATE FUNCTION rig_rows(tables json) RETURNS text LANGUAGE plpgsql AS $$\n"
	"DECLARE\n"
	"  name text; lines json; found jsonb := '{}';\n"
	"BEGIN\n"
	"  FOR name IN SELECT json_array_elements_text(tables) LOOP\n"
	"    EXECUTE format('SELECT coalesce(json_agg(line ORDER BY line::text COLLATE \"C\"), ''[]'') FROM '\n"
	"                   '(SELECT to_jsonb(t) - %L::text AS line FROM %I AS t) AS x',\n"
	"                   CASE name WHEN 'review' THEN 'reviewed_at' WHEN 'publish' THEN 'timestamp'\n"
	"                             WHEN 'merge_proposal' THEN 'last_scanned' ELSE '' END, name)\n"
	"      INTO lines;\n"
	"    found := found || jsonb_build_object(name, lines);\n"
	"  END LOOP;\n"
	"  RETURN found::text;\n"
	"END $$";

static int64_t wall(void *user)
{
	return ((struct rig *)user)->wall_us;
}

static void note_query(void *user, UNUSED enum hf_log_level level, const char *event, const struct hf_log_field *fields,
                       size_t nfields)
{
	struct rig *rig = user;
	const char *name = "";
	int64_t rows = 0;
	if (rig->on_event)
		rig->on_event(rig->on_event_user, event, fields, nfields);
	if (!rig->on_query || strcmp(event, "query") != 0)
		return;
	for (size_t i = 0; i < nfields; i++) {
		if (strcmp(fields[i].name, "query") == 0)
			name = fields[i].text.ptr;
		if (strcmp(fields[i].name, "rows") == 0)
			rows = fields[i].number;
	}
	rig->on_query(rig->on_query_user, name, rows);
}

void rig_run(struct rig *rig, const char *sql)
{
	sql_run(rig->where, sql);
}

int64_t rig_number(struct rig *rig, const char *sql)
{
	return sql_number(rig->where, sql);
}

int64_t rig_count(struct rig *rig, const char *of)
{
	char sql[600];
	int n = snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", of);
	assert_true(n > 0 && (size_t)n < sizeof(sql));
	return rig_number(rig, sql);
}

void rig_until_waiting(struct rig *rig)
{
	char sql[100];
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = %d",
	         hf_connection_backend_pid(rig->second));
	for (int i = 0; i < 4000 && rig_number(rig, sql) == 0; i++)
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	assert_int_not_equal(rig_number(rig, sql), 0);
}

uint64_t rig_seed(void)
{
	const char *given = getenv("HOLDFAST_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)hf_now_wall_us(fixture_context());
	fprintf(stderr, "# seed %llu\n", (unsigned long long)seed);
	return seed;
}

uint64_t rig_below(uint64_t *seed, uint64_t bound)
{
	uint64_t z = *seed += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31) % bound;
}

static void apply(struct rig *rig, const char *name)
{
	hf_error err = HF_ERROR_INIT;
	hf_migrations *set = NULL;
	EXPECT_OK(hf_migrations_embedded(rig->ctx, name, &set, &err));
	EXPECT_OK(hf_migrate_up(rig->connection, set, NULL, NULL, &err));
	hf_migrations_free(set);
}

/* With HOLDFAST_TEST_MENDS also everything that an operator may add by name. */
static void migrate(struct rig *rig)
{
	const char *name;
	apply(rig, "janitor");
	for (size_t i = 0; getenv("HOLDFAST_TEST_MENDS") && (name = hf_migrations_embedded_name(i)); i++)
		if (strncmp(name, "janitor-", 8) == 0)
			apply(rig, name);
	rig_run(rig, begin_sql);
	rig_run(rig, state_sql);
	rig_run(rig, rows_sql);
}

void rig_open(struct rig *rig, const char *url)
{
	hf_error err = HF_ERROR_INIT;
	struct hf_context_options options = {.size = sizeof(options),
	                                     .user = rig,
	                                     .log = note_query,
	                                     .log_level = HF_LOG_DEBUG,
	                                     .log_statements = 1,
	                                     .wall_us = wall};
	*rig = (struct rig){.wall_us = RIG_NOW_US};
	EXPECT_OK(hf_context_new(&options, &rig->ctx, &err));
	EXPECT_OK(hf_settings_new(rig->ctx, &rig->settings, &err));
	EXPECT_OK(hf_settings_parse(rig->settings, url, &err));
	EXPECT_OK(hf_connection_open(rig->ctx, rig->settings, NULL, HF_DEADLINE_DEFAULT, &rig->connection, &err));
	EXPECT_OK(hf_connection_open(rig->ctx, rig->settings, NULL, HF_DEADLINE_DEFAULT, &rig->second, &err));
	EXPECT_OK(hf_connection_open(rig->ctx, rig->settings, NULL, HF_DEADLINE_DEFAULT, &rig->filler, &err));
	sql_run(hf_on_connection(rig->filler), "SET session_replication_role = replica");
	rig->where = hf_on_connection(rig->connection);
	if (rig_number(rig, "SELECT count(*) FROM pg_proc WHERE proname = 'rig_begin'") == 0)
		migrate(rig);
}

void rig_close(struct rig *rig)
{
	hf_connection_free(rig->filler);
	hf_connection_free(rig->second);
	hf_connection_free(rig->connection);
	hf_settings_free(rig->settings);
	hf_context_free(rig->ctx);
}

void rig_load(struct rig *rig, const json_t *tables)
{
	hf_error err = HF_ERROR_INIT;
	char *text = json_dumps(tables, JSON_COMPACT);
	struct hf_value param = hf_text(hf_str_of(text));
	EXPECT_OK(hf_sql_exec(hf_on_connection(rig->filler), HF_STR("SELECT rig_begin($1)"), &param, 1, NULL, &err));
	free(text);
}

void rig_load_text(struct rig *rig, const char *tables)
{
	json_t *parsed = json_loads(tables, 0, NULL);
	assert_non_null(parsed);
	rig_load(rig, parsed);
	json_decref(parsed);
}

static json_t *json_from(struct rig *rig, const char *sql, const struct hf_value *param, size_t nparams)
{
	hf_error err = HF_ERROR_INIT;
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_sql_row row;
	EXPECT_OK(hf_sql_one(rig->where, hf_str_of(sql), param, nparams, arena, &row, &err));
	json_t *value = json_loadb(row.values[0].as.s.ptr, row.values[0].as.s.len, JSON_ALLOW_NUL, NULL);
	assert_non_null(value);
	return value;
}

json_t *rig_state(struct rig *rig)
{
	return json_from(rig, "SELECT rig_state()", NULL, 0);
}

json_t *rig_rows(struct rig *rig, const json_t *tables)
{
	char *text = json_dumps(tables, JSON_COMPACT);
	struct hf_value param = hf_text(hf_str_of(text));
	json_t *rows = json_from(rig, "SELECT rig_rows($1)", &param, 1);
	free(text);
	return rows;
}

int rig_up(void **state)
{
	struct rig *rig = calloc(1, sizeof(*rig));
	assert_non_null(rig);
	rig_open(rig, fixture_database(NULL));
	*state = rig;
	return 0;
}

int rig_down(void **state)
{
	struct rig *rig = *state;
	rig_close(rig);
	free(rig);
	return 0;
}
