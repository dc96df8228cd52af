/*
 * fixture.h - a real server for C tests: one per test binary, a database per test.
 *
 * The server is started by the first call that needs it, dies with the binary, and counts as nothing else: no
 * DATABASE_URL is read. A test that cannot have one fails, it is never skipped.
 */
#ifndef TESTS_FIXTURE_H
#define TESTS_FIXTURE_H

#include "holdfast/connection.h"
#include "holdfast/server.h"

/** The context of the binary; made on first use. */
hf_context *fixture_context(void);
/** The binary's server. */
hf_server *fixture_server(void);
/** URL of a fresh database, copied from database `template_name` (NULL = template1). Valid until the binary ends. */
const char *fixture_database(const char *template_name);
/** A connection of its own to `url`. Free it. */
hf_connection *fixture_connect(const char *url);
/** Name of the database that fixture_database() made last. */
const char *fixture_database_name(void);

#endif
