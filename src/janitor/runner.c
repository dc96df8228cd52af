/*
 * runner.c - telling the original's runner over HTTP (holdfast/review.h). One request, bounded by a deadline; of the
 * answer only the status counts, the first line of its body goes into messages.
 */
#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/json.h"
#include "base/str.h"
#include "janitor/runner.h"

enum { PATH_MAX_BYTES = 16 << 10, BODY_MAX_BYTES = 64 << 10, SAID_MAX = 160 };
#define DEFAULT_TIMEOUT_MS 30000

DEFINE_OWNED(curl, CURL *, curl_easy_cleanup)
DEFINE_OWNED(address, CURLU *, curl_url_cleanup)
DEFINE_OWNED(headers, struct curl_slist *, curl_slist_free_all)
DEFINE_OWNED(text, char *, curl_free)

struct transfer {
	hf_context *ctx;
	char said[SAID_MAX + 1]; /* by the runner, cut */
	size_t nsaid;
	char why[CURL_ERROR_SIZE];
};

/* ---- where ---- */

static bool is_http(CURLU *address)
{
	CLEANUP(text_freep) char *scheme = NULL;
	if (curl_url_get(address, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return false;
	return strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0;
}

/* The URL's own path, with or without a slash behind it, then /runs/ID. */
static bool add_path(CURLU *address, struct hf_str run_id)
{
	CLEANUP(buf_deinit) struct buf path;
	CLEANUP(text_freep) char *own = NULL;
	CLEANUP(text_freep) char *segment = curl_easy_escape(NULL, run_id.ptr, (int)run_id.len);
	buf_init(&path, PATH_MAX_BYTES);
	if (!segment || curl_url_get(address, CURLUPART_PATH, &own, 0) != CURLUE_OK)
		return false;
	struct hf_str base = hf_str_of(own);
	while (str_ends(base, HF_STR("/")))
		base.len--;
	buf_printf(&path, "%.*s/runs/%s", STR_ARG(base), segment);
	buf_add_char(&path, '\0');
	return buf_ok(&path) && curl_url_set(address, CURLUPART_PATH, buf_str(&path).ptr, 0) == CURLUE_OK &&
	       curl_url_set(address, CURLUPART_QUERY, NULL, 0) == CURLUE_OK &&
	       curl_url_set(address, CURLUPART_FRAGMENT, NULL, 0) == CURLUE_OK;
}

/* As messages show it. */
static char *shown(CURLU *address)
{
	CLEANUP(address_freep) CURLU *copy = curl_url_dup(address);
	char *text = NULL;
	if (copy && curl_url_set(copy, CURLUPART_USER, NULL, 0) == CURLUE_OK &&
	    curl_url_set(copy, CURLUPART_PASSWORD, NULL, 0) == CURLUE_OK)
		curl_url_get(copy, CURLUPART_URL, &text, 0);
	return text;
}

static enum hf_status address_of(const char *runner_url, struct hf_str run_id, CURLU *address, hf_error *err)
{
	if (curl_url_set(address, CURLUPART_URL, runner_url, 0) != CURLUE_OK || !is_http(address))
		return error_set(err, HF_E_USAGE, "the runner's URL is no http or https URL");
	if (run_id.len == 0 || str_eq(run_id, HF_STR(".")) || str_eq(run_id, HF_STR("..")))
		return error_set(err, HF_E_USAGE, "\"%.*s\" is no id of a run", STR_ARG(run_id));
	if (run_id.len > PATH_MAX_BYTES / 4 || !add_path(address, run_id))
		return error_set(err, HF_E_USAGE, "the runner's URL and the id of the run are no URL together");
	return HF_OK;
}

enum hf_status runner_check(const char *runner_url, struct hf_str run_id, hf_error *err)
{
	CLEANUP(address_freep) CURLU *address = curl_url();
	return address ? address_of(runner_url, run_id, address, err) : error_nomem(err);
}

/* ---- the request ---- */

static size_t hear(char *bytes, size_t size, size_t n, void *user)
{
	struct transfer *transfer = user;
	size_t room = SAID_MAX - transfer->nsaid, take = size * n < room ? size * n : room;
	memcpy(transfer->said + transfer->nsaid, bytes, take);
	transfer->nsaid += take;
	return size * n;
}

static int watch(void *user, UNUSED curl_off_t expected, UNUSED curl_off_t got, UNUSED curl_off_t to_send,
                 UNUSED curl_off_t sent)
{
	const struct transfer *transfer = user;
	return hf_context_interrupted(transfer->ctx);
}

static bool write_body(struct buf *body, struct hf_str publish_status)
{
	struct json_writer json;
	jw_init(&json, jw_into_buf, body);
	jw_object_begin(&json);
	jw_key(&json, "publish_status");
	jw_text(&json, publish_status);
	jw_object_end(&json);
	return jw_finish(&json);
}

static void set_options(CURL *curl, struct transfer *transfer, CURLU *address, int64_t left_ms)
{
	curl_easy_setopt(curl, CURLOPT_CURLU, address);
	curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, hear);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, transfer);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, watch);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, transfer);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transfer->why);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)left_ms);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, left_ms < 10000 ? (long)left_ms : 10000L);
}

