/*
 * progress.c - one line on a terminal that says how far a long job is: "importing  12,345 of 34,288   36 %   1.2 s".
 *
 * Nothing is printed when `file` is NULL (no terminal, -q) nor in the first half second, so that quick jobs stay
 * silent.
 */
#include "base/quantity.h"
#include "cli/report.h"

enum { QUIET_US = 500000, EVERY_US = 100000 };

void progress_clear(struct progress *progress)
{
	if (progress->visible)
		fputs("\r\033[K", progress->file);
	progress->visible = false;
}

static void show(struct progress *progress, int64_t now_us)
{
	char done[QUANTITY_TEXT_SIZE], total[QUANTITY_TEXT_SIZE];
	double seconds = (double)(now_us - progress->started_us) / 1e6;
	quantity_grouped(progress->done, done);
	quantity_grouped(progress->total, total);
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
