/*
 * server_supervisor.h - the process that stands between a program and its private server.
 *
 * Forked by hf_server_start() before anything is built, so that there is no moment at which the death of the caller
 * leaves something behind. It runs as the server's user, has one thread, no heap, no stdio, and:
 *
 *   PREPARING --go--> STARTING --ready--> RUNNING --stop--> FAST (SIGINT) --late--> IMMEDIATE (SIGQUIT) --> gone
 *
 * Stop is: the control socket closes or says so, the caller's process ends, SIGTERM, SIGINT or SIGHUP, or (detached)
 * the idle limit passes. A detached server does not mind the first two once it is running. The postmaster is told to
 * stop by the kernel should the supervisor itself be killed. Processes that a killed postmaster leaves are adopted
 * (subreaper) and ended; the folder is removed last. That of a detached server stays once it has run.
 */
#ifndef PG_SERVER_SUPERVISOR_H
#define PG_SERVER_SUPERVISOR_H

#include "pg/server_process.h"

enum { SUPERVISOR_FAST_MS = 10000, SUPERVISOR_IMMEDIATE_MS = 20000 };

struct supervisor {
	struct process_plan postmaster; /* plan.out_fd is the log */
	int control;                    /* SOCK_SEQPACKET to the caller */
	pid_t owner;                    /* the caller's process */
	int locks[3];                   /* flock()ed, held until the end; the first gets the pids written; -1 = none */
	int home_fd;                    /* the folder that holds data/ */
	int parent_fd;                  /* of the folder to remove at the end, else -1 */
	const char *name;               /* of that folder */
	const char *socket_path;        /* for the idle limit */
	bool detached;
	int64_t idle_limit_ms;         /* -1 = never */
	int64_t fast_ms, immediate_ms; /* how long SIGINT, then SIGQUIT may take */
};

/* Caller to supervisor: one byte. */
enum { SUPERVISOR_GO = 'G', SUPERVISOR_STOP = 'S' };
/* Supervisor to caller. */
enum supervisor_event { SUPERVISOR_READY = 1, SUPERVISOR_DIED, SUPERVISOR_GONE };
struct supervisor_message {
	int32_t event;
	int32_t value; /* READY: pid of the postmaster; DIED before it was ready, GONE: its wait status */
};

/** The process's whole life; returns its exit code: 0 clean, 1 the server or its folder could not be ended.
 *  For a process of one thread (made by fork), whose signals are blocked. */
int supervisor_main(const struct supervisor *supervisor);
/** Fork one. @return HF_OK; HF_E_FAILED. The descriptors stay the caller's, too. */
enum hf_status supervisor_start(const struct supervisor *supervisor, pid_t *ret_pid, hf_error *err);

#endif
