/*
 * depends.h - which columns a query reads and writes, from the permissions that the server's analysis asks for.
 *
 * For every relation in its tree the server notes the columns that the role must be allowed to select, insert and
 * update: exactly what the text touches, whether in the result, a condition, a join or an assignment. A view counts as
 * itself; what it reads in turn is its own affair (the catalog knows). Functions and triggers are not looked into, and
 * relations of the system are left out.
 */
#ifndef GEN_DEPENDS_H
#define GEN_DEPENDS_H

#include "gen/catalog.h"
#include "gen/node.h"

/**
 * Fill query->reads and query->writes from the whole rewritten tree: "public.queue.id" per column, "public.queue"
 * where rows matter and no column does (count(*), DELETE); parts that are not plain are quoted. Sorted, each once. No
 * tree, no entries.
 */
void depends_fill(const struct catalog *catalog, const struct node *tree, struct query *query);

#endif
