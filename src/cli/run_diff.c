/*
 * run_diff.c - `holdfast run diff`: what the database says otherwise of two runs.
 *
 * A field is a name with two texts, {NULL, 0} where the run has none; texts live in the arena of the run.
 */
#include "base/arena.h"
#include "base/error.h"
#include "cli/rows.h"
#include "cli/run.h"

const struct column run_diff_columns[] = {
	{.name = "field", .help = "of run show; branch:ROLE, base:ROLE, tag:NAME"},
	{.name = "run", .help = "what the first one has, or null"},
	{.name = "other", .help = "what the second one has, or null"},
	{.name = "differs", .kind = COLUMN_BOOL, .title = "", .help = "false with --all alone"},
	{0},
};

const struct cmd_option run_diff_options[] = {
	{.name = "all", .kind = OPTION_FLAG, .help = "also what is equal"},
	{.name = "check", .kind = OPTION_FLAG, .help = "exit 4 when something differs"},
	{0},
};

struct comparing {
	struct cli *cli;
	const struct hf_run *run, *other;
	bool all;
	int64_t differences;
	hf_error *err;
};

static enum hf_status compare(struct comparing *comparing, const char *field, struct hf_str run, struct hf_str other)
{
	const bool differs = run.ptr && other.ptr ? !str_eq(run, other) : run.ptr != other.ptr;
	const struct cell cells[] = {cell_word(field), cell_text(run), cell_text(other), cell_bool(differs)};
	comparing->differences += differs;
	return differs || comparing->all ? out_row(comparing->cli->out, cells, comparing->err) : HF_OK;
}

/* ---- fields ---- */

static struct hf_str duration_text(struct cli *cli, const struct hf_run *run)
{
	int64_t us;
	if (hf_run_duration(run, &us, NULL) != HF_OK)
		return (struct hf_str){NULL, 0};
	return arena_printf(cli->arena, "%lld.%06lld", (long long)(us / 1000000), (long long)(us % 1000000));
}

static struct hf_str truth_text(bool known, bool value)
{
	return known ? hf_str_of(value ? "true" : "false") : (struct hf_str){NULL, 0};
}

static struct hf_str value_text(struct cli *cli, const struct hf_run *run)
{
	return run->has_value ? arena_printf(cli->arena, "%d", run->value) : (struct hf_str){NULL, 0};
}

static enum hf_status compare_fields(struct comparing *comparing)
{
	const struct hf_run *a = comparing->run, *b = comparing->other;
	struct cli *cli = comparing->cli;
	const struct {
		const char *name;
		struct hf_str a, b;
	} fields[] = {{"codebase", a->codebase, b->codebase},
	              {"campaign", a->campaign, b->campaign},
	              {"command", a->command, b->command},
	              {"result_code", a->result_code, b->result_code},
	              {"description", a->description, b->description},
	              {"duration_s", duration_text(cli, a), duration_text(cli, b)},
	              {"worker", a->worker, b->worker},
	              {"value", value_text(cli, a), value_text(cli, b)},
	              {"instigated_context", a->instigated_context, b->instigated_context},
	              {"context", a->context, b->context},
	              {"branch_url", a->branch_url, b->branch_url},
	              {"subpath", a->subpath, b->subpath},
	              {"vcs_type", a->vcs_type, b->vcs_type},
	              {"target_branch_url", a->target_branch_url, b->target_branch_url},
	              {"main_branch_revision", a->main_branch_revision, b->main_branch_revision},
	              {"revision", a->revision, b->revision},
	              {"publish_status", a->publish_status, b->publish_status},
	              {"change_set", a->change_set, b->change_set},
	              {"resume_from", a->resume_from, b->resume_from},
	              {"failure_stage", a->failure_stage, b->failure_stage},
	              {"failure_transient", truth_text(a->has_failure_transient, a->failure_transient),
	               truth_text(b->has_failure_transient, b->failure_transient)},
	              {"failure_details", a->failure_details, b->failure_details},
	              {"result", a->result, b->result}};
	enum hf_status status = HF_OK;
	for (size_t i = 0; i < ARRAY_LEN(fields) && status == HF_OK; i++)
		status = compare(comparing, fields[i].name, fields[i].a, fields[i].b);
	return status;
}

