/*
 * report.c - errors and events as lines or JSON. Events are built in a buffer on the stack's side and written at
 * once, because they may come from any thread.
 */
#include "cli/report.h"

#include <string.h>
#include <time.h>

#include "base/crc32c.h"
#include "base/json.h"
#include "base/str.h"

enum { EVENT_BYTES_MAX = 16384, HINT_BYTES_MAX = 1024 };

static bool json_to_buf(void *user, const char *bytes, size_t n)
{
	buf_add(user, (struct hf_str){bytes, n});
	return buf_ok(user);
}

static void write_all(FILE *file, const struct buf *buf)
{
	struct hf_str text = buf_str(buf);
	fwrite(text.ptr, 1, text.len, file);
	fflush(file);
}

/* ---- errors ---- */

/* Hints are laid out in columns for people; in JSON they are one sentence. */
static void flatten_hint(const char *hint, char ret_text[HINT_BYTES_MAX])
{
	size_t n = 0;
	for (const char *c = hint; *c && n + 3 < HINT_BYTES_MAX; c++) {
		if (*c == '\n') {
			ret_text[n++] = ';';
			ret_text[n++] = ' ';
		} else if (*c != ' ' || (n > 0 && ret_text[n - 1] != ' ')) {
			ret_text[n++] = *c;
		}
	}
	ret_text[n] = '\0';
}

static void text_or_null(struct json_writer *json, const char *key, const char *text)
{
	jw_key(json, key);
	if (text[0])
		jw_text(json, hf_str_of(text));
	else
		jw_null(json);
}

static void error_json(struct buf *buf, const hf_error *err, int exit_code)
{
	struct json_writer json;
	char hint[HINT_BYTES_MAX];
	flatten_hint(err->hint, hint);
	jw_init(&json, json_to_buf, buf);
	jw_object_begin(&json);
	jw_key(&json, "error");
	jw_object_begin(&json);
	jw_key(&json, "code");
	jw_text(&json, hf_str_of(hf_status_word(err->status)));
	jw_key(&json, "exit");
	jw_int(&json, exit_code);
	jw_key(&json, "message");
	jw_text(&json, hf_str_of(err->message));
	text_or_null(&json, "detail", err->detail);
	text_or_null(&json, "hint", hint);
	text_or_null(&json, "sqlstate", err->sqlstate);
	jw_key(&json, "retryable");
	jw_bool(&json, hf_error_is_retryable(err));
	jw_object_end(&json);
	jw_object_end(&json);
	jw_finish(&json);
	buf_add_char(buf, '\n');
}

/* Each line of `text` indented; a label in front of the first. */
static void add_lines(struct buf *buf, const char *label, const char *text)
{
	struct hf_str rest = hf_str_of(text), line;
	for (bool first = true; text[0] && str_split(&rest, '\n', &line); first = false) {
		buf_printf(buf, "  %s", first ? label : "");
		text_safe(buf, line);
		buf_add_char(buf, '\n');
	}
}

static void error_lines(struct buf *buf, const hf_error *err, bool color)
{
	buf_add_text(buf, color ? "\033[1;31merror:\033[0m " : "error: ");
	struct hf_str rest = hf_str_of(err->message), line;
	for (bool first = true; str_split(&rest, '\n', &line); first = false) {
		buf_add_text(buf, first ? "" : "  ");
		text_safe(buf, line);
		buf_add_char(buf, '\n');
	}
	add_lines(buf, "detail   ", err->detail);
	add_lines(buf, "", err->hint);
}

void report_error(FILE *file, const hf_error *err, int exit_code, bool json, bool color)
{
	struct buf buf;
	buf_init(&buf, EVENT_BYTES_MAX);
	if (json)
		error_json(&buf, err, exit_code);
	else
		error_lines(&buf, err, color);
	write_all(file, &buf);
	buf_deinit(&buf);
}

/* ---- events ---- */

static const char *const level_words[] = {"error", "warn", "info", "debug", "trace"};

