/*
 * redis_double.c - see redis_double.h. One thread serves all connections; a mutex guards what the test asks about.
 */
#include "redis_double.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/macros.h"
#include "../check.h"

enum { CLIENTS_MAX = 16, BUFFER_BYTES = 1 << 20, COMMANDS_MAX = 32 };

struct client {
	int fd;
	size_t len;
	char *buffer;
};

struct redis_double {
	struct redis_rule rules[REDIS_RULES_MAX];
	char folder[48], url[128], tcp_url[48];
	int listeners[2], stop[2];
	pthread_t thread;
	struct client clients[CLIENTS_MAX];
	pthread_mutex_t mutex; /* for what follows */
	unsigned used[REDIS_RULES_MAX];
	struct {
		char name[24];
		unsigned count;
	} seen[COMMANDS_MAX];
};

/* Settings go by their own name; EVALSHA is that of a put. */
static const struct redis_rule usual[] = {
	{"INFO", 0, ANSWER("$44\r\nredis_version:7.0.15\r\naof_enabled:1\r\nx:1\r\n\r\n\r\n")},
	{"appendonly", 0, ANSWER("*2\r\n$1\r\nx\r\n$3\r\nyes\r\n")},
	{"appendfsync", 0, ANSWER("*2\r\n$1\r\nx\r\n$6\r\nalways\r\n")},
	{"maxmemory-policy", 0, ANSWER("*2\r\n$1\r\nx\r\n$10\r\nnoeviction\r\n")},
	{"TIME", 0, ANSWER("*2\r\n$10\r\n1717243200\r\n$1\r\n7\r\n")},
	{"SISMEMBER", 0, ANSWER(":1\r\n")},
	{"TYPE", 0, ANSWER("+none\r\n")},
	{"HGET", 0, ANSWER("$-1\r\n")},
	{"EVALSHA", 0, ANSWER(":-7\r\n")},
	{"SCRIPT", 0, ANSWER("$40\r\n0123456789012345678901234567890123456789\r\n")},
	{"WAITAOF", 0, ANSWER("*2\r\n:1\r\n:0\r\n")},
	{"", 0, ANSWER("-ERR unknown command\r\n")},
};

static void count(struct redis_double *server, const char *name)
{
	size_t i = 0;
	while (server->seen[i].count && strcmp(server->seen[i].name, name) != 0)
		i++;
	assert_true(i < COMMANDS_MAX);
	snprintf(server->seen[i].name, sizeof(server->seen[i].name), "%s", name);
	server->seen[i].count++;
}

static struct hf_bytes answer_to(struct redis_double *server, const char *name, const char *last)
{
	const char *usual_name = strcmp(name, "CONFIG") == 0 ? last : name;
	struct hf_bytes answer = {0};
	bool found = false;
	pthread_mutex_lock(&server->mutex);
	count(server, name);
	for (size_t i = 0; !found && server->rules[i].command; i++) {
		const struct redis_rule *rule = &server->rules[i];
		found = strcmp(rule->command, name) == 0 && (rule->times == 0 || server->used[i] < rule->times);
		server->used[i] += found;
		answer = found ? rule->answer : answer;
	}
	for (size_t i = 0; !found && i < ARRAY_LEN(usual); i++) {
		found = !usual[i].command[0] || strcmp(usual[i].command, usual_name) == 0;
		answer = found ? usual[i].answer : answer;
	}
	pthread_mutex_unlock(&server->mutex);
	return answer;
}

enum { WORD_BYTES = 24 };

/* The length of the command at the start of `text`, 0 when it is not whole; its first and last word. */
static size_t command_at(const char *text, size_t len, char name[WORD_BYTES], char last[WORD_BYTES])
{
	char *end;
	const char *at = text;
	if (len < 4 || !memchr(text, '\n', len))
		return 0;
	long words = strtol(text + 1, &end, 10);
	at = end + 2;
	for (long i = 0; i < words; i++) {
		size_t left = len - (size_t)(at - text);
		if (at > text + len || left < 4 || !memchr(at, '\n', left))
			return 0;
		size_t bytes = strtoul(at + 1, &end, 10);
		at = end + 2;
		if ((size_t)(at - text) + bytes + 2 > len)
			return 0;
		if (i == 0)
			snprintf(name, WORD_BYTES, "%.*s", (int)bytes, at);
		snprintf(last, WORD_BYTES, "%.*s", bytes < WORD_BYTES ? (int)bytes : 0, at);
		at += bytes + 2;
	}
	return (size_t)(at - text);
}

static void drop(struct client *client)
{
	close(client->fd);
	free(client->buffer);
	*client = (struct client){.fd = -1};
}

