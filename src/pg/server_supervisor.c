/*
 * server_supervisor.c - see the header for the states. Everything here is async-signal-safe: the caller may have had
 * threads, and a lock that one of them held at the fork is held here for ever.
 */
#include "pg/server_supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/error.h"
#include "pg/server_fd.h"
#include "pg/server_probe.h"
#include "pg/server_tree.h"

enum phase { PREPARING, STARTING, RUNNING, FAST, IMMEDIATE, GIVEN_UP };

enum {
	TICK_STARTING_MS = 5,
	TICK_IDLE_MS = 1000,
	TICK_STOPPING_MS = 200,
	ORPHANS_MS = 5000,
	REMOVE_TRIES = 40,
	REMOVE_PAUSE_MS = 50
};

struct run {
	const struct supervisor *plan;
	enum phase phase;
	int signals; /* signalfd */
	int owner;   /* pidfd, or -1 */
	int control; /* -1 once the caller let go */
	pid_t pid;   /* postmaster, 0 before */
	bool dead;
	bool keep;        /* a detached server that has run: its folder stays */
	int how;          /* wait status of the postmaster */
	int64_t until_ms; /* of FAST and IMMEDIATE */
	int64_t idle_since_ms;
};

static int64_t now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void tell(struct run *run, enum supervisor_event event, int value)
{
	struct supervisor_message message = {(int32_t)event, (int32_t)value};
	if (run->control >= 0)
		send(run->control, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* ---- set-up ---- */

static void sort(int *fds, size_t n)
{
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && fds[k - 1] > fds[k]; k--) {
			int swapped = fds[k];
			fds[k] = fds[k - 1];
			fds[k - 1] = swapped;
		}
}

static int set_up(struct run *run)
{
	const struct supervisor *plan = run->plan;
	int keep[] = {plan->control, plan->locks[0],  plan->locks[1], plan->locks[2],
	              plan->home_fd, plan->parent_fd, run->owner,     plan->postmaster.out_fd};
	sort(keep, ARRAY_LEN(keep));
	int null = open("/dev/null", O_RDWR);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(null, 2) < 0)
		return -1;
	process_close_but(keep, ARRAY_LEN(keep));
	process_signals_reset();
	setsid();
	umask(077);
	if (chdir("/") != 0 || server_user_become(plan->postmaster.user) != 0)
		return -1;
	prctl(PR_SET_NAME, "hf-supervisor");
	prctl(PR_SET_PDEATHSIG, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigset_t watched;
	sigemptyset(&watched);
	static const int numbers[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		sigaddset(&watched, numbers[i]);
	run->signals = signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK);
	return run->signals < 0 ? -1 : 0;
}

/* ---- events ---- */

static void begin_stop(struct run *run)
{
	if (run->phase >= FAST)
		return;
	run->phase = FAST;
	run->until_ms = now_ms() + run->plan->fast_ms;
	if (run->pid > 0 && !run->dead)
		kill(run->pid, SIGINT);
}

static void begin_start(struct run *run)
{
	if (run->phase != PREPARING)
		return;
	pid_t self = getpid();
	pid_t pid = fork();
	if (pid == 0)
		process_exec(&run->plan->postmaster, self);
	if (pid < 0) {
		begin_stop(run);
		return;
	}
	run->pid = pid;
	run->phase = STARTING;
}

static void reap(struct run *run)
{
	int how;
	pid_t pid;
	while ((pid = waitpid(-1, &how, WNOHANG)) > 0) {
		if (pid == run->pid) {
			run->dead = true;
			run->how = how;
		}
	}
}

static void on_signal(struct run *run)
{
	struct signalfd_siginfo info;
	while (read(run->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			reap(run);
		else
			begin_stop(run);
	}
}

/* The caller let go, on purpose or by its death. A detached server that runs does not mind. */
static void on_owner_gone(struct run *run)
{
	if (!run->plan->detached || run->phase != RUNNING)
		begin_stop(run);
	fd_closep(&run->owner);
	run->owner = -1;
}

static void on_control(struct run *run)
{
	char order;
	ssize_t n = recv(run->control, &order, 1, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == 1 && order == SUPERVISOR_GO) {
		begin_start(run);
	} else if (n == 1 && order == SUPERVISOR_STOP) {
		begin_stop(run);
	} else if (n <= 0) {
		on_owner_gone(run);
		close(run->control);
		run->control = -1;
	}
}

static void look_ready(struct run *run)
{
	if (!probe_ready(run->plan->home_fd, run->pid))
		return;
	if (run->plan->locks[0] >= 0)
		probe_write_pids(run->plan->locks[0], getpid(), run->pid);
	run->phase = RUNNING;
	run->keep = run->plan->detached;
	run->idle_since_ms = now_ms();
	tell(run, SUPERVISOR_READY, run->pid);
}

static void look_idle(struct run *run)
{
	if (!run->plan->detached || run->plan->idle_limit_ms < 0)
		return;
	if (probe_clients(run->plan->socket_path) != 0)
		run->idle_since_ms = now_ms();
	else if (now_ms() - run->idle_since_ms >= run->plan->idle_limit_ms)
		begin_stop(run);
}

static void look_late(struct run *run)
{
	if (now_ms() < run->until_ms)
		return;
	run->phase = run->phase == FAST ? IMMEDIATE : GIVEN_UP;
	run->until_ms = now_ms() + run->plan->immediate_ms;
	if (run->phase == IMMEDIATE && run->pid > 0)
		kill(run->pid, SIGQUIT);
}

static int tick_ms(const struct run *run)
{
	if (run->phase == STARTING)
		return TICK_STARTING_MS;
	if (run->phase >= FAST)
		return TICK_STOPPING_MS;
	if (run->phase == PREPARING || !run->plan->detached || run->plan->idle_limit_ms < 0)
		return -1;
	return run->plan->idle_limit_ms < TICK_IDLE_MS ? (int)run->plan->idle_limit_ms + 1 : TICK_IDLE_MS;
}

static void wait_event(struct run *run)
{
	struct pollfd events[] = {{.fd = run->signals, .events = POLLIN},
	                          {.fd = run->control, .events = POLLIN},
	                          {.fd = run->owner, .events = POLLIN}};
	if (poll(events, ARRAY_LEN(events), tick_ms(run)) > 0) {
		if (events[0].revents)
			on_signal(run);
		if (events[1].revents)
			on_control(run);
		if (events[2].revents)
			on_owner_gone(run);
	}
	if (run->phase == STARTING)
		look_ready(run);
	else if (run->phase == RUNNING)
		look_idle(run);
	else if (run->phase >= FAST)
		look_late(run);
}

/* ---- the end ---- */

static void pause_ms(int ms)
{
	poll(NULL, 0, ms);
}

/* Backends of a killed postmaster are ours now. Busy ones never look whether it lives: tell them. */
static void end_orphans(struct run *run)
{
	int64_t until = now_ms() + ORPHANS_MS;
	bool told = false;
	while (now_ms() < until) {
		pid_t got = waitpid(-1, NULL, WNOHANG);
		if (got < 0 && errno == ECHILD)
			return;
		if (got > 0)
			continue;
		if (!told)
			probe_signal_children(SIGQUIT);
		told = true;
		pause_ms(5);
	}
	(void)run;
}

static int clean_up(struct run *run)
{
	const struct supervisor *plan = run->plan;
	probe_remove_shared_memory(plan->home_fd, plan->postmaster.user->uid);
	int left = 0;
	for (int i = 0; plan->parent_fd >= 0 && !run->keep && i < REMOVE_TRIES; i++) {
		left = tree_remove(plan->parent_fd, plan->name);
		if (left == 0)
			break;
		pause_ms(REMOVE_PAUSE_MS);
	}
	return left;
}

int supervisor_main(const struct supervisor *supervisor)
{
	struct run run = {.plan = supervisor,
	                  .control = supervisor->control,
	                  .owner = process_open(supervisor->owner),
	                  .signals = -1};
	if (set_up(&run) != 0)
		return 1;
	while (!run.dead && run.phase != GIVEN_UP && !(run.phase >= FAST && run.pid == 0))
		wait_event(&run);
	if (run.phase == GIVEN_UP)
		return 1; /* uncovered: a postmaster that survives SIGQUIT by 20 s hangs in the kernel */
	if (run.phase == STARTING)
		tell(&run, SUPERVISOR_DIED, run.how);
	end_orphans(&run);
	int left = clean_up(&run);
	tell(&run, SUPERVISOR_GONE, run.how);
	return left == 0 ? 0 : 1;
}

enum hf_status supervisor_start(const struct supervisor *supervisor, pid_t *ret_pid, hf_error *err)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	if (pid == 0)
		_exit(supervisor_main(supervisor));
	int why = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	errno = why;
	if (pid < 0)
		return error_errno(err, HF_E_FAILED, "could not make the supervisor process of a private server");
	*ret_pid = pid;
	return HF_OK;
}
