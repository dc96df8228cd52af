/*
 * leftover.c - what a killed or failed statement outside a transaction left behind, and what to do about it.
 *
 *   CREATE INDEX CONCURRENTLY   an invalid index of that name: dropped; a valid one: it had finished
 *   DROP INDEX CONCURRENTLY     no index of that name: it had finished
 *   REINDEX ... CONCURRENTLY    invalid twins (_ccnew, _ccold): dropped
 *   DETACH ... CONCURRENTLY     pending: finalised; not attached: it had finished
 *   VACUUM, CLUSTER, ...        run again
 *   anything else               the server cannot tell: the caller decides
 *
 * Only ever called for statements that an earlier try had begun, under the migrators' lock, so that the index that is
 * dropped is not one that somebody else builds.
 */
#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "migrate/migrator.h"
#include "migrate/split.h"

static void tell(struct migrator *migrator, const char *format, const char *name)
{
	char text[300];
	snprintf(text, sizeof(text), "%s %s", name, format);
	session_event(migrator, (struct hf_migrate_event){.kind = HF_MIGRATE_CLEANUP, .text = text});
}

struct found {
	struct migrator *migrator;
	size_t count;
	bool valid;         /* of the last one */
	struct hf_str name; /* of the last one, quoted and qualified, in the migrator's arena */
};

static enum hf_status see(void *user, const struct hf_sql_row *row, hf_error *err)
{
	struct found *found = user;
	found->count++;
	found->valid = row->values[0].as.b;
	found->name = hf_arena_str(found->migrator->arena, row->values[1].as.s);
	return found->name.ptr ? HF_OK : error_nomem(err);
}

static enum hf_status look(struct migrator *migrator, struct hf_str sql, struct hf_str first, struct hf_str second,
                           struct found *ret_found, hf_error *err)
{
	*ret_found = (struct found){.migrator = migrator};
	const struct hf_value values[] = {hf_text(first), hf_text(second)};
	return hf_sql_each(migrator_on(migrator), sql, values, ARRAY_LEN(values), see, ret_found, err);
}

static enum hf_status run_text(struct migrator *migrator, struct hf_str text, hf_error *err)
{
	if (!text.ptr)
		return error_nomem(err);
	return hf_sql_exec(session_where(migrator, migrator_on(migrator)), text, NULL, 0, NULL, err);
}

static enum hf_status drop_index(struct migrator *migrator, struct hf_str name, hf_error *err)
{
	enum hf_status status =
	        run_text(migrator, arena_printf(migrator->arena, "DROP INDEX CONCURRENTLY %.*s", STR_ARG(name)), err);
	if (status == HF_OK)
		tell(migrator, "was left invalid by an earlier try and is dropped", name.ptr);
	return status;
}

/* An index has its table's schema; its name is compared as the server would fold and cut it. */
static enum hf_status clear_create(struct migrator *migrator, const struct statement_names *names,
                                   enum leftover *ret_what, hf_error *err)
{
	struct found found;
	enum hf_status status = look(migrator,
	                             HF_STR("SELECT i.indisvalid, i.indexrelid::regclass::text FROM pg_index i"
	                                    " JOIN pg_class c ON c.oid = i.indexrelid"
	                                    " WHERE i.indrelid = to_regclass($1)"
	                                    " AND c.relname = (parse_ident($2))[1]::name"),
	                             names->table, names->index, &found, err);
	if (status != HF_OK || found.count == 0)
		return status;
	if (!found.valid)
		return drop_index(migrator, found.name, err);
	tell(migrator, "had been built completely", found.name.ptr);
	*ret_what = LEFTOVER_DONE;
	return HF_OK;
}

static enum hf_status clear_drop(struct migrator *migrator, const struct statement_names *names,
                                 enum leftover *ret_what, hf_error *err)
{
	struct found found;
	enum hf_status status = look(migrator,
	                             HF_STR("SELECT true, to_regclass($1)::text WHERE to_regclass($1) IS NOT NULL"
	                                    " AND $2::text IS NOT NULL"),
	                             names->index, HF_STR(""), &found, err);
	if (status == HF_OK && found.count == 0) {
		tell(migrator, "had been dropped completely",
		     arena_printf(migrator->arena, "%.*s", STR_ARG(names->index)).ptr);
		*ret_what = LEFTOVER_DONE;
	}
	return status;
}

