"""Inputs for bulk scheduling: as the command line does it, and as a list in a given order."""

import itertools
import random

from gen_queue import BUCKETS, SEED, call, codebase
from gen_schedule import VERSIONS, base, candidate, draw_us, run, timed

# push-derived has no value upstream: any candidate with such a policy ends the whole run.
POLICIES = {
    "none": [], "propose": [["main", "propose"]], "push": [["main", "push"]],
    "attempt": [["main", "attempt-push"]], "two": [["main", "propose"], ["debian", "push"]],
    "build": [["main", "build-only"]], "skip": [["main", "skip"], ["upstream", "skip"]],
    "bts": [["main", "bts"], ["other", "propose"]], "null": None, "null-mode": [["main", None]],
    "derived": [["main", "push-derived"]],
}
SOUND = ("none", "propose", "push", "attempt", "two", "build", "skip", "bts")
CAMPAIGNS = ("lintian-fixes", "fresh-releases", "multiarch-fixes", "unchanged")


def policies(names=POLICIES):
    return [{"name": n, "rate_limit_bucket": None,
             "per_branch_policy": None if POLICIES[n] is None else
             [{"role": r, "mode": m, "frequency_days": None} for r, m in POLICIES[n]]} for n in names]


def item(name, campaign="lintian-fixes", value=5, chance=0.5, context=None, command="fix-it"):
    return [name, context, command, campaign, value, chance]


def values():
    """C10: normalisation over NULL, zero and negative values; order; empty lists; refusals."""
    for drawn in itertools.product((None, 0, 3, 90, -5), repeat=3):
        load = base([codebase(f"cb{n}", value=v) for n, v in enumerate(drawn)])
        todo = [item(f"cb{n}") for n in range(3)]
        yield timed("C10/values/" + ",".join(map(str, drawn)), load, [call("bulk", todo=todo)])
    load = base([codebase(f"cb{n}", value=10 * n + 5) for n in range(4)],
                candidate=[candidate("cb0", "lintian-fixes", value=9, success_chance=0.25, context="c")])
    todo = [item(f"cb{n}", c) for n in range(4) for c in CAMPAIGNS[:2]]
    odd = [todo[::-1], [], todo + todo, todo[:3] + [item("nowhere")] + todo[3:],
           [*todo[:2], item("cb0", chance=None, value=None), *todo[2:]],
           [*todo[:2], item("cb1", chance=None), *todo[2:]], [item("cb0", command=None), *todo],
           [item("cb1", command="", value=3), *todo], [item("cb2", value=0), *todo], [item("cb2", value=-100), *todo],
           [item("cb2", "Bad"), *todo], [item("cb2", value=2.5), *todo]]
    for number, order in enumerate([todo, *odd]):
        for more in ({}, {"dry_run": True}, {"default_offset": 1000.75}, {"default_offset": -50000.0},
                     {"bucket": "reschedule"}, {"bucket": None}, {"bucket": "urgent"}):
            yield timed(f"C10/{number}/{','.join(more)}", load, [call("bulk", todo=order, **more)])
    nameless = {**base([{**codebase(None), "branch_url": "https://h/x", "url": "https://h/x", "value": 5}])}
    yield timed("C10/no-named", nameless, [call("bulk", todo=[item("cb0")])])
    yield timed("C10/empty", base([]), [call("bulk", todo=[]), call("cli")])


def mapping():
    """C11: each policy against each kind of value, through the command line."""
    for policy, value in itertools.product(POLICIES, (None, 5)):
        load = base([codebase("cb0", value=3), codebase("cb1", value=4)], named_publish_policy=policies(),
                    candidate=[candidate("cb0", "lintian-fixes", value=value, success_chance=0.5,
                                         publish_policy=policy),
                               candidate("cb1", "lintian-fixes", value=2, success_chance=0.5)])
        yield timed(f"C11/{policy}/{value}", load, [call("candidates"), call("cli")])


