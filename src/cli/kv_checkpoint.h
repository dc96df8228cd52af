/*
 * kv_checkpoint.h (cli) - what the two files of `holdfast kv checkpoint` share.
 */
#ifndef CLI_KV_CHECKPOINT_H
#define CLI_KV_CHECKPOINT_H

#include "cli/cli.h"
#include "holdfast/kv_checkpoint.h"

/** An id in the arena of the run. */
enum hf_status kv_id_text(struct cli *cli, const struct hf_uuid *id, struct cell *ret_cell, hf_error *err);
/** An argument as an id. HF_E_USAGE. */
enum hf_status kv_id_argument(const struct cli *cli, size_t index, struct hf_uuid *ret_id, hf_error *err);

/* kv_checkpoint_file.c */
extern const struct column kv_checkpoint_file_columns[];
enum hf_status kv_checkpoint_export_verb(struct cli *cli, hf_error *err);
enum hf_status kv_checkpoint_import_verb(struct cli *cli, hf_error *err);
enum hf_status kv_checkpoint_verify_verb(struct cli *cli, hf_error *err);

#endif
