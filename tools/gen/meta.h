/*
 * meta.h - the offline metadata: what a server said about the queries of a group, in files that belong to the
 * repository, so that a build needs no server.
 *
 *     sql/meta/GROUP/QUERY.json     digests of its SQL and annotations; the text that the program prepares; parameters
 *                                   and columns by type name; the columns of tables that it reads and writes (for
 *                                   documents: nothing is compiled from them)
 *     sql/meta/GROUP/types.json     enums with labels, composites with fields, domains, arrays, imports
 *     sql/meta/GROUP/constraints.json  constraints that the statements can violate
 *     sql/meta/GROUP/manifest.json  format, and the digest of every migration the description rests on
 *
 * Keys are sorted, nothing depends on time, machine or OIDs: two runs give the same bytes. One file per query keeps
 * merges apart.
 *
 * Each file carries a digest of what else it says, of its own name and of the manifest's migrations. An edit by hand,
 * an entry in the wrong file and a merge of two descriptions that were made on different schemas are stale, however
 * well they read. Blanks and the order of keys do not count.
 */
#ifndef GEN_META_H
#define GEN_META_H

#include "gen/group.h"

/** Write the metadata of a described group and remove what belongs to no query. */
enum hf_status meta_write(const struct group *group, hf_error *err);
/** Fill the queries of a group from its metadata. What is older than its source, missing or left over becomes a stale
 *  finding in `diags`. */
enum hf_status meta_read(struct group *group, struct diags *diags, hf_error *err);

/* What both directions share (meta.c). */
#define META_FORMAT 5
#define META_FORMAT_DIGESTS 4 /* the first whose files carry one */
#define META_FORMAT_OPEN 5    /* the first whose programs refuse labels that they do not know */
#define META_BYTES_MAX ((size_t)16 << 20)
struct json_t;
/** A file's JSON object; NULL with HF_OK when it holds something else, and *ret_fault says what. HF_NOT_FOUND without
 * the file. */
enum hf_status meta_load(hf_arena *arena, const char *path, struct json_t **ret_object, const char **ret_fault,
                         hf_error *err);
/** What the digest of a file counts besides its content: the migrations of a manifest, that of the manifest nothing. */
const char *meta_schema(hf_arena *arena, const struct json_t *manifest);
/** The digest of an object that stands in a file of that name, without the one that it carries. */
const char *meta_digest(hf_arena *arena, const char *path, const char *schema, struct json_t *object);
/** NULL when the object carries its digest, else what is wrong. */
const char *meta_fault(hf_arena *arena, const char *path, const char *schema, struct json_t *object);
/** What the next release is verified with: the statement as the program prepares it, or what stands for a COPY. */
const char *meta_text(const struct query *query);
/** A file of the metadata that belongs to the group, not to a query of that name. */
bool meta_is_reserved(const char *file);
const char *meta_sql_digest(hf_arena *arena, const struct query *query);
const char *meta_annotations_digest(hf_arena *arena, const struct query *query);
const char *meta_migration_digest(hf_arena *arena, const struct hf_migration *migration);

#endif
