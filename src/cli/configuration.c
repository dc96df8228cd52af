/*
 * configuration.c - the values of settings (config_settings.c) layer by layer: each stronger source overwrites.
 */
#include "cli/configuration.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/nearest.h"
#include "base/str.h"

static const char *profile_of(const char *section)
{
	return strncmp(section, "profile.", 8) == 0 && section[8] ? section + 8 : NULL;
}

/* ---- errors ---- */

static enum hf_status unknown_section(const struct ini_file *file, const struct ini_entry *entry, hf_error *err)
{
	struct nearest search = nearest_to(hf_str_of(entry->section));
	static const char *const sections[] = {"database", "kv", "command", "log", "profile.NAME"};
	for (size_t i = 0; i < ARRAY_LEN(sections); i++)
		nearest_offer(&search, sections[i]);
	if (!entry->section[0])
		return error_set(err, HF_E_CONFIG, "%s:%u:%u: \"%s\" stands before the first [section]", file->path,
				 entry->line, entry->column, entry->key);
	error_set(err, HF_E_CONFIG, "%s:%u:%u: \"%s\" stands in the unknown section [%s]", file->path, entry->line,
		  entry->column, entry->key, entry->section);
	if (search.best)
		error_hint(err, "did you mean   [%s]", search.best);
	else
		error_hint(err, "sections   [database] [kv] [command] [log] [profile.NAME]");
	return HF_E_CONFIG;
}

static enum hf_status unknown_key(const struct ini_file *file, const struct ini_entry *entry, hf_error *err)
{
	struct nearest search = nearest_to(hf_str_of(entry->key));
	bool dotted = profile_of(entry->section) != NULL;
	size_t n = strlen(entry->section);
	for (const struct setting *setting = config_settings; setting->name; setting++) {
		if (dotted)
			nearest_offer(&search, setting->name);
		else if (strncmp(setting->name, entry->section, n) == 0 && setting->name[n] == '.')
			nearest_offer(&search, setting->name + n + 1);
	}
	if (dotted)
		nearest_offer(&search, "protected");
	error_set(err, HF_E_CONFIG, "%s:%u:%u: unknown key \"%s\" in [%s]", file->path, entry->line, entry->column,
		  entry->key, entry->section);
	if (search.best)
		error_hint(err, "did you mean   %s", search.best);
	else
		error_hint(err, "all keys   holdfast help configuration");
	return HF_E_CONFIG;
}

/* ---- setting values ---- */

static enum hf_status config_wrong(enum hf_status status, hf_error *err)
{
	if (status == HF_E_USAGE && err)
		err->status = HF_E_CONFIG;
	return status == HF_E_USAGE ? HF_E_CONFIG : status;
}

static bool is_reference(const char *text)
{
	static const char *const kinds[] = {"file:", "env:", "credential:"};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strncmp(text, kinds[i], strlen(kinds[i])) == 0)
			return true;
	return false;
}

/* `source` is where the text stands, for messages; `origin` is what `config show --origin` prints. */
static enum hf_status set_value(struct configuration *config, const struct setting *setting, const char *text,
				const char *source, const char *origin, hf_error *err)
{
	struct given given = {0};
	if (setting->secret && !is_reference(text)) {
		error_set(err, HF_E_CONFIG, "%s is not a reference; secrets do not stand in configuration", source);
		error_hint(err, "write   file:/run/credentials/password, env:NAME or credential:NAME");
		return HF_E_CONFIG;
	}
	enum hf_status status = parse_value(&setting->option, source, text, &given, err);
	if (status != HF_OK || !config)
		return config_wrong(status, err);
	struct setting_value *value = &config->values[setting - config_settings];
	value->value = given;
	value->origin = origin;
	return HF_OK;
}

struct layers {
	struct configuration *config;
	hf_arena *arena;
	struct ini_file files[CONFIG_FILES_MAX]; /* weakest first */
	size_t nfiles;
};

static enum hf_status apply_entry(struct layers *layers, const struct ini_file *file, const struct ini_entry *entry,
				  const struct setting *setting, bool really, hf_error *err)
{
	struct hf_str source =
		arena_printf(layers->arena, "%s:%u:%u: %s", file->path, entry->line, entry->value_column, entry->key);
	struct hf_str origin = arena_printf(layers->arena, "%s:%u", file->path, entry->line);
	if (!source.ptr || !origin.ptr)
		return error_nomem(err);
	return set_value(really ? layers->config : NULL, setting, entry->value, source.ptr, origin.ptr, err);
}

static enum hf_status apply_protected(struct layers *layers, const struct ini_file *file, const struct ini_entry *entry,
				      bool chosen, hf_error *err)
{
	static const struct cmd_option yes_no = {.name = "protected", .kind = OPTION_CHOICE, .choices = "no|yes"};
	struct given given = {0};
	struct hf_str source =
		arena_printf(layers->arena, "%s:%u:%u: protected", file->path, entry->line, entry->value_column);
	if (!source.ptr)
		return error_nomem(err);
	enum hf_status status = parse_value(&yes_no, source.ptr, entry->value, &given, err);
	if (status == HF_OK && chosen)
		layers->config->protect = given.number == 1;
	return config_wrong(status, err);
}

