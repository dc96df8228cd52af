/*
 * verb_init.c - holdfast-gen init: a small project that works, to begin from. Nothing that is there is overwritten: one
 * file in the way, and none is written.
 */
#include <getopt.h>
#include <unistd.h>

#include "base/error.h"
#include "base/json.h"
#include "gen/group.h"
#include "gen/mem.h"
#include "gen/skeleton.h"
#include "gen/verb.h"

static const char usage[] = "usage: holdfast-gen init [--build make|cmake|meson] [-o DIR] [--json]\n";

struct project {
	hf_arena *arena;
	const char *system, *dir;
	bool json;
};

static bool is_wanted(const struct project *project, const struct skeleton_file *file)
{
	return strcmp(file->system, project->system) == 0;
}

static const char *path_of(const struct project *project, const struct skeleton_file *file)
{
	return project->dir ? mem_printf(project->arena, "%s/%s", project->dir, file->name) : file->name;
}

static enum hf_status check_free(const struct project *project, hf_error *err)
{
	bool known = false;
	for (size_t i = 0; i < skeleton_files_count; i++) {
		const char *path = path_of(project, &skeleton_files[i]);
		if (!is_wanted(project, &skeleton_files[i]))
			continue;
		known = true;
		if (access(path, F_OK) == 0)
			return error_set(err, HF_CONFLICT, "%s exists already; nothing was written", path);
	}
	if (!known)
		return error_set(err, HF_E_USAGE, "no project for \"%s\": make, cmake or meson", project->system);
	return HF_OK;
}

static enum hf_status write_file(const struct project *project, const struct skeleton_file *file, hf_error *err)
{
	const char *path = path_of(project, file), *slash = strrchr(path, '/');
	enum hf_status status = HF_OK;
	if (slash)
		status = folder_make(mem_text(project->arena, (struct hf_str){path, (size_t)(slash - path)}), err);
	return status == HF_OK ? file_write(path, file->text, err) : status;
}

static enum hf_status write_all(const struct project *project, hf_error *err)
{
	enum hf_status status = check_free(project, err);
	for (size_t i = 0; i < skeleton_files_count && status == HF_OK; i++)
		if (is_wanted(project, &skeleton_files[i]))
			status = write_file(project, &skeleton_files[i], err);
	return status;
}

static bool to_file(void *user, const char *bytes, size_t n)
{
	return fwrite(bytes, 1, n, user) == n;
}

static bool print_json(const struct project *project)
{
	struct json_writer json;
	jw_init(&json, to_file, stdout);
	jw_array_begin(&json);
	for (size_t i = 0; i < skeleton_files_count; i++)
		if (is_wanted(project, &skeleton_files[i]))
			jw_text(&json, hf_str_of(path_of(project, &skeleton_files[i])));
	jw_array_end(&json);
	return jw_finish(&json) && fputc('\n', stdout) != EOF && fflush(stdout) == 0;
}

static bool print_names(const struct project *project)
{
	for (size_t i = 0; i < skeleton_files_count; i++)
		if (is_wanted(project, &skeleton_files[i]))
			puts(path_of(project, &skeleton_files[i]));
	bool printed = fflush(stdout) == 0 && !ferror(stdout);
	fputs("next: holdfast gen, which asks a private server about the queries; then build\n", stderr);
	return printed;
}

static bool read_arguments(struct project *project, int argc, char **argv)
{
	static const struct option options[] = {{"build", required_argument, NULL, 'b'},
	                                        {"output", required_argument, NULL, 'o'},
	                                        {"json", no_argument, NULL, 'j'},
	                                        {NULL, 0, NULL, 0}};
	for (int option; (option = getopt_long(argc, argv, "o:", options, NULL)) != -1;) {
		if (option == 'b')
			project->system = optarg;
		else if (option == 'o')
			project->dir = optarg;
		else if (option == 'j')
			project->json = true;
		else
			return false;
	}
	return optind == argc;
}

int verb_init(hf_context *ctx, hf_arena *arena, int argc, char **argv)
{
	struct project project = {.arena = arena, .system = "make"};
	hf_error err = HF_ERROR_INIT;
	(void)ctx;
	if (!read_arguments(&project, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	enum hf_status status = write_all(&project, &err);
	if (status != HF_OK)
		return verb_failed(status, &err);
	return project.json ? !print_json(&project) : !print_names(&project);
}
