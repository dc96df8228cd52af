/*
 * fetch.c - see holdfast/archive.h: apt with lists of its own, or curl and gpgv.
 */
#include "holdfast/archive.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "janitor/download.h"
#include "janitor/program.h"

enum { RELEASE_MAX = 16 << 20, INDEX_MAX = 512 << 20, OUTPUT_MAX = 1 << 20 };
enum { PATH_SIZE = sizeof(((struct hf_archive_index *)0)->path) };

#define DEBIAN_KEYRING "/usr/share/keyrings/debian-archive-keyring.gpg"

/* The last line of a program's output, for messages. */
static struct hf_str last_line(const struct buf *output)
{
	struct hf_str text = str_trim(buf_str(output));
	const char *newline = text.len ? memrchr(text.ptr, '\n', text.len) : NULL;
	return newline ? (struct hf_str){newline + 1, text.len - (size_t)(newline + 1 - text.ptr)} : text;
}

static enum hf_status join(char *ret_path, const char *folder, const char *name, hf_error *err)
{
	int n = snprintf(ret_path, PATH_SIZE, "%s/%s", folder, name);
	return n > 0 && n < PATH_SIZE ? HF_OK : error_set(err, HF_E_LIMIT, "the path %s/%s is too long", folder, name);
}

static enum hf_status measure(struct hf_archive_index *index, hf_error *err)
{
	struct stat info;
	if (stat(index->path, &info) != 0)
		return error_errno(err, HF_E_FAILED, "could not look at %s", index->path);
	index->bytes = info.st_size;
	return HF_OK;
}

/* ---- the machine's mirror ---- */

/* The site of the first entry that apt itself would use for Debian's main archive, as apt tells it. */
static enum hf_status find_mirror(hf_context *ctx, hf_deadline deadline, hf_arena *arena, struct hf_str *ret_mirror,
                                  hf_error *err)
{
	const char *const argv[] = {"apt-get",
	                            "indextargets",
	                            "--format",
	                            "$(REPO_URI) $(SITE) $(ORIGIN) $(COMPONENT)",
	                            "Created-By: Packages",
	                            NULL};
	CLEANUP(buf_deinit) struct buf output;
	int code;
	buf_init(&output, OUTPUT_MAX);
	enum hf_status status = program_run(ctx, argv, deadline, &output, &code, err);
	if (status != HF_OK)
		return status;
	struct hf_str rest = buf_str(&output), line, uri;
	while (code == 0 && str_split(&rest, '\n', &line)) {
		struct hf_str words = line;
		bool debian = str_find_str(line, HF_STR(" Debian main")) >= 0;
		if (!str_split(&words, ' ', &uri) || str_find_str(uri, HF_STR("security")) >= 0)
			continue;
		if (!debian && str_find_str(uri, HF_STR("/debian")) < 0)
			continue;
		*ret_mirror = hf_arena_str(arena, uri);
		return ret_mirror->ptr ? HF_OK : error_nomem(err);
	}
	error_set(err, HF_NOT_FOUND, "apt has no mirror of Debian configured");
	error_hint(err, "name an index instead: --sources FILE or --sources URL");
	return HF_NOT_FOUND;
}

static enum hf_status write_source_list(const char *path, struct hf_str mirror, const char *suite, hf_error *err)
{
	FILE *file = fopen(path, "we");
	if (!file)
		return error_errno(err, HF_E_FAILED, "could not write %s", path);
	fprintf(file, "deb-src [signed-by=" DEBIAN_KEYRING "] %.*s %s main\n", STR_ARG(mirror), suite);
	if (fclose(file) != 0)
		return error_errno(err, HF_E_FAILED, "could not write %s", path);
	return HF_OK;
}

/* apt makes these only as root. */
static enum hf_status make_folders(const char *folder, hf_error *err)
{
	static const char *const names[] = {"lists", "lists/partial", "cache", "cache/archives",
	                                    "cache/archives/partial"};
	char path[PATH_SIZE];
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		enum hf_status status = join(path, folder, names[i], err);
		if (status != HF_OK)
			return status;
		if (mkdir(path, 0700) != 0 && errno != EEXIST)
			return error_errno(err, HF_E_FAILED, "could not make the folder %s", path);
	}
	return HF_OK;
}

