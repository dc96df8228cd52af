/*
 * listing.c - the table of commands as JSON, for tests and for tools that build on it.
 */
#include "cli/help.h"

static void key_text(struct json_writer *json, const char *key, const char *text)
{
	jw_key(json, key);
	if (text)
		jw_text(json, hf_str_of(text));
	else
		jw_null(json);
}

static void put_options(struct json_writer *json, const struct cmd_option *options)
{
	static const char *const kinds[] = {"text", "flag", "int", "number", "duration", "size", "choice"};
	jw_array_begin(json);
	for (const struct cmd_option *option = options; option && option->name; option++) {
		char letter[2] = {option->letter, '\0'};
		jw_object_begin(json);
		key_text(json, "name", option->name);
		key_text(json, "letter", option->letter ? letter : NULL);
		key_text(json, "arg", option->arg);
		key_text(json, "kind", kinds[option->kind]);
		jw_key(json, "value_optional");
		jw_bool(json, option->value_optional);
		jw_key(json, "repeatable");
		jw_bool(json, option->repeatable);
		jw_key(json, "min");
		jw_int(json, option->min);
		jw_key(json, "max");
		jw_int(json, option->max);
		key_text(json, "choices", option->choices);
		key_text(json, "help", option->help);
		jw_object_end(json);
	}
	jw_array_end(json);
}

static void put_command(struct json_writer *json, const struct cmd *cmd)
{
	jw_object_begin(json);
	key_text(json, "noun", cmd->noun);
	key_text(json, "verb", cmd->verb);
	key_text(json, "args", cmd->args);
	key_text(json, "summary", cmd->summary);
	key_text(json, "about", cmd->about);
	jw_key(json, "dry_run");
	jw_bool(json, (cmd->flags & CMD_WRITES) != 0);
	jw_key(json, "options");
	put_options(json, cmd->options);
	jw_key(json, "examples");
	jw_array_begin(json);
	for (size_t i = 0; i < CMD_EXAMPLES_MAX && cmd->examples[i]; i++)
		jw_text(json, hf_str_of(cmd->examples[i]));
	jw_array_end(json);
	jw_key(json, "fields");
	jw_array_begin(json);
	for (const struct column *column = cmd->columns; column && column->name; column++)
		jw_text(json, hf_str_of(column->name));
	jw_array_end(json);
	key_text(json, "test_effect", cmd->test_effect);
	key_text(json, "test_refusal", cmd->test_refusal);
	jw_object_end(json);
}

enum hf_status table_as_json(struct out *out, hf_error *err)
{
	struct json_writer *json = out_json(out);
	jw_object_begin(json);
	jw_key(json, "global");
	put_options(json, global_options);
	jw_key(json, "commands");
	jw_array_begin(json);
	for (const struct noun *noun = command_nouns; noun->name; noun++)
		for (const struct cmd *cmd = noun->commands; cmd->noun; cmd++)
			put_command(json, cmd);
	jw_array_end(json);
	jw_object_end(json);
	return out_json_end(out, err);
}
