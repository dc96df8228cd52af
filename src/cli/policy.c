/*
 * policy.c - `holdfast policy`: list, show, set, delete. From a file: policy_import.c.
 */
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "cli/commands.h"
#include "cli/policy.h"
#include "cli/preview.h"
#include "cli/rows.h"
#include "holdfast/policy.h"

static void add_rules(struct json_writer *json, const void *of)
{
	const struct hf_policy *policy = of;
	jw_array_begin(json);
	for (size_t i = 0; i < policy->nrules; i++) {
		jw_object_begin(json);
		json_text_member(json, "role", policy->rules[i].role);
		json_text_member(json, "mode", policy->rules[i].mode);
		jw_key(json, "frequency_days");
		if (policy->rules[i].has_frequency_days)
			jw_int(json, policy->rules[i].frequency_days);
		else
			jw_null(json);
		jw_object_end(json);
	}
	jw_array_end(json);
}

static struct cell rules_of(hf_arena *arena, const struct hf_policy *policy)
{
	return policy->unruled ? cell_null() : cell_json(rows_json(arena, add_rules, policy));
}

/* ---- list ---- */

#define RULES_HELP "role, mode, frequency_days"

static const struct column list_columns[] = {
	{.name = "name"},
	{.name = "rate_limit_bucket", .title = "BUCKET", .help = "proposals are counted in it, or null"},
	{.name = "rules", .kind = COLUMN_JSON, .help = RULES_HELP},
	{0},
};

struct listing {
	struct out *out;
	hf_arena *scratch; /* of one row */
};

static enum hf_status list_row(void *user, const struct hf_policy *policy, hf_error *err)
{
	const struct listing *listing = user;
	hf_arena_reset(listing->scratch);
	const struct cell cells[] = {cell_text(policy->name), cell_text(policy->rate_limit_bucket),
	                             rules_of(listing->scratch, policy)};
	return out_row(listing->out, cells, err);
}

static enum hf_status run_list(struct cli *cli, hf_error *err)
{
	struct hf_policy_filter filter = {.rate_limit_bucket = text_or_null(cli_text(cli, "rate-limit-bucket")),
	                                  .after = text_or_null(cli_text(cli, "after")),
	                                  .limit = out_fetch_limit(cli->out)};
	CLEANUP(arena_freep) hf_arena *scratch = hf_arena_new(0);
	struct listing listing = {cli->out, scratch};
	hf_where where;
	if (!scratch)
		return error_nomem(err);
	enum hf_status status = cli_list(cli, list_columns, &where, err);
	if (status == HF_OK)
		status = hf_policy_list(where, &filter, list_row, &listing, err);
	return status == HF_OK ? out_list_end(cli->out, err) : status;
}

/* ---- show ---- */

static const struct column show_columns[] = {
	{.name = "name"},
	{.name = "rate_limit_bucket", .help = "proposals are counted in it, or null"},
	{.name = "rules", .kind = COLUMN_JSON, .help = RULES_HELP},
	{.name = "candidates", .kind = COLUMN_INT, .help = "how many follow it"},
	{0},
};

static enum hf_status run_show(struct cli *cli, hf_error *err)
{
	struct hf_policy policy;
	int64_t candidates;
	hf_where where;
	enum hf_status status = out_check_fields(cli->out, show_columns, err);
	if (status == HF_OK)
		status = cli_where(cli, &where, err);
	if (status == HF_OK)
		status = hf_policy_get(where, hf_str_of(cli_arg(cli, 0)), cli->arena, &policy, &candidates, err);
	if (status != HF_OK)
		return status;
	const struct cell cells[] = {cell_text(policy.name), cell_text(policy.rate_limit_bucket),
	                             rules_of(cli->arena, &policy), cell_int(candidates)};
	return out_object(cli->out, show_columns, cells, err);
}

/* ---- set ---- */

struct ruling {
	struct hf_policy policy;
	enum hf_policy_put how;
	struct hf_changes changes;
};

static enum hf_status no_rule(const char *text, hf_error *err)
{
	error_set(err, HF_E_USAGE, "\"%.60s\" is no rule", text);
	error_hint(err, "ROLE=MODE or ROLE=MODE:DAYS, as in main=propose:30");
	return HF_E_USAGE;
}

