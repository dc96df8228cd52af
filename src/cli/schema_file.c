/*
 * schema_file.c - whole files, in and out, for `holdfast schema`.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/files.h"
#include "cli/schema.h"

enum hf_status schema_file_read(struct cli *cli, const char *path, struct hf_str *ret_text, hf_error *err)
{
	return file_read(cli, path, SCHEMA_TEXT_BYTES_MAX, ret_text, err);
}

/* Beside it and then over it: nobody sees half a file. */
enum hf_status schema_file_write(struct cli *cli, const char *path, struct hf_str text, hf_error *err)
{
	struct hf_str beside = arena_printf(cli->arena, "%s.new", path);
	if (!beside.ptr)
		return error_nomem(err);
	FILE *stream = fopen(beside.ptr, "we");
	if (!stream)
		return error_errno(err, HF_E_FAILED, "could not make %s", beside.ptr);
	bool whole = fwrite(text.ptr ? text.ptr : "", 1, text.len, stream) == text.len;
	whole = fclose(stream) == 0 && whole;
	if (whole && rename(beside.ptr, path) == 0)
		return HF_OK;
	error_errno(err, HF_E_FAILED, "could not write %s", path);
	(void)unlink(beside.ptr);
	return HF_E_FAILED;
}

enum hf_status schema_folder_make(struct cli *cli, const char *path, hf_error *err)
{
	for (size_t at = 1;; at++) {
		if (path[at] != '/' && path[at] != '\0')
			continue;
		struct hf_str part = hf_arena_str(cli->arena, (struct hf_str){path, at});
		if (!part.ptr)
			return error_nomem(err);
		if (mkdir(part.ptr, 0777) != 0 && errno != EEXIST)
			return error_errno(err, HF_E_FAILED, "could not make folder %s", part.ptr);
		if (path[at] == '\0')
			return HF_OK;
	}
}
