/*
 * thread.c - see thread.h.
 */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/error.h"

void cond_init_monotonic(pthread_cond_t *cond)
{
	pthread_condattr_t attributes;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(cond, &attributes);
	pthread_condattr_destroy(&attributes);
}

enum hf_status thread_start(pthread_t *ret_thread, void *(*run)(void *user), void *user, const char *what,
                            hf_error *err)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	int failed = pthread_create(ret_thread, NULL, run, user);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!failed)
		return HF_OK;
	errno = failed;
	return error_errno(err, HF_E_FAILED, "could not start %s", what);
}
