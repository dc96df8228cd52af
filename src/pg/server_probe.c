/*
 * server_probe.c - reads /proc and postmaster.pid ("Database File Layout"; eight lines, written by the postmaster:
 * pid, folder, start, port, socket folder, address, shared memory key and id, status). No heap, no stdio: the
 * supervisor calls it.
 */
#include "pg/server_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"
#include "pg/server_fd.h"
#include "pg/server_process.h"

enum { FILE_MAX = 1024 };

/* A borrowed stretch of a fixed buffer. */
struct text {
	char bytes[FILE_MAX];
	size_t len;
};

static bool read_text(int at_fd, const char *path, struct text *ret_text)
{
	CLEANUP(fd_closep) int fd = openat(at_fd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret_text->bytes, sizeof(ret_text->bytes));
	ret_text->len = n < 0 ? 0 : (size_t)n;
	return n > 0;
}

/* Offset of line `number` (from 1), or the length. */
static size_t line_at(const struct text *text, int number)
{
	size_t at = 0;
	for (int line = 1; line < number && at < text->len; at++)
		if (text->bytes[at] == '\n')
			line++;
	return at;
}

/* The number at `*at` behind blanks, which is moved behind it; -1 when there is none. */
static int64_t number_at(const struct text *text, size_t *at)
{
	int64_t value = -1;
	while (*at < text->len && text->bytes[*at] == ' ')
		(*at)++;
	for (; *at < text->len && text->bytes[*at] >= '0' && text->bytes[*at] <= '9' && value < INT64_MAX / 20; (*at)++)
		value = (value < 0 ? 0 : value * 10) + (text->bytes[*at] - '0');
	return value;
}

pid_t probe_postmaster(int home_fd)
{
	struct text text;
	size_t at = 0;
	if (!read_text(home_fd, "data/postmaster.pid", &text))
		return 0;
	int64_t pid = number_at(&text, &at);
	return pid > 0 && pid < INT32_MAX ? (pid_t)pid : 0;
}

bool probe_ready(int home_fd, pid_t pid)
{
	struct text text;
	size_t at = 0;
	if (!read_text(home_fd, "data/postmaster.pid", &text) || number_at(&text, &at) != pid)
		return false;
	size_t status = line_at(&text, 8);
	return text.len - status >= 5 && memcmp(text.bytes + status, "ready", 5) == 0;
}

void probe_remove_shared_memory(int home_fd, uid_t uid)
{
	struct text text;
	struct shmid_ds segment;
	if (!read_text(home_fd, "data/postmaster.pid", &text))
		return;
	size_t at = line_at(&text, 7);
	number_at(&text, &at);
	int64_t id = number_at(&text, &at);
	if (id >= 0 && id <= INT32_MAX && shmctl((int)id, IPC_STAT, &segment) == 0 && segment.shm_perm.uid == uid &&
	    segment.shm_nattch == 0)
		shmctl((int)id, IPC_RMID, NULL);
}

/* A line of /proc/net/unix ("slot: references protocol flags type STATE inode path") of an accepted connection. */
static bool is_client(const char *line, size_t n, const char *path, size_t path_n)
{
	int field = 0;
	size_t state = 0;
	if (n <= path_n || memcmp(line + n - path_n, path, path_n) != 0 || line[n - path_n - 1] != ' ')
		return false;
	for (size_t i = 0; i < n && field < 5; i++)
		if (line[i] == ' ') {
			field++;
			state = i + 1;
		}
	return state + 2 <= n && line[state] == '0' && line[state + 1] == '3';
}

int probe_clients(const char *socket_path)
{
	CLEANUP(fd_closep) int fd = open("/proc/net/unix", O_RDONLY | O_CLOEXEC);
	char block[4096], line[256];
	size_t have = 0, path_n = strlen(socket_path);
	ssize_t n;
	int found = 0;
	if (fd < 0)
		return -1;
	while ((n = read(fd, block, sizeof(block))) > 0)
		for (ssize_t i = 0; i < n; i++) {
			if (block[i] != '\n' && have < sizeof(line))
				line[have++] = block[i];
			if (block[i] == '\n') {
				found += is_client(line, have, socket_path, path_n);
				have = 0;
			}
		}
	return n < 0 ? -1 : found;
}