static void add_now(char *text, size_t size)
{
	struct timespec now;
	struct tm tm;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	snprintf(text, size, "%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
		 tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
}

static bool needs_quotes(struct hf_str text)
{
	for (size_t i = 0; i < text.len; i++)
		if ((unsigned char)text.ptr[i] <= ' ' || text.ptr[i] == '"' || text.ptr[i] == '=' ||
		    text.ptr[i] == '\\')
			return true;
	return text.len == 0;
}

static void add_logfmt_text(struct buf *buf, struct hf_str text)
{
	struct json_writer json;
	if (!needs_quotes(text)) {
		text_safe(buf, text);
		return;
	}
	jw_init(&json, json_to_buf, buf);
	jw_text(&json, text);
	jw_finish(&json);
}

static void event_logfmt(struct buf *buf, const char *now, enum hf_log_level level, const char *event,
			 const struct hf_log_field *fields, size_t nfields)
{
	buf_printf(buf, "ts=%s level=%s event=%s", now, level_words[level], event);
	for (size_t i = 0; i < nfields; i++) {
		buf_printf(buf, " %s=", fields[i].name);
		if (fields[i].kind == HF_FIELD_TEXT)
			add_logfmt_text(buf, fields[i].text);
		else if (fields[i].kind == HF_FIELD_MS)
			buf_printf(buf, "%.3f", (double)fields[i].number / 1000);
		else
			buf_printf(buf, "%lld", (long long)fields[i].number);
	}
	buf_add_char(buf, '\n');
}

static void event_json(struct buf *buf, const char *now, enum hf_log_level level, const char *event,
		       const struct hf_log_field *fields, size_t nfields)
{
	struct json_writer json;
	jw_init(&json, json_to_buf, buf);
	jw_object_begin(&json);
	jw_key(&json, "ts");
	jw_text(&json, hf_str_of(now));
	jw_key(&json, "level");
	jw_text(&json, hf_str_of(level_words[level]));
	jw_key(&json, "event");
	jw_text(&json, hf_str_of(event));
	for (size_t i = 0; i < nfields; i++) {
		jw_key(&json, fields[i].name);
		if (fields[i].kind == HF_FIELD_TEXT)
			jw_text(&json, fields[i].text);
		else if (fields[i].kind == HF_FIELD_MS)
			jw_double(&json, (double)fields[i].number / 1000);
		else
			jw_int(&json, fields[i].number);
	}
	jw_object_end(&json);
	jw_finish(&json);
	buf_add_char(buf, '\n');
}

static void write_event(const struct report_log *log, const struct buf *buf)
{
	flockfile(log->file);
	if (log->progress)
		progress_clear(log->progress);
	write_all(log->file, buf);
	funlockfile(log->file);
}

void report_event(void *user, enum hf_log_level level, const char *event, const struct hf_log_field *fields,
		  size_t nfields)
{
	struct report_log *log = user;
	struct buf buf;
	char now[96];
	add_now(now, sizeof(now));
	buf_init(&buf, EVENT_BYTES_MAX);
	if (log->format == LOG_JSON)
		event_json(&buf, now, level, event, fields, nfields);
	else
		event_logfmt(&buf, now, level, event, fields, nfields);
	write_event(log, &buf);
	buf_deinit(&buf);
}

static void warning_json(struct buf *buf, const char *event, struct hf_str text)
{
	struct json_writer json;
	jw_init(&json, json_to_buf, buf);
	jw_object_begin(&json);
	jw_key(&json, "warning");
	jw_object_begin(&json);
	jw_key(&json, "code");
	jw_text(&json, hf_str_of(event));
	jw_key(&json, "message");
	jw_text(&json, text);
	jw_object_end(&json);
	jw_object_end(&json);
	jw_finish(&json);
}

static struct hf_str field_of(const struct hf_log_field *fields, size_t nfields, const char *key)
{
	for (size_t i = 0; i < nfields; i++)
		if (strcmp(fields[i].name, key) == 0)
			return fields[i].text;
	return HF_STR("");
}

/* What a person should know although all went well; false for what only a log is for. */
static bool warning_text(const char *event, const struct hf_log_field *fields, size_t nfields, struct buf *text)
{
	if (strcmp(event, "tls_unverified") == 0) {
		struct hf_str host = field_of(fields, nfields, "host"), mode = field_of(fields, nfields, "sslmode");
		buf_printf(text, "anyone could answer for %.*s with sslmode=%.*s: set sslmode=verify-full",
			   STR_ARG(host), STR_ARG(mode));
		return true;
	}
	if (strcmp(event, "candidate_left_out") != 0)
		return false;
	struct hf_str campaign = field_of(fields, nfields, "campaign");
	struct hf_str codebase = field_of(fields, nfields, "codebase");
	struct hf_str reason = field_of(fields, nfields, "reason");
	buf_printf(text, "%.*s/%.*s is left out: %.*s", STR_ARG(campaign), STR_ARG(codebase), STR_ARG(reason));
	return true;
}

void report_warning(void *user, UNUSED enum hf_log_level level, const char *event, const struct hf_log_field *fields,
		    size_t nfields)
{
	struct report_log *log = user;
	struct buf text, buf;
	buf_init(&text, EVENT_BYTES_MAX);
	buf_init(&buf, EVENT_BYTES_MAX);
	if (!warning_text(event, fields, nfields, &text)) {
		buf_deinit(&text);
		return;
	}
	if (log->json) {
		warning_json(&buf, event, buf_str(&text));
	} else {
		buf_add_text(&buf, "warning: ");
		text_safe(&buf, buf_str(&text));
	}
	buf_add_char(&buf, '\n');
	flockfile(log->file);
	const uint32_t crc = crc32c(0, buf_str(&buf).ptr, buf_str(&buf).len);
	if (crc != log->last)
		write_event(log, &buf);
	log->last = crc;
	funlockfile(log->file);
	buf_deinit(&buf);
	buf_deinit(&text);
}
