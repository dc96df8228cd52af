/*
 * cname.c - from SQL names, which may hold anything, to C names. Not injective: callers look for clashes.
 */
#include "gen/cname.h"

/* `words` are between blanks. */
static bool stands_in(const char *words, const char *word)
{
	char padded[80];
	int len = snprintf(padded, sizeof(padded), " %s ", word);
	return len > 0 && (size_t)len < sizeof(padded) && strstr(words, padded) != NULL;
}

bool cname_is_keyword(const char *word)
{
	static const char words[] =
		" alignas alignof and and_eq asm auto bitand bitor bool break case catch char class compl concept "
		"const "
		"const_cast consteval constexpr constinit continue co_await co_return co_yield decltype default delete "
		"do double dynamic_cast else enum explicit export extern false float for friend goto if inline int "
		"long "
		"mutable namespace new noexcept not not_eq nullptr operator or or_eq private protected public register "
		"reinterpret_cast requires restrict return short signed sizeof static static_assert static_cast struct "
		"switch template this thread_local throw true try typedef typeid typename union unix linux unsigned "
		"using virtual void volatile wchar_t while xor xor_eq errno stdin stdout stderr main offsetof assert ";
	return stands_in(words, word);
}

bool cname_is_library(const char *word)
{
	static const char first_half[] =
		" abort abs accept access acos acosh alarm aligned_alloc arc4random asctime asin asinh asprintf "
		"at_quick_exit atan atan2 atanh atexit atof atoi atol atoll basename bcmp bcopy bind bsearch btowc "
		"bzero cabs cacos calloc carg casin catan cbrt ccos ceil cexp chdir chmod chown chroot cimag "
		"clearenv clearerr clock clock_getres clock_gettime clock_settime clog close closedir closelog "
		"complex confstr conj connect copysign cos cosh cpow cproj creal creat crypt csin csqrt ctan ctermid "
		"ctime daemon daylight difftime dirfd dirname div dlclose dlerror dlopen dlsym dprintf drand48 dup "
		"dup2 environ erand48 erf erfc err errx execl execle execlp execv execve execvp exit exp exp2 expm1 "
		"fabs fchdir fchmod fchown fclose fcntl fdatasync fdim fdopen fdopendir feof ferror fflush ffs fgetc "
		"fgetpos fgets fgetwc fgetws fileno flock flockfile floor fma fmax fmemopen fmin fmod fnmatch fopen "
		"fork fpathconf fpclassify fprintf fputc fputs fputwc fputws fread free freeaddrinfo freopen frexp "
		"fscanf fseek fseeko fsetpos fstat fsync ftell ftello ftime ftok ftruncate ftrylockfile fts ftw "
		"funlockfile futimes fwide fwprintf fwrite fwscanf gai_strerror gamma getaddrinfo getc getchar "
		"getcwd getdate getdelim getdents getegid getentropy getenv geteuid getgid getgrgid getgrnam "
		"getgroups gethostbyname gethostid gethostname getitimer getline getlogin getnameinfo getopt "
		"getopt_long getpagesize getpass getpeername getpgid getpgrp getpid getppid getpriority getpwnam "
		"getpwuid getrandom getrlimit getrusage gets getservbyname getsid getsockname getsockopt getsubopt "
		"gettimeofday getuid getwc getwchar glob globfree gmtime grantpt hcreate hdestroy hsearch htonl "
		"htons hypot iconv iconv_close iconv_open ilogb imaginary imaxabs imaxdiv index inet_addr inet_ntoa "
		"inet_ntop inet_pton initgroups initstate insque ioctl isalnum isalpha isascii isatty isblank "
		"iscntrl isdigit isfinite isgraph isgreater isinf isless islower isnan isnormal isprint ispunct "
		"isspace isunordered isupper iswalnum iswalpha iswctype isxdigit j0 j1 jn jrand48 kill killpg l64a "
		"labs lchown ldexp ldiv lfind lgamma link listen llabs lldiv llrint llround localeconv localtime "
		"lockf log log10 log1p log2 logb longjmp lrand48 lrint lround lsearch lseek lstat major makecontext "
		"makedev malloc mblen mbrlen mbrtowc mbsinit mbsrtowcs mbstowcs mbtowc memccpy memchr memcmp memcpy "
		"memfd_create memmem memmove mempcpy memset minor mkdir mkdtemp mkfifo mknod mkostemp mkstemp mktemp ";
	static const char second_half[] =
		" mktime mlock mlockall mmap modf mount mprotect mrand48 msgctl msgget msgrcv msgsnd msync munlock "
		"munmap nan nanosleep nearbyint nextafter nexttoward nftw nice nl_langinfo noreturn nrand48 ntohl "
		"ntohs open openat opendir openlog optarg opterr optind optopt pathconf pause pclose perror "
		"personality pipe poll popen pow ppoll prctl pread printf pselect psignal ptrace ptsname putc "
		"putchar putenv puts putwc putwchar pwrite qsort quick_exit raise rand rand_r random read readahead "
		"readdir readlink readv realloc reallocarray realpath reboot recv recvfrom recvmsg regcomp regerror "
		"regexec regfree remainder remove remque remquo rename rewind rewinddir rindex rint rmdir round sbrk "
		"scalbln scalbn scandir scanf secure_getenv seed48 seekdir select sem_close sem_init sem_open "
		"sem_post sem_wait semctl semget semop send sendfile sendmsg sendto setbuf setegid setenv seteuid "
		"setgid setgroups sethostname setitimer setjmp setlocale setlogmask setpgid setpriority setregid "
		"setreuid setrlimit setsid setsockopt setstate settimeofday setuid setvbuf shmat shmctl shmdt shmget "
		"shutdown sigaction sigaddset sigaltstack sigdelset sigemptyset sigfillset sigismember siglongjmp "
		"signal signbit sigpending sigprocmask sigqueue sigsetjmp sigsuspend sigwait sin sinh sleep snprintf "
		"socket socketpair splice sprintf sqrt srand srand48 srandom sscanf stat statfs statvfs stpcpy "
		"stpncpy strcasecmp strcat strchr strchrnul strcmp strcoll strcpy strcspn strdup strerror strfmon "
		"strftime strlcat strlcpy strlen strncasecmp strncat strncmp strncpy strndup strnlen strpbrk "
		"strptime strrchr strsep strsignal strspn strstr strtod strtof strtoimax strtok strtok_r strtol "
		"strtold strtoll strtoul strtoull strtoumax strxfrm swab swprintf symlink sync sync_file_range "
		"syncfs syscall sysconf sysinfo syslog system tan tanh tcdrain tcflush tcgetattr tcsetattr tdelete "
		"tee telldir tempnam tfind tgamma time timegm timer_create timer_delete timer_settime times timezone "
		"tmpfile tmpnam toascii tolower toupper towlower towupper trunc truncate tsearch ttyname twalk "
		"tzname tzset umask umount uname ungetc ungetwc unlink unlockpt unsetenv unshare uselocale usleep "
		"utime utimes va_arg va_copy va_end va_start vasprintf vdprintf verr vfork vfprintf vfscanf vhangup "
		"vprintf vscanf vsnprintf vsprintf vsscanf vwarn wait wait3 wait4 waitid waitpid warn warnx wcrtomb "
		"wcscat wcschr wcscmp wcscpy wcslen wcsncpy wcsstr wcstod wcstol wcstombs wctob wctomb wctype "
		"wmemchr wmemcmp wmemcpy wmemmove wmemset wordexp wordfree wprintf write writev wscanf y0 y1 yn ";
	return stands_in(first_half, word) || stands_in(second_half, word);
}

