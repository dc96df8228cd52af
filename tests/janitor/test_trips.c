/*
 * How often a call waits for the server: what is sent between two answers is one round trip. send(2) and recv(2) of
 * libpq are ours here and count. Each call is made once before it is counted, so that its statements are prepared.
 */
#include "rig.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/arena.h"

static struct {
	int trips;
	bool sending;
} wire;

/* Under names of their own here: the headers have inline forms of the two. */
ssize_t counted_send(int fd, const void *data, size_t size, int flags) __asm__("send");
ssize_t counted_recv(int fd, void *data, size_t size, int flags) __asm__("recv");

ssize_t counted_send(int fd, const void *data, size_t size, int flags)
{
	static ssize_t (*real)(int, const void *, size_t, int);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "send");
	wire.trips += !wire.sending;
	wire.sending = true;
	return real(fd, data, size, flags);
}

ssize_t counted_recv(int fd, void *data, size_t size, int flags)
{
	static ssize_t (*real)(int, void *, size_t, int);
	if (!real)
		*(void **)&real = dlsym(RTLD_NEXT, "recv");
	ssize_t got = real(fd, data, size, flags);
	if (got > 0)
		wire.sending = false;
	return got;
}

struct world {
	struct rig *rig;
	hf_arena *arena;
	int number; /* makes ids differ */
};

static const char start_json[] =
	"{\"codebase\":[{\"name\":\"aa\"}],\"change_set\":[{\"id\":\"cs\",\"campaign\":\"fixes\"}],\"queue\":["
	"{\"codebase\":\"aa\",\"suite\":\"fixes\",\"command\":\"x\",\"bucket\":\"default\",\"priority\":7,\"refresh\":"
	"false},"
	"{\"codebase\":\"aa\",\"suite\":\"other\",\"command\":\"x\",\"bucket\":\"default\",\"priority\":8,\"refresh\":"
	"false},"
	"{\"codebase\":\"aa\",\"suite\":\"third\",\"command\":\"x\",\"bucket\":\"default\",\"priority\":9,\"refresh\":"
	"false}]}";
static const char result_json[] =
	"{\"code\":\"success\",\"start_time\":\"2024-01-02\",\"finish_time\":\"2024-01-02\",\"codemod\":{\"a\":1},"
	"\"branches\":[[\"main\",null,\"b\",\"r\"],[\"debian\",null,\"b\",\"r\"]],\"tags\":[[\"v1\",\"t1\"]]}";

static struct hf_run_report report_of(struct world *world, struct hf_run_result *result)
{
	hf_error err = HF_ERROR_INIT;
	char id[16];
	EXPECT_OK(hf_run_result_decode(hf_str_of(result_json), NULL, world->arena, result, &err));
	snprintf(id, sizeof(id), "r%d", ++world->number);
	return (struct hf_run_report){.size = sizeof(struct hf_run_report),
	                              .id = hf_arena_str(world->arena, hf_str_of(id)),
	                              .codebase = HF_STR("aa"),
	                              .campaign = HF_STR("fixes"),
	                              .result = result};
}

static enum hf_status store_run(struct world *world, hf_error *err)
{
	static const struct hf_debian_build build = {.version = HF_STR_INIT("1.0-1"),
	                                             .distribution = HF_STR_INIT("sid"),
	                                             .source = HF_STR_INIT("aa")};
	struct hf_run_result result;
	struct hf_run_report report = report_of(world, &result);
	report.build = &build;
	report.has_queue_id = true;
	report.queue_id = world->number;
	return hf_run_store(world->rig->where, &report, NULL, NULL, err);
}

static enum hf_status store_run_with_branches_apart(struct world *world, hf_error *err)
{
	const struct hf_defects parity = hf_defects_all();
	struct hf_run_result result;
	struct hf_run_report report = report_of(world, &result);
	return hf_run_store(world->rig->where, &report, &parity, NULL, err);
}

/* The claim is of before; what counts begins with storing. */
static enum hf_status store_claimed_run(struct world *world, hf_error *err)
{
	struct hf_claim_options options = {.size = sizeof(options), .holder = HF_STR("w")};
	struct hf_run_result result;
	struct hf_run_report report = report_of(world, &result);
	struct hf_claim claim;
	enum hf_status status = hf_claim_next(world->rig->where, &options, world->arena, &claim, err);
	if (status != HF_OK)
		return status;
	report.has_claim = true;
	report.fence = claim.fence;
	report.holder = options.holder;
	wire.trips = 0;
	return hf_run_store(world->rig->where, &report, NULL, NULL, err);
}

