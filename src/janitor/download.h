/*
 * download.h - a file over HTTP, and the checksum that a Release file demands of it.
 */
#ifndef JANITOR_DOWNLOAD_H
#define JANITOR_DOWNLOAD_H

#include "holdfast/context.h"
#include "holdfast/types.h"

/** Fetch `url` into `path`. @return HF_OK; HF_NOT_FOUND (404, 410); HF_E_UNAVAILABLE; HF_TIMEOUT; HF_E_LIMIT more than
 *  `bytes_max`; HF_E_INTERRUPTED; HF_E_FAILED it could not be stored. What was stored until then stays. */
enum hf_status download(hf_context *ctx, const char *url, const char *path, size_t bytes_max, hf_deadline deadline,
                        hf_error *err);
/** Does the SHA-256 list of the Release file name `name` with the size and sum of the file? HF_E_CORRUPT otherwise. */
enum hf_status release_check(const char *release_path, struct hf_str name, const char *path, hf_error *err);

#endif