def change_sets():
    """D-25: candidates of change sets, beside one of none or alone, with and without a chance."""
    for chance, beside, policy in itertools.product((None, 0.5), (False, True), ("propose", "two", "none")):
        more = [candidate("cb0", "lintian-fixes", value=2, success_chance=0.5, publish_policy="push", command="other")] if beside else []
        load = base([codebase("cb0", value=3), codebase("cb1", value=4)], named_publish_policy=policies(SOUND), candidate=[
            *more, candidate("cb0", "lintian-fixes", value=5, success_chance=chance, change_set="cs1", publish_policy=policy),
            candidate("cb1", "lintian-fixes", value=7, success_chance=0.5, publish_policy=policy)])
        yield timed(f"C11/sets/{chance}/{beside}/{policy}", load, [call("candidates"), call("cli"), call("cli")])


def draw_archive(draw, count, pairs, history):
    """A little archive: codebases with values, candidates with policies, some history."""
    names = [f"pkg{n:04d}" for n in range(count)]
    chosen = draw.sample([(n, c) for n in names for c in CAMPAIGNS], pairs)
    candidates = [candidate(n, c, value=draw.choice((1, 5, 20, 100)), success_chance=draw.choice((0.1, 0.5, 1.0)),
                            context=draw.choice((None, None, "", "1.2")), publish_policy=draw.choice(SOUND),
                            command=draw.choice(("fix-it", "fix-it --all"))) for n, c in chosen]
    runs = [run(k, *draw.choice(chosen), draw_us(draw), context=draw.choice((None, "1.2")),
                result_code=draw.choice(("success", "success", "nothing-to-do", "build-failed", "worker-failure")),
                failure_transient=draw.choice((None, None, False))) for k in range(history)]
    top = draw.choice((100, 1000, 54321))
    load = base([codebase(n, value=draw.choice((None, 0, draw.randint(1, top), top))) for n in names],
                named_publish_policy=policies(SOUND), candidate=candidates, run=runs, all_debian_versions=VERSIONS)
    return names, load


def archives():
    """C12: whole, filtered, dry, twice in a row; then the same lists in other orders."""
    sizes = [(draw, 4 + draw % 23, 8 + draw * 2 % 47, draw * 5 % 60) for draw in range(60)]
    sizes += [(100, 120, 260, 0), (101, 150, 400, 500), (102, 300, 700, 900), (103, 700, 700, 0)]
    for number, count, pairs, history in sizes:
        draw = random.Random(f"{SEED}/bulk/{number}")
        names, load = draw_archive(draw, count, min(pairs, count * 4), history)
        calls = [call("cli")]
        if number < 60:
            some = draw.sample(names, 3)
            calls = draw.choice(([call("cli"), call("cli")], [call("cli", campaign="lintian-fixes"), call("cli")],
                                 [call("cli", codebases=some)],
                                 [call("cli", codebases=[*some, "nowhere"], campaign="unchanged"), call("cli")],
                                 [call("cli", dry_run=True), call("cli", codebases=["nowhere"])]))
        yield timed(f"C12/{number}", load, calls)
    for number in range(60):
        draw = random.Random(f"{SEED}/order/{number}")
        _, load = draw_archive(draw, 3 + number % 17, min(6 + number, 4 * (3 + number % 17)), number * 3 % 50)
        todo = [item(c["codebase"], c["suite"], c["value"] + draw.choice((0, 400, 500, 900)), c["success_chance"],
                     c["context"], c["command"]) for c in load["candidate"]]
        first, second = draw.sample(todo, len(todo)), draw.sample(todo, len(todo))
        yield timed(f"C10/order/{number}", load, [
            call("bulk", todo=first),
            call("bulk", todo=second, bucket=draw.choice(BUCKETS), default_offset=draw.choice((0.0, -300.5, 1e6)))])


def cases():
    yield from values()
    yield from mapping()
    yield from change_sets()
    yield from archives()