/* Plain sections of one file; every entry of every profile is checked here too. */
static enum hf_status apply_file(struct layers *layers, const struct ini_file *file, hf_error *err)
{
	for (size_t i = 0; i < file->count; i++) {
		const struct ini_entry *entry = &file->entries[i];
		bool in_profile = profile_of(entry->section) != NULL;
		enum hf_status status;
		if (in_profile && strcmp(entry->key, "protected") == 0) {
			status = apply_protected(layers, file, entry, false, err);
		} else if (!in_profile && !config_is_section(entry->section)) {
			status = unknown_section(file, entry, err);
		} else {
			const struct setting *setting =
				in_profile ? config_setting(entry->key) : config_setting_of(entry->section, entry->key);
			status = setting ? apply_entry(layers, file, entry, setting, !in_profile, err)
					 : unknown_key(file, entry, err);
		}
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

static enum hf_status unknown_profile(const struct layers *layers, hf_error *err)
{
	struct nearest search = nearest_to(hf_str_of(layers->config->profile));
	for (size_t f = 0; f < layers->nfiles; f++)
		for (size_t i = 0; i < layers->files[f].count; i++) {
			const char *name = profile_of(layers->files[f].entries[i].section);
			if (name)
				nearest_offer(&search, name);
		}
	error_set(err, HF_E_CONFIG, "unknown profile \"%s\": no file has a section [profile.%s]",
		  layers->config->profile, layers->config->profile);
	if (search.best)
		error_hint(err, "did you mean   --profile %s", search.best);
	else
		error_hint(err, "files   holdfast config path");
	return HF_E_CONFIG;
}

static enum hf_status apply_profile(struct layers *layers, hf_error *err)
{
	bool found = false;
	for (size_t f = 0; f < layers->nfiles; f++)
		for (size_t i = 0; i < layers->files[f].count; i++) {
			const struct ini_entry *entry = &layers->files[f].entries[i];
			const char *name = profile_of(entry->section);
			if (!name || strcmp(name, layers->config->profile) != 0)
				continue;
			found = true;
			enum hf_status status = strcmp(entry->key, "protected") == 0
							? apply_protected(layers, &layers->files[f], entry, true, err)
							: apply_entry(layers, &layers->files[f], entry,
								      config_setting(entry->key), true, err);
			if (status != HF_OK)
				return status;
		}
	return found ? HF_OK : unknown_profile(layers, err);
}

/* ---- files ---- */

static enum hf_status add_file(struct layers *layers, const char *path, const char *kind, bool must_exist,
			       hf_error *err)
{
	if (layers->nfiles == CONFIG_FILES_MAX || layers->config->npaths == CONFIG_FILES_MAX)
		return error_set(err, HF_E_CONFIG, "more than %d configuration files", CONFIG_FILES_MAX);
	hf_error local = HF_ERROR_INIT;
	enum hf_status status = ini_read(path, layers->arena, &layers->files[layers->nfiles], &local);
	const char *kept = hf_arena_str(layers->arena, hf_str_of(path)).ptr;
	if (!kept)
		return error_nomem(err);
	layers->config->paths[layers->config->npaths++] = (struct config_path){kept, kind, status == HF_OK};
	if (status == HF_NOT_FOUND && !must_exist)
		return HF_OK;
	if (status == HF_OK)
		layers->nfiles++;
	else if (err)
		*err = local;
	if (status == HF_NOT_FOUND && err)
		err->status = HF_E_CONFIG;
	return status == HF_NOT_FOUND ? HF_E_CONFIG : status;
}

static enum hf_status add_drop_ins(struct layers *layers, const char *system_dir, hf_error *err)
{
	glob_t found = {0};
	enum hf_status status = HF_OK;
	struct hf_str pattern = arena_printf(layers->arena, "%s/conf.d/*.conf", system_dir);
	if (!pattern.ptr)
		return error_nomem(err);
	if (glob(pattern.ptr, 0, NULL, &found) != 0)
		return HF_OK;
	for (size_t i = 0; i < found.gl_pathc && status == HF_OK; i++)
		status = add_file(layers, found.gl_pathv[i], "drop-in", true, err);
	globfree(&found);
	return status;
}

static enum hf_status add_files(struct layers *layers, const struct config_sources *sources, hf_error *err)
{
	if (sources->given_file)
		return add_file(layers, sources->given_file, "given", true, err);
	struct hf_str system = arena_printf(layers->arena, "%s/holdfast.conf", sources->system_dir);
	if (!system.ptr)
		return error_nomem(err);
	enum hf_status status = add_file(layers, system.ptr, "system", false, err);
	if (status == HF_OK)
		status = add_drop_ins(layers, sources->system_dir, err);
	if (status == HF_OK && sources->user_file)
		status = add_file(layers, sources->user_file, "user", false, err);
	return status;
}

/* ---- variables and flags ---- */

static enum hf_status apply_variable(struct configuration *config, const struct setting *setting, const char *name,
				     const char *text, hf_error *err)
{
	static const struct {
		const char *text, *word;
	} words[] = {{"1", "yes"}, {"0", "no"}, {"true", "yes"}, {"false", "no"}};
	if (setting->option.choices && strcmp(setting->option.choices, "no|yes") == 0)
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			if (strcmp(text, words[i].text) == 0)
				text = words[i].word;
	return set_value(config, setting, text, name, name, err);
}

static enum hf_status apply_variables(struct configuration *config, const struct config_sources *sources, hf_error *err)
{
	for (const struct setting *setting = config_settings; setting->name; setting++) {
		const char *name = setting->env;
		const char *text = sources->variable(name);
		if ((!text || !text[0]) && setting->env_foreign) {
			name = setting->env_foreign;
			text = sources->variable(name);
		}
		if (!text || !text[0])
			continue;
		enum hf_status status = apply_variable(config, setting, name, text, err);
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

static enum hf_status apply_flags(struct layers *layers, const struct parsed *parsed, hf_error *err)
{
	for (const struct setting *setting = config_settings; setting->name; setting++) {
		const struct given *given = setting->flag ? parsed_flag(parsed, setting->flag) : NULL;
		if (!given)
			continue;
		struct hf_str source = arena_printf(layers->arena, "--%s", setting->flag);
		if (!source.ptr)
			return error_nomem(err);
		const char *text = given->option->kind == OPTION_FLAG ? "yes" : given->text;
		enum hf_status status = set_value(layers->config, setting, text, source.ptr, source.ptr, err);
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

static enum hf_status apply_defaults(struct configuration *config, hf_error *err)
{
	for (const struct setting *setting = config_settings; setting->name; setting++) {
		config->values[setting - config_settings].setting = setting;
		config->values[setting - config_settings].origin = "default";
		enum hf_status status = setting->otherwise ? set_value(config, setting, setting->otherwise,
								       setting->name, "default", err)
							   : HF_OK;
		if (status != HF_OK)
			return status;
	}
	return HF_OK;
}

enum hf_status config_sources_real(const struct parsed *parsed, hf_arena *arena, struct config_sources *ret_sources,
				   hf_error *err)
{
	const struct given *file = parsed_flag(parsed, "config"), *profile = parsed_flag(parsed, "profile");
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	struct config_sources sources = {.system_dir = "/etc/holdfast", .variable = getenv};
	struct hf_str user = {NULL, 0};
	if (xdg && xdg[0] == '/')
		user = arena_printf(arena, "%s/holdfast/holdfast.conf", xdg);
	else if (home && home[0] == '/')
		user = arena_printf(arena, "%s/.config/holdfast/holdfast.conf", home);
	sources.user_file = user.ptr;
	sources.given_file = file ? file->text : getenv("HOLDFAST_CONFIG");
	sources.profile = profile ? profile->text : getenv("HOLDFAST_PROFILE");
	if (sources.given_file && !sources.given_file[0])
		return error_set(err, HF_E_CONFIG, "%s is empty", file ? "--config" : "HOLDFAST_CONFIG");
	*ret_sources = sources;
	return HF_OK;
}

enum hf_status config_load(const struct config_sources *sources, const struct parsed *parsed, hf_arena *arena,
			   struct configuration **ret_config, hf_error *err)
{
	struct configuration *config = hf_arena_calloc(arena, 1, sizeof(*config));
	struct layers *layers = hf_arena_calloc(arena, 1, sizeof(*layers));
	if (config)
		config->values = hf_arena_calloc(arena, config_settings_count, sizeof(*config->values));
	if (!layers || !config || !config->values)
		return error_nomem(err);
	config->count = config_settings_count;
	config->profile = sources->profile && sources->profile[0] ? sources->profile : NULL;
	layers->config = config;
	layers->arena = arena;
	enum hf_status status = apply_defaults(config, err);
	if (status == HF_OK)
		status = add_files(layers, sources, err);
	for (size_t i = 0; i < layers->nfiles && status == HF_OK; i++)
		status = apply_file(layers, &layers->files[i], err);
	if (status == HF_OK && config->profile)
		status = apply_profile(layers, err);
	if (status == HF_OK)
		status = apply_variables(config, sources, err);
	if (status == HF_OK)
		status = apply_flags(layers, parsed, err);
	if (status == HF_OK)
		*ret_config = config;
	return status;
}

/* ---- reading ---- */

void config_override(struct configuration *config, const char *name, const char *text, const char *origin)
{
	const struct setting *setting = config_setting(name);
	ASSERT(setting && setting->option.kind == OPTION_TEXT);
	struct setting_value *value = &config->values[setting - config_settings];
	value->value.text = text;
	value->origin = origin;
}

const struct setting_value *config_get(const struct configuration *config, const char *name)
{
	const struct setting *setting = config_setting(name);
	ASSERT(setting != NULL);
	return &config->values[setting - config_settings];
}

const char *config_text(const struct configuration *config, const char *name)
{
	return config_get(config, name)->value.text;
}

int64_t config_int(const struct configuration *config, const char *name)
{
	const struct setting_value *value = config_get(config, name);
	ASSERT(value->value.text != NULL);
	return value->value.number;
}
