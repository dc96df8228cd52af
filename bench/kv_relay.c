/*
 * kv_relay.c - see kv_relay.h.
 */
#include "kv_relay.h"

#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "common.h"

enum { PIECES = 64, PIECE_BYTES = 32 << 10 };

struct piece {
	double due;
	size_t len;
	char bytes[PIECE_BYTES];
};

/* One direction. */
struct way {
	int from, to;
	double delay;
	size_t first, count;
	struct piece pieces[PIECES];
};

static void take(struct way *way, bool *ended)
{
	struct piece *piece = &way->pieces[(way->first + way->count) % PIECES];
	ssize_t got = read(way->from, piece->bytes, sizeof(piece->bytes));
	*ended = got <= 0;
	if (*ended)
		return;
	piece->len = (size_t)got;
	piece->due = wall_seconds() + way->delay;
	way->count++;
}

static bool hand_on(struct way *way)
{
	const struct piece *piece = &way->pieces[way->first];
	for (size_t done = 0; done < piece->len;) {
		ssize_t put = send(way->to, piece->bytes + done, piece->len - done, MSG_NOSIGNAL);
		if (put <= 0)
			return false;
		done += (size_t)put;
	}
	way->first = (way->first + 1) % PIECES;
	way->count--;
	return true;
}

static void wait_for_either(struct way *way, bool ended)
{
	struct pollfd watched = {.fd = ended || way->count == PIECES ? -1 : way->from, .events = POLLIN};
	double left = way->count ? way->pieces[way->first].due - wall_seconds() : 3600;
	struct timespec timeout = {0};
	if (left > 0) {
		timeout.tv_sec = (time_t)left;
		timeout.tv_nsec = (long)((left - (double)timeout.tv_sec) * 1e9);
	}
	ppoll(&watched, 1, &timeout, NULL);
}

static void *carry(void *user)
{
	struct way *way = user;
	bool ended = false;
	prctl(PR_SET_TIMERSLACK, 1000UL);
	while (!ended || way->count) {
		wait_for_either(way, ended);
		struct pollfd ready = {.fd = way->from, .events = POLLIN};
		if (!ended && way->count < PIECES && poll(&ready, 1, 0) > 0)
			take(way, &ended);
		if (way->count && wall_seconds() >= way->pieces[way->first].due && !hand_on(way))
			break;
	}
	shutdown(way->to, SHUT_WR);
	free(way);
	return NULL;
}

static void start_way(int from, int to, long delay_us)
{
	pthread_t thread;
	struct way *way = calloc(1, sizeof(*way));
	if (!way)
		give_up("relay", "memory is short");
	way->from = from;
	way->to = to;
	way->delay = (double)delay_us / 1e6;
	if (pthread_create(&thread, NULL, carry, way) != 0)
		give_up("relay", "no thread");
	pthread_detach(thread);
}

static struct sockaddr_un address_of(const char *folder)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", folder);
	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		give_up("relay", "the path of a socket is too long");
	return address;
}

static void *accept_all(void *user)
{
	struct kv_relay *relay = user;
	struct sockaddr_un address = address_of(relay->server);
	for (;;) {
		int client = accept(relay->listener, NULL, NULL), server = socket(AF_UNIX, SOCK_STREAM, 0);
		if (client < 0)
			return NULL;
		if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof(address)) != 0)
			give_up("relay", "could not connect to the server");
		start_way(client, server, relay->delay_us);
		start_way(server, client, relay->delay_us);
	}
}

const char *kv_relay_start(struct kv_relay *relay, const char *url, long delay_us)
{
	const char *host = strstr(url, "host=");
	size_t len = host ? strcspn(host + 5, "&") : 0;
	*relay = (struct kv_relay){.delay_us = delay_us, .folder = "/tmp/hf-relay-XXXXXX"};
	if (!host || len >= sizeof(relay->server) || !mkdtemp(relay->folder))
		give_up("relay", "no folder of sockets");
	memcpy(relay->server, host + 5, len);
	snprintf(relay->url, sizeof(relay->url), "%.*s%s%s", (int)(host + 5 - url), url, relay->folder, host + 5 + len);
	struct sockaddr_un address = address_of(relay->folder);
	relay->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (relay->listener < 0 || bind(relay->listener, (struct sockaddr *)&address, sizeof(address)) != 0 ||
	    listen(relay->listener, 16) != 0 || pthread_create(&relay->thread, NULL, accept_all, relay) != 0)
		give_up("relay", "could not listen");
	return relay->url;
}

void kv_relay_stop(struct kv_relay *relay)
{
	if (!relay->folder[0])
		return;
	struct sockaddr_un address = address_of(relay->folder);
	shutdown(relay->listener, SHUT_RDWR);
	pthread_join(relay->thread, NULL);
	close(relay->listener);
	unlink(address.sun_path);
	rmdir(relay->folder);
}
