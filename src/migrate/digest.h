/*
 * digest.h - the forms of a text that checksums compare.
 *
 * Three forms, each coarser than the one before:
 *   bytes       the file as it lies there;
 *   normalised  no byte order mark, LF line ends, no trailing blanks, no trailing line ends: this one decides;
 *   code        tokens with one blank between them, without comments: tells a comment edit from a real one.
 */
#ifndef MIGRATE_DIGEST_H
#define MIGRATE_DIGEST_H

#include "base/digest.h"
#include "holdfast/migrate.h"

_Static_assert(DIGEST_BYTES == HF_MIGRATION_DIGEST_BYTES, "checksums are SHA-256");

/** Append `text` without byte order mark, with LF for CRLF and CR. This is what runs. */
void text_unix(struct buf *out, struct hf_str text);
/** Append the normalised form. */
void text_normalise(struct buf *out, struct hf_str text);
/** Append the code form, or with `comments` the same with comments kept (then only blanks do not count). */
void text_code(struct buf *out, struct hf_str text, bool comments);
/** What kind of edit leads from one to the other; *ret_line (may be NULL) = first line that differs, 0 if none. */
enum hf_migration_edit text_compare(struct hf_str before, struct hf_str after, uint32_t *ret_line);

#endif
