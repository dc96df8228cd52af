/*
 * dirty.h - which session state a statement can have left behind, and the SQL that undoes it.
 *
 * Generated queries tell nothing beyond their command tag; SQL of the program may call any function, so that only
 * commands known to run none are told apart by their tag.
 */
#ifndef PG_DIRTY_H
#define PG_DIRTY_H

#include <stddef.h>

enum dirty {
	DIRTY_SETTINGS = 1, /* SET, set_config() */
	DIRTY_ROLE = 2,     /* SET ROLE, SET SESSION AUTHORIZATION */
	DIRTY_LISTEN = 4,
	DIRTY_CURSORS = 8, /* WITH HOLD */
	DIRTY_LOCKS = 16,  /* session-level advisory locks */
	DIRTY_TEMP = 32,
	DIRTY_SEQUENCES = 64, /* currval(), lastval() */
	DIRTY_ALL = 127,
	DIRTY_PREPARED = 128 /* PREPARE and DEALLOCATE as SQL: the statement cache is to be forgotten as well */
};

enum { DIRTY_RESET_MAX = 256 };

/** What SQL of the program with this command tag can have changed. */
unsigned dirty_after_sql(const char *tag);
/** What a statement of the generator's with this command tag can have changed. */
unsigned dirty_after_query(const char *tag);
/** The statements that undo `dirty`, for the simple protocol; "" when there is nothing to undo. */
void dirty_reset_sql(unsigned dirty, char ret_sql[DIRTY_RESET_MAX]);

#endif
