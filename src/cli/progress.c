/*
 * progress.c - one line on a terminal that says how far a long job is: "importing  12,345 of 34,288   36 %   1.2 s".
 *
 * Nothing is printed when `file` is NULL (no terminal, -q) nor in the first half second, so that quick jobs stay
 * silent.
 */
#include "cli/report.h"

enum { QUIET_US = 500000, EVERY_US = 100000 };

/* 1234567 -> 1,234,567 */
static void group_digits(int64_t number, char ret_text[32])
{
	char plain[24];
	int n = snprintf(plain, sizeof(plain), "%lld", (long long)number), at = 0;
	for (int i = 0; i < n; i++) {
		ret_text[at++] = plain[i];
		int left = n - 1 - i;
		if (left > 0 && left % 3 == 0 && plain[i] != '-')
			ret_text[at++] = ',';
	}
	ret_text[at] = '\0';
}

void progress_clear(struct progress *progress)
{
	if (progress->visible)
		fputs("\r\033[K", progress->file);
	progress->visible = false;
}

static void show(struct progress *progress, int64_t now_us)
{
	char done[32], total[32];
	double seconds = (double)(now_us - progress->started_us) / 1e6;
	group_digits(progress->done, done);
	group_digits(progress->total, total);
	if (progress->total > 0)
		fprintf(progress->file, "\r%s  %s of %s  %3d %%  %.1f s\033[K", progress->what, done, total,
			(int)(100.0 * (double)progress->done / (double)progress->total), seconds);
	else
		fprintf(progress->file, "\r%s  %s  %.1f s\033[K", progress->what, done, seconds);
	fflush(progress->file);
	progress->visible = true;
	progress->shown_us = now_us;
}

void progress_start(struct progress *progress, const char *what, int64_t total, int64_t now_us)
{
	progress_end(progress);
	progress->what = what;
	progress->total = total;
	progress->done = 0;
	progress->started_us = now_us;
	progress->shown_us = now_us + QUIET_US - EVERY_US;
}

void progress_update(struct progress *progress, int64_t done, int64_t now_us)
{
	progress->done = done;
	if (!progress->file || !progress->what || now_us - progress->shown_us < EVERY_US)
		return;
	flockfile(progress->file);
	show(progress, now_us);
	funlockfile(progress->file);
}

void progress_end(struct progress *progress)
{
	if (progress->file) {
		progress_clear(progress);
		fflush(progress->file);
	}
	progress->what = NULL;
}
