/*
 * secret.c - passwords: reading the one that a reference stands for, hiding those in a URL.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "cli/configuration.h"

enum { SECRET_MAX = 4096 };

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

enum hf_status config_secret_file(const char *path, hf_arena *arena, const char **ret_secret, hf_error *err)
{
	const char *name = strcmp(path, "-") == 0 ? "/dev/stdin" : path;
	CLEANUP(close_file) FILE *file = fopen(name, "re");
	char text[SECRET_MAX + 1];
	if (!file)
		return error_errno(err, HF_E_CONFIG, "could not read the password from %s", name);
	setvbuf(file, NULL, _IONBF, 0); /* no copy of it stays in a buffer */
	size_t n = fread(text, 1, sizeof(text), file);
	if (ferror(file))
		return error_errno(err, HF_E_CONFIG, "could not read the password from %s", name);
	if (n > SECRET_MAX)
		return error_set(err, HF_E_CONFIG, "could not read the password from %s: longer than %d bytes", name,
				 SECRET_MAX);
	while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	if (memchr(text, '\0', n))
		return error_set(err, HF_E_CONFIG, "could not read the password from %s: it has a NUL byte", name);
	*ret_secret = hf_arena_str(arena, (struct hf_str){text, n}).ptr;
	explicit_bzero(text, sizeof(text));
	return *ret_secret ? HF_OK : error_nomem(err);
}

enum hf_status config_secret(const struct setting_value *value, hf_arena *arena, const char **ret_secret, hf_error *err)
{
	const char *name = strchr(value->value.text, ':') + 1;
	if (strncmp(value->value.text, "file:", 5) == 0)
		return config_secret_file(name, arena, ret_secret, err);
	if (strncmp(value->value.text, "env:", 4) == 0) {
		*ret_secret = getenv(name);
		return *ret_secret ? HF_OK
				   : error_set(err, HF_E_CONFIG, "could not read the password: %s is not set", name);
	}
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	if (!folder)
		return error_set(err, HF_E_CONFIG, "could not read the credential %s: CREDENTIALS_DIRECTORY is not set",
				 name);
	struct hf_str path = arena_printf(arena, "%s/%s", folder, name);
	return path.ptr ? config_secret_file(path.ptr, arena, ret_secret, err) : error_nomem(err);
}

/* Length of a value of key=value text: quoted with \ escapes, or up to a blank or one of `stops`. */
static size_t value_length(const char *text, const char *stops)
{
	size_t n = 0;
	bool quoted = text[0] == '\'';
	for (n = quoted; text[n]; n++) {
		if (text[n] == '\\' && text[n + 1])
			n++;
		else if (quoted && text[n] == '\'')
			return n + 1;
		else if (!quoted && strchr(stops, text[n]))
			break;
	}
	return n;
}

/* Replaces what follows "password=" (also sslpassword=), wherever it stands. */
static void add_without_words(struct buf *buf, const char *text, const char *stops)
{
	const char *found;
	while ((found = strcasestr(text, "password")) != NULL) {
		const char *value = found + strlen("password");
		value += strspn(value, " \t");
		if (*value == '=') {
			value++;
			value += strspn(value, " \t");
			buf_add(buf, (struct hf_str){text, (size_t)(value - text)});
			buf_add_text(buf, "***");
			value += value_length(value, stops);
		} else {
			buf_add(buf, (struct hf_str){text, (size_t)(value - text)});
		}
		text = value;
	}
	buf_add_text(buf, text);
}

const char *config_hide_password(const char *url_or_keywords, hf_arena *arena)
{
	struct buf buf;
	buf_init(&buf, 1 << 16);
	const char *user = strstr(url_or_keywords, "://");
	if (user) {
		user += 3;
		/* A password may hold an @ and even a / by mistake: everything up to the last @ is hidden. */
		const char *at = strrchr(user, '@'), *colon = strchr(user, ':');
		if (at && colon && colon < at) {
			buf_add(&buf, (struct hf_str){url_or_keywords, (size_t)(colon + 1 - url_or_keywords)});
			buf_add_text(&buf, "***");
			user = at;
		} else {
			user = url_or_keywords;
		}
		add_without_words(&buf, user, "&");
	} else {
		add_without_words(&buf, url_or_keywords, " \t\n");
	}
	const char *kept = buf_ok(&buf) ? hf_arena_str(arena, buf_str(&buf)).ptr : NULL;
	buf_deinit(&buf);
	return kept;
}
