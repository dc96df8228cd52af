/*
 * http.c - see http.h.
 */
#include "janitor/http.h"

#include <curl/curl.h>
#include <string.h>
#include <strings.h>

#include "base/str.h"

enum { PATH_MAX_BYTES = 16 << 10, SAID_MAX = 160 };

DEFINE_OWNED(curl, CURL *, curl_easy_cleanup)
DEFINE_OWNED(address, CURLU *, curl_url_cleanup)
DEFINE_OWNED(headers, struct curl_slist *, curl_slist_free_all)
DEFINE_OWNED(text, char *, curl_free)

struct transfer {
	hf_context *ctx;
	char said[SAID_MAX + 1]; /* by the service, cut */
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

static bool add_segment(struct buf *path, struct hf_str segment)
{
	CLEANUP(text_freep) char *escaped = NULL;
	if (segment.len > PATH_MAX_BYTES / 4)
		return false;
	escaped = curl_easy_escape(NULL, segment.ptr, (int)segment.len);
	if (escaped)
		buf_printf(path, "/%s", escaped);
	return escaped != NULL;
}

/* The URL's own path, with or without a slash behind it, then the segments. */
static bool add_path(CURLU *address, const struct http_request *request)
{
	CLEANUP(buf_deinit) struct buf path;
	CLEANUP(text_freep) char *own = NULL;
	buf_init(&path, PATH_MAX_BYTES);
	if (curl_url_get(address, CURLUPART_PATH, &own, 0) != CURLUE_OK)
		return false;
	struct hf_str base = hf_str_of(own);
	while (str_ends(base, HF_STR("/")))
		base.len--;
	buf_add(&path, base);
	for (size_t i = 0; i < HTTP_SEGMENTS_MAX && request->segments[i].ptr; i++)
		if (!add_segment(&path, request->segments[i]))
			return false;
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

/* Neither empty nor a step in the path. */
static bool segments_can_be(const struct http_request *request)
{
	for (size_t i = 0; i < HTTP_SEGMENTS_MAX && request->segments[i].ptr; i++) {
		struct hf_str segment = request->segments[i];
		if (segment.len == 0 || str_eq(segment, HF_STR(".")) || str_eq(segment, HF_STR("..")))
			return false;
	}
	return true;
}

static enum hf_status address_of(const struct http_request *request, CURLU *address, hf_error *err)
{
	if (curl_url_set(address, CURLUPART_URL, request->url, 0) != CURLUE_OK || !is_http(address))
		return error_set(err, HF_E_USAGE, "%s's URL is no http or https URL", request->who);
	if (!segments_can_be(request) || !add_path(address, request))
		return error_set(err, HF_E_USAGE, "%s's URL and %s are no URL together", request->who, request->what);
	return HF_OK;
}

enum hf_status http_check(const struct http_request *request, hf_error *err)
{
	CLEANUP(address_freep) CURLU *address = curl_url();
	return address ? address_of(request, address, err) : error_nomem(err);
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

static enum hf_status judge(CURLcode code, CURL *curl, struct transfer *transfer, const char *who, const char *url,
                            hf_error *err)
{
	const char *why = transfer->why[0] ? transfer->why : curl_easy_strerror(code);
	long answer = 0;
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer);
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return error_set(err, HF_E_INTERRUPTED, "interrupted while telling %s at %s", who, url);
	if (code == CURLE_OPERATION_TIMEDOUT)
		return error_set(err, HF_TIMEOUT, "telling %s at %s took too long", who, url);
	if (code != CURLE_OK)
		return error_set(err, HF_E_UNAVAILABLE, "could not tell %s at %s: %s", who, url, why);
	if (answer >= 200 && answer < 300)
		return HF_OK;
	enum hf_status status = answer == 404                   ? HF_NOT_FOUND
	                        : answer >= 400 && answer < 500 ? HF_REJECTED
	                        : answer >= 500                 ? HF_E_UNAVAILABLE
	                                                        : HF_E_PROTOCOL;
	size_t line = strcspn(transfer->said, "\r\n");
	return error_set(err, status, "%s at %s answered %ld%s%.*s", who, url, answer, line > 0 ? ": " : "", (int)line,
	                 transfer->said);
}

static enum hf_status perform(hf_context *ctx, const struct http_request *request, CURLU *address, const char *url,
                              int64_t left_ms, hf_error *err)
{
	char type[128];
	CLEANUP(curl_freep) CURL *curl = curl_easy_init();
	CLEANUP(headers_freep) struct curl_slist *headers = NULL;
	struct transfer transfer = {.ctx = ctx};
	snprintf(type, sizeof(type), "Content-Type: %s", request->content_type);
	headers = curl_slist_append(NULL, type);
	if (!curl || !headers)
		return error_nomem(err);
	set_options(curl, &transfer, address, left_ms);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)request->body.len);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body.ptr);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
	return judge(curl_easy_perform(curl), curl, &transfer, request->who, url, err);
}

enum hf_status http_send(hf_context *ctx, const struct http_request *request, hf_error *err)
{
	CLEANUP(address_freep) CURLU *address = curl_url();
	CLEANUP(text_freep) char *url = NULL;
	hf_deadline deadline = request->deadline;
	if (!address)
		return error_nomem(err);
	enum hf_status status = address_of(request, address, err);
	if (status != HF_OK)
		return status;
	url = shown(address);
	if (!url)
		return error_nomem(err);
	if (deadline == HF_DEADLINE_DEFAULT)
		deadline = hf_deadline_in(ctx, request->timeout_ms);
	int64_t left_ms = (deadline - hf_now_monotonic_us(ctx)) / 1000;
	if (left_ms <= 0)
		return error_set(err, HF_TIMEOUT, "no time is left to tell %s at %s", request->who, url);
	return perform(ctx, request, address, url, left_ms, err);
}