static void serve(struct redis_double *server, struct client *client)
{
	char name[WORD_BYTES], last[WORD_BYTES];
	ssize_t n = recv(client->fd, client->buffer + client->len, BUFFER_BYTES - client->len, 0);
	if (n <= 0) {
		drop(client);
		return;
	}
	client->len += (size_t)n;
	for (size_t used; (used = command_at(client->buffer, client->len, name, last)) > 0;) {
		struct hf_bytes answer = answer_to(server, name, last);
		if (!answer.ptr) {
			drop(client);
			return;
		}
		if (answer.len)
			send(client->fd, answer.ptr, answer.len, MSG_NOSIGNAL);
		client->len -= used;
		memmove(client->buffer, client->buffer + used, client->len);
	}
}

static void welcome(struct redis_double *server, int listener)
{
	struct client *place = server->clients;
	while (place->fd >= 0)
		place++;
	assert_true(place < server->clients + CLIENTS_MAX);
	*place = (struct client){.fd = accept(listener, NULL, NULL), .buffer = calloc(1, BUFFER_BYTES + 1)};
	pthread_mutex_lock(&server->mutex);
	count(server, "");
	pthread_mutex_unlock(&server->mutex);
}

static void *run(void *user)
{
	struct redis_double *server = user;
	for (;;) {
		struct pollfd watched[CLIENTS_MAX + 3] = {{.fd = server->stop[0], .events = POLLIN},
		                                          {.fd = server->listeners[0], .events = POLLIN},
		                                          {.fd = server->listeners[1], .events = POLLIN}};
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			watched[3 + i] = (struct pollfd){.fd = server->clients[i].fd, .events = POLLIN};
		if (poll(watched, ARRAY_LEN(watched), -1) < 0)
			continue;
		if (watched[0].revents)
			return NULL;
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			if (watched[3 + i].revents)
				serve(server, &server->clients[i]);
		for (int i = 0; i < 2; i++)
			if (watched[1 + i].revents)
				welcome(server, server->listeners[i]);
	}
}

static void listen_tcp(struct redis_double *server)
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof(at);
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server->listeners[1] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->listeners[1], (const struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(getsockname(server->listeners[1], (struct sockaddr *)&at, &size), 0);
	assert_int_equal(listen(server->listeners[1], 16), 0);
	snprintf(server->tcp_url, sizeof(server->tcp_url), "redis://127.0.0.1:%u", ntohs(at.sin_port));
}

struct redis_double *redis_double_start(const struct redis_rule *rules)
{
	struct redis_double *server = calloc(1, sizeof(*server));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	assert_non_null(server);
	for (size_t i = 0; rules && rules[i].command; i++) {
		assert_true(i < REDIS_RULES_MAX - 1);
		server->rules[i] = rules[i];
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		server->clients[i].fd = -1;
	snprintf(server->folder, sizeof(server->folder), "/tmp/hf-double-XXXXXX");
	assert_non_null(mkdtemp(server->folder));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", server->folder);
	snprintf(server->url, sizeof(server->url), "redis+unix://%s", address.sun_path);
	server->listeners[0] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(server->listeners[0], (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(server->listeners[0], 16), 0);
	listen_tcp(server);
	assert_int_equal(pipe(server->stop), 0);
	pthread_mutex_init(&server->mutex, NULL);
	assert_int_equal(pthread_create(&server->thread, NULL, run, server), 0);
	return server;
}

const char *redis_double_url(const struct redis_double *server)
{
	return server->url;
}

const char *redis_double_tcp_url(const struct redis_double *server)
{
	return server->tcp_url;
}

unsigned redis_double_count(struct redis_double *server, const char *command)
{
	unsigned n = 0;
	pthread_mutex_lock(&server->mutex);
	for (size_t i = 0; i < COMMANDS_MAX; i++)
		if (server->seen[i].count && strcmp(server->seen[i].name, command) == 0)
			n = server->seen[i].count;
	pthread_mutex_unlock(&server->mutex);
	return n;
}

void redis_double_stop(struct redis_double *server)
{
	char path[64];
	assert_int_equal(write(server->stop[1], "", 1), 1);
	pthread_join(server->thread, NULL);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (server->clients[i].fd >= 0)
			drop(&server->clients[i]);
	close(server->listeners[0]);
	close(server->listeners[1]);
	close(server->stop[0]);
	close(server->stop[1]);
	snprintf(path, sizeof(path), "%s/s", server->folder);
	unlink(path);
	rmdir(server->folder);
	pthread_mutex_destroy(&server->mutex);
	free(server);
}