static enum hf_status check_mode(struct hf_str mode, hf_error *err)
{
	char word[64];
	int64_t which;
	snprintf(word, sizeof(word), "%.*s", (int)(mode.len < sizeof(word) ? mode.len : sizeof(word) - 1), mode.ptr);
	return cli_choice("MODE", PUBLISH_MODE_WORDS, word, &which, err);
}

/* "main=propose:30": neither a mode nor a number has "=" or ":" in it, a role may. */
static enum hf_status read_rule(const char *text, struct hf_policy_rule *ret_rule, hf_error *err)
{
	struct hf_policy_rule rule = {0};
	const char *mode = strrchr(text, '=');
	const char *days = mode ? strchr(mode, ':') : NULL;
	int64_t number = 0;
	if (!mode)
		return no_rule(text, err);
	rule.role = (struct hf_str){text, (size_t)(mode - text)};
	rule.mode = days ? (struct hf_str){mode + 1, (size_t)(days - mode) - 1} : hf_str_of(mode + 1);
	rule.has_frequency_days = days != NULL;
	if (days && (!str_to_i64(hf_str_of(days + 1), &number) || number < 0 || number > INT32_MAX))
		return no_rule(text, err);
	rule.frequency_days = (int32_t)number;
	*ret_rule = rule;
	return check_mode(rule.mode, err);
}

static enum hf_status read_rules(struct cli *cli, struct hf_policy *policy, hf_error *err)
{
	size_t count = cli_nargs(cli) - 1;
	struct hf_policy_rule *rules = hf_arena_calloc(cli->arena, count + 1, sizeof(*rules));
	enum hf_status status = HF_OK;
	if (!rules)
		return error_nomem(err);
	for (size_t i = 0; i < count && status == HF_OK; i++)
		status = read_rule(cli_arg(cli, i + 1), &rules[i], err);
	policy->rules = rules;
	policy->nrules = count;
	return status;
}

static enum hf_status set_tx(hf_where tx, void *user, hf_error *err)
{
	struct ruling *ruling = user;
	return hf_policy_put(tx, &ruling->policy, 1, ruling->how, &ruling->changes, err);
}

static enum hf_status how_to_set(struct cli *cli, enum hf_policy_put *ret_how, hf_error *err)
{
	bool bucket = cli_given(cli, "rate-limit-bucket"), none = cli_given(cli, "no-rate-limit");
	if (bucket && none)
		return error_set(err, HF_E_USAGE, "--rate-limit-bucket and --no-rate-limit exclude each other");
	*ret_how = cli_given(cli, "create") ? HF_POLICY_CREATE : bucket || none ? HF_POLICY_REPLACE : HF_POLICY_RULES;
	return HF_OK;
}

static enum hf_status run_set(struct cli *cli, hf_error *err)
{
	struct ruling ruling = {.policy = {.name = hf_str_of(cli_arg(cli, 0)),
	                                   .rate_limit_bucket = text_or_null(cli_text(cli, "rate-limit-bucket"))}};
	enum hf_status status = how_to_set(cli, &ruling.how, err);
	if (status == HF_OK)
		status = read_rules(cli, &ruling.policy, err);
	if (status == HF_OK)
		status = cli_write(cli, set_tx, &ruling, err);
	if (status != HF_OK)
		return status;
	struct written written = {.what = "publish policies",
	                          .changed = ruling.changes.inserted + ruling.changes.updated,
	                          .unchanged = ruling.changes.unchanged};
	return out_written(cli->out, &written, err);
}

/* ---- delete ---- */

static enum hf_status delete_tx(hf_where tx, void *user, hf_error *err)
{
	return hf_policy_delete(tx, *(const struct hf_str *)user, err);
}

static enum hf_status run_delete(struct cli *cli, hf_error *err)
{
	struct hf_str name = hf_str_of(cli_arg(cli, 0));
	enum hf_status status = cli_write(cli, delete_tx, &name, err);
	struct written written = {.what = "publish policies", .did = "removed", .changed = 1};
	if (status == HF_REJECTED) {
		error_hint(err, "holdfast candidate list --json=id,publish_policy tells which");
		return status;
	}
	return status == HF_OK ? out_written(cli->out, &written, err) : status;
}

