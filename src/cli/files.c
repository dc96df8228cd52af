/*
 * files.c - see files.h.
 */
#include "cli/files.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"

DEFINE_OWNED(file, FILE *, fclose)

static enum hf_status read_stream(struct cli *cli, FILE *stream, const char *path, size_t bytes_max,
                                  struct hf_str *ret_text, hf_error *err)
{
	CLEANUP(buf_deinit) struct buf buf;
	char piece[65536];
	size_t n;
	buf_init(&buf, bytes_max);
	while (buf_ok(&buf) && (n = fread(piece, 1, sizeof(piece), stream)) > 0)
		buf_add(&buf, (struct hf_str){piece, n});
	if (ferror(stream))
		return error_errno(err, HF_E_FAILED, "could not read %s", path);
	if (!buf_ok(&buf))
		return buf_starved(&buf)
		               ? error_nomem(err)
		               : error_set(err, HF_E_LIMIT, "%s is longer than %zu MiB", path, bytes_max >> 20);
	*ret_text = hf_arena_str(cli->arena, buf_str(&buf));
	return ret_text->ptr ? HF_OK : error_nomem(err);
}

enum hf_status file_read(struct cli *cli, const char *path, size_t bytes_max, struct hf_str *ret_text, hf_error *err)
{
	if (strcmp(path, "-") == 0)
		return read_stream(cli, stdin, "standard input", bytes_max, ret_text, err);
	CLEANUP(file_freep) FILE *stream = fopen(path, "re");
	if (!stream)
		return error_errno(err, errno == ENOENT ? HF_NOT_FOUND : HF_E_FAILED, "could not open %s", path);
	return read_stream(cli, stream, path, bytes_max, ret_text, err);
}