static enum hf_status import_runs(struct world *world, hf_error *err)
{
	enum { MANY = 100 };
	struct hf_run_result results[MANY];
	struct hf_run_report reports[MANY];
	for (size_t i = 0; i < MANY; i++)
		reports[i] = report_of(world, &results[i]);
	wire.trips = 0;
	return hf_run_import(world->rig->where, reports, MANY, err);
}

static enum hf_status claim_next(struct world *world, hf_error *err)
{
	struct hf_claim_options options = {.size = sizeof(options), .holder = HF_STR("w")};
	struct hf_claim claim;
	return hf_claim_next(world->rig->where, &options, world->arena, &claim, err);
}

static enum hf_status peek(struct world *world, hf_error *err)
{
	static const int32_t ids[] = {1};
	struct hf_queue_filter filter = {.assigned = {1, 1, NULL, NULL, NULL, ids}};
	struct hf_queue_next next;
	return hf_queue_peek(world->rig->where, &filter, world->arena, &next, err);
}

static enum hf_status position(struct world *world, hf_error *err)
{
	struct hf_queue_position place;
	return hf_queue_position(world->rig->where, HF_STR("aa"), HF_STR("fixes"), &place, err);
}

static enum hf_status store_publish(struct world *world, hf_error *err)
{
	const struct hf_publish publish = {.id = HF_STR("p"),
	                                   .change_set = HF_STR("cs"),
	                                   .target_branch_url = HF_STR("t"),
	                                   .mode = HF_STR("propose"),
	                                   .merge_proposal_url = HF_STR("u"),
	                                   .result_code = HF_STR("success")};
	return hf_publish_store(world->rig->where, &publish, (struct hf_str){NULL, 0}, NULL, NULL, err);
}

static enum hf_status update_publish(struct world *world, hf_error *err)
{
	const struct hf_publish publish = {.id = HF_STR("p"), .requester = HF_STR("r")};
	return hf_publish_update(world->rig->where, &publish, HF_PUBLISH_REQUESTER, NULL, err);
}

static enum hf_status update_run(struct world *world, hf_error *err)
{
	const struct hf_run run = {.id = HF_STR("r0"), .result_code = HF_STR("build-failed")};
	enum hf_status status = hf_run_update(world->rig->where, &run, HF_RUN_RESULT, err);
	return status == HF_NOT_FOUND ? HF_OK : status;
}

static void calls_wait_as_often_as_their_headers_say(void **state)
{
	static const struct {
		const char *name;
		enum hf_status (*call)(struct world *world, hf_error *err);
		int trips;
	} cases[] = {
		{"store a run: branches, build, entry and COMMIT", store_run, 1},
		{"store a run with a claim: BEGIN, claim, rows, COMMIT", store_claimed_run, 4},
		{"store a run as the original does (D-04)", store_run_with_branches_apart, 4},
		{"import 100 runs: BEGIN, rows, COMMIT", import_runs, 3},
		{"claim the next", claim_next, 1},
		{"look at the next", peek, 1},
		{"find a place", position, 1},
		{"store a publish with its proposal", store_publish, 1},
		{"correct a publish", update_publish, 1},
		{"correct a run", update_run, 1},
	};
	struct world world = {.rig = *state, .arena = hf_arena_new(0)};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		hf_error err = HF_ERROR_INIT;
		for (int turn = 0; turn < 2; turn++) {
			if (cases[i].call != update_publish) {
				rig_run(world.rig, "DELETE FROM publish");
				rig_run(world.rig, "TRUNCATE holdfast.queue_claim");
				rig_load_text(world.rig, start_json);
				world.number = 0;
			}
			wire.trips = 0;
			EXPECT_OK(cases[i].call(&world, &err));
		}
		if (wire.trips != cases[i].trips)
			fail_msg("%s: %d round trips, not %d", cases[i].name, wire.trips, cases[i].trips);
	}
	hf_arena_free(world.arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(calls_wait_as_often_as_their_headers_say)};
	return cmocka_run_group_tests_name("trips", tests, rig_up, rig_down);
}
