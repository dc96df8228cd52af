/*
 * server_cluster.c - finding PostgreSQL, initdb, and the settings of a private server.
 *
 * Settings go on the command line, where they override whatever the files of a kept cluster say.
 */
#include "pg/server_cluster.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/error.h"
#include "base/str.h"
#include "pg/server_fd.h"
#include "pg/server_process.h"

enum {
	/* Raise when initdb's options below change: older cache entries are not used any more. */
	LAYOUT = 1,
	KEY_MAX = 64,
	CONNECTIONS_DEFAULT = 100,
	PG_CONFIG_MS = 10000
};
#define PACKAGED "/usr/lib/postgresql"

/* ---- programs ---- */

/* Both programs are in `folder`: fills `ret_programs`. */
static bool programs_in(const char *folder, struct programs *ret_programs)
{
	struct programs found;
	struct stat st;
	int n = snprintf(found.postgres, sizeof(found.postgres), "%s/postgres", folder);
	int m = snprintf(found.initdb, sizeof(found.initdb), "%s/initdb", folder);
	if (n < 0 || m < 0 || (size_t)n >= sizeof(found.postgres) || (size_t)m >= sizeof(found.initdb) ||
	    access(found.postgres, X_OK) != 0 || access(found.initdb, X_OK) != 0 || stat(found.postgres, &st) != 0 ||
	    !S_ISREG(st.st_mode))
		return false;
	snprintf(found.identity, sizeof(found.identity), "%lx-%lx-%lx-%lx", (unsigned long)st.st_dev,
	         (unsigned long)st.st_ino, (unsigned long)st.st_size,
	         (unsigned long)st.st_mtim.tv_sec * 1000000000UL + (unsigned long)st.st_mtim.tv_nsec);
	*ret_programs = found;
	return true;
}

/* First executable `name` on PATH. */
static bool find_on_path(const char *name, char *ret_path, size_t size)
{
	struct hf_str rest = hf_str_of(getenv("PATH")), folder;
	while (str_split(&rest, ':', &folder)) {
		int n = snprintf(ret_path, size, "%.*s/%s", STR_ARG(folder), name);
		if (folder.len > 0 && folder.ptr[0] == '/' && n > 0 && (size_t)n < size && access(ret_path, X_OK) == 0)
			return true;
	}
	return false;
}

/* What `pg_config --bindir` answers. */
static bool ask_pg_config(hf_context *ctx, char *ret_folder, size_t size)
{
	char program[PATH_MAX];
	if (!find_on_path("pg_config", program, sizeof(program)))
		return false;
	CLEANUP(fd_closep) int out = memfd_create("pg_config", MFD_CLOEXEC);
	char bindir[] = "--bindir";
	char *argv[] = {program, bindir, NULL};
	struct process_environment environment;
	process_environment_fill(&environment);
	struct server_user self = {.uid = getuid()};
	struct process_plan plan = {.user = &self,
	                            .program = program,
	                            .argv = argv,
	                            .envp = environment.items,
	                            .out_fd = out,
	                            .death_signal = SIGTERM};
	int code = 1;
	if (out < 0 || process_run(ctx, &plan, hf_deadline_in(ctx, PG_CONFIG_MS), &code, NULL) != HF_OK || code > 0)
		return false;
	ssize_t n = pread(out, ret_folder, size - 1, 0);
	if (n <= 1)
		return false;
	ret_folder[n] = '\0';
	ret_folder[strcspn(ret_folder, "\n")] = '\0';
	return true;
}

/* The newest packaged version that is supported. */
static bool find_packaged(struct programs *ret_programs)
{
	DIR *dir = opendir(PACKAGED);
	struct dirent *entry;
	int64_t best = CLUSTER_VERSION_MIN - 1, version;
	while (dir && (entry = readdir(dir))) {
		char folder[PATH_MAX];
		if (!str_to_i64(hf_str_of(entry->d_name), &version) || version <= best)
			continue;
		snprintf(folder, sizeof(folder), PACKAGED "/%s/bin", entry->d_name);
		if (programs_in(folder, ret_programs))
			best = version;
	}
	if (dir)
		closedir(dir);
	return best >= CLUSTER_VERSION_MIN;
}

enum hf_status programs_find(hf_context *ctx, struct programs *ret_programs, hf_error *err)
{
	const char *asked = getenv("HOLDFAST_PG_BIN");
	char folder[PATH_MAX];
	if (asked && *asked) {
		if (programs_in(asked, ret_programs))
			return HF_OK;
		error_set(err, HF_E_CONFIG, "HOLDFAST_PG_BIN: there are no programs postgres and initdb in \"%s\"",
		          asked);
		error_hint(err, "name the folder of a PostgreSQL server, such as " PACKAGED "/15/bin");
		return HF_E_CONFIG;
	}
	if ((ask_pg_config(ctx, folder, sizeof(folder)) && programs_in(folder, ret_programs)) ||
	    find_packaged(ret_programs))
		return HF_OK;
	error_set(err, HF_E_NO_PACKAGE, "postgresql server package missing: apt install postgresql-15");
	error_hint(err, "or name the folder of its programs in HOLDFAST_PG_BIN");
	return HF_E_NO_PACKAGE;
}

