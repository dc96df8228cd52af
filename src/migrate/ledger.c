/*
 * ledger.c - rows of holdfast.migration: reading and writing them. The layout and the steps stand beside.
 */
#include "migrate/ledger.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "migrate/version.h"

static const char *const phase_words[] = {"", "expand", "migrate", "contract"};
static const char *const state_words[] = {"pending", "running", "applied", "failed", "reverted", "accepted"};

const char *hf_migration_state_word(enum hf_migration_state state)
{
	return (size_t)state < ARRAY_LEN(state_words) ? state_words[state] : "unknown";
}

/* ---- reading ---- */

static const struct hf_str read_sql = HF_STR_INIT(
        "SELECT m.version, m.name, m.applied_by, coalesce(m.error, ''), m.search_path, m.kind, m.phase, m.state, m.tx,"
        " m.direction = 'down', m.checksum, m.up_sql, m.down_sql,"
        " (extract(epoch FROM m.started_at) * 1000000)::int8, coalesce(m.duration_us, 0),"
        " (SELECT count(*) FROM holdfast.migration_step s WHERE s.set_name = m.set_name AND s.version = m.version"
        "  AND s.direction = m.direction AND s.state = 'done')"
        " FROM holdfast.migration m WHERE m.set_name = $1 ORDER BY m.version");
enum { READ_COLUMNS = 16 };

struct reader {
	hf_arena *arena;
	struct ledger_rows rows;
	size_t capacity;
};

static int word_index(struct hf_str word, const char *const *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(word, hf_str_of(words[i])))
			return (int)i;
	return -1;
}

static bool grow(struct reader *reader)
{
	if (reader->rows.count < reader->capacity)
		return true;
	size_t capacity = reader->capacity ? 2 * reader->capacity : 32;
	struct ledger_row *rows = hf_arena_calloc(reader->arena, capacity, sizeof(*rows));
	if (!rows || reader->rows.count >= LEDGER_ROWS_MAX)
		return false;
	if (reader->rows.count)
		memcpy(rows, reader->rows.rows, reader->rows.count * sizeof(*rows));
	reader->rows.rows = rows;
	reader->capacity = capacity;
	return true;
}

/* The columns' kinds are fixed by our own tables: anything else is somebody else's table. */
static bool fits(const struct hf_sql_row *row)
{
	static const enum hf_value_kind kinds[READ_COLUMNS] = {
	        HF_VALUE_TEXT, HF_VALUE_TEXT, HF_VALUE_TEXT, HF_VALUE_TEXT, HF_VALUE_TEXT,  HF_VALUE_TEXT,
	        HF_VALUE_TEXT, HF_VALUE_TEXT, HF_VALUE_BOOL, HF_VALUE_BOOL, HF_VALUE_BYTES, HF_VALUE_TEXT,
	        HF_VALUE_TEXT, HF_VALUE_INT,  HF_VALUE_INT,  HF_VALUE_INT};
	for (size_t i = 0; i < READ_COLUMNS; i++)
		if (row->values[i].kind != kinds[i] && !(i == 12 && row->values[i].kind == HF_VALUE_NULL))
			return false;
	return row->values[10].as.raw.len == HF_MIGRATION_DIGEST_BYTES;
}

static bool fill_words(struct ledger_row *into, const struct hf_value *v)
{
	int phase = word_index(v[6].as.s, phase_words, ARRAY_LEN(phase_words));
	int state = word_index(v[7].as.s, state_words, ARRAY_LEN(state_words));
	into->kind = str_eq(v[5].as.s, HF_STR("repeatable")) ? HF_MIGRATION_REPEATABLE : HF_MIGRATION_VERSIONED;
	into->phase = (enum hf_migration_phase)phase;
	into->state = (enum hf_migration_state)state;
	if (into->kind == HF_MIGRATION_VERSIONED && !version_parse(v[0].as.s, &into->number))
		return false;
	return phase > 0 && state > 0;
}

static bool fill_texts(hf_arena *arena, struct ledger_row *into, const struct hf_value *v)
{
	into->version = hf_arena_str(arena, v[0].as.s).ptr;
	into->name = hf_arena_str(arena, v[1].as.s).ptr;
	into->applied_by = hf_arena_str(arena, v[2].as.s).ptr;
	into->error = hf_arena_str(arena, v[3].as.s).ptr;
	into->search_path = hf_arena_str(arena, v[4].as.s).ptr;
	into->up_sql = hf_arena_str(arena, v[11].as.s);
	if (v[12].kind == HF_VALUE_TEXT)
		into->down_sql = hf_arena_str(arena, v[12].as.s);
	return into->version && into->name && into->applied_by && into->error && into->search_path &&
	       into->up_sql.ptr && (into->down_sql.ptr || v[12].kind == HF_VALUE_NULL);
}

