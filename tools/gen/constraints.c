/*
 * constraints.c - asking for constraints, and naming them.
 */
#include "gen/constraints.h"

/* clang-format off */
#define PLAIN(x) "CASE WHEN " x " ~ '^[a-z_][a-z0-9_]*$' THEN " x "::text" \
	" ELSE '\"' || replace(" x "::text, '\"', '\"\"') || '\"' END"
static const char constraints_sql[] =
	"WITH RECURSIVE touched (oid) AS ("
	" SELECT c.oid FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,"
	" LATERAL (SELECT " PLAIN("n.nspname") " || '.' || " PLAIN("c.relname") " AS name) AS full_name"
	" WHERE c.relkind IN ('r', 'p') AND EXISTS (SELECT FROM unnest(string_to_array($1::text, E'\\n'))"
	" AS i (item) WHERE item = full_name.name OR starts_with(item, full_name.name || '.'))"
	" UNION SELECT s.oid FROM touched t, LATERAL ("
	"  SELECT h.inhrelid AS oid FROM pg_catalog.pg_inherits h WHERE h.inhparent = t.oid"
	"  UNION ALL SELECT k.conrelid FROM pg_catalog.pg_constraint k WHERE k.contype = 'f' AND k.confrelid = t.oid"
	"  AND (k.confdeltype IN ('c', 'n', 'd') OR k.confupdtype IN ('c', 'n', 'd'))) AS s),"
	" found AS ("
	" SELECT k.conrelid AS relation, k.conname AS name, k.conparentid AS parent, k.contype AS kind"
	" FROM pg_catalog.pg_constraint k WHERE k.contype IN ('c', 'f', 'p', 'u', 'x')"
	" AND (k.conrelid IN (SELECT oid FROM touched)"
	"  OR k.contype = 'f' AND k.confrelid IN (SELECT oid FROM touched)))"
	"SELECT r.relname::text, f.name::text, coalesce(pr.relname, hr.relname)::text,"
	" coalesce(p.conname, hc.conname)::text"
	" FROM found f JOIN pg_catalog.pg_class r ON r.oid = f.relation"
	" LEFT JOIN pg_catalog.pg_constraint p ON p.oid = f.parent"
	" LEFT JOIN pg_catalog.pg_class pr ON pr.oid = p.conrelid"
	" LEFT JOIN LATERAL (SELECT c.conname, c.conrelid FROM pg_catalog.pg_inherits h JOIN pg_catalog.pg_constraint c"
	"  ON c.conrelid = h.inhparent AND c.conname = f.name AND c.contype = 'c' WHERE h.inhrelid = f.relation"
	"  AND f.kind = 'c' ORDER BY h.inhseqno LIMIT 1) AS hc ON true"
	" LEFT JOIN pg_catalog.pg_class hr ON hr.oid = hc.conrelid"
	" UNION SELECT r.relname, x.relname, pr.relname, px.relname"
	" FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class r ON r.oid = i.indrelid"
	" JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid LEFT JOIN pg_catalog.pg_inherits h ON h.inhrelid = x.oid"
	" LEFT JOIN pg_catalog.pg_class px ON px.oid = h.inhparent"
	" LEFT JOIN pg_catalog.pg_index pi ON pi.indexrelid = px.oid"
	" LEFT JOIN pg_catalog.pg_class pr ON pr.oid = pi.indrelid"
	" WHERE i.indisunique AND i.indrelid IN (SELECT oid FROM touched)"
	" AND NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k"
	"  WHERE k.conindid = x.oid AND k.contype IN ('p', 'u', 'x'))"
	" UNION SELECT d.typname, k.conname, NULL, NULL FROM pg_catalog.pg_constraint k"
	" JOIN pg_catalog.pg_type d ON d.oid = k.contypid WHERE EXISTS (SELECT FROM pg_catalog.pg_attribute a"
	"  WHERE a.atttypid = d.oid AND a.attrelid IN (SELECT oid FROM touched))"
	" ORDER BY 1, 2, 3, 4";
/* clang-format on */

static const char *text_of(hf_arena *arena, struct hf_value value)
{
	return value.kind == HF_VALUE_TEXT ? mem_text(arena, value.as.s) : "";
}

