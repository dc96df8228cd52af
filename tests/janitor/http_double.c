/* http_double.c - see http_double.h. */
#include "http_double.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct http_double {
	const struct http_route *routes;
	int listener, stop[2];
	int port;
	pthread_t thread;
	http_heard_fn *heard;
	void *heard_user;
};

static void say(int client, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(client, bytes, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return;
		bytes += sent;
		n -= (size_t)sent;
	}
}

static void say_file(int client, const char *path)
{
	char block[4096];
	size_t n;
	FILE *file = fopen(path, "re");
	while (file && (n = fread(block, 1, sizeof(block), file)) > 0)
		say(client, block, n);
	if (file)
		fclose(file);
}

/* Until the client closes, or the test ends. */
static void say_nothing(const struct http_double *server, int client)
{
	char byte;
	struct pollfd ends[] = {{.fd = client, .events = POLLIN}, {.fd = server->stop[0], .events = POLLIN}};
	while (poll(ends, 2, 10000) > 0 && !ends[1].revents && recv(client, &byte, 1, 0) > 0)
		;
}

/* Head and as much of a body as it announces. */
static bool receive(int client, char *request, size_t size)
{
	size_t got = 0;
	for (;;) {
		ssize_t n = recv(client, request + got, size - 1 - got, 0);
		if (n <= 0)
			return false;
		got += (size_t)n;
		request[got] = '\0';
		const char *body = strstr(request, "\r\n\r\n"), *length = strcasestr(request, "\r\nContent-Length:");
		if (body && strlen(body + 4) >= (length ? strtoul(length + 17, NULL, 10) : 0))
			return true;
	}
}

static bool fits(const char *pattern, const char *path)
{
	size_t n = strlen(pattern);
	return n > 0 && pattern[n - 1] == '*' ? strncmp(pattern, path, n - 1) == 0 : strcmp(pattern, path) == 0;
}

static void serve(const struct http_double *server, int client)
{
	char request[4096], method[8], path[1024];
	if (!receive(client, request, sizeof(request)) || sscanf(request, "%7s %1023s", method, path) != 2)
		return;
	if (strcmp(method, "GET") != 0 && !server->heard)
		return;
	if (strcmp(method, "GET") != 0)
		server->heard(server->heard_user, request);
	const struct http_route *route = server->routes;
	while (route->path && !fits(route->path, path))
		route++;
	if (!route->path) {
		static const char lost[] = "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n";
		say(client, lost, sizeof(lost) - 1);
		return;
	}
	if (!route->answer) {
		say_nothing(server, client);
		return;
	}
	say(client, route->answer, strlen(route->answer));
	if (route->file)
		say_file(client, route->file);
	const char *body = strstr(route->answer, "\r\n\r\n");
	for (size_t i = 0; body && i < route->repeat; i++)
		say(client, body + 4, strlen(body + 4));
}

static void *serve_all(void *user)
{
	struct http_double *server = user;
	struct pollfd ends[] = {{.fd = server->listener, .events = POLLIN}, {.fd = server->stop[0], .events = POLLIN}};
	while (poll(ends, 2, -1) > 0 && !ends[1].revents) {
		int client = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			continue;
		serve(server, client);
		close(client);
	}
	return NULL;
}

struct http_double *http_double_start(const struct http_route *routes)
{
	struct http_double *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	server->routes = routes;
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&address, size) != 0 ||
	    listen(server->listener, 8) != 0 ||
	    getsockname(server->listener, (struct sockaddr *)&address, &size) != 0 || pipe2(server->stop, O_CLOEXEC) != 0 ||
	    pthread_create(&server->thread, NULL, serve_all, server) != 0) {
		perror("no web server");
		abort();
	}
	server->port = ntohs(address.sin_port);
	return server;
}

void http_double_on_heard(struct http_double *server, http_heard_fn *fn, void *user)
{
	server->heard = fn;
	server->heard_user = user;
}

int http_double_port(const struct http_double *server)
{
	return server->port;
}

void http_double_stop(struct http_double *server)
{
	close(server->stop[1]);
	pthread_join(server->thread, NULL);
	close(server->stop[0]);
	close(server->listener);
	free(server);
}
