/*
 * keys.h - unique keys of tables, and the operators that mean "equal" to them.
 *
 * Only keys that hold at every moment: valid, not deferrable. A key may have expressions and a condition; both are
 * node trees, in which the table is relation 1.
 */
#ifndef GEN_KEYS_H
#define GEN_KEYS_H

#include "gen/catalog.h"
#include "gen/node.h"

#define KEY_COLUMNS_MAX 32 /* of an index of the server */

struct key {
	uint32_t relation;
	size_t count;
	int32_t columns[KEY_COLUMNS_MAX]; /* 0: the next of `exprs` */
	uint32_t families[KEY_COLUMNS_MAX], collations[KEY_COLUMNS_MAX];
	const struct node *exprs;     /* a list, or NULL */
	const struct node *condition; /* conditions that must all hold, or NULL */
};

struct equality {
	uint32_t op, family;
};

/* A column that every row must have a value for. */
struct required {
	uint32_t relation;
	int32_t column;
	const char *name;
};

struct keys {
	struct catalog_table keys, equalities, triggers, required;
};

/** Pull them. Forwards the connection's errors. */
enum hf_status keys_load(struct keys *keys, hf_arena *arena, hf_where where, hf_error *err);
/** The keys of a table: the first, and how many. */
const struct key *keys_of(const struct keys *keys, uint32_t relation, size_t *ret_count);
/** The operator is the equality of a btree family. */
bool keys_is_equality(const struct keys *keys, uint32_t op);
bool keys_is_equality_of(const struct keys *keys, uint32_t op, uint32_t family);
/** Some family has both, so that they agree on what is equal. */
bool keys_same_equality(const struct keys *keys, uint32_t a, uint32_t b);
/** The next required column of a table behind number `after`, or NULL. */
const struct required *keys_required(const struct keys *keys, uint32_t relation, int32_t after);
/** A trigger may fill in what an INSERT leaves out. */
bool keys_has_insert_trigger(const struct keys *keys, uint32_t relation);

#endif