static enum hf_status apt_update(hf_context *ctx, hf_arena *arena, const char *folder, const char *list,
                                 hf_deadline deadline, hf_error *err)
{
	struct hf_str lists = arena_printf(arena, "Dir::State::lists=%s/lists", folder);
	struct hf_str cache = arena_printf(arena, "Dir::Cache=%s/cache", folder);
	struct hf_str source = arena_printf(arena, "Dir::Etc::sourcelist=%s", list);
	const char *const argv[] = {"apt-get",
	                            "update",
	                            "-q",
	                            "-o",
	                            source.ptr,
	                            "-o",
	                            "Dir::Etc::sourceparts=/dev/null",
	                            "-o",
	                            lists.ptr,
	                            "-o",
	                            cache.ptr,
	                            "-o",
	                            "Acquire::GzipIndexes=false",
	                            "-o",
	                            "Acquire::Languages=none",
	                            "-o",
	                            "APT::Update::Error-Mode=any",
	                            "-o",
	                            "APT::Sandbox::User=",
	                            "-o",
	                            "APT::Update::Post-Invoke-Success::=",
	                            "-o",
	                            "Acquire::Retries=1",
	                            "-o",
	                            "Acquire::http::Timeout=10",
	                            NULL};
	CLEANUP(buf_deinit) struct buf output;
	int code;
	buf_init(&output, OUTPUT_MAX);
	if (!lists.ptr || !cache.ptr || !source.ptr)
		return error_nomem(err);
	enum hf_status status = program_run(ctx, argv, deadline, &output, &code, err);
	if (status != HF_OK || code == 0)
		return status;
	struct hf_str why = last_line(&output);
	bool signature = str_find_str(buf_str(&output), HF_STR("NO_PUBKEY")) >= 0 ||
	                 str_find_str(buf_str(&output), HF_STR("BADSIG")) >= 0 ||
	                 str_find_str(buf_str(&output), HF_STR("not signed")) >= 0;
	return error_set(err, signature ? HF_E_CORRUPT : HF_E_UNAVAILABLE, "apt could not fetch the index: %.*s",
	                 (int)(why.len > 300 ? 300 : why.len), why.ptr);
}

static enum hf_status find_index(const char *lists, struct hf_archive_index *index, hf_error *err)
{
	DIR *folder = opendir(lists);
	enum hf_status status = HF_NOT_FOUND;
	if (!folder)
		return error_errno(err, HF_E_FAILED, "could not read %s", lists);
	for (struct dirent *entry = readdir(folder); entry; entry = readdir(folder)) {
		if (!str_ends(hf_str_of(entry->d_name), HF_STR("_source_Sources")))
			continue;
		status = join(index->path, lists, entry->d_name, err);
		break;
	}
	closedir(folder);
	return status == HF_NOT_FOUND ? error_set(err, status, "apt fetched no index of sources") : status;
}

static bool suite_is_plain(const char *suite)
{
	size_t n = strspn(suite, "abcdefghijklmnopqrstuvwxyz0123456789-");
	return n > 0 && n < 64 && suite[n] == '\0';
}

enum hf_status hf_archive_fetch_apt(hf_context *ctx, const char *suite, const char *folder, hf_deadline deadline,
                                    struct hf_archive_index *ret_index, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_archive_index index = {0};
	char list[PATH_SIZE], lists[PATH_SIZE];
	struct hf_str mirror;
	if (!arena)
		return error_nomem(err);
	if (!suite_is_plain(suite))
		return error_set(err, HF_E_INPUT, "\"%.60s\" is no name of a suite", suite);
	enum hf_status status = join(list, folder, "sources.list", err);
	if (status == HF_OK)
		status = join(lists, folder, "lists", err);
	if (status == HF_OK)
		status = make_folders(folder, err);
	if (status == HF_OK)
		status = find_mirror(ctx, deadline, arena, &mirror, err);
	if (status == HF_OK)
		status = write_source_list(list, mirror, suite, err);
	if (status == HF_OK)
		status = apt_update(ctx, arena, folder, list, deadline, err);
	if (status == HF_OK)
		status = find_index(lists, &index, err);
	if (status == HF_OK)
		status = measure(&index, err);
	if (status == HF_OK)
		*ret_index = index;
	return status;
}

