/*
 * directory.c - where sets come from: a directory of files, or the arrays that the build put into the library.
 *
 * Names that do not end in .sql and hidden files are left alone; a .sql file that is no migration is an error.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "migrate/file.h"
#include "migrate/set.h"

struct listing {
	hf_arena *arena;
	const char *directory;
	int fd;
	bool bare;
	struct set_file *files;
	size_t count;
	size_t capacity;
	struct hf_str sum;
};

static void fd_closep(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static void dir_closep(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static enum hf_status read_whole(int fd, size_t size, char *into, const char *where, hf_error *err)
{
	size_t have = 0;
	while (have < size) {
		ssize_t got = read(fd, into + have, size - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return error_errno(err, HF_E_FAILED, "could not read %s", where);
		if (got == 0)
			return error_set(err, HF_E_FAILED, "could not read %s: it became shorter meanwhile", where);
		have += (size_t)got;
	}
	return HF_OK;
}

static enum hf_status read_file(struct listing *listing, const char *name, struct hf_str *ret_content, hf_error *err)
{
	struct stat info;
	struct hf_str where = arena_printf(listing->arena, "%s/%s", listing->directory, name);
	CLEANUP(fd_closep) int fd = openat(listing->fd, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (!where.ptr)
		return error_nomem(err);
	if (fd < 0 || fstat(fd, &info) < 0)
		return error_errno(err, HF_E_FAILED, "could not open %s", where.ptr);
	if (!S_ISREG(info.st_mode))
		return error_set(err, HF_E_INPUT, "%s is not a file", where.ptr);
	if (info.st_size > FILE_BYTES_MAX)
		return error_set(err, HF_E_LIMIT, "%s is larger than %d MiB", where.ptr, FILE_BYTES_MAX >> 20);
	char *content = hf_arena_alloc(listing->arena, (size_t)info.st_size + 1);
	if (!content)
		return error_nomem(err);
	enum hf_status status = read_whole(fd, (size_t)info.st_size, content, where.ptr, err);
	if (status == HF_OK)
		*ret_content = (struct hf_str){content, (size_t)info.st_size};
	return status;
}

static enum hf_status add_file(struct listing *listing, const char *name, hf_error *err)
{
	if (listing->count == SET_FILES_MAX)
		return error_set(err, HF_E_LIMIT, "%s: more than %d migrations", listing->directory, SET_FILES_MAX);
	if (listing->count == listing->capacity) {
		size_t capacity = listing->capacity ? 2 * listing->capacity : 64;
		struct set_file *files = hf_arena_calloc(listing->arena, capacity, sizeof(*files));
		if (!files)
			return error_nomem(err);
		if (listing->count)
			memcpy(files, listing->files, listing->count * sizeof(*files));
		listing->files = files;
		listing->capacity = capacity;
	}
	struct set_file *file = &listing->files[listing->count];
	file->file = hf_arena_str(listing->arena, hf_str_of(name)).ptr;
	if (!file->file)
		return error_nomem(err);
	listing->count++;
	return read_file(listing, name, &file->content, err);
}

static enum hf_status list_files(struct listing *listing, hf_error *err)
{
	CLEANUP(dir_closep) DIR *dir = opendir(listing->directory);
	if (!dir)
		return error_errno(err, errno == ENOENT ? HF_NOT_FOUND : HF_E_FAILED, "could not open directory %s",
		                   listing->directory);
	listing->fd = dirfd(dir);
	enum hf_status status = HF_OK;
	errno = 0;
	for (struct dirent *entry = readdir(dir); entry && status == HF_OK; entry = readdir(dir)) {
		if (listing->bare && str_ends(hf_str_of(entry->d_name), HF_STR(".down.sql")))
			continue;
		if (!listing->bare && strcmp(entry->d_name, "migrations.sum") == 0)
			status = read_file(listing, entry->d_name, &listing->sum, err);
		else if (entry->d_name[0] != '.' && str_ends(hf_str_of(entry->d_name), HF_STR(".sql")))
			status = add_file(listing, entry->d_name, err);
	}
	return status;
}

static enum hf_status open_set(const char *name, const char *directory, bool bare, hf_migrations **ret_set,
                               hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(SET_BYTES_MAX);
	if (!arena)
		return error_nomem(err);
	struct listing listing = {.arena = arena, .directory = directory, .fd = -1, .bare = bare};
	enum hf_status status = list_files(&listing, err);
	if (status != HF_OK)
		return status;
	return bare ? set_make_bare(name, listing.files, listing.count, ret_set, err)
	            : set_make(name, listing.files, listing.count, listing.sum, ret_set, err);
}

enum hf_status hf_migrations_open(UNUSED hf_context *ctx, const char *name, const char *directory,
                                  hf_migrations **ret_set, hf_error *err)
{
	return open_set(name ? name : "default", directory, false, ret_set, err);
}

enum hf_status set_open_bare(const char *name, const char *directory, hf_migrations **ret_set, hf_error *err)
{
	return open_set(name, directory, true, ret_set, err);
}

static enum hf_status write_whole(const char *path, struct hf_str text, hf_error *err)
{
	CLEANUP(fd_closep) int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return error_errno(err, HF_E_FAILED, "could not write %s", path);
	for (size_t at = 0; at < text.len;) {
		ssize_t put = write(fd, text.ptr + at, text.len - at);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return error_errno(err, HF_E_FAILED, "could not write %s", path);
		at += (size_t)put;
	}
	return fsync(fd) == 0 ? HF_OK : error_errno(err, HF_E_FAILED, "could not write %s", path);
}

static enum hf_status replace_sum(hf_arena *arena, const char *directory, struct hf_str sum, hf_error *err)
{
	const char *path = arena_printf(arena, "%s/migrations.sum", directory).ptr;
	const char *next = arena_printf(arena, "%s/.migrations.sum.new", directory).ptr;
	if (!path || !next || !sum.ptr)
		return error_nomem(err);
	enum hf_status status = write_whole(next, sum, err);
	if (status == HF_OK && rename(next, path) != 0)
		status = error_errno(err, HF_E_FAILED, "could not write %s", path);
	if (status != HF_OK)
		unlink(next);
	return status;
}

enum hf_status hf_migrations_write_sum(UNUSED hf_context *ctx, const char *directory, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(SET_BYTES_MAX);
	CLEANUP(migrations_freep) hf_migrations *set = NULL;
	if (!arena)
		return error_nomem(err);
	struct listing listing = {.arena = arena, .directory = directory, .fd = -1};
	enum hf_status status = list_files(&listing, err);
	if (status == HF_OK)
		status = set_make("default", listing.files, listing.count, (struct hf_str){NULL, 0}, &set, err);
	return status == HF_OK ? replace_sum(arena, directory, hf_migrations_sum(set, arena), err) : status;
}

static const struct embedded_set *find_embedded(struct hf_str name, hf_error *err)
{
	char known[512] = "";
	for (size_t i = 0; i < embedded_sets_count; i++) {
		const struct embedded_set *set = &embedded_sets[i];
		if (str_eq(name, hf_str_of(set->name)))
			return set;
		size_t used = strlen(known);
		snprintf(known + used, sizeof(known) - used, "%s%s", i ? ", " : "", set->name);
	}
	error_set(err, HF_NOT_FOUND, "no migration set \"%.*s\" is built in", STR_ARG(name));
	error_hint(err, "built in: %s; for files of your own give the directory", known);
	return NULL;
}

static enum hf_status make_embedded(struct hf_str name, const struct names *names, hf_migrations **ret_set,
                                    hf_error *err)
{
	const struct embedded_set *set = find_embedded(name, err);
	return set ? set_make_instance(set->name, set->files, set->count, names, ret_set, err) : HF_NOT_FOUND;
}

enum hf_status hf_migrations_embedded(UNUSED hf_context *ctx, const char *name, hf_migrations **ret_set, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_str rest = hf_str_of(name), base;
	struct names names = {0};
	if (!arena)
		return error_nomem(err);
	(void)str_split(&rest, ':', &base);
	enum hf_status status = rest.ptr ? names_parse(rest, arena, &names, err) : HF_OK;
	return status == HF_OK ? make_embedded(base, &names, ret_set, err) : status;
}

enum hf_status hf_migrations_instance(UNUSED hf_context *ctx, const char *name, const struct hf_str *names,
                                      size_t count, hf_migrations **ret_set, hf_error *err)
{
	struct names chosen = {.count = count, .chosen = true};
	if (count > NAMES_MAX)
		return error_set(err, HF_E_USAGE, "%zu names, no set has more than %d", count, NAMES_MAX);
	for (size_t i = 0; i < count; i++)
		chosen.values[i] = names[i];
	return make_embedded(hf_str_of(name), &chosen, ret_set, err);
}

const char *hf_migrations_embedded_name(size_t index)
{
	return index < embedded_sets_count ? embedded_sets[index].name : NULL;
}
