/*
 * server_user.c - who a private server runs as, and file access with that user's rights.
 *
 * setfsuid(2) is per thread and takes CAP_DAC_OVERRIDE away with it, which is what lets a library in a root process
 * write as somebody else without a helper process. It also clears the thread's parent-death signal and the dumpable
 * flag: both are put back.
 */
#include "pg/server_user.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.h"

static bool copy_text(char *to, size_t size, const char *from)
{
	int n = snprintf(to, size, "%s", from);
	return n >= 0 && (size_t)n < size;
}

/* True and filled when the account exists and its name fits. */
static bool user_of(const struct passwd *entry, struct server_user *ret_user)
{
	struct server_user user = {.uid = entry->pw_uid, .gid = entry->pw_gid};
	if (!copy_text(user.name, sizeof(user.name), entry->pw_name))
		return false;
	if (!entry->pw_dir || !copy_text(user.home, sizeof(user.home), entry->pw_dir))
		user.home[0] = '\0';
	*ret_user = user;
	return true;
}

static bool user_named(const char *name, struct server_user *ret_user)
{
	char room[16384];
	struct passwd entry, *found = NULL;
	return getpwnam_r(name, &entry, room, sizeof(room), &found) == 0 && found && user_of(found, ret_user);
}

static bool user_with_id(uid_t uid, struct server_user *ret_user)
{
	char room[16384];
	struct passwd entry, *found = NULL;
	return getpwuid_r(uid, &entry, room, sizeof(room), &found) == 0 && found && user_of(found, ret_user);
}

static enum hf_status user_for_root(struct server_user *ret_user, hf_error *err)
{
	struct server_user user;
	const char *asked = getenv("HOLDFAST_PG_USER");
	if (asked && *asked) {
		if (!user_named(asked, &user))
			return error_set(err, HF_E_CONFIG, "HOLDFAST_PG_USER names user \"%s\", which does not exist",
			                 asked);
	} else if (!user_named("postgres", &user) && !user_named("nobody", &user)) {
		error_set(err, HF_E_CONFIG,
		          "a private server cannot run as root, and there is no user postgres or nobody");
		error_hint(err, "name an ordinary user in HOLDFAST_PG_USER");
		return HF_E_CONFIG;
	}
	if (user.uid == 0)
		return error_set(err, HF_E_CONFIG,
		                 "a private server cannot run as root: HOLDFAST_PG_USER must name an "
		                 "ordinary user");
	user.drop = true;
	*ret_user = user;
	return HF_OK;
}

enum hf_status server_user_find(struct server_user *ret_user, hf_error *err)
{
	if (geteuid() == 0)
		return user_for_root(ret_user, err);
	struct server_user user;
	if (!user_with_id(geteuid(), &user)) {
		error_set(err, HF_E_CONFIG,
		          "user id %d has no entry in the passwd database, and initdb refuses to work "
		          "without one",
		          (int)geteuid());
		error_hint(err, "run as a user with an account, or as root with HOLDFAST_PG_USER naming one");
		return HF_E_CONFIG;
	}
	user.gid = getegid();
	*ret_user = user;
	return HF_OK;
}

/* Raw calls: those of the C library ask every thread of the process along, of which a forked child has none. */
int server_user_become(const struct server_user *user)
{
	if (!user->drop || getuid() == user->uid)
		return 0;
	if (syscall(SYS_setgroups, 1, &user->gid) != 0 || syscall(SYS_setresgid, user->gid, user->gid, user->gid) != 0)
		return -1;
	return (int)syscall(SYS_setresuid, user->uid, user->uid, user->uid);
}

static bool fs_set(uid_t uid, gid_t gid)
{
	setfsgid(gid);
	setfsuid(uid);
	return (uid_t)setfsuid((uid_t)-1) == uid && (gid_t)setfsgid((gid_t)-1) == gid;
}

enum hf_status fs_as(const struct server_user *user, struct fs_guard *ret_guard, hf_error *err)
{
	struct fs_guard guard = {.active = user->drop, .dumpable = 1};
	if (user->drop) {
		prctl(PR_GET_PDEATHSIG, &guard.death_signal);
		guard.dumpable = prctl(PR_GET_DUMPABLE);
		*ret_guard = guard;
		if (!fs_set(user->uid, user->gid)) {
			fs_back(ret_guard);
			return error_set(err, HF_E_DENIED, "could not act as user %s: this root may not change users",
			                 user->name);
		}
	}
	*ret_guard = guard;
	return HF_OK;
}

void fs_back(struct fs_guard *guard)
{
	if (!guard->active)
		return;
	guard->active = false;
	int saved = errno;
	ASSERT(fs_set(geteuid(), getegid()));
	if (guard->dumpable == 1)
		prctl(PR_SET_DUMPABLE, 1);
	if (guard->death_signal != 0)
		prctl(PR_SET_PDEATHSIG, guard->death_signal);
	errno = saved;
}

int user_make_folder(const struct server_user *user, const char *path)
{
	char fresh[PATH_MAX];
	if (!user->drop)
		return mkdir(path, 0700);
	/* Under another name until it belongs to the user: somebody may be waiting to look at the owner. */
	int n = snprintf(fresh, sizeof(fresh), "%s.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (!mkdtemp(fresh))
		return -1;
	if (lchown(fresh, user->uid, user->gid) == 0 &&
	    renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	int why = errno;
	rmdir(fresh);
	errno = why;
	return -1;
}
