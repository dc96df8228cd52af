/*
 * server_process.h - child processes of a private server: what they inherit, and running one to its end.
 */
#ifndef PG_SERVER_PROCESS_H
#define PG_SERVER_PROCESS_H

#include <signal.h>

#include "base/context.h"
#include "pg/server_user.h"

enum { PROCESS_ENVIRONMENT_MAX = 8 };

/* What a child may see: PATH, LD_*, C locale, UTC. Neither PG* (they would redirect it) nor secrets of the caller. */
struct process_environment {
	char *items[PROCESS_ENVIRONMENT_MAX];
};
/** Borrows from the process environment: use it before that changes. */
void process_environment_fill(struct process_environment *ret_environment);

struct process_plan {
	const struct server_user *user;
	const char *program;
	char *const *argv;
	char *const *envp;
	int out_fd;       /* standard output and error; input is /dev/null */
	int held;         /* a lock that it keeps open, passes on and knows nothing of; 0 = none */
	int death_signal; /* sent to the child when the forking thread ends */
};
/** In a forked child: become the program, or _exit(127). Async-signal-safe. */
_Noreturn void process_exec(const struct process_plan *plan, pid_t parent);

/** Default dispositions for all signals, in a forked child. Async-signal-safe. */
void process_signals_reset(void);
/** Close everything but `keep` (sorted, ascending, from 3 on). Async-signal-safe. */
void process_close_but(const int *keep, size_t n);
/** Descriptor of a process for poll(2), or -1 where the kernel has none. Async-signal-safe. */
int process_open(pid_t pid);

/**
 * Run to the end. Its output goes to plan->out_fd.
 * @param ret_code exit code, 128 + signal, or -1 when the program ignores SIGCHLD and nobody can know.
 * @return HF_OK; HF_TIMEOUT (it was told to end by SIGTERM); HF_E_FAILED: no process could be made.
 */
enum hf_status process_run(hf_context *ctx, const struct process_plan *plan, hf_deadline deadline, int *ret_code,
                           hf_error *err);
/** Kernel's start time of a process (clock ticks since boot): with the pid it names a process for good.
 *  -1 when there is none. Async-signal-safe. */
int64_t process_start_time(pid_t pid);

#endif
