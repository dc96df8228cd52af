/*
 * identifier.h - names of SQL objects that are chosen at run time, and where they stand in a statement.
 *
 *     -- identifier: schema = public
 *     -- identifier: entries = state_entries
 *     ... FROM :"schema".:"entries" JOIN :"schema".:"entries_history" ...    nextval(:'schema.entries_rev')
 *
 * A name that goes on behind a declared one with `_` is that one with the rest appended, so that a program gives one
 * name for a family of tables. In single quotes stands a constant: names with dots between them, quoted as regclass and
 * its like read them. The server is asked with the defaults; struct slot says where they stand.
 */
#ifndef GEN_IDENTIFIER_H
#define GEN_IDENTIFIER_H

#include "gen/source.h"

/** The declared one of exactly that name, or NULL. */
struct identifier *identifier_declared(const struct source *source, struct hf_str name);
/** `"x"` or `'x.y'`, as the token stands behind a colon at `at`: append what it is by default, and its slots. False
 *  after a finding. */
bool identifier_write(struct query *query, struct token token, struct span at, struct buf *out, struct diags *diags);
/** Bytes [from, to) of `query->sql` to the end of `out`, their slots to `run_slots`. */
void identifier_add_range(struct query *query, size_t from, size_t to, struct buf *out, hf_arena *arena);
/** Every declared one stands somewhere. */
void identifier_check_used(const struct source *source, struct diags *diags);

#endif
