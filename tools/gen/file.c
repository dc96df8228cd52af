/*
 * file.c - files and folders for the compiler: whole files, sorted listings, replacement at once.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "gen/group.h"

DEFINE_OWNED(dir, DIR *, closedir)
DEFINE_OWNED(file, FILE *, fclose)

static int by_name(const void *a, const void *b)
{
	const char *const *left = a, *const *right = b;
	return strcmp(*left, *right);
}

enum hf_status folder_list(hf_arena *arena, const char *dir, const char *ending, const char ***ret_names,
                           size_t *ret_count, hf_error *err)
{
	CLEANUP(dir_freep) DIR *folder = opendir(dir);
	if (!folder)
		return error_errno(err, errno == ENOENT ? HF_NOT_FOUND : HF_E_CONFIG, "could not read folder %s", dir);
	const char **names = NULL;
	size_t count = 0;
	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		if (entry->d_name[0] == '.' || !str_ends(hf_str_of(entry->d_name), hf_str_of(ending)))
			continue;
		names = mem_grow(arena, names, count, sizeof(*names));
		names[count++] = mem_text(arena, hf_str_of(entry->d_name));
	}
	if (count)
		qsort(names, count, sizeof(*names), by_name);
	*ret_names = names;
	*ret_count = count;
	return HF_OK;
}

enum hf_status file_read(hf_arena *arena, const char *path, size_t size_max, struct hf_str *ret_text, hf_error *err)
{
	CLEANUP(file_freep) FILE *file = fopen(path, "re");
	if (!file)
		return error_errno(err, errno == ENOENT ? HF_NOT_FOUND : HF_E_CONFIG, "could not read %s", path);
	struct buf buf;
	buf_init(&buf, size_max + 1);
	char block[65536];
	size_t got = 1;
	while (got > 0 && buf_ok(&buf) && buf.len <= size_max) {
		got = fread(block, 1, sizeof(block), file);
		buf_add(&buf, (struct hf_str){block, got});
	}
	enum hf_status status = HF_OK;
	if (ferror(file))
		status = error_errno(err, HF_E_CONFIG, "could not read %s", path);
	else if (buf_starved(&buf))
		status = error_nomem(err);
	else if (!buf_ok(&buf) || buf.len > size_max)
		status = error_set(err, HF_E_LIMIT, "%s is longer than %zu bytes", path, size_max);
	else
		*ret_text = (struct hf_str){mem_text(arena, buf_str(&buf)), buf.len};
	buf_deinit(&buf);
	return status;
}

enum hf_status folder_make(const char *dir, hf_error *err)
{
	char path[4096];
	int len = snprintf(path, sizeof(path), "%s", dir);
	if (len < 0 || (size_t)len >= sizeof(path))
		return error_set(err, HF_E_LIMIT, "folder name is longer than %zu bytes", sizeof(path) - 1);
	for (char *at = path + 1;; at++) {
		if (*at != '/' && *at != '\0')
			continue;
		char kept = *at;
		*at = '\0';
		if (mkdir(path, 0777) != 0 && errno != EEXIST)
			return error_errno(err, HF_E_CONFIG, "could not make folder %s", path);
		*at = kept;
		if (!kept)
			return HF_OK;
	}
}

static enum hf_status write_beside(const char *path, const char *beside, struct hf_str text, hf_error *err)
{
	FILE *file = fopen(beside, "we");
	if (!file)
		return error_errno(err, HF_E_CONFIG, "could not write %s", path);
	bool written = fwrite(text.ptr, 1, text.len, file) == text.len;
	bool closed = fclose(file) == 0;
	if (written && closed && rename(beside, path) == 0)
		return HF_OK;
	enum hf_status status = error_errno(err, HF_E_CONFIG, "could not write %s", path);
	(void)unlink(beside);
	return status;
}

enum hf_status file_write(const char *path, struct hf_str text, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	if (!arena)
		return error_nomem(err);
	struct hf_str old;
	if (file_read(arena, path, text.len, &old, NULL) == HF_OK && str_eq(old, text))
		return HF_OK;
	return write_beside(path, mem_printf(arena, "%s.new", path), text, err);
}
