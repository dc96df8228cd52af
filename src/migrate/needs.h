/*
 * needs.h - sets that stand on other sets: a file that says needs=SET:VERSION runs only on that version, and that
 * version is not reverted while it is applied.
 */
#ifndef MIGRATE_NEEDS_H
#define MIGRATE_NEEDS_H

#include "migrate/migrator.h"

struct needs {
	struct hf_str set;
	struct hf_str version;
	uint64_t number;
};
/** "SET:VERSION"; the views point into `text`. False for anything else. */
bool needs_parse(struct hf_str text, struct needs *ret_needs);
/** HF_REJECTED when what the migration needs is not applied. One round trip where it needs something, else none. */
enum hf_status needs_refuse_up(struct migrator *migrator, const struct hf_migration *migration, hf_error *err);
/** HF_REJECTED when an applied migration of any set needs this one of the migrator's own. One round trip. */
enum hf_status needs_refuse_down(struct migrator *migrator, const struct ledger_row *row, hf_error *err);

#endif
