"""Inputs for storing reviews: verdicts, reviewers, what the runner answers, what stands already."""

import itertools
import random

from gen_queue import SEED, call, case, codebase, entry
from gen_schedule import candidate, run

VERDICTS = ("approved", "rejected", "abstained", "reschedule", "maybe", "", "Approved")
ANSWERS = (200, 204, 403, 404, 500, None)
WATCH = ("review", "run")


def load(**more):
    return {"codebase": [codebase("aa"), codebase("bb")],
            "change_set": [{"id": c, "campaign": "lintian-fixes"} for c in ("cs0", "cs1")],
            "candidate": [candidate("aa", "lintian-fixes", value=3, success_chance=0.5, context="1.2")],
            "run": [run(1, "aa", "lintian-fixes", 7500001, id="r1", revision="tip"),
                    run(2, "bb", "lintian-fixes", 1000000, id="r2"),
                    run(3, "aa", "fresh-releases", 1000000, id="r 3/\u00e9", change_set="cs1")],
            "queue": [entry("bb", "lintian-fixes", priority=9)], **more}


def review(run_id, verdict, **more):
    return call("review", **{"run_id": run_id, "verdict": verdict, "comment": "c", "reviewer": "alice", "is_qa": False,
                             **more})


STANDING = {"none": [], "own": [{"run_id": "r1", "comment": "old", "reviewer": "alice", "verdict": "abstained"}],
            "other": [{"run_id": "r1", "comment": None, "reviewer": "bob", "verdict": "rejected"}],
            "nobody": [{"run_id": "r1", "comment": None, "reviewer": None, "verdict": "approved"}]}


def grid():
    """Each verdict, by QA or not, before each runner, on what stands."""
    for verdict, qa, answers in itertools.product(VERDICTS, (False, True), ANSWERS):
        for standing, rows in STANDING.items():
            more = {"review": rows} if rows else {}
            yield case(f"V/{verdict}/{qa}/{answers}/{standing}", load(**more), [
                review("r1", verdict, is_qa=qa, answers=answers)], watch=WATCH)


def odd():
    """Unknown runs, NULL reviewers, runs without candidate, bases with and without slash, ids that need quoting."""
    for run_id, verdict, qa in itertools.product(("r2", "r 3/\u00e9", "nowhere"), VERDICTS[:5], (False, True)):
        for base in ("/", "/path", "/path/"):
            yield case(f"V/of/{run_id}/{verdict}/{qa}/{base}", load(), [
                review(run_id, verdict, is_qa=qa, answers=200, base=base)], watch=WATCH)
    for reviewer, comment in itertools.product((None, "", "\u00e9", "a" * 500), (None, "", "two\nlines")):
        for verdict in VERDICTS[:4]:
            yield case(f"V/by/{reviewer and reviewer[:5]}/{comment}/{verdict}", load(), [
                review("r1", verdict, reviewer=reviewer, comment=comment) for _ in range(2)], watch=WATCH)


def draw(number):
    """Several reviewers one after the other."""
    die = random.Random(f"{SEED}/reviews/{number}")
    return case(f"V/random/{number}", load(), [
        review(die.choice(("r1", "r1", "r2", "r 3/\u00e9")), die.choice(VERDICTS[:4]), is_qa=die.random() < 0.4,
               reviewer=die.choice((None, "alice", "bob", "carol")), comment=die.choice((None, "", "c")),
               answers=die.choice((200, 200, 200, 404, 500))) for _ in range(die.randint(2, 7))], watch=WATCH)


def cases():
    yield from grid()
    yield from odd()
    yield from (draw(number) for number in range(200))
