/*
 * rig.h - what the tests of src/pg share: a context, a scratch arena and a connection to a database of this binary.
 */
#ifndef TESTS_PG_RIG_H
#define TESTS_PG_RIG_H

#include "../check.h"

#include "holdfast/holdfast.h"
#include "pg/conn.h"

struct rig {
	hf_context *ctx;
	hf_settings *settings;
	hf_connection *connection;
	hf_where where;
	hf_arena *arena;
};

/* cmocka group fixtures: *state is a struct rig *. The connection is opened again when a test broke it. */
int rig_up(void **state);
int rig_down(void **state);
/* cmocka test fixtures: an empty arena, an idle connection. */
int rig_ready(void **state);
/** A further connection, with these options (NULL = defaults). */
hf_connection *rig_connect(struct rig *rig, const struct hf_connection_options *options);
/** Run a statement that must work. */
void rig_sql(struct rig *rig, const char *sql);
/** The first column of the one row of a statement as text; "" for NULL. In the arena. */
const char *rig_text(struct rig *rig, const char *sql);

/* A column of a query's table that is never NULL; one that may be. */
#define FIELD(type_, row_, name_)                                              \
	{                                                                      \
#name_, &hf_type_##type_, offsetof(row_, name_), HF_NEVER_NULL \
	}
#define NULLABLE(type_, row_, name_)                                                         \
	{                                                                                    \
#name_, &hf_type_##type_, offsetof(row_, name_), offsetof(row_, has_##name_) \
	}
/* A hand-written query table: QUERY(name, "sql", params, columns, struct row). */
#define RIG_QUERY(name_, sql_, params_, nparams_, columns_, ncolumns_, row_size_)                                      \
	{                                                                                                              \
		.abi = HF_QUERY_ABI, .name = #name_, .sql = sql_, .sql_len = sizeof(sql_) - 1,                         \
		.statement = "hf_" #name_, .params = params_, .nparams = nparams_, .columns = columns_,                \
		.ncolumns = ncolumns_, .row_size = row_size_                                                           \
	}

#endif
