/*
 * kv_blob.c - values from streams and to them, for `holdfast kv put --chunked` and `kv get`: memory is that of a chunk.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"
#include "cli/kv.h"
#include "holdfast/kv_blob.h"

DEFINE_OWNED(stream, FILE *, fclose)

/* ---- put ---- */

static enum hf_status read_part(void *user, uint8_t *place, size_t room, size_t *ret_bytes, hf_error *err)
{
	FILE *file = user;
	*ret_bytes = fread(place, 1, room, file);
	return ferror(file) ? error_errno(err, HF_E_FAILED, "could not read the value") : HF_OK;
}

enum hf_status kv_blob_from_file(hf_kv *kv, struct hf_bytes key, const char *path, const struct hf_kv_put *put,
                                 hf_error *err)
{
	CLEANUP(stream_freep) FILE *opened = NULL;
	bool is_stdin = strcmp(path, "-") == 0;
	if (!is_stdin && !(opened = fopen(path, "re")))
		return error_errno(err, errno == ENOENT ? HF_NOT_FOUND : HF_E_FAILED, "could not open %s", path);
	return hf_kv_blob_put(kv, key, read_part, is_stdin ? stdin : opened, put, NULL, err);
}

/* ---- get ---- */

/* "0-99", "100-": the first and the last byte. */
static enum hf_status read_range(struct cli *cli, uint64_t *ret_from, uint64_t *ret_bytes, hf_error *err)
{
	const char *text = cli_text(cli, "range");
	int64_t from = 0, to = INT64_MAX;
	*ret_from = 0;
	*ret_bytes = UINT64_MAX;
	if (!text)
		return HF_OK;
	struct hf_str range = hf_str_of(text);
	const char *dash = strchr(text, '-');
	size_t head = dash ? (size_t)(dash - text) : 0;
	struct hf_str first = {text, head}, last = {text + head + 1, dash ? range.len - head - 1 : 0};
	bool fine =
		dash && str_to_i64(first, &from) && (last.len == 0 || str_to_i64(last, &to)) && from >= 0 && to >= from;
	if (!fine)
		return error_set(err, HF_E_USAGE, "--range is FIRST-LAST or FIRST-, bytes from 0 on, not \"%s\"", text);
	*ret_from = (uint64_t)from;
	*ret_bytes = to == INT64_MAX ? UINT64_MAX : (uint64_t)(to - from) + 1;
	return HF_OK;
}

static enum hf_status write_part(void *user, struct hf_bytes part, UNUSED hf_error *err)
{
	struct hf_str bytes = {(const char *)part.ptr, part.len};
	return out_bytes(user, bytes) ? HF_OK : HF_STOP; /* main flushes, and sees what failed */
}

enum hf_status kv_blob_to_stdout(struct cli *cli, hf_kv *kv, struct hf_bytes key, hf_error *err)
{
	const struct hf_kv_read how = {.deadline = cli->deadline};
	uint64_t from, bytes;
	enum hf_status status = read_range(cli, &from, &bytes, err);
	if (status != HF_OK)
		return status;
	return hf_kv_blob_read(kv, key, from, bytes, &how, write_part, cli->out, NULL, err);
}
