/*
 * emit_constraints.c - the constraints of a group as an enum, and the table that finds one for an error. The table goes
 * with the types: a build has no file more because a query writes.
 */
#include "gen/cname.h"
#include "gen/constraints.h"
#include "gen/emit.h"

void emit_constraints_header(struct buf *out, const struct group *group)
{
	hf_arena *arena = group->arena;
	size_t *numbers = MEM_ARRAY(arena, group->nconstraints + 1, size_t);
	const char **names, *upper = cname_upper(arena, group->name);
	size_t count = constraints_number(group, numbers, &names);
	const char *file = mem_printf(arena, "%s_constraints.h", group->name);
	emit_opening(out, file, mem_printf(arena, "queries/%s", group->name),
	             "constraints that these queries can violate.");
	emit_guard_begin(out, group, file);
	buf_add_text(out, "#include \"holdfast/query.h\"\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n");
	buf_printf(out, "\nenum %s_constraint {\n", group->name);
	buf_printf(out, "\t%s_CONSTRAINT_UNKNOWN = -1, /* newer than this program, or of a trigger's table */\n",
	           upper);
	buf_printf(out, "\t%s_CONSTRAINT_NONE = 0,     /* the error is about something else */\n", upper);
	for (size_t i = 0; i < count; i++)
		buf_printf(out, "\tHF_CONSTRAINT_%s = %zu,\n", names[i], i + 1);
	buf_add_text(out, "};\n\n/** The constraint that an error is about. */\n");
	buf_printf(out, "enum %s_constraint %s_constraint_of(const hf_error *err);\n", group->name, group->name);
	emit_guard_end(out);
}

void emit_constraints_source(struct buf *out, const struct group *group)
{
	hf_arena *arena = group->arena;
	size_t *numbers = MEM_ARRAY(arena, group->nconstraints + 1, size_t);
	const char **names;
	(void)constraints_number(group, numbers, &names);
	buf_add_text(out, "\nstatic const struct hf_constraint constraints[] = {\n");
	for (size_t i = 0; i < group->nconstraints; i++) {
		buf_add_text(out, "\t{");
		emit_string(out, group->constraints[i].table);
		buf_add_text(out, ", ");
		emit_string(out, group->constraints[i].name);
		buf_printf(out, ", HF_CONSTRAINT_%s},\n", names[numbers[i] - 1]);
	}
	buf_printf(out, "};\n\nenum %s_constraint %s_constraint_of(const hf_error *err)\n{\n", group->name,
	           group->name);
	buf_printf(out,
	           "\treturn (enum %s_constraint)hf_constraint_of(constraints, sizeof(constraints) / "
	           "sizeof(constraints[0]), err);\n}\n",
	           group->name);
}
