/*
 * server_probe.h - looking at a running cluster from outside, without asking it. All async-signal-safe.
 */
#ifndef PG_SERVER_PROBE_H
#define PG_SERVER_PROBE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** postmaster.pid below `home_fd`/data says that `pid` accepts connections. */
bool probe_ready(int home_fd, pid_t pid);
/** Pid in postmaster.pid; 0 without one. */
pid_t probe_postmaster(int home_fd);
/** Connected clients of a socket path in this network namespace; -1 when the kernel does not tell. */
int probe_clients(const char *socket_path);
/** Signal every child of this process. */
void probe_signal_children(int number);
/** Remove the interlock segment that a killed postmaster left, if it is `uid`'s and nobody uses it. */
void probe_remove_shared_memory(int home_fd, uid_t uid);

struct probe_pids {
	pid_t supervisor;
	int64_t supervisor_start;
	pid_t postmaster;
	int64_t postmaster_start;
};
/** Put the pids with their start times into a lock file: "SUPERVISOR START POSTMASTER START\n". */
void probe_write_pids(int lock_fd, pid_t supervisor, pid_t postmaster);
/** False when the file holds none. */
bool probe_read_pids(int lock_fd, struct probe_pids *ret_pids);
/** Real user of a process; -1 when there is none, or it ended and was not collected yet. */
int64_t probe_user(pid_t pid);
/** The process with this pid and start time runs and belongs to `uid`. */
bool probe_lives(pid_t pid, int64_t start, uid_t uid);

#endif
