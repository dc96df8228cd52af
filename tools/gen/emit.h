/*
 * emit.h - readable C from described queries.
 *
 *     DIR/GROUP/GROUP_types.h .c    enums, composites, arrays, shared row structs
 *     DIR/GROUP/GROUP_constraints.h constraints, when the queries write tables that have some; defined in _types.c
 *     DIR/GROUP/FILE.h .c           per file of queries: structs and functions; tables and one call each
 *     DIR/GROUP/FILE_fake.h .c      on demand: the same functions, which answer from a variable
 *
 * The order is that of the sources (types: by dependency, then name), so that equal inputs give equal bytes.
 */
#ifndef GEN_EMIT_H
#define GEN_EMIT_H

#include "gen/group.h"

/** Write all files of a group below `out_dir`. Files that did not change are not touched. */
enum hf_status emit_group(const struct group *group, const char *out_dir, hf_error *err);

/** The same functions once more, for unit tests: FILE_fake.h and .c, behind the others. */
enum hf_status emit_fakes(const struct group *group, const char *out_dir, hf_error *err);

/* ---- shared by the emitters ---- */

/** Write what the buffer holds, unless the file says that already, and empty it. */
enum hf_status emit_write(struct buf *out, const char *path, hf_error *err);

void emit_types_header(struct buf *out, const struct group *group);
void emit_types_source(struct buf *out, const struct group *group);
void emit_constraints_header(struct buf *out, const struct group *group);
void emit_constraints_source(struct buf *out, const struct group *group);
void emit_header(struct buf *out, const struct group *group, const struct source *source);
void emit_source(struct buf *out, const struct group *group, const struct source *source);

#define EMIT_BYTES_MAX ((size_t)64 << 20)
/** A string constant, in pieces of one line each, every line but the first behind a tab. */
void emit_string(struct buf *out, const char *text);
/** The first lines of a generated file. `about` is the sentence behind the file's name. */
void emit_opening(struct buf *out, const char *file, const char *from, const char *about);
void emit_guard_begin(struct buf *out, const struct group *group, const char *file);
void emit_guard_end(struct buf *out);
/** The members of a row or an input: values in order, then the has_ flags. */
struct member {
	const char *name;
	const struct type *type;
	bool nullable;
	const struct type *wire; /* what is sent: of :bulk the array, else the same */
};
void emit_members(struct buf *out, const struct member *members, size_t count);
/** The table of struct hf_field that goes with them. `prefix` is "struct x_row". */
void emit_fields(struct buf *out, const char *struct_name, const struct member *members, const char *const *sql_names,
                 size_t count);
struct member *emit_row_members(const struct group *group, const struct query *query);
/** The query takes a struct x_in. */
bool emit_has_in(const struct query *query);
/** For `count` of its inputs, or of a variant's parameters. */
struct member *emit_in_members(const struct group *group, const struct query *query, const struct param *params,
                               size_t count);
/** "struct x_row", or the shared one. */
const char *emit_row_struct(const struct group *group, const struct query *query);
/** The declaration of the function that copies such a row, and the function; `columns` is the table of its fields. */
void emit_copy_declaration(struct buf *out, const struct group *group, const char *row_struct);
void emit_copy(struct buf *out, const struct group *group, const char *row_struct, const char *columns,
               size_t count);
/** The query has a row struct of its own, as opposed to a shared one. */
bool emit_has_row(const struct query *query);
/** Some column of its takes labels that the program does not know. */
bool emit_has_open(const struct query *query);
/** "static const struct hf_field NAME[]" of a query's row. */
void emit_columns(struct buf *out, const struct group *group, const struct query *query, const char *name);
/** The declaration of a query's function, without the semicolon, wrapped at 110 columns. */
void emit_signature(struct buf *out, const struct group *group, const struct query *query);

/* emit_bound.c */

/** Names are chosen at run time: functions take a struct FILE_bound. */
bool emit_is_bound(const struct source *source);
void emit_bound_header(struct buf *out, const struct source *source);
/** "static const struct hf_query_slot x__slots[]", if the text has some. */
void emit_slots(struct buf *out, const struct query *variant, const char *suffix);
void emit_bind(struct buf *out, const struct source *source);
void emit_bind_fake(struct buf *out, const struct source *source);

#endif
