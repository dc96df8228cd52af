/*
 * settings.c - connection parameters by strength: set, given, service file, environment, libpq's defaults.
 *
 * libpq itself resolves what stands below `given`: a PGconn is started with what we have and one value that is
 * certainly wrong, so that libpq fills in its environment, service file and defaults, refuses, and never opens a
 * socket; PQconninfo() then tells all effective values. Values are kept per keyword and never joined into a string,
 * so that nothing has to be quoted and no secret shows in a message.
 */
#include "pg/settings.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/nearest.h"
#include "base/str.h"
#include "pg/conn.h"
#include "pg/result.h"

#define PROBE "holdfast-probe"

enum source { SOURCE_SET, SOURCE_GIVEN, SOURCES };

struct setting {
	const char *keyword; /* in `defaults` */
	char *values[SOURCES];
};

struct hf_settings {
	hf_context *ctx;
	PQconninfoOption *defaults;  /* the keywords that this libpq knows, with its defaults */
	PQconninfoOption *effective; /* of the last refresh() */
	struct setting settings[SETTINGS_MAX];
	size_t count;
	struct settings_credential credential;
	bool protected;
	char problem[256];
	char target_session_attrs[32]; /* effective; the first probe hides it */
};

DEFINE_OWNED(options, PQconninfoOption *, PQconninfoFree)

static const PQconninfoOption *find_option(const PQconninfoOption *options, const char *keyword)
{
	for (; options && options->keyword; options++)
		if (strcmp(options->keyword, keyword) == 0)
			return options;
	return NULL;
}

static struct setting *find_setting(const hf_settings *settings, const char *keyword)
{
	for (size_t i = 0; i < settings->count; i++)
		if (strcmp(settings->settings[i].keyword, keyword) == 0)
			return (struct setting *)(uintptr_t)&settings->settings[i];
	return NULL;
}

static const char *chosen(const struct setting *setting)
{
	return setting->values[SOURCE_SET] ? setting->values[SOURCE_SET] : setting->values[SOURCE_GIVEN];
}

static const char *nearest_keyword(const hf_settings *settings, const char *word)
{
	struct nearest search = nearest_to(hf_str_of(word));
	for (size_t i = 0; i < settings->count; i++)
		nearest_offer(&search, settings->settings[i].keyword);
	return search.best;
}

static enum hf_status unknown_keyword(const hf_settings *settings, const char *word, hf_error *err)
{
	const char *nearest = nearest_keyword(settings, word);
	error_set(err, HF_E_CONFIG, "unknown connection parameter \"%.32s\"", word);
	if (nearest)
		error_hint(err, "did you mean \"%s\"?", nearest);
	return HF_E_CONFIG;
}

/* One try to let libpq fill everything in; `wrong` is the keyword that gets the impossible value. */
static PGconn *probe(const hf_settings *settings, const char *wrong)
{
	const char *keywords[SETTINGS_MAX + 2], *values[SETTINGS_MAX + 2];
	size_t n = 0;
	for (size_t i = 0; i < settings->count; i++) {
		const char *value = chosen(&settings->settings[i]);
		if (!value || strcmp(settings->settings[i].keyword, wrong) == 0)
			continue;
		keywords[n] = settings->settings[i].keyword;
		values[n++] = value;
	}
	keywords[n] = wrong;
	values[n++] = PROBE;
	keywords[n] = values[n] = NULL;
	return PQconnectStartParams(keywords, values, 0);
}

/* The probe's own complaint is expected; anything else is a problem of the settings. */
static void note_problem(hf_settings *settings, const PGconn *pg)
{
	const char *message = PQerrorMessage(pg);
	settings->problem[0] = '\0';
	if (!strstr(message, PROBE))
		message_line(message, settings->problem, sizeof(settings->problem));
}

static void note_target_session_attrs(hf_settings *settings)
{
	CLEANUP(pgconn_freep) PGconn *pg = probe(settings, "gssencmode");
	CLEANUP(options_freep) PQconninfoOption *effective = pg ? PQconninfo(pg) : NULL;
	const PQconninfoOption *option = find_option(effective, "target_session_attrs");
	snprintf(settings->target_session_attrs, sizeof(settings->target_session_attrs), "%s",
		 option && option->val ? option->val : "any");
}

/* Ask libpq for the effective values. A problem is kept for the connect: single steps of a change may not fit. */
static enum hf_status refresh(hf_settings *settings, hf_error *err)
{
	CLEANUP(pgconn_freep) PGconn *pg = probe(settings, "target_session_attrs");
	PQconninfoOption *effective = pg ? PQconninfo(pg) : NULL;
	if (!effective)
		return error_nomem(err);
	PQconninfoFree(settings->effective);
	settings->effective = effective;
	note_problem(settings, pg);
	note_target_session_attrs(settings);
	return HF_OK;
}

