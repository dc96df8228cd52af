/*
 * files.h - whole files that a verb reads, bounded.
 */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "cli/cli.h"

/** The whole of a file ("-": standard input) into the arena, at most `bytes_max` and 256 MiB. HF_NOT_FOUND;
 *  HF_E_FAILED; HF_E_LIMIT. */
enum hf_status file_read(struct cli *cli, const char *path, size_t bytes_max, struct hf_str *ret_text, hf_error *err);

#endif
