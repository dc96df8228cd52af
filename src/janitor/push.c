/*
 * push.c - the metrics of a context, handed to a Prometheus push gateway (holdfast/metrics.h).
 */
#include "holdfast/metrics.h"

#include "base/str.h"
#include "janitor/http.h"

enum { TIMEOUT_MS = 30000 };

struct pushing {
	hf_context *ctx;
	struct http_request request;
};

static enum hf_status push_text(void *user, struct hf_str text, hf_error *err)
{
	struct pushing *pushing = user;
	pushing->request.body = text;
	return http_send(pushing->ctx, &pushing->request, err);
}

enum hf_status hf_metrics_push(hf_context *ctx, const char *gateway_url, struct hf_str job, hf_deadline deadline,
                               hf_error *err)
{
	struct pushing pushing = {.ctx = ctx,
	                          .request = {.who = "the push gateway",
	                                      .what = "the name of the job",
	                                      .url = gateway_url,
	                                      .segments = {HF_STR("metrics"), HF_STR("job"), job},
	                                      .method = "PUT",
	                                      .content_type = "text/plain; version=0.0.4; charset=utf-8",
	                                      .deadline = deadline,
	                                      .timeout_ms = TIMEOUT_MS}};
	if (str_find(job, '/') >= 0)
		return error_set(err, HF_E_USAGE, "the name of a job has no slash: %.*s", STR_ARG(job));
	return hf_metrics_write(hf_context_metrics(ctx), push_text, &pushing, err);
}
