/*
 * policy_import.c - `holdfast policy import`: the document that the original's publisher takes, every policy by its
 * name: {"NAME": {"rate_limit_bucket": ..., "per_branch": {"ROLE": {"mode": ..., "max_frequency_days": ...}}}}.
 */
#include <jansson.h>
#include <string.h>

#include "base/error.h"
#include "base/macros.h"
#include "cli/files.h"
#include "cli/policy.h"
#include "cli/preview.h"
#include "holdfast/policy.h"

enum { POLICIES_BYTES_MAX = 64 << 20 };
DEFINE_OWNED(json, json_t *, json_decref)

struct importing {
	struct hf_policy *policies;
	size_t count;
	bool all;
	struct hf_changes changes;
	int64_t removed;
};

/* ---- reading ---- */

static enum hf_status known_fields(json_t *object, const char *const *known, size_t count, hf_error *err)
{
	const char *name;
	json_t *value;
	json_object_foreach (object, name, value) {
		size_t i = 0;
		while (i < count && strcmp(known[i], name) != 0)
			i++;
		if (i == count)
			return error_set(err, HF_E_INPUT, "unknown field \"%.60s\"", name);
	}
	return HF_OK;
}

static enum hf_status text_field(const json_t *object, const char *name, struct hf_str *ret_text, hf_error *err)
{
	const json_t *value = json_object_get(object, name);
	if (value && !json_is_null(value) && !json_is_string(value))
		return error_set(err, HF_E_INPUT, "%s is no text", name);
	*ret_text = json_is_string(value) ? (struct hf_str){json_string_value(value), json_string_length(value)}
	                                  : (struct hf_str){NULL, 0};
	return HF_OK;
}

static enum hf_status read_rule(json_t *object, struct hf_policy_rule *rule, hf_error *err)
{
	static const char *const known[] = {"mode", "max_frequency_days"};
	const json_t *days = json_object_get(object, "max_frequency_days");
	if (!json_is_object(object))
		return error_set(err, HF_E_INPUT, "it is no object");
	enum hf_status status = known_fields(object, known, ARRAY_LEN(known), err);
	if (status == HF_OK)
		status = text_field(object, "mode", &rule->mode, err);
	if (status == HF_OK && !rule->mode.ptr)
		return error_set(err, HF_E_INPUT, "it has no mode");
	if (status != HF_OK || !days || json_is_null(days))
		return status;
	if (!json_is_integer(days) || json_integer_value(days) < 0 || json_integer_value(days) > INT32_MAX)
		return error_set(err, HF_E_INPUT, "max_frequency_days is no number of days");
	rule->has_frequency_days = true;
	rule->frequency_days = (int32_t)json_integer_value(days);
	return HF_OK;
}

static enum hf_status read_rules(json_t *roles, hf_arena *arena, struct hf_policy *policy, hf_error *err)
{
	struct hf_policy_rule *rules = hf_arena_calloc(arena, json_object_size(roles) + 1, sizeof(*rules));
	const char *role;
	json_t *value;
	if (!rules)
		return error_nomem(err);
	if (!json_is_object(roles))
		return error_set(err, HF_E_INPUT, "per_branch is no object");
	policy->rules = rules;
	json_object_foreach (roles, role, value) {
		struct hf_policy_rule *rule = &rules[policy->nrules++];
		rule->role = hf_str_of(role);
		enum hf_status status = read_rule(value, rule, err);
		if (status != HF_OK) {
			error_prefix(err, "role %.60s", role);
			return status;
		}
	}
	return HF_OK;
}

static enum hf_status read_policy(json_t *object, hf_arena *arena, struct hf_policy *policy, hf_error *err)
{
	static const char *const known[] = {"rate_limit_bucket", "per_branch"};
	if (!json_is_object(object))
		return error_set(err, HF_E_INPUT, "it is no object");
	enum hf_status status = known_fields(object, known, ARRAY_LEN(known), err);
	if (status == HF_OK)
		status = text_field(object, "rate_limit_bucket", &policy->rate_limit_bucket, err);
	return status == HF_OK ? read_rules(json_object_get(object, "per_branch"), arena, policy, err) : status;
}

static enum hf_status read_policies(json_t *document, hf_arena *arena, struct importing *importing, hf_error *err)
{
	const char *name;
	json_t *value;
	if (!json_is_object(document))
		return error_set(err, HF_E_INPUT, "the document is no object of policies");
	importing->policies = hf_arena_calloc(arena, json_object_size(document) + 1, sizeof(*importing->policies));
	if (!importing->policies)
		return error_nomem(err);
	json_object_foreach (document, name, value) {
		struct hf_policy *policy = &importing->policies[importing->count++];
		policy->name = hf_str_of(name);
		enum hf_status status = read_policy(value, arena, policy, err);
		if (status != HF_OK) {
			error_prefix(err, "policy %.60s", name);
			return status;
		}
	}
	return HF_OK;
}

/* ---- writing ---- */

static enum hf_status import_tx(hf_where tx, void *user, hf_error *err)
{
	struct importing *importing = user;
	if (importing->all)
		return hf_policy_put_all(tx, importing->policies, importing->count, &importing->changes,
		                         &importing->removed, err);
	return hf_policy_put(tx, importing->policies, importing->count, HF_POLICY_REPLACE, &importing->changes, err);
}

static enum hf_status parse(struct cli *cli, const char *path, json_t **ret_json, hf_error *err)
{
	json_error_t where;
	struct hf_str text;
	enum hf_status status = file_read(cli, path, POLICIES_BYTES_MAX, &text, err);
	if (status != HF_OK)
		return status;
	*ret_json = json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &where);
	if (!*ret_json)
		return error_set(err, HF_E_INPUT, "%s:%d:%d: %s", path, where.line, where.column, where.text);
	return HF_OK;
}

const struct column policy_import_columns[] = {
	{.name = "inserted", .kind = COLUMN_INT},  {.name = "updated", .kind = COLUMN_INT},
	{.name = "unchanged", .kind = COLUMN_INT}, {.name = "removed", .kind = COLUMN_INT, .help = "with --all"},
	{.name = "dry_run", .kind = COLUMN_BOOL},  {0},
};

enum hf_status policy_import_verb(struct cli *cli, hf_error *err)
{
	CLEANUP(json_freep) json_t *document = NULL;
	struct importing importing = {.all = cli_given(cli, "all")};
	enum hf_status status = out_check_fields(cli->out, policy_import_columns, err);
	if (status == HF_OK)
		status = parse(cli, cli_arg(cli, 0), &document, err);
	if (status == HF_OK)
		status = read_policies(document, cli->arena, &importing, err);
	if (status == HF_OK)
		status = cli_write(cli, import_tx, &importing, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_int(importing.changes.inserted), cell_int(importing.changes.updated),
	                             cell_int(importing.changes.unchanged), cell_int(importing.removed),
	                             cell_bool(cli->globals.dry_run)};
	return out_object(cli->out, policy_import_columns, cells, err);
}

const struct cmd_option policy_import_options[] = {
	{.name = "all", .kind = OPTION_FLAG, .help = "forget every policy that the file does not name"},
	{0},
};