/* ---- the table ---- */

static const struct cmd_option list_options[] = {
	{.name = "rate-limit-bucket", .arg = "NAME", .help = "only those whose proposals count in this bucket"},
	{.name = "after", .arg = "NAME", .help = "start behind this policy"},
	{0},
};

static const struct cmd_option set_options[] = {
	{.name = "rate-limit-bucket", .arg = "NAME", .help = "count proposals in this bucket (default: as it was)"},
	{.name = "no-rate-limit", .kind = OPTION_FLAG, .help = "count proposals in no bucket"},
	{.name = "create", .kind = OPTION_FLAG, .help = "refuse to change a policy that is there"},
	{0},
};

const struct cmd policy_commands[] = {
	{.noun = "policy",
         .verb = "list",
         .summary = "list publish policies by name",
         .options = list_options,
         .columns = list_columns,
         .run = run_list,
         .flags = CMD_LIST,
         .examples = {"holdfast policy list", "holdfast policy list --rate-limit-bucket lintian --limit 20",
                      "holdfast policy list --json=name,rules"},
         .test_effect = "test_policy_list_is_ordered_filtered_and_paged",
         .test_refusal = "test_policy_list_refuses_an_unknown_field"},
	{.noun = "policy",
         .verb = "show",
         .args = "NAME",
         .summary = "show a publish policy and how many candidates follow it",
         .columns = show_columns,
         .run = run_show,
         .examples = {"holdfast policy show lintian-fixes", "holdfast policy show lintian-fixes --json",
                      "holdfast policy show lintian-fixes --json=candidates"},
         .test_effect = "test_policy_show_prints_every_field",
         .test_refusal = "test_policy_show_refuses_an_unknown_name"},
	{.noun = "policy",
         .verb = "set",
         .args = "NAME RULE...",
         .summary = "say how each branch of a result leaves the platform",
         .about = "A RULE is ROLE=MODE or ROLE=MODE:DAYS. MODE is push, attempt-push, propose, build-only, "
                  "push-derived, "
                  "skip or bts; with DAYS there is no new proposal for a codebase before so many days have passed. The "
                  "rules given take the place of all that stood.",
         .options = set_options,
         .run = run_set,
         .flags = CMD_WRITES,
         .examples = {"holdfast policy set lintian-fixes main=propose:30 debian=push",
                      "holdfast policy set lintian-fixes main=push --no-rate-limit",
                      "holdfast policy set new-one main=build-only --create --dry-run"},
         .test_effect = "test_policy_set_writes_rules_and_bucket",
         .test_refusal = "test_policy_set_refuses_bad_rules"},
	{.noun = "policy",
         .verb = "import",
         .args = "FILE",
         .summary = "store publish policies from a JSON file",
         .about = "The file is what the original's publisher takes: an object with an object for each policy, "
                  "{\"rate_limit_bucket\": \"b\", \"per_branch\": {\"main\": {\"mode\": \"propose\", "
                  "\"max_frequency_days\": 30}}}. "
                  "All of them are stored or none.",
         .options = policy_import_options,
         .columns = policy_import_columns,
         .run = policy_import_verb,
         .flags = CMD_WRITES,
         .examples = {"holdfast policy import policies.json", "holdfast policy import policies.json --all --dry-run",
                      "jq .policies all.json | holdfast policy import -"},
         .test_effect = "test_policy_import_stores_a_configuration",
         .test_refusal = "test_policy_import_refuses_bad_files"},
	{.noun = "policy",
         .verb = "delete",
         .args = "NAME",
         .summary = "forget a publish policy that no candidate follows",
         .run = run_delete,
         .flags = CMD_WRITES,
         .examples = {"holdfast policy delete lintian-fixes", "holdfast policy delete lintian-fixes --dry-run",
                      "holdfast policy delete lintian-fixes --json"},
         .test_effect = "test_policy_delete_removes_one",
         .test_refusal = "test_policy_delete_refuses_one_that_is_followed"},
	{0},
};
