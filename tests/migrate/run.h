/*
 * run.h - what the tests of the engine share: a database per test, sets made of literals, one-value questions, and
 * child processes that migrate and die at a given moment.
 */
#ifndef TESTS_MIGRATE_RUN_H
#define TESTS_MIGRATE_RUN_H

#include <sys/types.h>

#include "base/arena.h"
#include "base/str.h"
#include "holdfast/migrate.h"
#include "holdfast/sql.h"
#include "migrate/set.h"

DEFINE_OWNED(connection, hf_connection *, hf_connection_free)

/** A session with the database of that URL; fails the test when there is none. */
hf_connection *run_connect(hf_context *ctx, const char *url);
/** A fresh database and a session with it. */
hf_connection *run_database(const char **ret_url);
/** A set "test" of files (literals), ends with a NULL name. */
struct run_file {
	const char *file;
	const char *text;
};
hf_migrations *run_set(const struct run_file *files);
void run_sql(hf_connection *connection, const char *sql);
/** The first column of the one row as text; "" for NULL or no row. Valid until the next call but seven. */
const char *run_text(hf_connection *connection, const char *sql);
/** "0001:applied 0002:failed" */
const char *run_states(hf_connection *connection);
/** Everything in the catalog outside the ledger, as one text: what two runs must agree on. The caller frees it. */
char *run_catalog(hf_connection *connection);
/** Up, with no report; the status. */
enum hf_status run_up(hf_connection *connection, const hf_migrations *set, hf_error *err);

/* How a child that migrates dies. */
enum run_death { RUN_KILLED, RUN_BACKEND_TERMINATED };
/**
 * Migrate `url` (up, or down to `down_to`) in a child process, which dies at its moment number `moment` (each SQL
 * statement and each event of the engine is one). @return true when it died, false when it had finished before.
 */
bool run_child(const char *url, const hf_migrations *set, const char *down_to, enum run_death death, size_t moment);
/** A child that migrates undisturbed; its pid. */
pid_t run_child_begin(const char *url, const hf_migrations *set);
/** Its exit code: that of the status. */
int run_child_end(pid_t pid);

#endif
