/* ready.h on a pair of sockets: what an edge told, what it does not tell again, and the deadline. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../check.h"
#include "base/context.h"
#include "pg/ready.h"

enum { NOW_US = 1000000, LATER_US = 61000000 };

struct world {
	hf_context *ctx;
	int64_t clock_us;
	int ours, theirs;
	struct ready ready;
};

static int64_t world_clock(void *user)
{
	return ((struct world *)user)->clock_us;
}

static int set_up(void **state)
{
	static struct world world;
	hf_error err = HF_ERROR_INIT;
	world = (struct world){.clock_us = NOW_US};
	struct hf_context_options options = {.size = sizeof(options), .monotonic_us = world_clock, .user = &world};
	EXPECT_OK(hf_context_new(&options, &world.ctx, &err));
	int pair[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	world.ours = pair[0];
	world.theirs = pair[1];
	ready_init(&world.ready, world.ours);
	*state = &world;
	return 0;
}

static int tear_down(void **state)
{
	struct world *world = *state;
	ready_deinit(&world->ready);
	close(world->ours);
	if (world->theirs >= 0)
		close(world->theirs);
	hf_context_free(world->ctx);
	return 0;
}

/* The first wait of a statement. */
static enum hf_status wait_first(struct world *world)
{
	return ready_wait(&world->ready, world->ctx, false, true, NOW_US, LATER_US);
}

static void they_say(struct world *world, const char *text)
{
	assert_int_equal(write(world->theirs, text, strlen(text)), strlen(text));
}

static void we_read(struct world *world, ssize_t expected)
{
	char text[64];
	assert_int_equal(read(world->ours, text, sizeof(text)), expected);
}

static void each_answer_is_told(void **state)
{
	struct world *world = *state;
	for (int i = 0; i < 3; i++) {
		they_say(world, "answer");
		EXPECT_STATUS(wait_first(world), HF_OK);
		we_read(world, 6);
	}
	assert_int_not_equal(world->ready.set_us, 0); /* one timer served them all */
}

/* The close stands in the same event as the answer. The next wait must not sit there until the timer goes off. */
static void a_close_behind_an_answer_is_told_to_the_next_wait(void **state)
{
	struct world *world = *state;
	they_say(world, "answer");
	close(world->theirs);
	world->theirs = -1;
	EXPECT_STATUS(wait_first(world), HF_OK);
	we_read(world, 6);
	EXPECT_STATUS(wait_first(world), HF_OK);
	assert_int_not_equal(world->ready.set_us, 0); /* it would be, had the timer gone off */
	we_read(world, 0);
}

/* As a server over TCP that closes its direction only. */
static void so_is_a_half_close(void **state)
{
	struct world *world = *state;
	they_say(world, "answer");
	assert_int_equal(shutdown(world->theirs, SHUT_WR), 0);
	EXPECT_STATUS(wait_first(world), HF_OK);
	we_read(world, 6);
	EXPECT_STATUS(wait_first(world), HF_OK);
	assert_int_not_equal(world->ready.set_us, 0);
	we_read(world, 0);
}

static void who_waits_again_sees_what_is_unread(void **state)
{
	struct world *world = *state;
	they_say(world, "answer");
	EXPECT_STATUS(wait_first(world), HF_OK);
	EXPECT_STATUS(ready_wait(&world->ready, world->ctx, false, true, 0, LATER_US), HF_OK);
	we_read(world, 6);
}

static void without_descriptors_poll_does_the_same(void **state)
{
	struct world *world = *state;
	ready_deinit(&world->ready);
	they_say(world, "answer");
	EXPECT_STATUS(wait_first(world), HF_OK);
	we_read(world, 6);
	assert_int_equal(world->ready.set_us, 0);
}

static void room_to_write_ends_a_wait_with_something_unsent(void **state)
{
	struct world *world = *state;
	EXPECT_STATUS(ready_wait(&world->ready, world->ctx, true, true, NOW_US, LATER_US), HF_OK);
}

static void a_deadline_is_believed_to_the_clock_only(void **state)
{
	struct world *world = *state;
	EXPECT_STATUS(ready_wait(&world->ready, world->ctx, false, true, NOW_US, NOW_US), HF_TIMEOUT);
	world->clock_us = NOW_US - 5;
	they_say(world, "answer");
	EXPECT_STATUS(ready_wait(&world->ready, world->ctx, false, true, NOW_US, NOW_US), HF_OK); /* not yet over */
	world->clock_us = LATER_US;
	EXPECT_STATUS(ready_wait(&world->ready, world->ctx, false, true, 0, LATER_US), HF_TIMEOUT);
	EXPECT_STATUS(ready_wait(&world->ready, world->ctx, false, true, 0, INT64_MIN), HF_TIMEOUT);
	EXPECT_STATUS(ready_wait(&world->ready, world->ctx, false, true, 0, INT64_MAX), HF_OK);
}

static void an_interruption_ends_only_waits_that_may_be(void **state)
{
	struct world *world = *state;
	hf_context_interrupt(world->ctx);
	they_say(world, "answer");
	EXPECT_STATUS(wait_first(world), HF_TIMEOUT);
	EXPECT_STATUS(ready_wait(&world->ready, world->ctx, false, false, NOW_US, LATER_US), HF_OK);
}

#define CASE(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(each_answer_is_told),
		CASE(a_close_behind_an_answer_is_told_to_the_next_wait),
		CASE(so_is_a_half_close),
		CASE(who_waits_again_sees_what_is_unread),
		CASE(without_descriptors_poll_does_the_same),
		CASE(room_to_write_ends_a_wait_with_something_unsent),
		CASE(a_deadline_is_believed_to_the_clock_only),
		CASE(an_interruption_ends_only_waits_that_may_be),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
