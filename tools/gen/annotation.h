/*
 * annotation.h - the comment lines that say what a query is called and what is known about it.
 *
 *     -- name: queue_item_by_id :opt
 *     -- doc: The entry with that id.
 *     --   A line indented by two or more goes on with the text before.
 *     -- timeout: 2s  -- idempotent: yes
 *     -- atomic: no
 *     -- rows max: 1000  -- bytes max: 16MB
 *     -- row: queue_item
 *     -- col total: nullable
 *     -- col first: notnull! every group has a row
 *     -- col mood: open
 *     -- param since: nullable
 *     -- copy: public.worker(name, link)
 *     -- stream: copy
 *
 * Before the first name of a file: `-- import type: public.debversion as text`, a type of an extension whose binary
 * form is that of a type we know; and `-- identifier: entries = state_entries`, a name that is chosen at run time and
 * what it is until then (identifier.h).
 */
#ifndef GEN_ANNOTATION_H
#define GEN_ANNOTATION_H

#include "gen/source.h"

bool annotation_is_name(const struct source *source, struct span comment);
void annotation_name(struct query *query, struct span comment, struct diags *diags);
void annotation_read(struct query *query, struct span comment, struct diags *diags);
/** A comment at the head of a file. */
void annotation_head(struct source *source, struct span comment, struct diags *diags);

#endif
