/*
 * http.h - one small request to a service over HTTP: bounded by a deadline; of the answer only the status counts, the
 * first line of its body goes into messages.
 */
#ifndef JANITOR_HTTP_H
#define JANITOR_HTTP_H

#include "base/error.h"
#include "holdfast/context.h"

enum { HTTP_SEGMENTS_MAX = 4 };

struct http_request {
	const char *who;                           /* "the runner": for messages */
	const char *what;                          /* "the id of the run": what the last segment is, for messages */
	const char *url;                           /* of the service: its own path stays, a query does not */
	struct hf_str segments[HTTP_SEGMENTS_MAX]; /* put behind it, escaped; the first {NULL, 0} ends them */
	const char *method;                        /* "POST", "PUT" */
	const char *content_type;
	struct hf_str body;
	hf_deadline deadline;
	int64_t timeout_ms; /* for HF_DEADLINE_DEFAULT */
};

/** HF_E_USAGE unless URL and segments make a URL that can be asked. */
enum hf_status http_check(const struct http_request *request, hf_error *err);
/**
 * @return HF_OK for an answer of 200 to 299; HF_NOT_FOUND 404; HF_REJECTED another 4xx; HF_E_UNAVAILABLE 5xx, or nobody
 * answers; HF_TIMEOUT; HF_E_INTERRUPTED; HF_E_PROTOCOL anything else.
 */
enum hf_status http_send(hf_context *ctx, const struct http_request *request, hf_error *err);

#endif