/* Parent of a process, from the second field behind the name in /proc/PID/stat. */
static int64_t parent_of(int proc_fd, const char *name)
{
	char path[300];
	struct text text;
	size_t n = strlen(name);
	if (n > 20)
		return -1;
	memcpy(path, name, n);
	memcpy(path + n, "/stat", 6);
	if (!read_text(proc_fd, path, &text))
		return -1;
	size_t at = text.len;
	while (at > 0 && text.bytes[at - 1] != ')')
		at--;
	at += 3; /* ") S " */
	return number_at(&text, &at);
}

void probe_signal_children(int number)
{
	CLEANUP(fd_closep) int proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	union {
		char bytes[4096];
		struct raw_entry align;
	} room;
	long n;
	pid_t self = getpid();
	while (proc >= 0 && (n = syscall(SYS_getdents64, proc, &room, sizeof(room))) > 0)
		for (long at = 0; at < n;) {
			const struct raw_entry *entry = (const void *)(room.bytes + at);
			at += entry->length;
			if (entry->name[0] < '1' || entry->name[0] > '9' || parent_of(proc, entry->name) != self)
				continue;
			pid_t pid = 0;
			for (const char *digit = entry->name; *digit >= '0' && *digit <= '9'; digit++)
				pid = pid * 10 + (*digit - '0');
			kill(pid, number);
		}
}

static size_t put_number(char *to, int64_t value, char behind)
{
	char digits[20];
	size_t n = 0, at = 0;
	do
		digits[n++] = (char)('0' + value % 10);
	while ((value /= 10) > 0 && n < sizeof(digits));
	while (n > 0)
		to[at++] = digits[--n];
	to[at++] = behind;
	return at;
}

void probe_write_pids(int lock_fd, pid_t supervisor, pid_t postmaster)
{
	char text[100];
	size_t n = 0;
	int64_t supervisor_start = process_start_time(supervisor), postmaster_start = process_start_time(postmaster);
	n += put_number(text + n, supervisor, ' ');
	n += put_number(text + n, supervisor_start < 0 ? 0 : supervisor_start, ' ');
	n += put_number(text + n, postmaster, ' ');
	n += put_number(text + n, postmaster_start < 0 ? 0 : postmaster_start, '\n');
	if (ftruncate(lock_fd, 0) == 0 && lseek(lock_fd, 0, SEEK_SET) == 0)
		fd_write_all(lock_fd, text, n);
}

bool probe_read_pids(int lock_fd, struct probe_pids *ret_pids)
{
	struct text text;
	ssize_t n = pread(lock_fd, text.bytes, sizeof(text.bytes), 0);
	size_t at = 0;
	if (n <= 0 || text.bytes[n - 1] != '\n')
		return false;
	text.len = (size_t)n;
	int64_t numbers[4];
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
		numbers[i] = number_at(&text, &at);
	if (numbers[0] <= 0 || numbers[0] > INT32_MAX || numbers[2] <= 0 || numbers[2] > INT32_MAX || numbers[3] < 0)
		return false;
	*ret_pids = (struct probe_pids){(pid_t)numbers[0], numbers[1], (pid_t)numbers[2], numbers[3]};
	return true;
}

/* Where the value of a field of /proc/PID/status begins, or the length. */
static size_t field_at(const struct text *text, const char *label)
{
	size_t n = strlen(label);
	for (size_t at = 0; at + n < text->len; at++)
		if (memcmp(text->bytes + at, label, n) == 0)
			return at + n;
	return text->len;
}

/* From /proc/PID/status. The owner of /proc/PID will not do: it is root for what dropped root's rights. */
int64_t probe_user(pid_t pid)
{
	char path[40] = "/proc/";
	struct text text;
	memcpy(path + 6 + put_number(path + 6, pid, '/'), "status", 7);
	if (!read_text(AT_FDCWD, path, &text))
		return -1;
	size_t state = field_at(&text, "\nState:\t"), at = field_at(&text, "\nUid:\t");
	return state < text.len && text.bytes[state] == 'Z' ? -1 : number_at(&text, &at);
}

bool probe_lives(pid_t pid, int64_t start, uid_t uid)
{
	return process_start_time(pid) == start && probe_user(pid) == (int64_t)uid;
}
