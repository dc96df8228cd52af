/*
 * configuration.h - the settings of the command and where each value comes from.
 *
 * Strongest first: flag, HOLDFAST_* variable (then a well-known foreign one), the chosen [profile.NAME] section, the
 * user's file, the system's drop-ins (last in order first) and file, the compiled default. -c FILE or HOLDFAST_CONFIG
 * replaces user's and system's files. In a profile a key is written with its section: database.url = ...
 *
 * Every file is checked as a whole: an unknown key or a bad value is HF_E_CONFIG with file:line:column, also where a
 * stronger source has the last word. Secrets never stand in a file: password = file:PATH | env:NAME | credential:NAME.
 */
#ifndef CLI_CONFIGURATION_H
#define CLI_CONFIGURATION_H

#include "cli/command.h"
#include "cli/ini.h"
#include "cli/parse.h"

struct setting {
	const char *name;	  /* "database.url" */
	struct cmd_option option; /* kind, bounds, help */
	const char *flag;	  /* the global flag that says the same, or NULL */
	const char *env;	  /* HOLDFAST_...; */
	const char *env_foreign;  /* DATABASE_URL, or NULL */
	const char *otherwise;	  /* the compiled default as text, or NULL for none */
	bool secret;		  /* a reference, never shown resolved */
};

struct setting_value {
	const struct setting *setting;
	struct given value; /* text NULL: not set and no default */
	const char *origin; /* "--timeout", "HOLDFAST_TIMEOUT", "/etc/holdfast/holdfast.conf:3", "default" */
};

enum { CONFIG_FILES_MAX = 64 };

struct config_path {
	const char *path;
	const char *kind; /* "system", "drop-in", "user", "given" */
	bool exists;
};

struct configuration {
	struct setting_value *values; /* one per setting, in the order of config_settings */
	size_t count;
	const char *profile;			    /* NULL when none is chosen */
	bool protect;				    /* the profile says protected = yes */
	struct config_path paths[CONFIG_FILES_MAX]; /* weakest first */
	size_t npaths;
};

/* Where to look: the real ones by config_sources_real(), others in tests. */
struct config_sources {
	const char *system_dir;		     /* "/etc/holdfast" */
	const char *user_file;		     /* NULL = none */
	const char *given_file;		     /* -c or HOLDFAST_CONFIG; NULL = none */
	const char *profile;		     /* -p or HOLDFAST_PROFILE; NULL = none */
	char *(*variable)(const char *name); /* getenv */
};

extern const struct setting config_settings[]; /* ends with an entry without a name */
extern const size_t config_settings_count;

/** "database.url", or its section and key; NULL when there is none. */
const struct setting *config_setting(const char *name);
const struct setting *config_setting_of(const char *section, const char *key);
bool config_is_section(const char *section);

/** By the flags, variables and XDG_CONFIG_HOME. */
enum hf_status config_sources_real(const struct parsed *parsed, hf_arena *arena, struct config_sources *ret_sources,
				   hf_error *err);
enum hf_status config_load(const struct config_sources *sources, const struct parsed *parsed, hf_arena *arena,
			   struct configuration **ret_config, hf_error *err);
/** Asserts that the setting exists. */
const struct setting_value *config_get(const struct configuration *config, const char *name);
/** A value that goes before all others but the flags; the text is borrowed. For TEXT settings. */
void config_override(struct configuration *config, const char *name, const char *text, const char *origin);
/** NULL when it is not set. */
const char *config_text(const struct configuration *config, const char *name);
/** INT, DURATION (ms), SIZE, CHOICE; only for settings with a default. */
int64_t config_int(const struct configuration *config, const char *name);
/** A URL or key=value text with *** for its passwords, in the arena; NULL when memory is short. */
const char *config_hide_password(const char *url_or_keywords, hf_arena *arena);
/** The password that a file holds, without the newlines at its end; "-" is standard input. HF_E_CONFIG. */
enum hf_status config_secret_file(const char *path, hf_arena *arena, const char **ret_secret, hf_error *err);
/** What a secret's reference stands for, in the arena. HF_E_CONFIG without the secret in the message. */
enum hf_status config_secret(const struct setting_value *value, hf_arena *arena, const char **ret_secret,
			     hf_error *err);

#endif
