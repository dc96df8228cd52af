/*
 * rig.h - a database with our migrations: a clock that stands still, rows from JSON, the queue as JSON, two sessions.
 */
#ifndef TESTS_JANITOR_RIG_H
#define TESTS_JANITOR_RIG_H

#include <jansson.h>

#include "base/arena.h"
#include "base/str.h"
#include "holdfast/holdfast.h"
#include "../check.h"

#define RIG_NOW_US INT64_C(1717243200000000) /* 2024-06-01T12:00:00 */

struct rig {
	hf_context *ctx;
	hf_settings *settings;
	hf_connection *connection, *second;
	hf_connection *filler; /* in which no trigger fires */
	hf_where where;
	int64_t wall_us; /* what the context's clock says; RIG_NOW_US */
	void (*on_query)(void *user, const char *name, int64_t rows); /* after each statement; NULL = nothing */
	void *on_query_user;
	/* each log event; NULL = nothing */
	void (*on_event)(void *user, const char *event, const struct hf_log_field *fields, size_t nfields);
	void *on_event_user;
};

/** Connect twice; migrate when the database is new. */
void rig_open(struct rig *rig, const char *url);
void rig_close(struct rig *rig);
/** Empty all tables, restart their sequences, insert {table: [{column: value}, ...]}: rows of a table have equal
 *  columns. A table all_debian_versions, which is not of the schema, is there when `tables` has it. */
void rig_load(struct rig *rig, const json_t *tables);
/** The same from text. */
void rig_load_text(struct rig *rig, const char *tables);
/** {"queue": rows by id, "queue_id_seq": [last value, given out]}, in the form of the recording. New reference. */
json_t *rig_state(struct rig *rig);
/** All rows of these tables as objects, {table: [...]}, in the form of the recording. New reference. */
json_t *rig_rows(struct rig *rig, const json_t *tables);
/** A statement that must work. */
void rig_run(struct rig *rig, const char *sql);
/** The one number that a statement must answer. */
int64_t rig_number(struct rig *rig, const char *sql);
/** How many rows there are of "TABLE [WHERE ...]". */
int64_t rig_count(struct rig *rig, const char *of);
/** Returns when the second session waits for a lock. */
void rig_until_waiting(struct rig *rig);

/** Where a randomised test begins: HOLDFAST_TEST_SEED, else the time. Printed. */
uint64_t rig_seed(void);
/** The next number below `bound`; a step of splitmix64. */
uint64_t rig_below(uint64_t *seed, uint64_t bound);

/* cmocka group fixtures on a database of this binary; *state is a struct rig *. */
int rig_up(void **state);
int rig_down(void **state);

#endif
