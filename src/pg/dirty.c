/*
 * dirty.c - the tags and the resets. DISCARD ALL is not used: it would drop the prepared statements too.
 */
#include "pg/dirty.h"

#include <stdio.h>
#include <string.h>

#include "base/macros.h"

static const struct {
	const char *tag;
	unsigned dirty;
} tags[] = {
        {"SET", DIRTY_SETTINGS | DIRTY_ROLE},
        {"RESET", DIRTY_SETTINGS | DIRTY_ROLE},
        {"LISTEN", DIRTY_LISTEN},
        {"UNLISTEN", 0},
        {"NOTIFY", 0},
        {"DECLARE CURSOR", DIRTY_CURSORS},
        {"CLOSE CURSOR", 0},
        {"CREATE TABLE", DIRTY_TEMP},
        {"CREATE VIEW", DIRTY_TEMP},
        {"CREATE SEQUENCE", DIRTY_TEMP},
        {"PREPARE", DIRTY_PREPARED},
        {"DEALLOCATE", DIRTY_PREPARED},
        {"DEALLOCATE ALL", DIRTY_PREPARED},
        {"DISCARD ALL", DIRTY_PREPARED},
        {"BEGIN", 0},
        {"START TRANSACTION", 0},
        {"SAVEPOINT", 0},
        {"RELEASE", 0},
        {"ROLLBACK", 0},
        {"SHOW", 0},
        {"LOCK TABLE", 0},
};

unsigned dirty_after_sql(const char *tag)
{
	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (strcmp(tag, tags[i].tag) == 0)
			return tags[i].dirty;
	return DIRTY_ALL;
}

unsigned dirty_after_query(const char *tag)
{
	if (tag[0] == 'I' || tag[0] == 'U') /* INSERT, UPDATE: most of those without rows */
		return 0;
	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (tag[0] == tags[i].tag[0] && strcmp(tag, tags[i].tag) == 0)
			return tags[i].dirty;
	return 0;
}

static const struct {
	unsigned dirty;
	const char *sql;
} resets[] = {
        {DIRTY_CURSORS, "CLOSE ALL;"},
        {DIRTY_ROLE, "RESET SESSION AUTHORIZATION;RESET ROLE;"},
        {DIRTY_SETTINGS, "RESET ALL;"},
        {DIRTY_LISTEN, "UNLISTEN *;"},
        {DIRTY_LOCKS, "SELECT pg_catalog.pg_advisory_unlock_all();"},
        {DIRTY_TEMP, "DISCARD TEMP;"},
        {DIRTY_SEQUENCES, "DISCARD SEQUENCES;"},
        {DIRTY_PREPARED, "DEALLOCATE ALL;"},
};

void dirty_reset_sql(unsigned dirty, char ret_sql[DIRTY_RESET_MAX])
{
	size_t len = 0;
	ret_sql[0] = '\0';
	for (size_t i = 0; i < ARRAY_LEN(resets); i++)
		if (dirty & resets[i].dirty)
			len += (size_t)snprintf(ret_sql + len, DIRTY_RESET_MAX - len, "%s", resets[i].sql);
	ASSERT(len < DIRTY_RESET_MAX);
}