/* The twins of REINDEX CONCURRENTLY: of the index's table, of the table, or (schema, database) anywhere. */
static enum hf_status clear_reindex(struct migrator *migrator, const struct statement_names *names, hf_error *err)
{
	static const struct hf_str twins = HF_STR_INIT(
	        "SELECT i.indisvalid, i.indexrelid::regclass::text FROM pg_index i"
	        " JOIN pg_class c ON c.oid = i.indexrelid WHERE NOT i.indisvalid"
	        " AND c.relname ~ '_cc(new|old)[0-9]*$' AND CASE"
	        " WHEN $1 <> '' THEN i.indrelid = (SELECT indrelid FROM pg_index WHERE indexrelid = to_regclass($1))"
	        " WHEN $2 <> '' THEN i.indrelid = to_regclass($2) ELSE true END LIMIT 1");
	for (int n = 0; n < 1000; n++) {
		struct found found;
		enum hf_status status = look(migrator, twins, names->index.len ? names->index : HF_STR(""),
		                             names->table.len ? names->table : HF_STR(""), &found, err);
		if (status != HF_OK || found.count == 0)
			return status;
		status = drop_index(migrator, found.name, err);
		if (status != HF_OK)
			return status;
	}
	return error_set(err, HF_E_LIMIT, "more than 1,000 invalid indexes of an interrupted REINDEX");
}

static enum hf_status clear_detach(struct migrator *migrator, const struct statement_names *names,
                                   enum leftover *ret_what, hf_error *err)
{
	struct found found;
	enum hf_status status = look(migrator,
	                             HF_STR("SELECT NOT inhdetachpending, inhrelid::regclass::text FROM pg_inherits"
	                                    " WHERE inhparent = to_regclass($1) AND inhrelid = to_regclass($2)"),
	                             names->table, names->index, &found, err);
	if (status != HF_OK || (found.count > 0 && found.valid))
		return status;
	if (found.count > 0)
		status = run_text(migrator,
		                  arena_printf(migrator->arena, "ALTER TABLE %.*s DETACH PARTITION %.*s FINALIZE",
		                               STR_ARG(names->table), STR_ARG(names->index)),
		                  err);
	if (status != HF_OK)
		return status;
	tell(migrator, "is detached now", arena_printf(migrator->arena, "%.*s", STR_ARG(names->index)).ptr);
	*ret_what = LEFTOVER_DONE;
	return HF_OK;
}

static enum hf_status ask(struct migrator *migrator, size_t n, enum leftover *ret_what, hf_error *err)
{
	const struct job *job = migrator->job;
	if (migrator->unknown_step == HF_STEP_DONE)
		*ret_what = LEFTOVER_DONE;
	if (migrator->unknown_step != HF_STEP_ASK)
		return HF_OK;
	error_set(err, HF_REJECTED, "%s:%u: statement %zu was started by an earlier try and nobody knows how it ended",
	          job->file, job->statements[n - 1].line, n);
	error_hint(err, "look at the database, then say which: holdfast migrate resume --step-done, or "
	                "--step-repeat to run it again");
	return HF_REJECTED;
}

enum hf_status leftover_clear(struct migrator *migrator, size_t n, enum step_state before, enum leftover *ret_what,
                              hf_error *err)
{
	struct hf_str sql = migrator->job->statements[n - 1].sql;
	struct statement_names names = split_names(sql);
	*ret_what = LEFTOVER_RUN;
	if (before == STEP_NONE)
		return HF_OK;
	switch (split_classify(sql)) {
	case STATEMENT_CREATE_INDEX:
		return clear_create(migrator, &names, ret_what, err);
	case STATEMENT_DROP_INDEX:
		return clear_drop(migrator, &names, ret_what, err);
	case STATEMENT_REINDEX:
		return clear_reindex(migrator, &names, err);
	case STATEMENT_DETACH:
		return clear_detach(migrator, &names, ret_what, err);
	case STATEMENT_OPAQUE:
		return before == STEP_STARTED ? ask(migrator, n, ret_what, err) : HF_OK;
	case STATEMENT_ORDINARY:
	case STATEMENT_CONTROLS:
	case STATEMENT_COPY:
	case STATEMENT_REPEATABLE:
		return HF_OK;
	}
	return HF_OK;
}