static enum hf_status judge(CURLcode code, CURL *curl, struct transfer *transfer, const char *url, hf_error *err)
{
	const char *why = transfer->why[0] ? transfer->why : curl_easy_strerror(code);
	long answer = 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return error_set(err, HF_E_INTERRUPTED, "interrupted while telling the runner at %s", url);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(err, HF_TIMEOUT, "telling the runner at %s took too long", url);
	if (code != CURLE_OK)
		return error_set(err, HF_E_UNAVAILABLE, "could not tell the runner at %s: %s", url, why);
	if (answer >= 200 && answer < 300)
		return HF_OK;
	enum hf_status status = answer == 404                   ? HF_NOT_FOUND
	                        : answer >= 400 && answer < 500 ? HF_REJECTED
	                        : answer >= 500                 ? HF_E_UNAVAILABLE
	                                                        : HF_E_PROTOCOL;
	size_t line = strcspn(transfer->said, "\r\n");
	return error_set(err, status, "the runner at %s answered %ld%s%.*s", url, answer, line > 0 ? ": " : "",
	                 (int)line, transfer->said);
}

static enum hf_status post(hf_context *ctx, CURLU *address, const char *url, struct hf_str body, int64_t left_ms,
                           hf_error *err)
{
	CLEANUP(curl_freep) CURL *curl = curl_easy_init();
	CLEANUP(headers_freep) struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	struct transfer transfer = {.ctx = ctx};
	if (!curl || !headers)
		return error_nomem(err);
	set_options(curl, &transfer, address, left_ms);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.ptr);
	return judge(curl_easy_perform(curl), curl, &transfer, url, err);
}

enum hf_status hf_runner_set_publish_status(hf_context *ctx, const char *runner_url, struct hf_str run_id,
                                            struct hf_str publish_status, hf_deadline deadline, hf_error *err)
{
	CLEANUP(address_freep) CURLU *address = curl_url();
	CLEANUP(text_freep) char *url = NULL;
	CLEANUP(buf_deinit) struct buf body;
	buf_init(&body, BODY_MAX_BYTES);
	if (!address)
		return error_nomem(err);
	enum hf_status status = address_of(runner_url, run_id, address, err);
	if (status != HF_OK)
		return status;
	url = shown(address);
	if (!url || !write_body(&body, publish_status))
		return buf_starved(&body) || !url
		               ? error_nomem(err)
		               : error_set(err, HF_E_LIMIT, "a publish status of more than %d bytes", BODY_MAX_BYTES);
	if (deadline == HF_DEADLINE_DEFAULT)
		deadline = hf_deadline_in(ctx, DEFAULT_TIMEOUT_MS);
	int64_t left_ms = (deadline - hf_now_monotonic_us(ctx)) / 1000;
	if (left_ms <= 0)
		return error_set(err, HF_TIMEOUT, "no time is left to tell the runner at %s", url);
	return post(ctx, address, url, buf_str(&body), left_ms, err);
}
