/*
 * file.h - one migration file: directive line, sections, statements, checksums.
 *
 * What is not understood is refused with file:line: an unknown directive or value, text before the first section, a
 * section that occurs twice, a statement that controls transactions, COPY FROM STDIN, psql commands, and in a tx=yes
 * file a statement that cannot run in a transaction.
 */
#ifndef MIGRATE_FILE_H
#define MIGRATE_FILE_H

#include "base/arena.h"
#include "holdfast/migrate.h"
#include "migrate/names.h"
#include "migrate/version.h"

enum { FILE_BYTES_MAX = 16 << 20 };

/** Read `content` (borrowed for the call) as the file of those parts. Everything in *ret lives in the arena. `bare`:
 *  what stands before the first section is the way up if no line "-- up" follows. `names`: values that are chosen, in
 *  the order in which every file declares them; else filled with what this one declares.
 *  @param ret_depends names in the depends= directive, "" when there is none. `chain` is left for the set. */
enum hf_status file_parse(const struct version_file *parts, const char *file, struct hf_str content, bool bare,
                          struct names *names, hf_arena *arena, struct hf_migration *ret_migration,
                          struct hf_str *ret_depends, hf_error *err);
/** "2s", "150ms", "5min", "1h", "0" in milliseconds; at most a week. */
bool file_duration(struct hf_str text, int64_t *ret_ms);

#endif
