/*
 * statement.h - what the parser (libpg_query, no server) says about a query: syntax, kind, whether it gives rows,
 * where its result expressions stand, and the rules that need no catalog.
 */
#ifndef GEN_STATEMENT_H
#define GEN_STATEMENT_H

#include "gen/source.h"

void statement_read(struct query *query, struct diags *diags);

#endif
