/*
 * http_double.h - a web server on loopback that answers what the test says, one connection after the other.
 */
#ifndef TESTS_JANITOR_HTTP_DOUBLE_H
#define TESTS_JANITOR_HTTP_DOUBLE_H

#include <stddef.h>

struct http_route {
	const char *path;
	const char *answer; /* head and body as sent; NULL = nothing at all until the client goes */
	const char *file;   /* not NULL: answer is the head, this file the body */
	size_t repeat;      /* the body so many times more */
};

struct http_double;
/** Serve; `routes` ends with path NULL, any other path is answered 404. */
struct http_double *http_double_start(const struct http_route *routes);
int http_double_port(const struct http_double *server);
void http_double_stop(struct http_double *server);

#endif
