/*
 * download.h - a file over HTTP, and the checksum that a Release file demands of it.
 */
#ifndef JANITOR_DOWNLOAD_H
#define JANITOR_DOWNLOAD_H

#include "holdfast/context.h"
#include "holdfast/types.h"

/** Fetch `url` into `path`, at most 512 MiB. HF_E_UNAVAILABLE, HF_NOT_FOUND (404), HF_TIMEOUT, HF_E_LIMIT, HF_E_FAILED.
 */
enum hf_status download(hf_context *ctx, const char *url, const char *path, hf_deadline deadline, hf_error *err);
/** Does the SHA-256 list of the Release file name `name` with the size and sum of the file? HF_E_CORRUPT otherwise. */
enum hf_status release_check(const char *release_path, struct hf_str name, const char *path, hf_error *err);

#endif
