/*
 * runner.c - telling the original's runner over HTTP (holdfast/review.h).
 */
#include "janitor/runner.h"

#include "base/json.h"
#include "base/str.h"
#include "janitor/http.h"

enum { BODY_MAX_BYTES = 64 << 10, TIMEOUT_MS = 30000 };

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

static struct http_request request_of(const char *runner_url, struct hf_str run_id)
{
	return (struct http_request){.who = "the runner",
	                             .what = "the id of the run",
	                             .url = runner_url,
	                             .segments = {HF_STR("runs"), run_id.ptr ? run_id : HF_STR("")},
	                             .method = "POST",
	                             .content_type = "application/json"};
}

static enum hf_status check_id(struct hf_str run_id, hf_error *err)
{
	if (run_id.len == 0 || str_eq(run_id, HF_STR(".")) || str_eq(run_id, HF_STR("..")))
		return error_set(err, HF_E_USAGE, "\"%.*s\" is no id of a run", STR_ARG(run_id));
	return HF_OK;
}

enum hf_status runner_check(const char *runner_url, struct hf_str run_id, hf_error *err)
{
	const struct http_request request = request_of(runner_url, run_id), alone = request_of(runner_url, HF_STR("x"));
	enum hf_status status = http_check(&alone, err);
	if (status == HF_OK)
		status = check_id(run_id, err);
	return status == HF_OK ? http_check(&request, err) : status;
}

enum hf_status hf_runner_set_publish_status(hf_context *ctx, const char *runner_url, struct hf_str run_id,
                                            struct hf_str publish_status, hf_deadline deadline, hf_error *err)
{
	CLEANUP(buf_deinit) struct buf body;
	struct http_request request = request_of(runner_url, run_id);
	buf_init(&body, BODY_MAX_BYTES);
	enum hf_status status = runner_check(runner_url, run_id, err);
	if (status != HF_OK)
		return status;
	if (!write_body(&body, publish_status))
		return buf_starved(&body)
		               ? error_nomem(err)
		               : error_set(err, HF_E_LIMIT, "a publish status of more than %d bytes", BODY_MAX_BYTES);
	request.body = buf_str(&body);
	request.deadline = deadline;
	request.timeout_ms = TIMEOUT_MS;
	return http_send(ctx, &request, err);
}
