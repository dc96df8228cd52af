/*
 * redis_wire.c - requests and sockets: the bytes that go out and the answers that come in, each wait with a deadline.
 *
 * hiredis' reader takes answers apart; connecting, sending and waiting are done here, because its own can neither be
 * bounded by an absolute deadline nor tell whether a request left as a whole. Long arguments are sent from where they
 * are.
 *
 * An answer is waited for in recv(2) itself while the deadline is farther away than the socket's own timeout
 * (RECEIVE_US, after which interruptions are seen), else in poll(2) before it: a system call less where it matters.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/error.h"
#include "kv/redis.h"
#include "pg/ready.h"

enum {
	COPIED_BYTES = HF_KV_KEY_BYTES_MAX + 8 /* a key as it stands at the server */,
	IOV_MAX_SENT = 64,
	CHUNK_BYTES = 64 << 10,
	RECEIVE_US = 200000,
	TRUSTED_US = 1000
};

/* ---- requests ---- */

void redis_request_init(struct redis_request *request)
{
	*request = (struct redis_request){0};
	buf_init(&request->text, REDIS_REQUEST_BYTES_MAX);
}

void redis_request_deinit(struct redis_request *request)
{
	buf_deinit(&request->text);
	free(request->pieces);
}

/* "$12\r\n": what stands before a word, or with '*' before a command. */
static void add_head(struct redis_request *request, char kind, size_t number)
{
	char text[24];
	size_t at = sizeof(text);
	text[--at] = '\n';
	text[--at] = '\r';
	do
		text[--at] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	text[--at] = kind;
	buf_add(&request->text, (struct hf_str){text + at, sizeof(text) - at});
}

void redis_request_command(struct redis_request *request, size_t argc)
{
	add_head(request, '*', argc);
}

static void add_piece(struct redis_request *request, struct hf_bytes word)
{
	if (request->count == request->capacity) {
		size_t capacity = request->capacity ? 2 * request->capacity : 8;
		struct redis_piece *grown = reallocarray(request->pieces, capacity, sizeof(*grown));
		if (!grown) {
			request->failed = true;
			return;
		}
		request->pieces = grown;
		request->capacity = capacity;
	}
	request->pieces[request->count++] = (struct redis_piece){request->text.len, word};
	request->piece_bytes += word.len;
}

void redis_request_joined(struct redis_request *request, struct hf_str first, struct hf_bytes rest)
{
	add_head(request, '$', first.len + rest.len);
	if (first.len > 0)
		buf_add(&request->text, first);
	if (rest.len > COPIED_BYTES)
		add_piece(request, rest);
	else if (rest.len > 0)
		buf_add(&request->text, (struct hf_str){(const char *)rest.ptr, rest.len});
	buf_add(&request->text, HF_STR("\r\n"));
}

void redis_request_word(struct redis_request *request, struct hf_bytes word)
{
	redis_request_joined(request, (struct hf_str){NULL, 0}, word);
}

void redis_request_key(struct redis_request *request, struct hf_bytes key)
{
	uint8_t doubled[HF_KV_KEY_BYTES_MAX + 1];
	if (key.len == 0 || key.ptr[0] != 0xff) {
		redis_request_word(request, key);
		return;
	}
	ASSERT(key.len < sizeof(doubled));
	doubled[0] = 0xff;
	memcpy(doubled + 1, key.ptr, key.len);
	redis_request_word(request, (struct hf_bytes){doubled, key.len + 1});
}

void redis_request_text(struct redis_request *request, const char *word)
{
	redis_request_word(request, hf_kv_text(word));
}

void redis_request_number(struct redis_request *request, int64_t number)
{
	char text[24];
	snprintf(text, sizeof(text), "%lld", (long long)number);
	redis_request_text(request, text);
}

enum hf_status redis_request_check(const struct redis_request *request, hf_error *err)
{
	if (request->failed || buf_starved(&request->text))
		return error_nomem(err);
	if (buf_ok(&request->text) && request->text.len + request->piece_bytes <= REDIS_REQUEST_BYTES_MAX)
		return HF_OK;
	error_set(err, HF_E_LIMIT, "the call has more than %d MiB of keys and values: Redis takes no more at once",
	          REDIS_REQUEST_BYTES_MAX >> 20);
	error_hint(err, "make smaller batches");
	return HF_E_LIMIT;
}

/* ---- connecting ---- */

/* errno 0 = the other side has closed it. */
static enum hf_status failed(const char *what, hf_error *err)
{
	error_set(err, HF_E_UNAVAILABLE, "%s%s", what, errno ? strerror(errno) : "closed");
	if (err) {
		err->category = HF_CATEGORY_CONNECTION;
		err->action = HF_ACTION_RECONNECT;
	}
	return HF_E_UNAVAILABLE;
}

static enum hf_status lost(hf_error *err)
{
	return failed("the connection to Redis was lost: ", err);
}

