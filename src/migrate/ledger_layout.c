/*
 * ledger_layout.c - the ledger's own tables and their numbered steps.
 *
 * Each step is one transaction that ends by writing its number, so that a program killed in between finds the
 * layout before or after it. Steps are only ever added. A program refuses tables of a layout that it does not know.
 */
#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "migrate/migrator.h"

static const char *const layout_1[] = {
        "CREATE TABLE holdfast.migration_meta (key text PRIMARY KEY, value bigint NOT NULL)",
        "CREATE TABLE holdfast.migration ("
        " set_name text NOT NULL, version text NOT NULL, name text NOT NULL,"
        " kind text NOT NULL CHECK (kind IN ('versioned', 'repeatable')),"
        " state text NOT NULL CHECK (state IN ('running', 'applied', 'failed', 'reverted', 'accepted')),"
        " direction text NOT NULL CHECK (direction IN ('up', 'down')),"
        " tx boolean NOT NULL,"
        " phase text NOT NULL CHECK (phase IN ('expand', 'migrate', 'contract')),"
        " checksum bytea NOT NULL, checksum_raw bytea NOT NULL, chain bytea NOT NULL,"
        " up_sql text NOT NULL, down_sql text, search_path text NOT NULL,"
        " started_at timestamptz NOT NULL DEFAULT clock_timestamp(), finished_at timestamptz, duration_us bigint,"
        " applied_by text NOT NULL DEFAULT session_user, app_version text NOT NULL, tool_version text NOT NULL,"
        " host text NOT NULL, pid integer NOT NULL, backend_pid integer NOT NULL, error text,"
        " PRIMARY KEY (set_name, version))",
        "CREATE TABLE holdfast.migration_step ("
        " set_name text NOT NULL, version text NOT NULL,"
        " direction text NOT NULL CHECK (direction IN ('up', 'down')), n integer NOT NULL CHECK (n > 0),"
        " state text NOT NULL CHECK (state IN ('started', 'failed', 'done')), checksum bytea NOT NULL,"
        " at timestamptz NOT NULL DEFAULT clock_timestamp(),"
        " PRIMARY KEY (set_name, version, direction, n),"
        " FOREIGN KEY (set_name, version) REFERENCES holdfast.migration ON DELETE CASCADE)",
        "CREATE TABLE holdfast.migration_event ("
        " id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, at timestamptz NOT NULL DEFAULT clock_timestamp(),"
        " who text NOT NULL DEFAULT session_user, action text NOT NULL, set_name text NOT NULL,"
        " version text NOT NULL, reason text NOT NULL, before jsonb)",
        "COMMENT ON TABLE holdfast.migration IS 'What was applied to this database, by set and version.'",
        "COMMENT ON TABLE holdfast.migration_step IS 'Statements of migrations that run outside a transaction.'",
        "COMMENT ON TABLE holdfast.migration_event IS 'What was done to the ledger by hand; only ever appended to.'",
        "COMMENT ON TABLE holdfast.migration_meta IS 'Layout number of the migration tables.'",
};

/* What a migration stands on, so that nobody takes it away from under it. */
static const char *const layout_2[] = {
        "ALTER TABLE holdfast.migration ADD COLUMN needs text NOT NULL DEFAULT ''",
        "COMMENT ON COLUMN holdfast.migration.needs IS 'SET:VERSION, what must be applied under it.'",
};

static const struct {
	const char *const *statements;
	size_t count;
} layouts[LEDGER_LAYOUT] = {{layout_1, ARRAY_LEN(layout_1)}, {layout_2, ARRAY_LEN(layout_2)}};

static enum hf_status one_value(hf_where where, struct hf_str sql, struct hf_value *ret_value, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_sql_row row;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = hf_sql_one(where, sql, NULL, 0, arena, &row, err);
	if (status == HF_OK)
		*ret_value = row.values[0]; /* a number or a bool: nothing borrowed */
	return status;
}

enum hf_status ledger_layout(hf_where where, int64_t *ret_layout, hf_error *err)
{
	struct hf_value there, layout;
	enum hf_status status =
	        one_value(where, HF_STR("SELECT to_regclass('holdfast.migration_meta') IS NOT NULL"), &there, err);
	if (status == HF_OK && there.as.b)
		status = one_value(where,
		                   HF_STR("SELECT coalesce(max(value), 0) FROM holdfast.migration_meta"
		                          " WHERE key = 'layout'"),
		                   &layout, err);
	if (status != HF_OK)
		return status;
	int64_t number = there.as.b ? layout.as.i : 0;
	if (number > LEDGER_LAYOUT) {
		error_set(err, HF_E_DRIFT, "the migration ledger has layout %lld, this program knows up to %d",
		          (long long)number, LEDGER_LAYOUT);
		error_hint(err, "a newer holdfast worked on this database; use that one");
		return HF_E_DRIFT;
	}
	*ret_layout = number;
	return HF_OK;
}

static enum hf_status make_schema(hf_where where, hf_error *err)
{
	struct hf_value missing;
	enum hf_status status =
	        one_value(where, HF_STR("SELECT to_regnamespace('holdfast') IS NULL"), &missing, err);
	if (status == HF_OK && missing.as.b)
		status = hf_sql_exec(where, HF_STR("CREATE SCHEMA holdfast"), NULL, 0, NULL, err);
	return status;
}

static enum hf_status run_layout(hf_where tx, void *user, hf_error *err)
{
	const int64_t *number = user; /* the layout to reach, from 1 */
	enum hf_status status = *number == 1 ? make_schema(tx, err) : HF_OK;
	for (size_t i = 0; status == HF_OK && i < layouts[*number - 1].count; i++)
		status = hf_sql_exec(tx, hf_str_of(layouts[*number - 1].statements[i]), NULL, 0, NULL, err);
	struct hf_value value = hf_int(*number);
	if (status == HF_OK)
		status = hf_sql_exec(tx,
		                     HF_STR("INSERT INTO holdfast.migration_meta VALUES ('layout', $1)"
		                            " ON CONFLICT (key) DO UPDATE SET value = excluded.value"),
		                     &value, 1, NULL, err);
	return status;
}

enum hf_status ledger_prepare(hf_connection *connection, hf_error *err)
{
	int64_t layout = 0;
	hf_where where = hf_on_connection(connection);
	enum hf_status status = ledger_layout(where, &layout, err);
	while (status == HF_OK && layout < LEDGER_LAYOUT) {
		layout++;
		status = migrator_transaction(where, 0, run_layout, &layout, err);
	}
	if (status != HF_OK)
		error_prefix(err, "could not prepare the migration ledger");
	return status;
}
