/*
 * redis_call.c - one call: a connection, the request out, the answers in, and what may be done again.
 *
 * What did not leave as a whole did not happen, nor what was refused in passing: again, after a pause. What left and
 * was not answered: a read again, a write is of unknown outcome. Answers of a failed call are freed here.
 */
#include <poll.h>

#include "base/context.h"
#include "base/error.h"
#include "core/backoff.h"
#include "kv/redis.h"

enum { LOOK_MS = 200 };

/* How an attempt ended. */
enum verdict { DONE, FAILED, AGAIN };

static void free_replies(redisReply **replies, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (replies[i])
			freeReplyObject(replies[i]);
		replies[i] = NULL;
	}
}

void redis_request_script(struct redis_request *request, const struct redis_script *script,
                          const struct redis_space *space, size_t argc)
{
	bool one = script == &redis_script_put || script == &redis_script_puts;
	size_t keys = one ? 1 : REDIS_KEYS;
	redis_request_command(request, 3 + keys + argc);
	redis_request_text(request, "EVALSHA");
	redis_request_text(request, script->sha1);
	redis_request_number(request, (int64_t)keys);
	buf_add(&request->text, one ? space->first_word : space->words);
}

void redis_request_fence(struct redis_request *request, const struct hf_kv_fence *fence)
{
	redis_request_word(request, (struct hf_bytes){(const uint8_t *)fence->lock.ptr, fence->lock.len});
	redis_request_word(request, (struct hf_bytes){(const uint8_t *)fence->owner.ptr, fence->owner.len});
	redis_request_number(request, fence->fence);
}

bool redis_time(const redisReply *seconds, const redisReply *microseconds, int64_t *ret_us)
{
	int64_t s, us;
	if (seconds->type != REDIS_REPLY_STRING || microseconds->type != REDIS_REPLY_STRING ||
	    !str_to_i64((struct hf_str){seconds->str, seconds->len}, &s) ||
	    !str_to_i64((struct hf_str){microseconds->str, microseconds->len}, &us) || s < 0 || s > INT64_MAX / 2000000)
		return false;
	*ret_us = s * 1000000 + us;
	return true;
}

/* ---- one attempt ---- */

/* Something went wrong with the connection, or the deadline passed, once the request had left. */
static enum hf_status unknown(const struct redis_call *call, enum hf_status why, hf_error *err)
{
	if (!call->writes)
		return why;
	if (err) {
		char cause[sizeof(err->message)];
		snprintf(cause, sizeof(cause), "%s", err->message);
		error_set(err, HF_E_OUTCOME_UNKNOWN, "could not %s: %.400s; it may have happened", call->what, cause);
		err->category = HF_CATEGORY_CONNECTION;
		err->action = HF_ACTION_UNKNOWN;
	}
	return HF_E_OUTCOME_UNKNOWN;
}

static enum hf_status send_wait(struct redis_connection *connection, hf_deadline deadline, hf_error *err)
{
	struct redis_request request;
	bool whole;
	int64_t left_ms = (deadline - hf_now_monotonic_us(connection->ctx)) / 1000;
	redis_request_init(&request);
	redis_request_command(&request, 4);
	redis_request_text(&request, "WAITAOF");
	redis_request_text(&request, "1");
	redis_request_text(&request, "0");
	redis_request_number(&request, left_ms > 1 ? left_ms : 1);
	enum hf_status status = redis_request_check(&request, err);
	if (status == HF_OK)
		status = redis_wire_send(connection, &request, deadline, &whole, err);
	redis_request_deinit(&request);
	return status;
}

static enum hf_status check_wait(const redisReply *reply, hf_error *err)
{
	if (redis_is_array(reply, 1) && reply->element[0]->type == REDIS_REPLY_INTEGER &&
	    reply->element[0]->integer >= 1)
		return HF_OK;
	return error_set(err, HF_E_FAILED, "Redis did not say that its log is on disk");
}

