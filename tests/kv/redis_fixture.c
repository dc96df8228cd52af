/*
 * redis_fixture.c - see redis_fixture.h.
 */
#include "redis_fixture.h"

#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../check.h"

enum { WORDS_MAX = 48, PATIENCE_MS = 30000 };

static int remove_one(const char *path, UNUSED const struct stat *status, UNUSED int kind, UNUSED struct FTW *where)
{
	return remove(path);
}

static _Noreturn void run(const struct redis_fixture *redis, const char *const *more, pid_t parent)
{
	const char *words[WORDS_MAX] = {"redis-server", "--port",           "0",      "--unixsocket",
	                                redis->socket,  "--unixsocketperm", "700",    "--dir",
	                                redis->folder,  "--save",           "",       "--appendonly",
	                                "yes",          "--appendfsync",    "always", "--databases",
	                                "512",          "--daemonize",      "no"};
	int n = 0;
	while (words[n])
		n++;
	for (; more && *more && n < WORDS_MAX - 1; more++)
		words[n++] = *more;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent || !freopen("/dev/null", "w", stdout))
		_exit(126);
	union {
		const char **in;
		char **out;
	} argv = {words};
	execv("/usr/bin/redis-server", argv.out);
	execv("/usr/bin/redis-check-rdb", argv.out); /* which looks at the name it is called by */
	_exit(127);
}

static bool answers(const struct redis_fixture *redis)
{
	redisContext *context = redisConnectUnix(redis->socket);
	redisReply *reply = context && !context->err ? redisCommand(context, "PING") : NULL;
	bool pong = reply && strncmp(reply->str, "LOADING", 7) != 0;
	if (reply)
		freeReplyObject(reply);
	if (context)
		redisFree(context);
	return pong;
}

void redis_fixture_again(struct redis_fixture *redis, const char *const *more)
{
	int status;
	pid_t parent = getpid();
	redis->pid = fork();
	assert_true(redis->pid >= 0);
	if (redis->pid == 0)
		run(redis, more, parent);
	for (int ms = 0; !answers(redis); ms += 5) {
		if (waitpid(redis->pid, &status, WNOHANG) == redis->pid)
			fail_msg("redis-server ended at once, status %d: is redis-tools installed?", status);
		assert_true(ms < PATIENCE_MS);
		usleep(5000);
	}
}

void redis_fixture_start(struct redis_fixture *redis, const char *const *more)
{
	*redis = (struct redis_fixture){0};
	snprintf(redis->folder, sizeof(redis->folder), "/tmp/hf-redis-XXXXXX");
	assert_non_null(mkdtemp(redis->folder));
	snprintf(redis->socket, sizeof(redis->socket), "%s/s", redis->folder);
	snprintf(redis->url, sizeof(redis->url), "redis+unix://%s", redis->socket);
	redis_fixture_again(redis, more);
}

void redis_fixture_kill(struct redis_fixture *redis, int signal)
{
	if (redis->pid == 0)
		return;
	kill(redis->pid, signal);
	if (signal != SIGKILL && signal != SIGTERM)
		return;
	waitpid(redis->pid, NULL, 0);
	redis->pid = 0;
}

void redis_fixture_stop(struct redis_fixture *redis)
{
	redis_fixture_kill(redis, SIGKILL);
	if (redis->folder[0])
		nftw(redis->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	redis->folder[0] = '\0';
}

static redisReply *ask(const struct redis_fixture *redis, const char *format, va_list args)
{
	redisContext *context = redisConnectUnix(redis->socket);
	assert_true(context && !context->err);
	redisReply *reply = redisvCommand(context, format, args);
	redisFree(context);
	assert_non_null(reply);
	return reply;
}

redisReply *redis_fixture_ask(const struct redis_fixture *redis, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	redisReply *reply = ask(redis, format, args);
	va_end(args);
	return reply;
}

long long redis_fixture_number(const struct redis_fixture *redis, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	redisReply *reply = ask(redis, format, args);
	va_end(args);
	long long number = reply->type == REDIS_REPLY_INTEGER ? reply->integer : (long long)reply->elements;
	if (reply->type == REDIS_REPLY_ERROR)
		number = -1;
	freeReplyObject(reply);
	return number;
}
