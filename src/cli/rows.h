/*
 * rows.h - passing rows of the library straight to the output: what list commands share.
 */
#ifndef CLI_ROWS_H
#define CLI_ROWS_H

#include "cli/cli.h"
#include "holdfast/queue.h"

/* A nullable number or duration as a cell. */
static inline struct cell cell_int_or_null(bool known, int64_t value)
{
	return known ? cell_int(value) : cell_null();
}
static inline struct cell cell_us_or_null(bool known, int64_t us)
{
	return known ? cell_duration((double)us / 1e6) : cell_null();
}
/* Text of a flag or argument that may be missing: {NULL, 0} then. */
static inline struct hf_str text_or_null(const char *text)
{
	return hf_str_of(text);
}

static inline struct cell cell_time_or_null(bool known, struct hf_timestamp time)
{
	return known ? cell_time(time.us) : cell_null();
}
static inline void json_text_member(struct json_writer *json, const char *name, struct hf_str text)
{
	jw_key(json, name);
	if (text.ptr)
		jw_text(json, text);
	else
		jw_null(json);
}

/* The words of the schema's types, as the choices of a flag; test_table.py holds them against the schema. */
#define BUCKET_WORDS "update-existing-mp|manual|control|hook|reschedule|update-new-mp|missing-deps|default"
#define PROPOSAL_STATUS_WORDS "open|closed|merged|applied|abandoned|rejected"
#define PUBLISH_MODE_WORDS "push|attempt-push|propose|build-only|push-derived|skip|bts"
#define PUBLISH_STATUS_WORDS "unknown|blocked|needs-manual-review|rejected|approved|ignored"
#define VCS_TYPE_WORDS "bzr|git|svn|mtn|hg|arch|cvs|darcs"
#define VERDICT_WORDS "approved|rejected|abstained"

/** --bucket, whose choices stand in the order of the enum; `default` without it. */
static inline enum hf_bucket cli_bucket(const struct cli *cli)
{
	return (enum hf_bucket)cli_int(cli, "bucket", HF_BUCKET_DEFAULT);
}
/** An argument that is one of `choices` ("yes|no"); `source` as help calls it. HF_E_USAGE names the nearest. */
enum hf_status cli_choice(const char *source, const char *choices, const char *text, int64_t *ret_index, hf_error *err);
/** "2024-05-06", "2024-05-06T07:08:09", with a fraction or without, with a Z or without: UTC. HF_E_USAGE otherwise. */
enum hf_status cli_time(const char *text, struct hf_timestamp *ret_time, hf_error *err);

typedef void rows_json_fn(struct json_writer *json, const void *of);
/** What `add` writes of a thing, as JSON in the arena; ptr NULL when memory is short. */
struct hf_str rows_json(hf_arena *arena, rows_json_fn *add, const void *of);

#endif