/* ---- logs ---- */

/* The last whole lines, in `room`. */
static struct hf_str tail_of(int log_fd, char room[CLUSTER_LOG_TAIL])
{
	struct stat st;
	if (fstat(log_fd, &st) != 0)
		return HF_STR("");
	off_t from = st.st_size > CLUSTER_LOG_TAIL ? st.st_size - CLUSTER_LOG_TAIL : 0;
	ssize_t n = pread(log_fd, room, CLUSTER_LOG_TAIL, from);
	struct hf_str tail = {room, n > 0 ? (size_t)n : 0}, first;
	if (from > 0)
		str_split(&tail, '\n', &first);
	return str_trim(tail);
}

void log_tail(int log_fd, hf_error *err)
{
	char room[CLUSTER_LOG_TAIL];
	struct hf_str tail = tail_of(log_fd, room);
	if (tail.len > 0)
		error_detail(err, "%.*s", STR_ARG(tail));
}

bool log_reason(int log_fd, char *ret_text, size_t size)
{
	static const struct hf_str labels[] = {HF_STR_INIT("FATAL:  "), HF_STR_INIT("PANIC:  ")};
	char room[CLUSTER_LOG_TAIL];
	struct hf_str rest = tail_of(log_fd, room), line;
	bool found = false;
	while (str_split(&rest, '\n', &line))
		for (size_t i = 0; i < ARRAY_LEN(labels); i++) {
			ptrdiff_t at = str_find_str(line, labels[i]);
			if (at >= 0) {
				size_t from = (size_t)at + labels[i].len;
				snprintf(ret_text, size, "%.*s", (int)(line.len - from), line.ptr + from);
				found = true;
			}
		}
	return found;
}

/* ---- initdb ---- */

static enum hf_status check_version(const char *path, hf_error *err)
{
	char file[PATH_MAX + 16], text[16] = {0};
	int64_t version;
	snprintf(file, sizeof(file), "%s/PG_VERSION", path);
	CLEANUP(fd_closep) int fd = open(file, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || !str_to_i64(str_trim(hf_str_of(text)), &version))
		return error_set(err, HF_E_FAILED, "initdb left no cluster in %s", path);
	if (version < CLUSTER_VERSION_MIN)
		return error_set(err, HF_E_CONFIG, "PostgreSQL %d is too old: %d or newer is needed", (int)version,
		                 CLUSTER_VERSION_MIN);
	return HF_OK;
}

enum hf_status cluster_init(hf_context *ctx, const struct programs *programs, const struct server_user *user,
                            bool durable, const char *path, int lock, hf_deadline deadline, hf_error *err)
{
	/* Access: the mode of the socket's folder. Small WAL segments make a copy of 31 MB instead of 39. */
	const char *args[] = {programs->initdb,
	                      "-D",
	                      path,
	                      "-U",
	                      "holdfast",
	                      "-E",
	                      "UTF8",
	                      "--locale=C.UTF-8",
	                      "--auth-local=trust",
	                      "--auth-host=reject",
	                      "--no-sync",
	                      "--no-instructions",
	                      durable ? "--wal-segsize=16" : "--wal-segsize=4",
	                      NULL};
	struct process_environment environment;
	process_environment_fill(&environment);
	CLEANUP(fd_closep) int out = memfd_create("initdb", MFD_CLOEXEC);
	if (out < 0)
		return error_errno(err, HF_E_FAILED, "could not make a buffer for initdb's output");
	struct process_plan plan = {.user = user,
	                            .program = programs->initdb,
	                            .argv = (char *const *)(uintptr_t)args,
	                            .envp = environment.items,
	                            .out_fd = out,
	                            .held = lock,
	                            .death_signal = SIGTERM};
	int code = -1;
	enum hf_status status = process_run(ctx, &plan, deadline, &code, err);
	if (status != HF_OK)
		return status;
	if (code <= 0)
		return check_version(path, err);
	error_set(err, HF_E_FAILED, "could not make a database cluster in %s: initdb ended with %d", path, code);
	log_tail(out, err);
	return HF_E_FAILED;
}