/* Two schemas may have the same table: hf_error could not tell them apart, so the first stands for both. */
static enum hf_status take(void *user, const struct hf_sql_row *row, hf_error *err)
{
	(void)err;
	struct group *group = user;
	hf_arena *arena = group->arena;
	struct constraint one = {text_of(arena, row->values[0]), text_of(arena, row->values[1]),
	                         text_of(arena, row->values[2]), text_of(arena, row->values[3])};
	const struct constraint *last = group->nconstraints ? &group->constraints[group->nconstraints - 1] : NULL;
	if (last && strcmp(last->table, one.table) == 0 && strcmp(last->name, one.name) == 0)
		return HF_OK;
	group->constraints = mem_grow(arena, group->constraints, group->nconstraints, sizeof(one));
	group->constraints[group->nconstraints++] = one;
	return HF_OK;
}

static void add_writes(void *user, struct query *query)
{
	for (size_t i = 0; i < query->writes.count; i++)
		buf_printf(user, "%s\n", query->writes.items[i]);
}

enum hf_status constraints_load(struct group *group, hf_where where, hf_error *err)
{
	struct buf buf;
	buf_init(&buf, (size_t)64 << 20);
	group_each(group, add_writes, &buf);
	mem_check(&buf);
	struct hf_value written = hf_text(buf_str(&buf));
	group->nconstraints = 0;
	enum hf_status status = HF_OK;
	if (buf.len)
		status = hf_sql_each(where, hf_str_of(constraints_sql), &written, 1, take, group, err);
	buf_deinit(&buf);
	return status;
}

/* ---- names ---- */

static size_t find(const struct group *group, const char *table, const char *name)
{
	for (size_t i = 0; i < group->nconstraints; i++)
		if (strcmp(group->constraints[i].table, table) == 0 && strcmp(group->constraints[i].name, name) == 0)
			return i;
	return group->nconstraints;
}

/* The one at the top, which this one was made from. */
static size_t root_of(const struct group *group, size_t index)
{
	for (int depth = 0; depth < 32; depth++) {
		const struct constraint *one = &group->constraints[index];
		size_t parent = find(group, one->parent_table, one->parent_name); /* "" is nobody */
		if (parent == group->nconstraints)
			break;
		index = parent;
	}
	return index;
}

static const char *in_c(hf_arena *arena, const char *text)
{
	char *copy = (char *)(uintptr_t)mem_text(arena, hf_str_of(text));
	for (char *c = copy; *c; c++)
		if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9')))
			*c = '_';
	return copy;
}

static bool is_shared(const struct group *group, const size_t *roots, size_t index)
{
	const char *name = in_c(group->arena, group->constraints[index].name);
	for (size_t i = 0; i < group->nconstraints; i++)
		if (i != index && roots[i] == i && strcmp(in_c(group->arena, group->constraints[i].name), name) == 0)
			return true;
	return false;
}

static const char *name_of(const struct group *group, const size_t *roots, size_t index, const char **taken,
                           size_t ntaken)
{
	hf_arena *arena = group->arena;
	const struct constraint *one = &group->constraints[index];
	const char *name = in_c(arena, one->name);
	if (is_shared(group, roots, index))
		name = mem_printf(arena, "%s_%s", in_c(arena, one->table), name);
	const char *free_name = name;
	for (size_t i = 0, number = 2; i < ntaken; i++)
		if (strcmp(taken[i], free_name) == 0) {
			free_name = mem_printf(arena, "%s_%zu", name, number++);
			i = (size_t)-1;
		}
	return free_name;
}

size_t constraints_number(const struct group *group, size_t *ret_numbers, const char ***ret_names)
{
	size_t *roots = MEM_ARRAY(group->arena, group->nconstraints + 1, size_t), count = 0;
	const char **names = NULL;
	for (size_t i = 0; i < group->nconstraints; i++)
		roots[i] = root_of(group, i);
	for (size_t i = 0; i < group->nconstraints; i++) {
		if (roots[i] != i)
			continue;
		const char *name = name_of(group, roots, i, names, count);
		names = mem_grow(group->arena, names, count, sizeof(*names));
		names[count++] = name;
		ret_numbers[i] = count;
	}
	for (size_t i = 0; i < group->nconstraints; i++)
		ret_numbers[i] = ret_numbers[roots[i]];
	*ret_names = names;
	return count;
}