static enum hf_status read_row(void *user, const struct hf_sql_row *row, hf_error *err)
{
	struct reader *reader = user;
	const struct hf_value *v = row->values;
	struct ledger_row into = {0};
	if (!fits(row) || !fill_words(&into, v))
		return error_set(err, HF_E_CORRUPT, "holdfast.migration holds a row that this program cannot read");
	if (!grow(reader) || !fill_texts(reader->arena, &into, v))
		return error_nomem(err);
	into.tx = v[8].as.b;
	into.down = v[9].as.b;
	memcpy(into.checksum, v[10].as.raw.ptr, sizeof(into.checksum));
	into.started_us = v[13].as.i;
	into.duration_us = v[14].as.i;
	into.steps_done = (uint32_t)v[15].as.i;
	reader->rows.rows[reader->rows.count++] = into;
	return HF_OK;
}

static int by_number(const void *left, const void *right)
{
	const struct ledger_row *a = left, *b = right;
	if (a->kind != b->kind)
		return a->kind == HF_MIGRATION_VERSIONED ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return strcmp(a->version, b->version);
}

enum hf_status ledger_read(hf_where where, const char *set, hf_arena *arena, struct ledger_rows *ret_rows,
                           hf_error *err)
{
	int64_t layout = 0;
	struct reader reader = {.arena = arena};
	struct hf_value name = hf_text(hf_str_of(set));
	enum hf_status status = ledger_layout(where, &layout, err);
	if (status == HF_OK && layout > 0)
		status = hf_sql_each(where, read_sql, &name, 1, read_row, &reader, err);
	if (status != HF_OK)
		return status;
	if (reader.rows.count > 1)
		qsort(reader.rows.rows, reader.rows.count, sizeof(*reader.rows.rows), by_number);
	*ret_rows = reader.rows;
	return HF_OK;
}

const struct ledger_row *ledger_find(const struct ledger_rows *rows, const char *version)
{
	uint64_t number = 0;
	bool numeric = version_parse(hf_str_of(version), &number);
	for (size_t i = 0; i < rows->count; i++) {
		const struct ledger_row *row = &rows->rows[i];
		if (numeric ? row->kind == HF_MIGRATION_VERSIONED && row->number == number
		            : strcmp(row->version, version) == 0)
			return row;
	}
	return NULL;
}

/* ---- writing ---- */

static struct hf_value text_or_null(struct hf_str text)
{
	return text.ptr ? hf_text(text) : hf_null();
}

static struct hf_value digest_value(const uint8_t *digest)
{
	struct hf_value value = hf_raw((struct hf_bytes){digest, HF_MIGRATION_DIGEST_BYTES});
	value.oid = 17; /* bytea */
	return value;
}

static const struct hf_str begin_up_sql = HF_STR_INIT(
        "INSERT INTO holdfast.migration AS m (set_name, version, name, kind, state, direction, tx, phase, checksum,"
        " checksum_raw, chain, up_sql, down_sql, search_path, app_version, tool_version, host, pid, backend_pid, needs)"
        " VALUES ($1, $2, $3, $4, 'running', 'up', $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
        " ON CONFLICT (set_name, version) DO UPDATE SET name = excluded.name, kind = excluded.kind,"
        " state = 'running', direction = 'up', tx = excluded.tx, phase = excluded.phase,"
        " checksum = excluded.checksum, checksum_raw = excluded.checksum_raw, chain = excluded.chain,"
        " up_sql = excluded.up_sql, down_sql = excluded.down_sql, search_path = excluded.search_path,"
        " app_version = excluded.app_version, tool_version = excluded.tool_version, host = excluded.host,"
        " pid = excluded.pid, backend_pid = excluded.backend_pid, needs = excluded.needs,"
        " started_at = clock_timestamp(),"
        " finished_at = NULL, duration_us = NULL, error = NULL, applied_by = session_user");

