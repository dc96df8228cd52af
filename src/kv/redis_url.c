/*
 * redis_url.c - see redis_url.h.
 */
#include "kv/redis_url.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/str.h"

static enum hf_status bad(const char *what, hf_error *err)
{
	error_set(err, HF_E_CONFIG, "could not read the Redis URL: %s", what);
	error_hint(err,
	           "write redis://[[USER]:PASSWORD@]HOST[:PORT][/DB] or redis+unix://[[USER]:PASSWORD@]/PATH[?db=N]");
	return HF_E_CONFIG;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	char lower = (char)(c | 0x20);
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* `text` with %XX replaced; false when it does not fit or is malformed. */
static bool decode(struct hf_str text, char *ret_text, size_t size)
{
	size_t n = 0;
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		if (c == '%') {
			int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
			int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;
			if (high < 0 || low < 0 || high + low == 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (n + 1 >= size)
			return false;
		ret_text[n++] = c;
	}
	ret_text[n] = '\0';
	return true;
}

static enum hf_status parse_database(struct hf_str text, struct redis_url *url, hf_error *err)
{
	int64_t number;
	if (text.len == 0)
		return HF_OK;
	if (!str_to_i64(text, &number) || number < 0 || number > REDIS_DATABASE_MAX)
		return bad("the database is a number", err);
	url->database = (int)number;
	return HF_OK;
}

/* Everything up to the last @ is user and password: a password may have an @ in it. */
static enum hf_status parse_user(struct hf_str *rest, struct redis_url *url, hf_error *err)
{
	const char *at = memrchr(rest->ptr, '@', rest->len);
	if (!at)
		return HF_OK;
	struct hf_str password = {rest->ptr, (size_t)(at - rest->ptr)}, user;
	rest->len -= password.len + 1;
	rest->ptr = at + 1;
	if (str_find(password, ':') < 0)
		return bad("before the @ stands USER:PASSWORD or :PASSWORD", err);
	str_split(&password, ':', &user);
	if (!decode(user, url->user, sizeof(url->user)) || !decode(password, url->password, sizeof(url->password)))
		return bad("user or password is too long, or has a % that no two hex digits follow", err);
	return HF_OK;
}

static enum hf_status parse_port(struct hf_str text, struct redis_url *url, hf_error *err)
{
	int64_t number = 6379;
	if (text.len > 0 && (text.ptr[0] != ':' || !str_to_i64((struct hf_str){text.ptr + 1, text.len - 1}, &number)))
		return bad("behind the host stands :PORT", err);
	if (number < 1 || number > 65535)
		return bad("the port is a number from 1 to 65535", err);
	snprintf(url->port, sizeof(url->port), "%u", (unsigned)number & 0xffff);
	return HF_OK;
}

static enum hf_status parse_host(struct hf_str text, struct redis_url *url, hf_error *err)
{
	bool bracketed = text.len > 0 && text.ptr[0] == '[';
	ptrdiff_t end = bracketed ? str_find(text, ']') : str_find(text, ':');
	if (bracketed && end < 0)
		return bad("a [ without ]", err);
	size_t len = end < 0 ? text.len : (size_t)end;
	struct hf_str host = {text.ptr + bracketed, len - bracketed};
	struct hf_str rest = {text.ptr + len + bracketed, text.len - len - bracketed};
	if (host.len == 0 || !decode(host, url->host, sizeof(url->host)))
		return bad("the host is empty or too long", err);
	return parse_port(rest, url, err);
}

static enum hf_status parse_tcp(struct hf_str rest, struct redis_url *url, hf_error *err)
{
	const char *at = memrchr(rest.ptr, '@', rest.len); /* a password may have a slash */
	const char *from = at ? at : rest.ptr;
	const char *slash = memchr(from, '/', rest.len - (size_t)(from - rest.ptr));
	struct hf_str place = {rest.ptr, slash ? (size_t)(slash - rest.ptr) : rest.len};
	struct hf_str database = {rest.ptr + place.len, rest.len - place.len};
	if (slash)
		database = (struct hf_str){database.ptr + 1, database.len - 1};
	enum hf_status status = parse_user(&place, url, err);
	if (status == HF_OK)
		status = parse_host(place, url, err);
	return status == HF_OK ? parse_database(database, url, err) : status;
}

static enum hf_status parse_unix(struct hf_str rest, struct redis_url *url, hf_error *err)
{
	struct hf_str query, path;
	url->is_unix = true;
	if (!str_starts(rest, HF_STR("/")) && parse_user(&rest, url, err) != HF_OK)
		return HF_E_CONFIG;
	query = rest;
	if (!str_split(&query, '?', &path) || path.len == 0 || path.ptr[0] != '/' ||
	    !decode(path, url->path, sizeof(url->path)))
		return bad("the path of the socket begins with / and has at most 107 bytes", err);
	if (query.len == 0)
		return HF_OK;
	if (!str_starts(query, HF_STR("db=")))
		return bad("the only parameter is ?db=N", err);
	return parse_database((struct hf_str){query.ptr + 3, query.len - 3}, url, err);
}

enum hf_status redis_url_parse(const char *text, struct redis_url *ret_url, hf_error *err)
{
	struct hf_str rest = hf_str_of(text);
	struct redis_url url = {0};
	enum hf_status status;
	if (str_starts(rest, HF_STR("rediss:"))) {
		error_set(err, HF_E_UNSUPPORTED, "this build speaks to Redis without TLS only: \"rediss\" is refused");
		error_hint(err, "use redis:// through a tunnel, or redis+unix://");
		return HF_E_UNSUPPORTED;
	}
	if (str_starts(rest, HF_STR("redis+unix://")))
		status = parse_unix((struct hf_str){rest.ptr + 13, rest.len - 13}, &url, err);
	else if (str_starts(rest, HF_STR("redis://")))
		status = parse_tcp((struct hf_str){rest.ptr + 8, rest.len - 8}, &url, err);
	else
		status = bad("it does not begin with redis:// or redis+unix://", err);
	if (status == HF_OK)
		*ret_url = url;
	return status;
}