/* ---- by URL ---- */

/* ".../dists/bookworm/main/source/Sources.xz" -> URL of InRelease, and what InRelease calls the index. */
static enum hf_status split_url(const char *url, hf_arena *arena, struct hf_str *ret_release, struct hf_str *ret_name,
                                hf_error *err)
{
	struct hf_str whole = hf_str_of(url);
	ptrdiff_t dists = str_find_str(whole, HF_STR("/dists/"));
	struct hf_str rest = {url, 0};
	ptrdiff_t slash = -1;
	if (dists >= 0) {
		rest = (struct hf_str){url + dists + 7, whole.len - (size_t)dists - 7};
		slash = str_find(rest, '/');
	}
	if (slash <= 0 || !(str_starts(whole, HF_STR("http://")) || str_starts(whole, HF_STR("https://")))) {
		error_set(err, HF_E_INPUT, "the URL of an index must be http(s)://.../dists/SUITE/...");
		error_hint(err, "without its InRelease no signature can be checked; download it and name the file");
		return HF_E_INPUT;
	}
	size_t base = (size_t)(rest.ptr - url) + (size_t)slash + 1;
	*ret_release = arena_printf(arena, "%.*sInRelease", (int)base, url);
	*ret_name = (struct hf_str){url + base, whole.len - base};
	return ret_release->ptr ? HF_OK : error_nomem(err);
}

static enum hf_status check_signature(hf_context *ctx, const char *keyring, const char *signed_file,
                                      const char *content, hf_deadline deadline, hf_error *err)
{
	const char *const argv[] = {"gpgv", "--keyring", keyring, "--output", content, signed_file, NULL};
	CLEANUP(buf_deinit) struct buf output;
	int code;
	buf_init(&output, OUTPUT_MAX);
	unlink(content);
	if (access(keyring, R_OK) != 0) {
		error_errno(err, HF_E_NO_PACKAGE, "could not read the keyring %s", keyring);
		error_hint(err, "apt install debian-archive-keyring");
		return HF_E_NO_PACKAGE;
	}
	enum hf_status status = program_run(ctx, argv, deadline, &output, &code, err);
	if (status != HF_OK || code == 0)
		return status;
	struct hf_str why = last_line(&output);
	error_set(err, HF_E_CORRUPT, "the signature of InRelease is not good: %.*s",
	          (int)(why.len > 200 ? 200 : why.len), why.ptr);
	error_hint(err, "do not use this mirror");
	return HF_E_CORRUPT;
}

enum hf_status hf_archive_fetch_url(hf_context *ctx, const char *url, const char *keyring, const char *folder,
                                    hf_deadline deadline, struct hf_archive_index *ret_index, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(0);
	struct hf_archive_index index = {0};
	char in_release[PATH_SIZE], content[PATH_SIZE];
	struct hf_str release, name;
	if (!arena)
		return error_nomem(err);
	enum hf_status status = split_url(url, arena, &release, &name, err);
	if (status == HF_OK)
		status = join(in_release, folder, "InRelease", err);
	if (status == HF_OK)
		status = join(content, folder, "Release", err);
	if (status == HF_OK)
		status = join(index.path, folder, "Sources", err);
	if (status == HF_OK)
		status = download(ctx, release.ptr, in_release, RELEASE_MAX, deadline, err);
	if (status == HF_OK)
		status = check_signature(ctx, keyring ? keyring : DEBIAN_KEYRING, in_release, content, deadline, err);
	if (status == HF_OK)
		status = download(ctx, url, index.path, INDEX_MAX, deadline, err);
	if (status == HF_OK)
		status = release_check(content, name, index.path, err);
	if (status == HF_OK)
		status = measure(&index, err);
	if (status == HF_OK)
		*ret_index = index;
	return status;
}
