/*
 * set.c - from files to an ordered, chained set. Knows nothing of directories or servers.
 */
#include "migrate/set.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "migrate/file.h"

bool set_name_is_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");
	return n > 0 && n < 64 && name[n] == '\0';
}

void hf_migrations_free(hf_migrations *set)
{
	if (!set)
		return;
	hf_arena_free(set->arena);
	free(set);
}

static int by_version(const void *left, const void *right)
{
	const struct hf_migration *a = left, *b = right;
	if (a->kind != b->kind)
		return a->kind == HF_MIGRATION_VERSIONED ? -1 : 1;
	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return strcmp(a->file, b->file);
}

static enum hf_status refuse_duplicates(const hf_migrations *set, hf_error *err)
{
	for (size_t i = 1; i < set->nversioned; i++)
		if (set->migrations[i].number == set->migrations[i - 1].number)
			return error_set(err, HF_E_INPUT, "version %s occurs twice: %s and %s",
			                 set->migrations[i].version, set->migrations[i - 1].file,
			                 set->migrations[i].file);
	return HF_OK;
}

/* ---- the order of repeatable ones: after what they depend on, else by name ---- */

static bool names_contain(struct hf_str names, const char *name)
{
	struct hf_str piece;
	while (str_split(&names, ',', &piece))
		if (str_eq(piece, hf_str_of(name)))
			return true;
	return false;
}

struct repeatables {
	struct hf_migration *items; /* sorted by name */
	struct hf_str *depends;     /* of each */
	size_t count;
};

static enum hf_status check_names(const struct repeatables *all, hf_error *err)
{
	for (size_t i = 0; i < all->count; i++) {
		struct hf_str names = all->depends[i], piece;
		while (names.len > 0 && str_split(&names, ',', &piece)) {
			bool known = false;
			for (size_t j = 0; j < all->count; j++)
				known = known || str_eq(piece, hf_str_of(all->items[j].name));
			if (!known)
				return error_set(err, HF_E_INPUT, "%s depends on \"%.*s\", which is not in the set",
				                 all->items[i].file, STR_ARG(piece));
		}
	}
	return HF_OK;
}

/* True when nothing that `item` depends on still waits in [from, count). */
static bool is_free(const struct repeatables *all, size_t item, size_t from)
{
	for (size_t j = from; j < all->count; j++)
		if (names_contain(all->depends[item], all->items[j].name))
			return false;
	return true;
}

static void move_to(struct repeatables *all, size_t from, size_t to)
{
	struct hf_migration item = all->items[from];
	struct hf_str depends = all->depends[from];
	memmove(&all->items[to + 1], &all->items[to], (from - to) * sizeof(item));
	memmove(&all->depends[to + 1], &all->depends[to], (from - to) * sizeof(depends));
	all->items[to] = item;
	all->depends[to] = depends;
}

static enum hf_status order_repeatables(struct repeatables *all, hf_error *err)
{
	enum hf_status status = check_names(all, err);
	if (status != HF_OK)
		return status;
	for (size_t done = 0; done < all->count; done++) {
		size_t next = done;
		while (next < all->count && !is_free(all, next, done))
			next++;
		if (next == all->count)
			return error_set(err, HF_E_INPUT, "%s depends on itself through others", all->items[done].file);
		move_to(all, next, done);
	}
	return HF_OK;
}

/* ---- chain and sum ---- */

static bool fill_chain(hf_migrations *set, struct hf_str instance)
{
	uint8_t chain[HF_MIGRATION_DIGEST_BYTES] = {0};
	if (instance.len && !digest_of(&instance, 1, chain))
		return false;
	for (size_t i = 0; i < set->count; i++) {
		struct hf_migration *item = &set->migrations[i];
		struct hf_str pieces[] = {{(const char *)chain, sizeof(chain)},
		                          {(const char *)item->checksum, sizeof(item->checksum)},
		                          hf_str_of(item->file)};
		if (!digest_of(pieces, ARRAY_LEN(pieces), item->chain))
			return false;
		memcpy(chain, item->chain, sizeof(chain));
	}
	digest_hex(chain, set->chain);
	return true;
}

