/*
 * sources.c - see sources.h. Fetched files live in a private folder below TMPDIR until the command ends.
 */
#include "cli/sources.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "holdfast/archive.h"

enum { FETCH_TIMEOUT_MS = 120000 };

static enum hf_status make_folder(struct cli *cli, struct sources *sources, hf_error *err)
{
	const char *parent = getenv("TMPDIR");
	struct hf_str pattern =
		arena_printf(cli->arena, "%s/hf-sources-XXXXXX", parent && parent[0] == '/' ? parent : "/tmp");
	if (!pattern.ptr)
		return error_nomem(err);
	char *folder = strdup(pattern.ptr);
	if (!folder)
		return error_nomem(err);
	if (mkdtemp(folder)) {
		sources->folder = folder;
		return HF_OK;
	}
	free(folder);
	return error_errno(err, HF_E_FAILED, "could not make a folder for the download (%s)", pattern.ptr);
}

static bool is_url(const char *text)
{
	return strncmp(text, "http://", 7) == 0 || strncmp(text, "https://", 8) == 0;
}

static enum hf_status fetch(struct cli *cli, const char *url, struct sources *sources, hf_error *err)
{
	struct hf_archive_index index;
	const char *suite = cli_text(cli, "suite");
	hf_deadline deadline = cli->deadline ? cli->deadline : hf_deadline_in(cli->ctx, FETCH_TIMEOUT_MS);
	enum hf_status status = make_folder(cli, sources, err);
	if (status != HF_OK)
		return status;
	if (url)
		status = hf_archive_fetch_url(cli->ctx, url, getenv("HOLDFAST_KEYRING"), sources->folder, deadline,
		                              &index, err);
	else
		status = hf_archive_fetch_apt(cli->ctx, suite ? suite : "bookworm", sources->folder, deadline, &index,
		                              err);
	if (status != HF_OK)
		return status;
	sources->path = hf_arena_str(cli->arena, hf_str_of(index.path)).ptr;
	sources->fetched = true;
	sources->bytes = index.bytes;
	return sources->path ? HF_OK : error_nomem(err);
}

enum hf_status sources_find(struct cli *cli, struct sources *ret_sources, hf_error *err)
{
	const char *named = cli_text(cli, "sources");
	if (named && cli_given(cli, "suite"))
		return error_set(err, HF_E_USAGE, "--sources and --suite exclude each other");
	if (named && !named[0])
		return error_set(err, HF_E_USAGE, "--sources is empty: name a file or a URL");
	if (!named || is_url(named))
		return fetch(cli, named, ret_sources, err);
	ret_sources->path = named;
	return HF_OK;
}

static int remove_entry(const char *path, UNUSED const struct stat *info, UNUSED int kind, UNUSED struct FTW *walk)
{
	return remove(path);
}

void sources_release(struct sources *sources)
{
	if (!sources->folder)
		return;
	nftw(sources->folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(sources->folder);
	sources->folder = NULL;
}