enum hf_status ledger_begin_up(hf_where where, const char *set, const struct hf_migration *migration,
                               const struct ledger_author *author, hf_error *err)
{
	char host[256] = "";
	if (gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	bool repeatable = migration->kind == HF_MIGRATION_REPEATABLE;
	const struct hf_value values[] = {
	        hf_text(hf_str_of(set)),
	        hf_text(hf_str_of(migration->version)),
	        hf_text(hf_str_of(migration->name)),
	        hf_text(hf_str_of(repeatable ? "repeatable" : "versioned")),
	        hf_bool(migration->tx),
	        hf_text(hf_str_of(phase_words[migration->phase])),
	        digest_value(migration->checksum),
	        digest_value(migration->checksum_raw),
	        digest_value(migration->chain),
	        hf_text(migration->up),
	        text_or_null(migration->down),
	        hf_text(hf_str_of(migration->search_path)),
	        hf_text(hf_str_of(author->app_version)),
	        hf_text(HF_STR("holdfast")),
	        hf_text(hf_str_of(host)),
	        hf_int(getpid()),
	        hf_int(author->backend_pid),
	        hf_text(hf_str_of(migration->needs)),
	};
	return hf_sql_exec(where, begin_up_sql, values, ARRAY_LEN(values), NULL, err);
}

/* A write to a row that must be there: the lock is ours, so nobody else can have removed it. */
static enum hf_status change_row(hf_where where, struct hf_str sql, const struct hf_value *values, size_t count,
                                 hf_error *err)
{
	int64_t changed = 0;
	enum hf_status status = hf_sql_exec(where, sql, values, count, &changed, err);
	if (status == HF_OK && changed != 1)
		return error_set(err, HF_E_CORRUPT, "the row of migration %.*s is gone from holdfast.migration",
		                 STR_ARG(values[1].as.s));
	return status;
}

enum hf_status ledger_begin_down(hf_where where, const char *set, const char *version, hf_error *err)
{
	const struct hf_value values[] = {hf_text(hf_str_of(set)), hf_text(hf_str_of(version))};
	return change_row(where,
	                  HF_STR("UPDATE holdfast.migration SET state = 'running', direction = 'down', error = NULL,"
	                         " started_at = clock_timestamp(), finished_at = NULL"
	                         " WHERE set_name = $1 AND version = $2"),
	                  values, ARRAY_LEN(values), err);
}

enum hf_status ledger_finish(hf_where where, const char *set, const char *version, enum hf_migration_state state,
                             int64_t duration_us, hf_error *err)
{
	const struct hf_value values[] = {hf_text(hf_str_of(set)), hf_text(hf_str_of(version)),
	                                  hf_text(hf_str_of(hf_migration_state_word(state))), hf_int(duration_us)};
	return change_row(where,
	                  HF_STR("UPDATE holdfast.migration SET state = $3, direction = 'up', error = NULL,"
	                         " finished_at = clock_timestamp(), duration_us = $4"
	                         " WHERE set_name = $1 AND version = $2"),
	                  values, ARRAY_LEN(values), err);
}

enum hf_status ledger_fail(hf_where where, const char *set, const char *version, const char *error, hf_error *err)
{
	const struct hf_value values[] = {hf_text(hf_str_of(set)), hf_text(hf_str_of(version)),
	                                  hf_text(hf_str_of(error))};
	return change_row(where,
	                  HF_STR("UPDATE holdfast.migration SET state = 'failed', error = $3,"
	                         " finished_at = clock_timestamp() WHERE set_name = $1 AND version = $2"),
	                  values, ARRAY_LEN(values), err);
}

enum hf_status ledger_accept(hf_where where, const char *set, const struct hf_migration *migration, hf_error *err)
{
	const struct hf_value values[] = {hf_text(hf_str_of(set)),
	                                  hf_text(hf_str_of(migration->version)),
	                                  digest_value(migration->checksum),
	                                  digest_value(migration->checksum_raw),
	                                  digest_value(migration->chain),
	                                  hf_text(migration->up),
	                                  text_or_null(migration->down),
	                                  hf_text(hf_str_of(phase_words[migration->phase])),
	                                  hf_text(hf_str_of(migration->needs))};
	return change_row(where,
	                  HF_STR("UPDATE holdfast.migration SET state = 'accepted', checksum = $3, checksum_raw = $4,"
	                         " chain = $5, up_sql = $6, down_sql = $7, phase = $8, needs = $9"
	                         " WHERE set_name = $1 AND version = $2"),
	                  values, ARRAY_LEN(values), err);
}

enum hf_status ledger_event(hf_where where, const char *set, const char *version, const char *action,
                            const char *reason, hf_error *err)
{
	const struct hf_value values[] = {hf_text(hf_str_of(set)), hf_text(hf_str_of(version)),
	                                  hf_text(hf_str_of(action)), hf_text(hf_str_of(reason ? reason : ""))};
	return hf_sql_exec(where,
	                   HF_STR("INSERT INTO holdfast.migration_event (set_name, version, action, reason, before)"
	                          " SELECT $1, $2, $3, $4, (SELECT to_jsonb(m) - 'up_sql' - 'down_sql'"
	                          " FROM holdfast.migration m WHERE m.set_name = $1 AND m.version = $2)"),
	                   values, ARRAY_LEN(values), NULL, err);
}