/* The server does not know the script: nothing happened. */
static enum hf_status load_script(struct redis_connection *connection, const struct redis_script *script,
                                  hf_deadline deadline, hf_error *err)
{
	struct redis_request request;
	redisReply *reply = NULL;
	bool whole;
	redis_request_init(&request);
	redis_request_command(&request, 3);
	redis_request_text(&request, "SCRIPT");
	redis_request_text(&request, "LOAD");
	redis_request_word(&request, (struct hf_bytes){(const uint8_t *)script->text.ptr, script->text.len});
	enum hf_status status = redis_request_check(&request, err);
	if (status == HF_OK)
		status = redis_wire_send(connection, &request, deadline, &whole, err);
	if (status == HF_OK)
		status = redis_wire_receive(connection, deadline, &reply, err);
	redis_request_deinit(&request);
	if (status == HF_OK && reply->type == REDIS_REPLY_ERROR)
		status = redis_refusal(reply, "load a script", err);
	if (reply)
		freeReplyObject(reply);
	return status;
}

struct attempt {
	const struct redis_call *call;
	struct redis_connection *connection;
	redisReply **replies;
	enum hf_status status;
	bool broken; /* the connection is of no more use */
};

static enum verdict failed(struct attempt *attempt, enum hf_status status)
{
	attempt->status = status;
	attempt->broken = true;
	return FAILED;
}

/* Send; AGAIN when it did not leave as a whole for want of a connection. */
static enum verdict send_all(struct attempt *attempt, bool waits, hf_error *err)
{
	const struct redis_call *call = attempt->call;
	bool whole;
	enum hf_status status = redis_wire_send(attempt->connection, call->request, call->deadline, &whole, err);
	if (status != HF_OK) {
		failed(attempt, status);
		return status == HF_E_UNAVAILABLE ? AGAIN : FAILED;
	}
	if (waits)
		status = send_wait(attempt->connection, call->deadline, err);
	return status == HF_OK ? DONE : failed(attempt, unknown(call, status, err));
}

static enum verdict receive_all(struct attempt *attempt, bool waits, hf_error *err)
{
	const struct redis_call *call = attempt->call;
	redisReply *wait = NULL;
	enum hf_status status = HF_OK;
	for (size_t i = 0; status == HF_OK && i < call->answers; i++)
		status = redis_wire_receive(attempt->connection, call->deadline, &attempt->replies[i], err);
	if (status == HF_OK && waits)
		status = redis_wire_receive(attempt->connection, call->deadline, &wait, err);
	if (status != HF_OK) {
		failed(attempt, unknown(call, status, err));
		return status == HF_E_UNAVAILABLE && !call->writes ? AGAIN : FAILED;
	}
	if (waits && attempt->replies[0]->type != REDIS_REPLY_ERROR)
		attempt->status = check_wait(wait, err);
	if (wait)
		freeReplyObject(wait);
	if (attempt->status == HF_OK)
		return DONE;
	attempt->status = unknown(call, attempt->status, err);
	return FAILED;
}

static const redisReply *first_refusal(const struct attempt *attempt)
{
	for (size_t i = 0; i < attempt->call->answers; i++)
		if (attempt->replies[i]->type == REDIS_REPLY_ERROR)
			return attempt->replies[i];
	return NULL;
}

static enum verdict exchange(struct attempt *attempt, hf_error *err)
{
	const struct redis_call *call = attempt->call;
	bool waits = call->strict && attempt->connection->server.strict == REDIS_STRICT_WAIT;
	enum verdict verdict = send_all(attempt, waits, err);
	if (verdict == DONE)
		verdict = receive_all(attempt, waits, err);
	const redisReply *refused = verdict == DONE ? first_refusal(attempt) : NULL;
	if (!refused)
		return verdict;
	bool passing = redis_is_passing(refused, &attempt->broken);
	attempt->status = redis_refusal(refused, call->what, err);
	return passing ? AGAIN : FAILED;
}

static bool script_is_missing(const struct attempt *attempt)
{
	const redisReply *reply = attempt->replies[0];
	return attempt->call->script && reply && reply->type == REDIS_REPLY_ERROR &&
	       str_starts((struct hf_str){reply->str, reply->len}, HF_STR("NOSCRIPT"));
}

/* On the connection that was taken, with the script loaded if need be. */
static enum verdict run(struct attempt *attempt, hf_error *err)
{
	const struct redis_call *call = attempt->call;
	if (call->strict) {
		attempt->status = redis_check_strict(&attempt->connection->server, err);
		if (attempt->status != HF_OK)
			return FAILED;
	}
	enum verdict verdict = exchange(attempt, err);
	if (verdict != FAILED || !script_is_missing(attempt))
		return verdict;
	free_replies(attempt->replies, call->answers);
	attempt->status = load_script(attempt->connection, call->script, call->deadline, err);
	if (attempt->status != HF_OK)
		return failed(attempt, attempt->status);
	return exchange(attempt, err);
}

