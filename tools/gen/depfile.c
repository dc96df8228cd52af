/*
 * depfile.c - writing the rule.
 */
#include "gen/depfile.h"

void depfile_init(struct depfile *deps, hf_arena *arena)
{
	*deps = (struct depfile){.arena = arena};
}

static void add(struct depfile *deps, const char *path)
{
	deps->paths = mem_grow(deps->arena, deps->paths, deps->count, sizeof(*deps->paths));
	deps->paths[deps->count++] = path;
}

static void add_folder(struct depfile *deps, const char *dir, const char *ending)
{
	const char **names;
	size_t count;
	if (folder_list(deps->arena, dir, ending, &names, &count, NULL) != HF_OK)
		return;
	add(deps, dir);
	for (size_t i = 0; i < count; i++)
		add(deps, mem_printf(deps->arena, "%s/%s", dir, names[i]));
}

void depfile_add_group(struct depfile *deps, const struct group *group)
{
	add_folder(deps, group->queries_dir, ".sql");
	add_folder(deps, group->meta_dir, ".json");
	add_folder(deps, group->migrations_dir, ".sql");
}

static void add_path(struct buf *out, const char *path)
{
	for (; *path; path++) {
		if (*path == ' ' || *path == '#' || *path == '\\')
			buf_add_char(out, '\\');
		if (*path == '$')
			buf_add_char(out, '$');
		buf_add_char(out, *path);
	}
}

enum hf_status depfile_write(const struct depfile *deps, const char *path, const char *target, hf_error *err)
{
	struct buf out;
	buf_init(&out, (size_t)64 << 20);
	add_path(&out, target);
	buf_add_char(&out, ':');
	for (size_t i = 0; i < deps->count; i++) {
		buf_add_text(&out, " \\\n ");
		add_path(&out, deps->paths[i]);
	}
	buf_add_char(&out, '\n');
	mem_check(&out);
	enum hf_status status = file_write(path, buf_str(&out), err);
	buf_deinit(&out);
	return status;
}
