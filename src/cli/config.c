/*
 * config.c - holdfast config: what is set, by whom, and is it right. Never connects.
 */
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "cli/cli.h"
#include "cli/commands.h"

/* ---- show, get ---- */

static const struct column show_columns[] = {
	{"key", COLUMN_TEXT, NULL, "section.key"},
	{"value", COLUMN_TEXT, NULL, "null: not set; *** for a secret"},
	{"origin", COLUMN_TEXT, "", "flag, variable, file:line or default"},
	{0},
};
static const struct column origin_columns[] = {
	{"key", COLUMN_TEXT, NULL, NULL},
	{"value", COLUMN_TEXT, NULL, NULL},
	{"origin", COLUMN_TEXT, NULL, NULL},
	{0},
};
static const struct cmd_option show_options[] = {
	{.name = "origin", .kind = OPTION_FLAG, .help = "say where each value comes from"},
	{0},
};

static enum hf_status shown_value(struct cli *cli, const struct setting_value *value, const char **ret_text,
				  hf_error *err)
{
	*ret_text = value->value.text;
	if (!*ret_text || strcmp(value->setting->name, "database.url") != 0)
		return HF_OK;
	*ret_text = config_hide_password(*ret_text, cli->arena);
	return *ret_text ? HF_OK : error_nomem(err);
}

static enum hf_status run_show(struct cli *cli, hf_error *err)
{
	enum hf_status status = out_list(cli->out, cli_given(cli, "origin") ? origin_columns : show_columns, err);
	for (size_t i = 0; i < cli->config->count && status == HF_OK; i++) {
		const struct setting_value *value = &cli->config->values[i];
		const char *text;
		status = shown_value(cli, value, &text, err);
		if (status == HF_OK)
			status = out_row(cli->out,
					 (struct cell[]){cell_word(value->setting->name), cell_word(text),
							 cell_word(value->origin)},
					 err);
	}
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

static const struct column get_columns[] = {
	{"value", COLUMN_TEXT, NULL, NULL},
	{"origin", COLUMN_TEXT, "", NULL},
	{0},
};

static enum hf_status run_get(struct cli *cli, hf_error *err)
{
	const char *key = cli_arg(cli, 0), *text;
	struct nearest search = nearest_to(hf_str_of(key));
	for (size_t i = 0; i < cli->config->count; i++) {
		const struct setting_value *value = &cli->config->values[i];
		nearest_offer(&search, value->setting->name);
		if (strcmp(value->setting->name, key) != 0)
			continue;
		if (!value->value.text)
			return error_set(err, HF_NOT_FOUND, "%s is not set", key);
		enum hf_status status = shown_value(cli, value, &text, err);
		return status == HF_OK ? out_value(cli->out, get_columns,
						   (struct cell[]){cell_word(text), cell_word(value->origin)}, err)
				       : status;
	}
	error_set(err, HF_E_USAGE, "unknown key \"%s\"", key);
	if (search.best)
		error_hint(err, "did you mean   %s", search.best);
	else
		error_hint(err, "all keys   holdfast config show");
	return HF_E_USAGE;
}

/* ---- path, check ---- */

static const struct column path_columns[] = {
	{"path", COLUMN_TEXT, NULL, "strongest first"},
	{"kind", COLUMN_TEXT, NULL, "given, user, drop-in or system"},
	{"exists", COLUMN_BOOL, NULL, NULL},
	{0},
};

static enum hf_status run_path(struct cli *cli, hf_error *err)
{
	enum hf_status status = out_list(cli->out, path_columns, err);
	for (size_t i = cli->config->npaths; i-- > 0 && status == HF_OK;) {
		const struct config_path *path = &cli->config->paths[i];
		status = out_row(cli->out,
				 (struct cell[]){cell_word(path->path), cell_word(path->kind), cell_bool(path->exists)},
				 err);
	}
	return status == HF_OK || status == HF_STOP ? out_list_end(cli->out, err) : status;
}

static const struct column check_columns[] = {
	{"files", COLUMN_INT, NULL, "read"},
	{"profile", COLUMN_TEXT, NULL, "the chosen one"},
	{0},
};

/* Files, variables and flags were checked before this runs: a bad one has ended the command already. */
static enum hf_status run_check(struct cli *cli, hf_error *err)
{
	const struct setting_value *password = config_get(cli->config, "database.password");
	const char *secret;
	int64_t files = 0;
	for (size_t i = 0; i < cli->config->npaths; i++)
		files += cli->config->paths[i].exists;
	if (password->value.text) {
		enum hf_status status = config_secret(password, cli->arena, &secret, err);
		if (status != HF_OK)
			return status;
	}
	return out_object(cli->out, check_columns, (struct cell[]){cell_int(files), cell_word(cli->config->profile)},
			  err);
}

const struct cmd config_commands[] = {
	{.noun = "config",
	 .verb = "show",
	 .summary = "print every setting with its value",
	 .options = show_options,
	 .columns = show_columns,
	 .examples = {"holdfast config show", "holdfast config show --origin",
		      "holdfast -p production config show --json"},
	 .run = run_show,
	 .test_effect = "test_config_show_names_the_origin",
	 .test_refusal = "test_config_show_refuses_an_unknown_key",
	 .flags = CMD_LIST | CMD_NO_DATABASE},
	{.noun = "config",
	 .verb = "get",
	 .args = "KEY",
	 .summary = "print one setting; exit 3 when it is not set",
	 .columns = get_columns,
	 .examples = {"holdfast config get database.url", "holdfast config get command.limit --json",
		      "holdfast -c ./holdfast.conf config get log.level"},
	 .run = run_get,
	 .test_effect = "test_config_get_prints_one_value",
	 .test_refusal = "test_config_get_refuses_an_unknown_key",
	 .flags = CMD_NO_DATABASE},
	{.noun = "config",
	 .verb = "check",
	 .summary = "check files, variables and secrets without connecting",
	 .columns = check_columns,
	 .examples = {"holdfast config check", "holdfast -c new.conf config check",
		      "holdfast -p production config check"},
	 .run = run_check,
	 .test_effect = "test_config_check_accepts_a_good_file",
	 .test_refusal = "test_config_check_points_at_the_column",
	 .flags = CMD_NO_DATABASE},
	{.noun = "config",
	 .verb = "path",
	 .summary = "list the files that are read, strongest first",
	 .columns = path_columns,
	 .examples = {"holdfast config path", "holdfast config path --json=path", "holdfast -c x.conf config path"},
	 .run = run_path,
	 .test_effect = "test_config_path_lists_the_files",
	 .test_refusal = "test_config_path_refuses_a_missing_file",
	 .flags = CMD_LIST | CMD_NO_DATABASE},
	{0},
};
