/*
 * relay.c - see relay.h.
 */
#include "relay.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../check.h"
#include "base/macros.h"

enum { LINES = 16, SOCKET_NAME = 100 };

/* Where a stream of messages stands. The first has no type. */
struct reader {
	bool begun;
	uint8_t head[5];
	size_t have, skip; /* of the head; bytes that are left of the message */
};

struct line {
	int client, server;
	struct reader reader;
};

static struct relay {
	char folder[SOCKET_NAME], server[SOCKET_NAME];
	int listener;
	int stop[2];
	struct line lines[LINES];
	size_t nlines;
	atomic_int trips;
	atomic_int cut_at; /* so many requests from here on; 0 = never */
	atomic_bool cut_behind;
	const char *_Atomic severity, *_Atomic sqlstate; /* said where it is cut; NULL = nothing */
	pthread_t thread;
} relay;

/* True: the line is to be cut here. */
static bool count_message(struct reader *reader)
{
	bool cut = false;
	const uint8_t *size = reader->head + (reader->begun ? 1 : 0);
	uint32_t len = (uint32_t)size[0] << 24 | (uint32_t)size[1] << 16 | (uint32_t)size[2] << 8 | size[3];
	if (reader->begun && (reader->head[0] == 'S' || reader->head[0] == 'Q')) {
		atomic_fetch_add(&relay.trips, 1);
		cut = relay.cut_at > 0 && atomic_fetch_sub(&relay.cut_at, 1) == 1;
	}
	reader->skip = len - 4;
	reader->have = 0;
	reader->begun = true;
	return cut;
}

static bool read_stream(struct reader *reader, const uint8_t *bytes, size_t len)
{
	bool cut = false;
	while (len > 0) {
		size_t step = reader->skip < len ? reader->skip : len;
		if (step == 0) {
			reader->head[reader->have++] = *bytes;
			step = 1;
			if (reader->have == (reader->begun ? 5 : 4))
				cut = count_message(reader) || cut;
		} else {
			reader->skip -= step;
		}
		bytes += step;
		len -= step;
	}
	return cut;
}

/* As a relay says it that lost its server: without the routine of the server's source. */
static void say_why(int client)
{
	char said[200] = "E";
	const char *severity = relay.severity, *sqlstate = relay.sqlstate;
	if (!severity)
		return;
	int len = 1 + snprintf(said + 5, sizeof(said) - 5, "S%s%cC%s%cMthe server is gone%c", severity, 0, sqlstate, 0,
	                       0); /* a NUL ends the fields */
	for (int i = 0; i < 4; i++)
		said[1 + i] = (char)((len + 4) >> (24 - 8 * i));
	(void)send(client, said, (size_t)len + 5, MSG_NOSIGNAL);
}

static bool hand_on(int from, int to, struct reader *reader)
{
	static uint8_t bytes[65536];
	ssize_t got = read(from, bytes, sizeof(bytes));
	if (got <= 0)
		return false;
	bool cut = reader && read_stream(reader, bytes, (size_t)got);
	if (cut)
		say_why(from);
	if (cut && !relay.cut_behind)
		return false;
	for (ssize_t done = 0, put; done < got; done += put)
		if ((put = send(to, bytes + done, (size_t)(got - done), MSG_NOSIGNAL)) <= 0)
			return false;
	return !cut;
}

static struct sockaddr_un address_of(const char *folder)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	snprintf(address.sun_path, sizeof(address.sun_path), "%.90s/.s.PGSQL.5432", folder);
	return address;
}

static void take_client(void)
{
	const struct sockaddr_un address = address_of(relay.server);
	struct line line = {.client = accept(relay.listener, NULL, NULL), .server = socket(AF_UNIX, SOCK_STREAM, 0)};
	if (line.client < 0 || relay.nlines == LINES ||
	    connect(line.server, (const struct sockaddr *)&address, sizeof(address)) != 0)
		abort();
	relay.lines[relay.nlines++] = line;
}

/* What the server got it does to the end before it sees that nobody is there. */
static void end_server(int server)
{
	static uint8_t bytes[65536];
	shutdown(server, SHUT_WR);
	while (read(server, bytes, sizeof(bytes)) > 0)
		;
}

static void end_line(size_t i)
{
	end_server(relay.lines[i].server);
	close(relay.lines[i].client);
	close(relay.lines[i].server);
	relay.lines[i] = relay.lines[--relay.nlines];
}

static void *carry(UNUSED void *user)
{
	for (;;) {
		struct pollfd watched[2 + 2 * LINES] = {{.fd = relay.stop[0], .events = POLLIN},
		                                        {.fd = relay.listener, .events = POLLIN}};
		size_t n = relay.nlines;
		for (size_t i = 0; i < n; i++) {
			watched[2 + 2 * i] = (struct pollfd){.fd = relay.lines[i].client, .events = POLLIN};
			watched[3 + 2 * i] = (struct pollfd){.fd = relay.lines[i].server, .events = POLLIN};
		}
		poll(watched, 2 + 2 * n, -1);
		if (watched[0].revents)
			return NULL;
		for (size_t i = n; i-- > 0;) {
			struct line *line = &relay.lines[i];
			bool alive = !watched[2 + 2 * i].revents || hand_on(line->client, line->server, &line->reader);
			if (!alive || (watched[3 + 2 * i].revents && !hand_on(line->server, line->client, NULL)))
				end_line(i);
		}
		if (watched[1].revents)
			take_client();
	}
}

void relay_start(const char *url, char *ret_url, size_t size)
{
	const char *host = strstr(url, "host=");
	assert_non_null(host);
	size_t len = strcspn(host + 5, "&");
	assert_true(len < sizeof(relay.server));
	snprintf(relay.server, sizeof(relay.server), "%.*s", (int)len, host + 5);
	snprintf(relay.folder, sizeof(relay.folder), "/tmp/hf-relay-XXXXXX");
	assert_non_null(mkdtemp(relay.folder));
	const struct sockaddr_un address = address_of(relay.folder);
	relay.listener = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(relay.listener, (const struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(relay.listener, LINES), 0);
	assert_int_equal(pipe(relay.stop), 0);
	assert_int_equal(pthread_create(&relay.thread, NULL, carry, NULL), 0);
	snprintf(ret_url, size, "%.*s%s%s", (int)(host + 5 - url), url, relay.folder, host + 5 + len);
}

void relay_stop(void)
{
	const struct sockaddr_un address = address_of(relay.folder);
	assert_int_equal(write(relay.stop[1], "", 1), 1);
	pthread_join(relay.thread, NULL);
	while (relay.nlines > 0)
		end_line(0);
	close(relay.listener);
	close(relay.stop[0]);
	close(relay.stop[1]);
	unlink(address.sun_path);
	rmdir(relay.folder);
}

int relay_trips(void)
{
	return atomic_load(&relay.trips);
}

void relay_says(const char *severity, const char *sqlstate)
{
	relay.severity = severity;
	relay.sqlstate = sqlstate;
}

void relay_cut(int request, bool behind)
{
	atomic_store(&relay.cut_behind, behind);
	atomic_store(&relay.cut_at, request);
}

bool relay_was_cut(void)
{
	return atomic_load(&relay.cut_at) == 0;
}