static enum verdict attempt_once(hf_kv_backend_state *state, const struct redis_call *call, redisReply **replies,
                                 enum hf_status *ret_status, hf_error *err)
{
	struct attempt attempt = {.call = call, .replies = replies};
	enum hf_status status = redis_pool_take(state, call->deadline, &attempt.connection, err);
	if (status != HF_OK) {
		*ret_status = status;
		return status == HF_E_UNAVAILABLE ? AGAIN : FAILED;
	}
	enum verdict verdict = run(&attempt, err);
	redis_pool_give(state, attempt.connection, attempt.broken);
	if (verdict != DONE)
		free_replies(replies, call->answers);
	*ret_status = attempt.status;
	return verdict;
}

/* ---- again ---- */

/* False when the deadline comes first, or an interruption. */
static bool pause_us(hf_context *ctx, int64_t us, hf_deadline deadline)
{
	int64_t until = hf_now_monotonic_us(ctx) + us;
	if (until >= deadline)
		return false;
	for (int64_t left; (left = until - hf_now_monotonic_us(ctx)) > 0 && !hf_context_interrupted(ctx);)
		poll(NULL, 0, (int)(left / 1000 < LOOK_MS ? left / 1000 + 1 : LOOK_MS));
	return !hf_context_interrupted(ctx);
}

static enum hf_status call_again(hf_kv_backend_state *state, const struct redis_call *call, redisReply **ret_replies,
                                 hf_error *err)
{
	struct backoff backoff;
	hf_error last = HF_ERROR_INIT;
	enum hf_status status = redis_request_check(call->request, err);
	if (status != HF_OK)
		return status;
	memset(ret_replies, 0, call->answers * sizeof(*ret_replies));
	backoff_init(&backoff, state->backoff_ms * 1000, state->backoff_ms_max * 1000);
	for (uint32_t attempt = 1;; attempt++) {
		enum verdict verdict = attempt_once(state, call, ret_replies, &status, &last);
		if (verdict == DONE)
			return HF_OK;
		if (verdict == FAILED || attempt >= state->attempts_max ||
		    !pause_us(state->ctx, backoff_next(&backoff, context_random_u64(state->ctx)), call->deadline))
			break;
		atomic_fetch_add_explicit(&state->retries, 1, memory_order_relaxed);
	}
	if (err)
		*err = last;
	return status;
}

/* ---- telling ---- */

static void tell(const hf_kv_backend_state *state, const struct redis_call *call, enum hf_status status,
                 int64_t took_us)
{
	bool slow = state->slow_us >= 0 && took_us >= state->slow_us;
	enum hf_log_level level = slow ? HF_LOG_WARN : HF_LOG_DEBUG;
	if (!context_logs(state->ctx, level) || !(slow || state->log_requests))
		return;
	const struct hf_log_field fields[] = {field_text("request", call->what), field_us("ms", took_us),
	                                      field_text("outcome", hf_status_word(status))};
	context_log(state->ctx, level, slow ? "redis_slow" : "redis", fields, ARRAY_LEN(fields));
}

enum hf_status redis_call(hf_kv_backend_state *state, const struct redis_call *call, redisReply **ret_replies,
                          hf_error *err)
{
	if (!context_logs(state->ctx, HF_LOG_WARN))
		return call_again(state, call, ret_replies, err);
	int64_t started_us = hf_now_monotonic_us(state->ctx);
	enum hf_status status = call_again(state, call, ret_replies, err);
	tell(state, call, status, hf_now_monotonic_us(state->ctx) - started_us);
	return status;
}

enum hf_status redis_ask(hf_kv_backend_state *state, struct redis_request *request, const struct redis_script *script,
                         const char *what, hf_deadline deadline, redisReply **ret_reply, hf_error *err)
{
	const struct redis_call call = {
		.request = request, .what = what, .script = script, .answers = 1, .deadline = deadline};
	enum hf_status status = redis_call(state, &call, ret_reply, err);
	redis_request_deinit(request);
	return status;
}