enum hf_status cluster_cache_name(const struct programs *programs, bool durable, const char *key,
                                  char ret_name[CACHE_NAME_MAX + 1], hf_error *err)
{
	size_t n = key ? strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") : 0;
	if (key && (key[n] != '\0' || n == 0 || n > KEY_MAX))
		return error_set(err, HF_E_USAGE,
		                 "a template key has 1 to %d letters, digits, \"-\" or \"_\": \"%.80s\"", KEY_MAX, key);
	snprintf(ret_name, CACHE_NAME_MAX + 1, "v%d-%s-%s%s%s", LAYOUT, programs->identity, durable ? "d" : "t",
	         key ? "-" : "", key ? key : "");
	return HF_OK;
}

/* ---- the command line ---- */

/* Dynamic shared memory in files of the cluster leaves nothing in /dev/shm, however a server ends; it costs disk
   writes, which durable servers (benchmarks) should not see. */
static bool wants_mapped_files(bool durable)
{
	struct statvfs shm;
	enum { SHM_MIN_BYTES = 256 << 20 };
	return !durable || statvfs("/dev/shm", &shm) != 0 || shm.f_bavail * shm.f_frsize < SHM_MIN_BYTES;
}

static bool is_setting(const char *text)
{
	size_t n = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
	return n > 0 && text[n] == '=';
}

/* All arguments behind each other, each with its NUL; their number in *count. */
static void add(struct buf *text, size_t *count, const char *argument)
{
	buf_add_text(text, argument);
	buf_add_char(text, '\0');
	(*count)++;
}

static void add_setting(struct buf *text, size_t *count, const char *setting)
{
	add(text, count, "-c");
	add(text, count, setting);
}

static void add_settings(struct buf *text, size_t *count, const struct cluster_command *command)
{
	/* search_path without "$user": the role has the name of the schema that the migration ledger lives in. */
	static const char *const always[] = {"listen_addresses=",
	                                     "port=5432",
	                                     "unix_socket_permissions=0700",
	                                     "timezone=UTC",
	                                     "log_timezone=UTC",
	                                     "search_path=public",
	                                     "jit=off",
	                                     "logging_collector=off",
	                                     "log_destination=stderr",
	                                     "log_line_prefix=%m [%p] ",
	                                     "cluster_name=holdfast"};
	/* Without fsync a commit costs one write; it then survives the death of the server, if not of the machine. What
	   stands here cannot be changed by ALTER SYSTEM: of a durable server that is its owner's affair. */
	static const char *const fast[] = {"fsync=off", "synchronous_commit=on", "full_page_writes=off",
	                                   "checkpoint_timeout=30min", "max_wal_size=2GB"};
	static const char *const safe[] = {"fsync=on", "synchronous_commit=on", "full_page_writes=on"};
	char line[PATH_MAX + 64];
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		add_setting(text, count, always[i]);
	for (size_t i = 0; i < (command->durable ? ARRAY_LEN(safe) : ARRAY_LEN(fast)); i++)
		add_setting(text, count, command->durable ? safe[i] : fast[i]);
	snprintf(line, sizeof(line), "unix_socket_directories=%s", command->run);
	add_setting(text, count, line);
	snprintf(line, sizeof(line), "max_connections=%u",
	         command->max_connections ? command->max_connections : (unsigned)CONNECTIONS_DEFAULT);
	add_setting(text, count, line);
	add_setting(text, count,
	            wants_mapped_files(command->durable) ? "dynamic_shared_memory_type=mmap"
	                                                 : "dynamic_shared_memory_type=posix");
}

void command_line_deinit(struct command_line *line)
{
	free(line->argv);
	free(line->text);
	*line = (struct command_line){0};
}

enum hf_status command_line_make(const struct programs *programs, const struct cluster_command *command,
                                 struct command_line *ret_line, hf_error *err)
{
	struct buf text;
	size_t count = 0;
	buf_init(&text, 256 << 10);
	add(&text, &count, programs->postgres);
	add(&text, &count, "-D");
	add(&text, &count, command->data);
	add_settings(&text, &count, command);
	for (size_t i = 0; command->settings && command->settings[i]; i++) {
		if (i >= CLUSTER_SETTINGS_MAX || !is_setting(command->settings[i])) {
			buf_deinit(&text);
			return error_set(err, HF_E_USAGE,
			                 "a server setting is name=value, and there are at most %d: \"%.80s\"",
			                 CLUSTER_SETTINGS_MAX, command->settings[i]);
		}
		add_setting(&text, &count, command->settings[i]);
	}
	struct command_line line = {.argv = calloc(count + 1, sizeof(*line.argv)), .text = text.ptr};
	if (!line.argv || !buf_ok(&text)) {
		command_line_deinit(&line);
		return error_nomem(err);
	}
	char *at = line.text;
	for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
		line.argv[i] = at;
	*ret_line = line;
	return HF_OK;
}
