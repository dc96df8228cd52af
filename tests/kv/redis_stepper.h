/*
 * redis_stepper.h - a handle on a real Redis for which ten entries are more than one script takes, so that it goes in
 * steps, and a hook that runs between its requests.
 */
#ifndef TESTS_KV_REDIS_STEPPER_H
#define TESTS_KV_REDIS_STEPPER_H

#include "holdfast/kv_checkpoint.h"
#include "redis_rig.h"

enum { MANY = 10 };

/* A handle, and what happens after its requests. */
struct stepper {
	struct redis_rig *rig;
	hf_context *ctx;
	hf_kv *kv;
	void (*hook)(struct stepper *stepper);
	int seen; /* requests */
	const char *what;
	int counted; /* of those: what says `what` */
	int at;      /* for the hook */
	int64_t rev;
	int64_t later_us; /* than the clock says */
};

void open_stepper(struct stepper *stepper, struct redis_rig *rig);
void close_stepper(struct stepper *stepper);
/* Hooks, at request number `at`: an hour passes, the program is interrupted, or killed; others make a checkpoint. */
void let_time_pass(struct stepper *stepper);
void interrupt(struct stepper *stepper);
void die(struct stepper *stepper);
void make_another(struct stepper *stepper);

struct hf_kv_checkpoint make_point(struct redis_rig *rig);
/** What is there is what was there at `wanted`. */
bool holds_now(struct redis_rig *rig, const struct hf_kv_checkpoint *wanted);
/** The same, and nothing lies about. @param expiring how many of them expire. */
void expect_now(struct redis_rig *rig, const struct hf_kv_checkpoint *wanted, int expiring);
/** Nothing is aside. */
void expect_tidy(struct redis_rig *rig);
void expect_kept(struct redis_rig *rig, const struct hf_uuid *id);

#endif