/* @param writable wait for room; else for something to read. */
static enum hf_status wait_for(struct redis_connection *connection, bool writable, hf_deadline deadline, hf_error *err)
{
	struct ready by_poll = {.socket = connection->fd, .epoll = -1, .timer = -1, .no_edges = true};
	if (ready_wait(&by_poll, connection->ctx, writable, true, 0, deadline) == HF_OK)
		return HF_OK;
	if (hf_context_interrupted(connection->ctx))
		return error_set(err, HF_E_INTERRUPTED, "interrupted while waiting for Redis");
	error_set(err, HF_TIMEOUT, "the deadline passed while waiting for Redis");
	if (err)
		err->category = HF_CATEGORY_TIMEOUT;
	return HF_TIMEOUT;
}

static enum hf_status connection_new(hf_context *ctx, int family, struct redis_connection **ret_connection,
                                     hf_error *err)
{
	struct redis_connection *connection = calloc(1, sizeof(*connection));
	if (!connection)
		return error_nomem(err);
	*connection = (struct redis_connection){.ctx = ctx, .fd = -1};
	*ret_connection = connection;
	connection->reader = redisReaderCreate();
	if (!connection->reader)
		return error_nomem(err);
	connection->fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (connection->fd < 0)
		return error_errno(err, HF_E_UNAVAILABLE, "could not make a socket");
	return HF_OK;
}

void redis_wire_close(struct redis_connection *connection)
{
	if (!connection)
		return;
	if (connection->fd >= 0)
		close(connection->fd);
	if (connection->reader)
		redisReaderFree(connection->reader);
	free(connection);
}

/* From here on only who says MSG_DONTWAIT does not wait. */
static enum hf_status let_wait(const struct redis_connection *connection, hf_error *err)
{
	const struct timeval timeout = {.tv_usec = RECEIVE_US};
	int flags = fcntl(connection->fd, F_GETFL);
	if (setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0 && flags >= 0 &&
	    fcntl(connection->fd, F_SETFL, flags & ~O_NONBLOCK) == 0)
		return HF_OK;
	return failed("", err);
}

static enum hf_status connect_to(struct redis_connection *connection, const struct sockaddr *address, socklen_t size,
                                 hf_deadline deadline, hf_error *err)
{
	int refused = 0;
	socklen_t refused_size = sizeof(refused);
	int done = connect(connection->fd, address, size);
	/* A Unix socket whose queue is full says EAGAIN and cannot be waited for. */
	if (done != 0 && errno != EINPROGRESS)
		return failed("", err);
	if (done == 0)
		return let_wait(connection, err);
	enum hf_status status = wait_for(connection, true, deadline, err);
	if (status != HF_OK)
		return status;
	if (getsockopt(connection->fd, SOL_SOCKET, SO_ERROR, &refused, &refused_size) == 0 && refused == 0)
		return let_wait(connection, err);
	errno = refused;
	return failed("", err);
}

static enum hf_status connect_unix(hf_context *ctx, const char *path, hf_deadline deadline,
                                   struct redis_connection **ret_connection, hf_error *err)
{
	CLEANUP(redis_connection_freep) struct redis_connection *connection = NULL;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	memcpy(address.sun_path, path, strlen(path));
	enum hf_status status = connection_new(ctx, AF_UNIX, &connection, err);
	if (status == HF_OK)
		status = connect_to(connection, (const struct sockaddr *)&address, sizeof(address), deadline, err);
	if (status == HF_OK)
		*ret_connection = redis_connection_take(&connection);
	return status;
}

