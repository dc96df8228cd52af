/*
 * rewrite.h - from `:name` to `$n`, between tokens only, with a map back to the source.
 */
#ifndef GEN_REWRITE_H
#define GEN_REWRITE_H

#include "gen/source.h"

/** Fill sql, run_sql, pieces and params of a query from its tokens (or its copy annotation). */
void rewrite(struct query *query, struct diags *diags);
/** What the program sends, with the columns of a star written out: a column that a later migration adds changes nothing
 *  then. Needs the described columns. */
void rewrite_star(struct query *query, hf_arena *arena);
/** An identifier in double quotes. */
void rewrite_add_identifier(struct buf *out, const char *name);
/** The word of the source that stands behind byte `at` of the rewritten text. */
struct span rewrite_source_span(const struct query *query, size_t at);
/** Names of C for the parameters; complains about two that would be the same. */
void rewrite_name_params(struct query *query, struct diags *diags);

#endif
