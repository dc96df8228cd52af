/*
 * replay_reviews.c - the recorded calls that store a review (spec/janitor.md 8) by ours, before a runner on loopback.
 */
#include "recorded.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct http_route routes[] = {
	{.path = "/200/*", .answer = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}"},
	{.path = "/204/*", .answer = "HTTP/1.0 204 No Content\r\n\r\n"},
	{.path = "/403/*", .answer = "HTTP/1.0 403 Forbidden\r\nContent-Length: 0\r\n\r\n"},
	{.path = "/500/*", .answer = "HTTP/1.0 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n"},
	{0}, /* the rest is answered 404 */
};

/* The segments of a path, each decoded: how they are encoded is open. */
static json_t *plain_path(const char *path, size_t n)
{
	char plain[512];
	size_t out = 0;
	for (size_t i = 0; i < n && out + 1 < sizeof(plain); i++) {
		unsigned byte = (unsigned char)path[i];
		if (byte == '%' && i + 2 < n && sscanf(path + i + 1, "%2x", &byte) == 1)
			i += 2;
		plain[out++] = (char)byte;
	}
	return json_stringn(plain, out);
}

/* POST /<answer><base>runs/<id>: what came behind the answer's word, and the body. */
static void heard(void *user, const char *request)
{
	json_t *posts = *(json_t **)user;
	const char *path = strchr(request, ' ') + strlen(" /200"), *body = strstr(request, "\r\n\r\n");
	json_t *said = json_loads(body + 4, 0, NULL);
	json_array_append_new(posts, json_pack("{s:o,s:o}", "path", plain_path(path, strcspn(path, " ")), "json",
	                                       said ? said : json_null()));
}

static json_t *heard_posts; /* of the call that is being made */

static struct http_double *runner_of(struct replay *replay)
{
	if (!replay->runner) {
		replay->runner = http_double_start(routes);
		http_double_on_heard(replay->runner, heard, &heard_posts);
	}
	return replay->runner;
}

/* "http://127.0.0.1:PORT/200/path/"; a port where nobody listens for an answer of null. */
static const char *runner_url(struct replay *replay, const json_t *args, char *url, size_t size)
{
	const char *base = json_string_value(json_object_get(args, "base"));
	int64_t answers;
	if (integer_of(args, "answers", &answers))
		snprintf(url, size, "http://127.0.0.1:%d/%d%s", http_double_port(runner_of(replay)), (int)answers,
		         base ? base : "/");
	else
		snprintf(url, size, "http://127.0.0.1:1");
	return url;
}

static void review(struct replay *replay, const json_t *args, struct answer *ret)
{
	char url[256];
	struct hf_review_request request = {.size = sizeof(request),
	                                    .run_id = text_of(args, "run_id"),
	                                    .verdict = text_of(args, "verdict"),
	                                    .comment = text_of(args, "comment"),
	                                    .reviewer = text_of(args, "reviewer"),
	                                    .is_qa = bool_of(args, "is_qa"),
	                                    .runner_url = runner_url(replay, args, url, sizeof(url))};
	struct hf_review_result result;
	ret->posts = heard_posts = json_array();
	if (hf_review_store(replay->rig.where, &request, keep_of(replay), &result, &ret->err) == HF_OK)
		ret->ok = json_null();
}

const struct call review_calls[] = {{"review", review}, {NULL, NULL}};