struct hf_str hf_migrations_sum(const hf_migrations *set, hf_arena *arena)
{
	struct buf text;
	buf_init(&text, SET_BYTES_MAX);
	for (size_t i = 0; i < set->count; i++) {
		char hex[2 * HF_MIGRATION_DIGEST_BYTES + 1];
		digest_hex(set->migrations[i].chain, hex);
		buf_printf(&text, "%s  %s\n", hex, set->migrations[i].file);
	}
	struct hf_str copy = buf_ok(&text) ? hf_arena_str(arena, buf_str(&text)) : (struct hf_str){NULL, 0};
	buf_deinit(&text);
	return copy;
}

static enum hf_status check_sum(const hf_migrations *set, struct hf_str sum, hf_error *err)
{
	CLEANUP(arena_freep) hf_arena *arena = hf_arena_new(SET_BYTES_MAX);
	struct hf_str own = arena ? hf_migrations_sum(set, arena) : (struct hf_str){NULL, 0};
	struct hf_str have, want;
	if (!own.ptr)
		return error_nomem(err);
	while (str_split(&own, '\n', &want)) {
		if (!str_split(&sum, '\n', &have))
			have = HF_STR("");
		have = str_trim(have);
		if (str_eq(have, want))
			continue;
		struct hf_str first = want.len > 66 ? want : have;
		struct hf_str file = HF_STR("its end");
		if (first.len > 66)
			file = (struct hf_str){first.ptr + 66, first.len - 66};
		error_set(err, HF_E_CORRUPT, "migrations.sum does not match the files, from %.*s on", STR_ARG(file));
		error_hint(err, "a file was edited, added or removed, or two branches were merged; look at it, "
		                "then write the sum anew: holdfast migrate lint --write-sum");
		return HF_E_CORRUPT;
	}
	return HF_OK;
}

/* ---- making ---- */

static enum hf_status parse_file(hf_migrations *set, const struct set_file *file, bool bare, struct names *names,
                                 struct hf_str *ret_depends, hf_error *err)
{
	struct version_file parts;
	if (!version_of_file(hf_str_of(file->file), &parts)) {
		error_set(err, HF_E_INPUT, "%s is not the name of a migration", file->file);
		error_hint(err, "VERSION_name.sql with an integer above 0 or a UTC time (20260314T101500) as "
		                "version, or R__name.sql");
		return HF_E_INPUT;
	}
	return file_parse(&parts, file->file, file->content, bare, names, set->arena, &set->migrations[set->count],
	                  ret_depends, err);
}

/* The repeatables' depends in the order that by_version() gives them: found again by file name after the sort. */
static enum hf_status order_set(hf_migrations *set, const struct set_file *files, struct hf_str *depends, hf_error *err)
{
	qsort(set->migrations, set->count, sizeof(*set->migrations), by_version);
	while (set->nversioned < set->count && set->migrations[set->nversioned].kind == HF_MIGRATION_VERSIONED)
		set->nversioned++;
	enum hf_status status = refuse_duplicates(set, err);
	if (status != HF_OK)
		return status;
	struct repeatables all = {set->migrations + set->nversioned, NULL, set->count - set->nversioned};
	all.depends = hf_arena_calloc(set->arena, all.count, sizeof(*all.depends));
	if (!all.depends)
		return error_nomem(err);
	for (size_t i = 0; i < all.count; i++)
		for (size_t j = 0; j < set->count; j++)
			if (strcmp(all.items[i].file, files[j].file) == 0)
				all.depends[i] = depends[j];
	return order_repeatables(&all, err);
}

