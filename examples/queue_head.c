/*
 * queue_head.c - print the head of the Janitor's queue. What a program with libholdfast looks like.
 *
 *     cc queue_head.c $(pkg-config --cflags --libs holdfast) -o queue_head
 *     DATABASE_URL=postgresql:///janitor ./queue_head 5
 */
#include <holdfast/holdfast.h>
#include <holdfast/pool.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static enum hf_status show(void *user, const struct hf_queue_item *item, hf_error *err)
{
	(void)user;
	(void)err;
	printf("%" PRId32 " %.*s %s %" PRId64 "\n", item->id, (int)item->codebase.len, item->codebase.ptr,
	       hf_bucket_word(item->bucket), item->priority);
	return HF_OK;
}

int main(int argc, char **argv)
{
	hf_error err = HF_ERROR_INIT;
	hf_context *ctx = NULL;
	hf_settings *settings = NULL;
	hf_pool *pool = NULL;
	struct hf_queue_list_filter head = {.limit = argc > 1 ? atol(argv[1]) : 10};
	enum hf_status status = hf_context_new(NULL, &ctx, &err);
	if (status == HF_OK)
		status = hf_settings_new(ctx, &settings, &err);
	if (status == HF_OK && getenv("DATABASE_URL"))
		status = hf_settings_parse(settings, getenv("DATABASE_URL"), &err);
	if (status == HF_OK)
		status = hf_pool_open(ctx, settings, NULL, &pool, &err);
	if (status == HF_OK)
		status = hf_queue_list(hf_until(hf_on_pool(pool), hf_deadline_in(ctx, 5000)), &head, show, NULL, &err);
	if (status != HF_OK)
		fprintf(stderr, "queue_head: %s\n", err.message);
	hf_pool_close(pool);
	hf_settings_free(settings);
	hf_context_free(ctx);
	return hf_status_exit_code(status);
}
