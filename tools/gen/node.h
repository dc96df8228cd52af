/*
 * node.h - reader of the server's node trees (nodeToString): {TAG :field value ...}, (lists), <> for null.
 *
 * Tolerant: fields are found by name, unknown ones stay unread, a text that cannot be read gives NULL. The answers to
 * a missing field are "nothing", so that a proof that needs it fails.
 *
 * The server wraps the text at blanks, so a line break is a blank; a backslash makes the next byte ordinary.
 */
#ifndef GEN_NODE_H
#define GEN_NODE_H

#include "gen/mem.h"

enum node_kind { NODE_NULL = 0, NODE_ATOM, NODE_LIST, NODE_RECORD };

struct node_field {
	const char *name;
	const struct node *value;
};

struct node {
	enum node_kind kind;
	const char *text;          /* atoms: without escapes; records: the tag */
	const char *rest;          /* atoms: further words of the field: "[ 1 0 0 0 ]" of "constvalue 4 [ 1 0 0 0 ]" */
	const struct node **items; /* lists */
	struct node_field *fields; /* records */
	size_t count;
};

/** NULL when the text is not a node tree, is nested deeper than 1000 levels, or ends too early. */
const struct node *node_read(hf_arena *arena, const char *text);
/** The value of a record's field; NULL for a null value, an absent field, or when `node` is no record or NULL. */
const struct node *node_get(const struct node *node, const char *field);
bool node_is(const struct node *node, const char *tag);
/** Number of a field; `otherwise` when it is absent or no number. */
int64_t node_int(const struct node *node, const char *field, int64_t otherwise);
/** The field says true. */
bool node_bool(const struct node *node, const char *field);
/** The field is there, whatever it says: an absent field proves nothing. */
bool node_has(const struct node *node, const char *field);
/** Item of a list; NULL outside. */
const struct node *node_item(const struct node *list, size_t index);
size_t node_count(const struct node *list);
/** The value of a CONST of a type that is passed by value (int8, bool); false for anything else. */
bool node_constant(const struct node *constant, int64_t *ret_value);
/** Bytes of a datum ("4 [ 1 0 0 0 ]"), at most `max` of them; how many there are. */
size_t node_bytes(const struct node *value, unsigned char *ret_bytes, size_t max);

#endif