static const char *plain(hf_arena *arena, const char *name, bool upper)
{
	struct buf buf;
	buf_init(&buf, 4096);
	if (!*name || (*name >= '0' && *name <= '9'))
		buf_add_char(&buf, '_');
	for (const char *p = name; *p; p++) {
		char c = *p;
		if (c >= 'A' && c <= 'Z' && !upper)
			c = (char)(c - 'A' + 'a');
		else if (c >= 'a' && c <= 'z' && upper)
			c = (char)(c - 'a' + 'A');
		bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
		buf_add_char(&buf, fine ? c : '_');
	}
	mem_check(&buf);
	const char *text = mem_text(arena, buf_str(&buf));
	buf_deinit(&buf);
	return text;
}

const char *cname_member(hf_arena *arena, const char *name)
{
	const char *member = plain(arena, name, false);
	return cname_is_keyword(member) ? mem_printf(arena, "%s_", member) : member;
}

const char *cname_upper(hf_arena *arena, const char *name)
{
	return plain(arena, name, true);
}

const char *cname_type(hf_arena *arena, const char *name)
{
	const char *type = cname_member(arena, name);
	return *type == '_' ? mem_printf(arena, "t%s", type) : type;
}

bool cname_clash(const char *member, const char *other)
{
	if (strcmp(member, other) == 0)
		return true;
	return strncmp(other, "has_", 4) == 0 && strcmp(member, other + 4) == 0;
}
