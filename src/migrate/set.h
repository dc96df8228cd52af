/*
 * set.h - inside of hf_migrations: files sorted into the order in which they run, chained by their checksums.
 */
#ifndef MIGRATE_SET_H
#define MIGRATE_SET_H

#include "base/arena.h"
#include "holdfast/migrate.h"
#include "migrate/digest.h"
#include "migrate/names.h"

enum { SET_FILES_MAX = 100000, SET_BYTES_MAX = 512 << 20 };

struct hf_migrations {
	hf_arena *arena; /* owned; holds everything below and the object's texts */
	const char *name;
	struct hf_migration *migrations;
	size_t count;
	size_t nversioned; /* these come first */
	char chain[2 * HF_MIGRATION_DIGEST_BYTES + 1];
};

DEFINE_OWNED(migrations, hf_migrations *, hf_migrations_free)

struct set_file {
	const char *file;
	struct hf_str content;
};
/** Make a set of files, whose contents are borrowed for the call. `sum`: content of migrations.sum, or ptr NULL. */
enum hf_status set_make(const char *name, const struct set_file *files, size_t count, struct hf_str sum,
                        hf_migrations **ret_set, hf_error *err);
/** The same of files that need no line "-- up": then all before the first section is the way up. */
enum hf_status set_make_bare(const char *name, const struct set_file *files, size_t count, hf_migrations **ret_set,
                             hf_error *err);
/** An instance of a set whose files declare names: those of `names` if they are chosen, else the defaults. Its name
 *  says which ("kv:public.state_entries") and so does its chain; a set that declares none keeps `name`. */
enum hf_status set_make_instance(const char *name, const struct set_file *files, size_t count,
                                 const struct names *names, hf_migrations **ret_set, hf_error *err);
/** The set of a directory for looking at the schema that it makes, never for applying it where it matters: files need
 *  no line "-- up", files of the way down (NAME.down.sql) and migrations.sum are left alone. */
enum hf_status set_open_bare(const char *name, const char *directory, hf_migrations **ret_set, hf_error *err);
/** a-z, 0-9, '_', '-', at most 63 bytes. */
bool set_name_is_valid(const char *name);

/* The build's array of embedded sets (generated: tools/embed.py). */
struct embedded_set {
	const char *name;
	const struct set_file *files;
	size_t count;
};
extern const struct embedded_set embedded_sets[];
extern const size_t embedded_sets_count;

#endif
