/*
 * http_double.h - a web server on loopback that answers what the test says to GET and POST, one connection after the
 * other.
 */
#ifndef TESTS_JANITOR_HTTP_DOUBLE_H
#define TESTS_JANITOR_HTTP_DOUBLE_H

#include <stddef.h>

struct http_route {
	const char *path;   /* "/x*": every one that begins so */
	const char *answer; /* head and body as sent; NULL = nothing at all until the client goes */
	const char *file;   /* not NULL: answer is the head, this file the body */
	size_t repeat;      /* the body so many times more */
};

struct http_double;
/* A request with a body, before it is answered; runs on the server's thread. */
typedef void http_heard_fn(void *user, const char *request);
/** Tell of each request that is no GET. Before the first one. */
void http_double_on_heard(struct http_double *server, http_heard_fn *fn, void *user);
/** Serve; `routes` ends with path NULL, any other path is answered 404. */
struct http_double *http_double_start(const struct http_route *routes);
int http_double_port(const struct http_double *server);
void http_double_stop(struct http_double *server);

#endif