static enum hf_status new_without_values(hf_context *ctx, hf_settings **ret_settings, hf_error *err)
{
	CLEANUP(settings_freep) hf_settings *settings = calloc(1, sizeof(*settings));
	if (!settings)
		return error_nomem(err);
	settings->ctx = ctx;
	settings->defaults = PQconndefaults();
	if (!settings->defaults)
		return error_nomem(err);
	for (const PQconninfoOption *option = settings->defaults; option->keyword; option++) {
		ASSERT(settings->count < SETTINGS_MAX);
		settings->settings[settings->count++].keyword = option->keyword;
	}
	*ret_settings = settings_take(&settings);
	return HF_OK;
}

enum hf_status hf_settings_new(hf_context *ctx, hf_settings **ret_settings, hf_error *err)
{
	CLEANUP(settings_freep) hf_settings *settings = NULL;
	enum hf_status status = new_without_values(ctx, &settings, err);
	if (status == HF_OK)
		status = refresh(settings, err);
	if (status == HF_OK)
		*ret_settings = settings_take(&settings);
	return status;
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static enum hf_status put(struct setting *setting, enum source source, const char *value, hf_error *err)
{
	char *copy = value ? strdup(value) : NULL;
	if (value && !copy)
		return error_nomem(err);
	wipe(setting->values[source]);
	setting->values[source] = copy;
	return HF_OK;
}

enum hf_status settings_copy(const hf_settings *settings, hf_settings **ret_copy, hf_error *err)
{
	CLEANUP(settings_freep) hf_settings *copy = NULL;
	enum hf_status status = new_without_values(settings->ctx, &copy, err);
	for (size_t i = 0; status == HF_OK && i < settings->count; i++)
		for (int source = 0; status == HF_OK && source < SOURCES; source++)
			status =
				put(&copy->settings[i], (enum source)source, settings->settings[i].values[source], err);
	if (status == HF_OK)
		status = refresh(copy, err);
	if (status != HF_OK)
		return status;
	copy->credential = settings->credential;
	copy->protected = settings->protected;
	*ret_copy = settings_take(&copy);
	return HF_OK;
}

/* libpq quotes the offending piece. It is named only when it looks like a keyword: it may be part of a password. */
static enum hf_status parse_failed(const hf_settings *settings, const char *message, hf_error *err)
{
	char word[33] = "";
	const char *quote = message ? strchr(message, '"') : NULL;
	size_t len = quote ? strspn(quote + 1, "abcdefghijklmnopqrstuvwxyz_") : 0;
	if (len > 1 && len < sizeof(word) && quote[1 + len] == '"')
		memcpy(word, quote + 1, len);
	if (word[0] && nearest_keyword(settings, word))
		return unknown_keyword(settings, word, err);
	error_set(err, HF_E_CONFIG, "could not parse the connection settings (text withheld: it may hold a password)");
	error_hint(err, "write postgresql://user@host:port/dbname or \"host=... dbname=...\"; quote a value "
	                "with spaces, percent-encode special characters in a url");
	return HF_E_CONFIG;
}

/* libpq ends the credentials at the first '@' and sees none behind a '/': what follows of a password would become a
   host or a database, which messages name. Mirrors conninfo_uri_parse_options(). */
static enum hf_status check_url(const char *url, hf_error *err)
{
	const char *start = strstr(url, "://");
	if (!start || (strncmp(url, "postgresql", 10) != 0 && strncmp(url, "postgres", 8) != 0))
		return HF_OK;
	start += 3;
	const char *rest = start + strcspn(start, "@/");
	rest += *rest == '@';
	if (!memchr(rest, '@', strcspn(rest, "?")))
		return HF_OK;
	error_set(err, HF_E_CONFIG, "the url has a bare '@' or '/' within its password (text withheld)");
	error_hint(err, "write '@' as %%40, '/' as %%2F and ':' as %%3A there");
	return HF_E_CONFIG;
}

/* Not quoted either: behind "host:" it may be a password whose '@' is missing. */
static enum hf_status check_port(const char *ports, hf_error *err)
{
	struct hf_str rest = hf_str_of(ports ? ports : ""), port;
	int64_t number;
	while (str_split(&rest, ',', &port)) {
		port = str_trim(port);
		if (port.len == 0 || (str_to_i64(port, &number) && number >= 1 && number <= 65535))
			continue;
		error_set(err, HF_E_CONFIG, "the port is no number from 1 to 65535 (text withheld)");
		error_hint(err, "a url is postgresql://user:password@host:port/dbname");
		return HF_E_CONFIG;
	}
	return HF_OK;
}

enum hf_status hf_settings_parse(hf_settings *settings, const char *url_or_keywords, hf_error *err)
{
	char *message = NULL;
	if (check_url(url_or_keywords, err) != HF_OK)
		return HF_E_CONFIG;
	CLEANUP(options_freep) PQconninfoOption *parsed = PQconninfoParse(url_or_keywords, &message);
	if (!parsed) {
		enum hf_status status = message ? parse_failed(settings, message, err) : error_nomem(err);
		PQfreemem(message);
		return status;
	}
	const PQconninfoOption *port = find_option(parsed, "port");
	enum hf_status status = check_port(port ? port->val : NULL, err);
	for (size_t i = 0; status == HF_OK && i < settings->count; i++) {
		const PQconninfoOption *option = find_option(parsed, settings->settings[i].keyword);
		status = put(&settings->settings[i], SOURCE_GIVEN, option ? option->val : NULL, err);
	}
	return status == HF_OK ? refresh(settings, err) : status;
}

enum hf_status hf_settings_set(hf_settings *settings, const char *keyword, const char *value, hf_error *err)
{
	struct setting *setting = find_setting(settings, keyword);
	if (!setting)
		return unknown_keyword(settings, keyword, err);
	enum hf_status status = put(setting, SOURCE_SET, value, err);
	return status == HF_OK ? refresh(settings, err) : status;
}

const char *settings_secret(const hf_settings *settings, const char *keyword)
{
	if (strcmp(keyword, "target_session_attrs") == 0)
		return settings->target_session_attrs;
	const PQconninfoOption *option = find_option(settings->effective, keyword);
	if (option && option->val)
		return option->val[0] ? option->val : NULL;
	const struct setting *setting = find_setting(settings, keyword); /* not kept by a PGconn: "service" */
	return setting ? chosen(setting) : NULL;
}

static bool is_secret(const hf_settings *settings, const char *keyword)
{
	const PQconninfoOption *option = find_option(settings->defaults, keyword);
	return option && option->dispchar[0] == '*';
}

const char *hf_settings_get(const hf_settings *settings, const char *keyword)
{
	const char *value = settings_secret(settings, keyword);
	return value && is_secret(settings, keyword) ? "***" : value;
}

const char *hf_settings_reveal(const hf_settings *settings, const char *keyword)
{
	return settings_secret(settings, keyword);
}

/* Which of the sources below `given` a value came from. */
static const char *outer_origin(const PQconninfoOption *option, const char *value)
{
	const char *environment = option && option->envvar ? getenv(option->envvar) : NULL;
	if (!option || !value || (option->compiled && strcmp(value, option->compiled) == 0 && !environment))
		return "default";
	if (environment && strcmp(environment, value) == 0)
		return "environment";
	return option->val && strcmp(option->val, value) == 0 && !getenv("PGSERVICE") ? "default" : "service";
}

const char *hf_settings_origin(const hf_settings *settings, const char *keyword)
{
	const struct setting *setting = find_setting(settings, keyword);
	if (!setting)
		return NULL;
	if (setting->values[SOURCE_SET])
		return "set";
	if (setting->values[SOURCE_GIVEN])
		return "given";
	return outer_origin(find_option(settings->defaults, keyword), settings_secret(settings, keyword));
}

bool settings_is_default(const hf_settings *settings, const char *keyword)
{
	const char *origin = hf_settings_origin(settings, keyword);
	return !origin || strcmp(origin, "default") == 0;
}

size_t settings_list(const hf_settings *settings, const char *ret_keywords[], const char *ret_values[])
{
	size_t n = 0;
	for (size_t i = 0; i < settings->count; i++) {
		const char *keyword = settings->settings[i].keyword;
		const char *value = settings_secret(settings, keyword);
		if (!value || strcmp(keyword, "service") == 0)
			continue;
		ret_keywords[n] = keyword;
		ret_values[n++] = value;
	}
	return n;
}

const char *settings_problem(const hf_settings *settings)
{
	return settings->problem;
}

struct settings_credential settings_credential(const hf_settings *settings)
{
	return settings->credential;
}

bool settings_protected(const hf_settings *settings)
{
	return settings->protected;
}

hf_context *settings_context(const hf_settings *settings)
{
	return settings->ctx;
}

void hf_settings_on_credential(hf_settings *settings, hf_credential_fn *fn, void *user)
{
	settings->credential = (struct settings_credential){fn, user};
}

void hf_settings_protect(hf_settings *settings, bool protect)
{
	settings->protected = protect;
}

/* As libpq would read it back: quoted when there is anything but plain letters in it. */
static void describe_one(struct buf *text, const char *keyword, const char *value)
{
	bool quote =
		value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./,:@%+")] != '\0';
	buf_printf(text, "%s%s=%s", text->len ? " " : "", keyword, quote ? "'" : "");
	for (const char *at = value; *at; at++) {
		if (*at == '\'' || *at == '\\')
			buf_add_char(text, '\\');
		buf_add_char(text, *at);
	}
	buf_add_text(text, quote ? "'" : "");
}

void hf_settings_describe(const hf_settings *settings, char *ret_text, size_t size)
{
	static const char *const shown[] = {"dbname", "host", "hostaddr", "port", "user"};
	struct buf text;
	buf_init(&text, 4096);
	for (size_t i = 0; i < ARRAY_LEN(shown); i++) {
		const char *value = hf_settings_get(settings, shown[i]);
		if (value)
			describe_one(&text, shown[i], value);
	}
	snprintf(ret_text, size, "%.*s", STR_ARG(buf_str(&text)));
	buf_deinit(&text);
}

void hf_settings_free(hf_settings *settings)
{
	if (!settings)
		return;
	for (size_t i = 0; i < settings->count; i++)
		for (int source = 0; source < SOURCES; source++)
			wipe(settings->settings[i].values[source]);
	PQconninfoFree(settings->effective);
	PQconninfoFree(settings->defaults);
	free(settings);
}
