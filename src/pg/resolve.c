/*
 * resolve.c - getaddrinfo(3) in a helper thread, since it blocks and knows no deadline.
 *
 * The job is shared by references: whoever comes last frees it. A thread whose caller gave up ends when the resolver
 * library does (its own time-outs bound that).
 */
#include "pg/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/error.h"
#include "base/thread.h"
#include "pg/monotonic.h"

struct job {
	pthread_mutex_t mutex;
	pthread_cond_t done;
	int references; /* guarded by mutex */
	bool finished;
	int failure; /* of getaddrinfo */
	struct addresses addresses;
	char host[256];
};

static int look_up(const char *host, int flags, struct addresses *ret_addresses)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = flags}, *list = NULL;
	int failure = getaddrinfo(host, NULL, &hints, &list);
	if (failure)
		return failure;
	ret_addresses->count = 0;
	for (const struct addrinfo *at = list; at && ret_addresses->count < RESOLVE_ADDRESSES_MAX; at = at->ai_next)
		if (getnameinfo(at->ai_addr, at->ai_addrlen, ret_addresses->text[ret_addresses->count],
				RESOLVE_TEXT_MAX, NULL, 0, NI_NUMERICHOST) == 0)
			ret_addresses->count++;
	freeaddrinfo(list);
	return ret_addresses->count ? 0 : EAI_NONAME;
}

static void job_unref(struct job *job)
{
	pthread_mutex_lock(&job->mutex);
	bool last = --job->references == 0;
	pthread_mutex_unlock(&job->mutex);
	if (!last)
		return;
	pthread_mutex_destroy(&job->mutex);
	pthread_cond_destroy(&job->done);
	free(job);
}
DEFINE_OWNED(job, struct job *, job_unref)

static void *run_job(void *argument)
{
	struct job *job = argument;
	struct addresses addresses;
	int failure = look_up(job->host, 0, &addresses);
	pthread_mutex_lock(&job->mutex);
	job->failure = failure;
	if (!failure)
		job->addresses = addresses;
	job->finished = true;
	pthread_cond_broadcast(&job->done);
	pthread_mutex_unlock(&job->mutex);
	job_unref(job);
	return NULL;
}

static struct job *job_new(const char *host)
{
	struct job *job = calloc(1, sizeof(*job));
	if (!job)
		return NULL;
	cond_init_monotonic(&job->done);
	pthread_mutex_init(&job->mutex, NULL);
	snprintf(job->host, sizeof(job->host), "%s", host);
	job->references = 2;
	pthread_t thread;
	if (pthread_create(&thread, NULL, run_job, job) != 0) {
		job->references = 1;
		job_unref(job);
		return NULL;
	}
	pthread_detach(thread);
	return job;
}

static bool wait_job(hf_context *ctx, struct job *job, hf_deadline deadline)
{
	struct timespec until = monotonic_after(deadline - hf_now_monotonic_us(ctx));
	int waited = 0;
	while (!job->finished && waited != ETIMEDOUT)
		waited = pthread_cond_timedwait(&job->done, &job->mutex, &until);
	return job->finished;
}

static enum hf_status failed(const char *host, int failure, hf_error *err)
{
	error_set(err, HF_E_UNAVAILABLE, "could not resolve host \"%s\": %s", host, gai_strerror(failure));
	if (err) {
		err->category = HF_CATEGORY_CONNECTION;
		err->action = HF_ACTION_RECONNECT;
		error_hint(err, "check the name, and whether this machine can look names up");
	}
	return HF_E_UNAVAILABLE;
}

enum hf_status resolve_host(hf_context *ctx, const char *host, hf_deadline deadline, struct addresses *ret_addresses,
			    hf_error *err)
{
	struct addresses numeric;
	if (look_up(host, AI_NUMERICHOST, &numeric) == 0) {
		*ret_addresses = numeric;
		return HF_OK;
	}
	if (strlen(host) >= sizeof(((struct job *)NULL)->host))
		return error_set(err, HF_E_CONFIG, "host name of %zu characters is too long", strlen(host));
	CLEANUP(job_freep) struct job *job = job_new(host);
	if (!job)
		return error_nomem(err);
	pthread_mutex_lock(&job->mutex);
	bool finished = wait_job(ctx, job, deadline);
	int failure = job->failure;
	if (finished && !failure)
		*ret_addresses = job->addresses;
	pthread_mutex_unlock(&job->mutex);
	if (!finished)
		return error_set(err, HF_TIMEOUT, "could not resolve host \"%s\" in time", host);
	return failure ? failed(host, failure, err) : HF_OK;
}