/* `names` as every file gets them; those of the first one afterwards. */
static enum hf_status fill_set(hf_migrations *set, const struct set_file *files, size_t count, bool bare,
                               struct names *names, hf_error *err)
{
	const struct names given = *names;
	struct hf_str *depends = hf_arena_calloc(set->arena, count, sizeof(*depends));
	set->migrations = hf_arena_calloc(set->arena, count, sizeof(*set->migrations));
	if (!depends || !set->migrations)
		return error_nomem(err);
	for (; set->count < count; set->count++) {
		struct names own = given;
		enum hf_status status = parse_file(set, &files[set->count], bare, &own, &depends[set->count], err);
		if (status != HF_OK)
			return status;
		*names = set->count ? *names : own;
	}
	return order_set(set, files, depends, err);
}

/* What is made of the files, and how. */
struct making {
	const char *name;
	struct hf_str sum; /* ptr NULL: none */
	bool bare;
	bool instance; /* named after the names in it */
	struct names names;
};

static enum hf_status fill(hf_migrations *set, const struct set_file *files, size_t count, struct making *making,
                           hf_error *err)
{
	enum hf_status status = fill_set(set, files, count, making->bare, &making->names, err);
	bool named = making->instance && making->names.count > 0;
	set->name = making->name;
	if (status == HF_OK && named)
		status = names_instance(making->name, &making->names, set->arena, &set->name, err);
	else if (status == HF_OK)
		set->name = hf_arena_str(set->arena, hf_str_of(making->name)).ptr;
	if (status == HF_OK && (!set->name || !fill_chain(set, hf_str_of(named ? set->name : ""))))
		status = error_nomem(err);
	if (status == HF_OK && making->sum.ptr)
		status = check_sum(set, making->sum, err);
	return status;
}

static enum hf_status make(struct making *making, const struct set_file *files, size_t count, hf_migrations **ret_set,
                           hf_error *err)
{
	if (!set_name_is_valid(making->name))
		return error_set(err, HF_E_USAGE, "\"%s\" is not a name for a set: a-z, 0-9, '_' and '-'",
		                 making->name);
	if (count > SET_FILES_MAX)
		return error_set(err, HF_E_LIMIT, "more than %d migrations", SET_FILES_MAX);
	CLEANUP(migrations_freep) hf_migrations *set = calloc(1, sizeof(*set));
	if (!set || !(set->arena = hf_arena_new(SET_BYTES_MAX)))
		return error_nomem(err);
	enum hf_status status = fill(set, files, count, making, err);
	if (status == HF_OK)
		*ret_set = migrations_take(&set);
	return status;
}

enum hf_status set_make(const char *name, const struct set_file *files, size_t count, struct hf_str sum,
                        hf_migrations **ret_set, hf_error *err)
{
	return make(&(struct making){.name = name, .sum = sum}, files, count, ret_set, err);
}

enum hf_status set_make_bare(const char *name, const struct set_file *files, size_t count, hf_migrations **ret_set,
                             hf_error *err)
{
	return make(&(struct making){.name = name, .bare = true}, files, count, ret_set, err);
}

enum hf_status set_make_instance(const char *name, const struct set_file *files, size_t count,
                                 const struct names *names, hf_migrations **ret_set, hf_error *err)
{
	return make(&(struct making){.name = name, .instance = true, .names = *names}, files, count, ret_set, err);
}

/* ---- looking ---- */

const char *hf_migrations_name(const hf_migrations *set)
{
	return set->name;
}

size_t hf_migrations_count(const hf_migrations *set)
{
	return set->count;
}

const struct hf_migration *hf_migrations_get(const hf_migrations *set, size_t index)
{
	return index < set->count ? &set->migrations[index] : NULL;
}

const struct hf_migration *hf_migrations_find(const hf_migrations *set, const char *version)
{
	uint64_t number = 0;
	bool numeric = version_parse(hf_str_of(version), &number);
	for (size_t i = 0; i < set->count; i++) {
		const struct hf_migration *item = &set->migrations[i];
		bool found = numeric ? item->kind == HF_MIGRATION_VERSIONED && item->number == number
		                     : strcmp(item->version, version) == 0;
		if (found)
			return item;
	}
	return NULL;
}

const char *hf_migrations_chain(const hf_migrations *set)
{
	return set->chain;
}
