/*
 * verify.h - would the release that is still running survive the new schema? Its queries, as its metadata recorded
 * them, are prepared on the schema of today's migrations, and compared with what they were.
 */
#ifndef GEN_VERIFY_H
#define GEN_VERIFY_H

#include "gen/group.h"

struct verify_options {
	const char *sql_dir;  /* migrations of today */
	const char *meta_dir; /* of then, a folder per group */
	const char *database; /* NULL: a private server */
	const char **only;    /* groups; none: all that `meta_dir` has */
	size_t nonly;
};

/**
 * Each thing that broke becomes a finding in `diags` at the metadata that recorded it. A new label breaks the columns
 * of that enum which are not open (unless the metadata is older than that word), a column that became NOT NULL breaks
 * nothing. @return HF_OK; HF_E_USAGE when there is no such metadata, or metadata without the statements' text; those of
 * server_open() and describe_group().
 */
enum hf_status verify_run(hf_context *ctx, hf_arena *arena, const struct verify_options *options, struct diags *diags,
                          hf_error *err);

#endif
