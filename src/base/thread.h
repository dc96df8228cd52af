/*
 * thread.h - what every thread and every timed wait of the library is made with.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

#include "holdfast/error.h"

/** A condition variable whose timed waits go by CLOCK_MONOTONIC. */
void cond_init_monotonic(pthread_cond_t *cond);
/** A thread with all signals blocked: they are the business of the program's threads. @return HF_OK; HF_E_FAILED "could
 *  not start `what`: ..." and no thread. */
enum hf_status thread_start(pthread_t *ret_thread, void *(*run)(void *user), void *user, const char *what,
                            hf_error *err);

#endif
