/*
 * schema_docs.h - documents about a schema: what the formats share.
 *
 * A document is a set of files, made in memory; schema_docs.c writes them, compares them or prints the only one. All
 * of them depend on the schema and the metadata of queries alone: the same input gives the same bytes.
 */
#ifndef CLI_SCHEMA_DOCS_H
#define CLI_SCHEMA_DOCS_H

#include "cli/schema.h"

/* The first line of every Markdown page; a page that begins so and is not made any more is removed. */
#define DOCS_MARK "<!-- made by `holdfast schema docs`; edits are lost -->\n"

struct doc {
	struct hf_str name, text; /* the file's name, without the folder */
};
struct docs {
	struct pages pages;
	const char *title; /* of the whole */
	struct doc *items;
	size_t count, capacity;
	enum hf_status status; /* of what failed first */
	hf_error *err;
};

/** What one part of the documents is about. */
struct doc_group {
	const char *title, *file; /* "Tables", "tables.md"; file NULL: a page for each of them */
	enum hf_schema_kind first, last;
};
extern const struct doc_group doc_groups[]; /* ends with one without a title */
extern const struct doc_group doc_rest[];   /* what there is little to say about */
/** Sequences of identity columns are told with their column. */
bool docs_belongs(const struct doc_group *group, const struct hf_schema_object *object);

/** Take the text of `buf` as a file of that name; HF_E_NOMEM is kept in docs->status. */
void docs_add(struct docs *docs, const char *name, const struct buf *buf);
/** "public.queue". For "public" and what has no schema: the name alone. */
void docs_add_name(struct buf *buf, const struct hf_schema_object *object);
/** A name out of a-z, 0-9 and '=': for files, anchors and diagrams. Different objects have different ones. */
void docs_add_plain(struct buf *buf, struct hf_str text, char escape);

/** README.md and the pages that it leads to (schema_md.c). */
void docs_markdown(struct docs *docs);
/** schema.html (schema_html.c). */
void docs_html(struct docs *docs);
/** schema.mmd and schema.dot (schema_diagram.c). */
void docs_mermaid(struct docs *docs);
void docs_dot(struct docs *docs);
/** The diagram itself; `keys`: only columns of keys. */
void docs_draw_mermaid(struct docs *docs, struct buf *buf, bool keys);

#endif