static enum hf_status connect_one(hf_context *ctx, const struct addrinfo *at, hf_deadline deadline,
                                  struct redis_connection **ret_connection, hf_error *err)
{
	CLEANUP(redis_connection_freep) struct redis_connection *connection = NULL;
	const int on = 1;
	enum hf_status status = connection_new(ctx, at->ai_family, &connection, err);
	if (status != HF_OK)
		return status;
	setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(connection->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	status = connect_to(connection, at->ai_addr, at->ai_addrlen, deadline, err);
	if (status == HF_OK)
		*ret_connection = redis_connection_take(&connection);
	return status;
}

static enum hf_status connect_tcp(hf_context *ctx, const struct redis_url *url, hf_deadline deadline,
                                  struct redis_connection **ret_connection, hf_error *err)
{
	const struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *found = NULL;
	int unknown = getaddrinfo(url->host, url->port, &wanted, &found);
	if (unknown)
		return error_set(err, HF_E_UNAVAILABLE, "%s", gai_strerror(unknown));
	enum hf_status status = HF_E_UNAVAILABLE;
	for (const struct addrinfo *at = found; at && status != HF_OK && status != HF_E_INTERRUPTED; at = at->ai_next)
		status = connect_one(ctx, at, deadline, ret_connection, err);
	freeaddrinfo(found);
	return status;
}

enum hf_status redis_wire_connect(hf_context *ctx, const struct redis_url *url, hf_deadline deadline,
                                  struct redis_connection **ret_connection, hf_error *err)
{
	enum hf_status status = url->is_unix ? connect_unix(ctx, url->path, deadline, ret_connection, err)
	                                     : connect_tcp(ctx, url, deadline, ret_connection, err);
	if (status == HF_OK)
		return HF_OK;
	if (url->is_unix)
		error_prefix(err, "could not connect to Redis at %s", url->path);
	else
		error_prefix(err, "could not connect to Redis at %s port %s", url->host, url->port);
	return status;
}

bool redis_wire_alive(const struct redis_connection *connection, int64_t now_us)
{
	char byte;
	int64_t idle_us = now_us - connection->since_us;
	if (idle_us >= 0 && idle_us < TRUSTED_US)
		return true;
	ssize_t n = recv(connection->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

/* ---- sending ---- */

/* How far a request has left: all before piece `piece`, of which `in_piece` bytes, and text[0..text). */
struct sent {
	size_t text, piece, in_piece;
};

static int next_parts(const struct redis_request *request, struct sent from, struct iovec *parts)
{
	int n = 0;
	while (n < IOV_MAX_SENT) {
		bool more = from.piece < request->count;
		size_t end = more ? request->pieces[from.piece].at : request->text.len;
		if (from.text < end) {
			parts[n++] = (struct iovec){request->text.ptr + from.text, end - from.text};
			from.text = end;
		} else if (more) {
			struct hf_bytes bytes = request->pieces[from.piece++].bytes;
			union {
				const uint8_t *in;
				void *out;
			} place = {bytes.ptr + from.in_piece}; /* sendmsg() does not write there */
			parts[n++] = (struct iovec){place.out, bytes.len - from.in_piece};
			from.in_piece = 0;
		} else {
			break;
		}
	}
	return n;
}

static void advance(const struct redis_request *request, struct sent *sent, size_t n)
{
	while (n > 0) {
		bool more = sent->piece < request->count;
		size_t end = more ? request->pieces[sent->piece].at : request->text.len;
		size_t left =
			sent->text < end ? end - sent->text : request->pieces[sent->piece].bytes.len - sent->in_piece;
		size_t step = n < left ? n : left;
		n -= step;
		if (sent->text < end) {
			sent->text += step;
		} else if (step == left) {
			sent->piece++;
			sent->in_piece = 0;
		} else {
			sent->in_piece += step;
		}
	}
}

enum hf_status redis_wire_send(struct redis_connection *connection, const struct redis_request *request,
                               hf_deadline deadline, bool *ret_whole, hf_error *err)
{
	struct sent sent = {0};
	struct iovec parts[IOV_MAX_SENT];
	*ret_whole = false;
	for (int n; (n = next_parts(request, sent, parts)) > 0;) {
		struct msghdr message = {.msg_iov = parts, .msg_iovlen = (size_t)n};
		ssize_t written = sendmsg(connection->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (written >= 0) {
			advance(request, &sent, (size_t)written);
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return lost(err);
		enum hf_status status = wait_for(connection, true, deadline, err);
		if (status != HF_OK)
			return status;
	}
	*ret_whole = true;
	return HF_OK;
}

/* ---- receiving ---- */

static enum hf_status reader_failed(const redisReader *reader, hf_error *err)
{
	if (reader->err == REDIS_ERR_OOM)
		return error_nomem(err);
	return error_set(err, HF_E_PROTOCOL, "Redis answered what is no RESP: %.100s", reader->errstr);
}

/* recv(2) may wait by itself. */
static bool may_wait(const struct redis_connection *connection, hf_deadline deadline)
{
	int64_t left_us;
	if (hf_context_interrupted(connection->ctx))
		return false;
	if (__builtin_sub_overflow(deadline, hf_now_monotonic_us(connection->ctx), &left_us))
		return deadline > 0;
	return left_us > RECEIVE_US;
}

static enum hf_status receive_some(struct redis_connection *connection, hf_deadline deadline, size_t *received,
                                   hf_error *err)
{
	char chunk[CHUNK_BYTES];
	bool waits = may_wait(connection, deadline);
	enum hf_status status = waits ? HF_OK : wait_for(connection, false, deadline, err);
	if (status != HF_OK)
		return status;
	ssize_t n = recv(connection->fd, chunk, sizeof(chunk), waits ? 0 : MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return HF_OK; /* to look at the deadline again */
	if (n <= 0) {
		errno = n == 0 ? 0 : errno;
		return lost(err);
	}
	*received += (size_t)n;
	if (*received > (size_t)REDIS_ANSWER_BYTES_MAX)
		return error_set(err, HF_E_LIMIT, "Redis answered with more than %d MiB", REDIS_ANSWER_BYTES_MAX >> 20);
	if (redisReaderFeed(connection->reader, chunk, (size_t)n) != REDIS_OK)
		return reader_failed(connection->reader, err);
	return HF_OK;
}

bool redis_wire_is_silent(const struct redis_connection *connection)
{
	return connection->reader->pos == connection->reader->len;
}

enum hf_status redis_wire_receive(struct redis_connection *connection, hf_deadline deadline, redisReply **ret_reply,
                                  hf_error *err)
{
	size_t received = 0;
	void *reply = NULL;
	for (;;) {
		if (redisReaderGetReply(connection->reader, &reply) != REDIS_OK)
			return reader_failed(connection->reader, err);
		if (reply)
			break;
		enum hf_status status = receive_some(connection, deadline, &received, err);
		if (status != HF_OK)
			return status;
	}
	*ret_reply = reply;
	return HF_OK;
}
