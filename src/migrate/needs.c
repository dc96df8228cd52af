/*
 * needs.c - see needs.h. The ledger tells who stands on whom: the files of the other sets need not be there.
 */
#include "migrate/needs.h"

#include "base/error.h"
#include "base/str.h"
#include "holdfast/sql.h"
#include "migrate/plan.h"
#include "migrate/version.h"

bool needs_parse(struct hf_str text, struct needs *ret_needs)
{
	struct needs needs = {.version = text};
	char name[64];
	if (!str_split(&needs.version, ':', &needs.set) || !needs.version.ptr || needs.set.len >= sizeof(name))
		return false;
	snprintf(name, sizeof(name), "%.*s", STR_ARG(needs.set));
	if (!set_name_is_valid(name) || !version_parse(needs.version, &needs.number) || needs.number == 0)
		return false;
	*ret_needs = needs;
	return true;
}

enum hf_status needs_refuse_up(struct migrator *migrator, const struct hf_migration *migration, hf_error *err)
{
	struct needs needs;
	struct ledger_rows rows = {0};
	if (!needs_parse(hf_str_of(migration->needs), &needs))
		return HF_OK;
	const char *set = hf_arena_str(migrator->arena, needs.set).ptr;
	const char *version = hf_arena_str(migrator->arena, needs.version).ptr;
	if (!set || !version)
		return error_nomem(err);
	enum hf_status status = ledger_read(migrator_on(migrator), set, migrator->arena, &rows, err);
	const struct ledger_row *row = status == HF_OK ? ledger_find(&rows, version) : NULL;
	if (status != HF_OK || (row && plan_row_is_applied(row)))
		return status;
	error_set(err, HF_REJECTED, "%s needs migration %s of set \"%s\", which is not applied", migration->file,
	          version, set);
	error_hint(err, "apply it first, or adopt a database that has it already: holdfast migrate up, or holdfast "
	                "migrate baseline");
	return HF_REJECTED;
}

struct search {
	struct migrator *migrator;
	const struct ledger_row *row;
	char found[160]; /* "migration 0001 of set \"x\"" */
	char set[64];
};

static enum hf_status see_needing(void *user, const struct hf_sql_row *row, UNUSED hf_error *err)
{
	struct search *search = user;
	struct needs needs;
	if (search->found[0] || !needs_parse(row->values[2].as.s, &needs) || needs.number != search->row->number)
		return HF_OK;
	snprintf(search->set, sizeof(search->set), "%.*s", STR_ARG(row->values[0].as.s));
	snprintf(search->found, sizeof(search->found), "migration %.*s of set \"%s\"", STR_ARG(row->values[1].as.s),
	         search->set);
	return HF_OK;
}

enum hf_status needs_refuse_down(struct migrator *migrator, const struct ledger_row *row, hf_error *err)
{
	struct search search = {.migrator = migrator, .row = row};
	struct hf_value set = hf_text(hf_str_of(migrator->set->name));
	enum hf_status status = hf_sql_each(migrator_on(migrator),
	                                    HF_STR("SELECT m.set_name, m.version, m.needs FROM holdfast.migration AS m"
	                                           " WHERE split_part(m.needs, ':', 1) = $1 AND m.state <> 'reverted'"
	                                           " AND (m.state IN ('applied', 'accepted') OR NOT m.tx"
	                                           " OR m.direction = 'down') ORDER BY 1, 2"),
	                                    &set, 1, see_needing, &search, err);
	if (status != HF_OK || !search.found[0])
		return status;
	error_set(err, HF_REJECTED, "migration %s (%s) stays: %s needs it", row->version, row->name, search.found);
	error_hint(err, "revert that one first: holdfast migrate down --set %s", search.set);
	return HF_REJECTED;
}