/* ---- branches, tags ---- */

static const struct hf_run_branch *branch_of(const struct hf_run *run, struct hf_str role)
{
	static const struct hf_run_branch none = {.role = {NULL, 0}};
	const struct hf_run_branch *branch;
	return hf_run_branch_of(run, role, &branch, NULL) == HF_OK ? branch : &none;
}

static enum hf_status compare_branch(struct comparing *comparing, struct hf_str role)
{
	const struct hf_run_branch *a = branch_of(comparing->run, role), *b = branch_of(comparing->other, role);
	struct hf_str names[] = {arena_printf(comparing->cli->arena, "base:%.*s", STR_ARG(role)),
	                         arena_printf(comparing->cli->arena, "branch:%.*s", STR_ARG(role))};
	if (!names[0].ptr || !names[1].ptr)
		return error_nomem(comparing->err);
	enum hf_status status = compare(comparing, names[0].ptr, a->base_revision, b->base_revision);
	return status == HF_OK ? compare(comparing, names[1].ptr, a->revision, b->revision) : status;
}

/* Those of the first, then those that only the other has. */
static enum hf_status compare_branches(struct comparing *comparing)
{
	const struct hf_run *a = comparing->run, *b = comparing->other;
	enum hf_status status = HF_OK;
	for (size_t i = 0; i < a->nbranches && status == HF_OK; i++)
		status = compare_branch(comparing, a->branches[i].role);
	for (size_t i = 0; i < b->nbranches && status == HF_OK; i++)
		if (!branch_of(a, b->branches[i].role)->role.ptr)
			status = compare_branch(comparing, b->branches[i].role);
	return status;
}

static const struct hf_run_tag *tag_of(const struct hf_run *run, struct hf_str name)
{
	static const struct hf_run_tag none = {.name = {NULL, 0}};
	for (size_t i = 0; i < run->ntags; i++)
		if (str_eq(run->tags[i].name, name))
			return &run->tags[i];
	return &none;
}

static enum hf_status compare_tag(struct comparing *comparing, struct hf_str name)
{
	struct hf_str field = arena_printf(comparing->cli->arena, "tag:%.*s", STR_ARG(name));
	if (!field.ptr)
		return error_nomem(comparing->err);
	return compare(comparing, field.ptr, tag_of(comparing->run, name)->revision,
	               tag_of(comparing->other, name)->revision);
}

static enum hf_status compare_tags(struct comparing *comparing)
{
	const struct hf_run *a = comparing->run, *b = comparing->other;
	enum hf_status status = HF_OK;
	for (size_t i = 0; i < a->ntags && status == HF_OK; i++)
		status = compare_tag(comparing, a->tags[i].name);
	for (size_t i = 0; i < b->ntags && status == HF_OK; i++)
		if (!tag_of(a, b->tags[i].name)->name.ptr)
			status = compare_tag(comparing, b->tags[i].name);
	return status;
}

/* ---- the verb ---- */

static enum hf_status compare_all(struct comparing *comparing)
{
	enum hf_status status = compare_fields(comparing);
	if (status == HF_OK)
		status = compare_branches(comparing);
	return status == HF_OK ? compare_tags(comparing) : status;
}

enum hf_status run_diff_verb(struct cli *cli, hf_error *err)
{
	struct hf_run run, other;
	struct comparing comparing = {
		.cli = cli, .run = &run, .other = &other, .all = cli_given(cli, "all"), .err = err};
	hf_where where;
	cli->out->options.limit = 0; /* a page of it would be of no use */
	enum hf_status status = cli_list(cli, run_diff_columns, &where, err);
	if (status == HF_OK)
		status = hf_run_get(where, hf_str_of(cli_arg(cli, 0)), cli->arena, &run, err);
	if (status == HF_OK)
		status = hf_run_get(where, hf_str_of(cli_arg(cli, 1)), cli->arena, &other, err);
	if (status == HF_OK)
		status = compare_all(&comparing);
	if (status == HF_OK || status == HF_STOP)
		status = out_list_end(cli->out, err);
	if (status == HF_OK && comparing.differences > 0 && cli_given(cli, "check"))
		return error_set(err, HF_DIFFERS, "the runs differ in %lld fields", (long long)comparing.differences);
	return status;
}
