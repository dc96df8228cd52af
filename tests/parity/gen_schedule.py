"""Inputs for estimates and for scheduling one codebase: systematic, then seeded.

Histories keep start times of a (codebase, campaign) apart, since their order decides a
floating sum. Worker failures stand years, or minutes, from the recorded `now`.
"""

import datetime
import itertools
import random

from gen_queue import BUCKETS, SEED, call, case, codebase, entry

NOW = datetime.datetime(2024, 6, 1, 12, 0, 0)
DAY = datetime.timedelta(days=1)
VERSIONS = [{"source": "libfoo", "version": "1.2-3"}, {"source": "libfoo", "version": "1.10-1"},
            {"source": "bar", "version": "1:0.5~rc1"}, {"source": "baz", "version": "2"}]


def stamp(when):
    return when.isoformat(sep=" ")


def run(number, name, campaign, us=None, **more):
    """A run `number` hours after an old day; NULL finish when us is None."""
    start = more.pop("start", datetime.datetime(2020, 1, 1) + number * datetime.timedelta(hours=7, minutes=13))
    finish = None if us is None else stamp(start + datetime.timedelta(microseconds=us))
    return {"id": f"run{number:04d}", "command": "fix-it", "start_time": stamp(start), "finish_time": finish,
            "result_code": "success", "instigated_context": None, "context": None, "suite": campaign,
            "logfilenames": [], "failure_details": None, "failure_transient": None, "resume_from": None,
            "change_set": "cs0", "codebase": name, "revision": None, **more}


def candidate(name, campaign, **more):
    return {"codebase": name, "suite": campaign, "command": "fix-it", "value": None, "success_chance": None,
            "context": None, "change_set": None, "publish_policy": None, **more}


def base(codebases, **tables):
    return {"codebase": codebases, "change_set": [{"id": c, "campaign": "lintian-fixes"} for c in ("cs0", "cs1")],
            **tables}


def needs_clock(load):
    """Whether an answer can depend on the recorded `now`: a worker failure younger than years."""
    return any(r["result_code"] == "worker-failure" and r["start_time"] and r["start_time"] >= "2024"
               for r in load.get("run", ()))


def timed(name, load, calls):
    return case(name, load, calls, now=NOW.isoformat(), needs_clock=needs_clock(load))


def probabilities():
    """C2: run counts, and contexts that match in every place or none."""
    contexts = (None, "", "1.2", "other")
    for count in (0, 1, 2, 3, 10):
        for shape in range(4):
            runs = [run(n, "cb", "lintian-fixes", 1000000 * (n + 1) + 7 * shape,
                        result_code="success" if (n + shape) % 3 == 0 else "build-failed",
                        instigated_context=("1.2" if shape == 1 and n == 0 else None),
                        context=("1.2" if shape == 2 and n == count - 1 else "" if shape == 3 else None))
                    for n in range(count)]
            yield timed(f"C2/{count}/{shape}", base([codebase("cb")], run=runs), [
                call("estimate_probability", codebase="cb", campaign="lintian-fixes", context=c) for c in contexts])


DETAILS = (None, {}, [], "", 0, {"relations": None}, {"relations": []}, {"relations": [[]]},
           {"relations": [[{"name": "libfoo"}]]}, {"relations": [[{"name": "nowhere"}]]},
           {"relations": [[{"name": "nowhere"}, {"name": "bar"}], [{"name": "baz"}]]},
           {"relations": [[{"name": "libfoo"}], [{"name": "nowhere"}]]},
           {"relations": [[{"name": "libfoo", "archqual": "any", "arch": "amd64", "distribution": "sid",
                            "restrictions": None}]]},
           {"relations": [[{"name": "libfoo", "version": [">=", "1.9"]}]]},
           {"relations": [[{"name": "libfoo", "version": [">", "1.10-1"]}]]},
           {"relations": [[{"name": "libfoo", "version": ["=", "1.2-3"]}]]},
           {"relations": [[{"name": "libfoo", "version": ["<=", "1.2-2"]}]]},
           {"relations": [[{"name": "libfoo", "version": ["<", "1.2-3"]}]]},
           {"relations": [[{"name": "libfoo", "version": [">>", "1.0"]}]]},
           {"relations": [[{"name": "libfoo", "version": ["<<", "1.0"]}]]},
           {"relations": [[{"name": "bar", "version": [">=", "1:0.5~beta1"]}]]},
           {"relations": [[{"name": "bar", "version": []}]]}, {"relations": [[{"name": "bar", "version": None}]]},
           {"relations": [[{"name": "libfoo", "colour": "red"}]]}, {"relations": [[{"arch": "amd64"}]]},
           ["relations"], "text", 7, {"other": 1})


def ignored_and_unsatisfied():
    """C4: failures that are ignored, dependencies satisfied or not, with and without their table."""
    young, old = NOW - datetime.timedelta(minutes=10), NOW - 900 * DAY
    edges = {"young": young, "old": old, "23:59": NOW - datetime.timedelta(hours=23, minutes=59),
             "24:00": NOW - DAY, "24:01": NOW - datetime.timedelta(hours=24, minutes=1),
             "just-under": NOW - DAY + datetime.timedelta(microseconds=1),
             "future": NOW + datetime.timedelta(hours=5)}
    for label, start in edges.items():
        for others in range(3):
            runs = [run(n, "cb", "lintian-fixes", 3333333 * (n + 1)) for n in range(others)]
            runs.append(run(50, "cb", "lintian-fixes", 90000001, start=start, result_code="worker-failure"))
            yield timed(f"C4/worker/{label}/{others}", base([codebase("cb")], run=runs), [
                call("estimate_probability", codebase="cb", campaign="lintian-fixes", context="x"),
                call("estimate_duration", codebase="cb", campaign="lintian-fixes")])
    for number, details in enumerate(DETAILS):
        for there in (True, False):
            runs = [run(1, "cb", "lintian-fixes", 2000001, context="x",
                        result_code="install-deps-unsatisfied-dependencies", failure_details=details),
                    run(2, "cb", "lintian-fixes", 5000000, result_code="build-failed", failure_details=details)]
            load = base([codebase("cb", value=4)], run=runs,
                        candidate=[candidate("cb", "lintian-fixes", value=7, success_chance=0.5)])
            if there:
                load["all_debian_versions"] = VERSIONS
            yield timed(f"C4/details/{number}/{there}", load, [
                call("estimate_probability", codebase="cb", campaign="lintian-fixes", context="x"),
                call("schedule_regular", codebase="cb", campaign="lintian-fixes")])
    dependencies = ([], [[]], [[], [{"name": "bar"}]], [[{"name": "bar"}]], [[{"name": "nowhere"}]])
    for there in (True, False):
        load = base([codebase("cb")])
        if there:
            load["all_debian_versions"] = VERSIONS
        yield timed(f"C4/deps/{there}", load, [
            call("deps_satisfied", campaign="lintian-fixes", dependencies=d) for d in dependencies])
    for transient in (True, False, None):
        runs = [run(1, "cb", "lintian-fixes", 1500000, failure_transient=transient, result_code="build-failed"),
                run(2, "cb", "other", 7777777)]
        yield timed(f"C4/transient/{transient}", base([codebase("cb")], run=runs), [
            call(fn, codebase="cb", campaign="lintian-fixes") for fn in ("estimate_probability", "estimate_duration")])
    yield timed("C4/null-finish", base([codebase("cb")], run=[
        run(1, "cb", "lintian-fixes", None), run(2, "cb", "lintian-fixes", 4000000)]), [
            call(fn, codebase="cb", campaign="lintian-fixes") for fn in ("estimate_probability", "estimate_duration")])


def fallbacks():
    """C5, C6: which average stands in, for the estimate and for the probability."""
    kinds = {"pair": ("cb", "lintian-fixes"), "codebase": ("cb", "other"), "campaign": ("cb2", "lintian-fixes")}
    for present in itertools.product((0, 1, 3), repeat=3):
        for dropped in (None, "worker-failure", "transient", "null-finish"):
            runs, number = [], 0
            for (name, campaign), count in zip(kinds.values(), present):
                for _ in range(count):
                    number += 1
                    more = {}
                    if name == "cb" and campaign == "lintian-fixes":
                        more = {"worker-failure": {"result_code": "worker-failure"},
                                "transient": {"failure_transient": True}}.get(dropped, {})
                    us = None if more == {} and dropped == "null-finish" and number == 1 \
                        else number * 12345678901 % 300000000000
                    runs.append(run(number, name, campaign, us, **more))
            yield timed(f"C5/{','.join(map(str, present))}/{dropped}",
                        base([codebase("cb"), codebase("cb2")], run=runs), [
                            call(fn, codebase="cb", campaign="lintian-fixes")
                            for fn in ("estimate_probability", "estimate_duration")])


def regular():
    """C7: every NULL or given argument, with and without the candidate and the change set."""
    for value, chance, command in itertools.product((None, 7), (None, 0.3), (None, "given")):
        for there, change_set in itertools.product((True, False), (None, "cs1", "")):
            for history in (0, 2):
                load = base([codebase("cb", value=30), codebase("top", value=90)],
                            run=[run(n, "cb", "lintian-fixes", 10500000 + n, context="1.2") for n in range(history)])
                if there:
                    load["candidate"] = [candidate("cb", "lintian-fixes", value=5, success_chance=0.9,
                                                   context="1.2", change_set=change_set or None)]
                args = dict(candidate_value=value, success_chance=chance, command=command, change_set=change_set)
                yield timed(f"C7/{value}/{chance}/{command}/{there}/{change_set}/{history}", load, [
                    call("schedule_regular", codebase="cb", campaign="lintian-fixes", **args)])
    variants = [dict(requester=None), dict(requester=""), dict(requester="me"), dict(bucket=None),
                dict(bucket="manual"), dict(bucket="urgent"), dict(dry_run=True), dict(dry_run=True, bucket="urgent"),
                dict(default_offset=1e6), dict(default_offset=-1e6), dict(default_offset=-0.5), dict(refresh=True),
                dict(context=""), dict(context="1.2"), dict(context="other"), dict(command=""),
                dict(codebase="nowhere", candidate_value=1, success_chance=1.0, command="x"),
                dict(codebase="nowhere"), dict(campaign="a", candidate_value=1, success_chance=1.0, command="x"),
                dict(normalized_codebase_value=0.0), dict(normalized_codebase_value=-2.0),
                dict(normalized_codebase_value=1.5), dict(normalized_codebase_value=0.05), dict(candidate_value=0),
                dict(candidate_value=-100), dict(candidate_value=-101), dict(candidate_value=2.5),
                dict(change_set="nowhere", candidate_value=1, success_chance=1.0, command="x")]
    for number, more in enumerate(variants):
        for history in (0, 1):
            load = base([codebase("cb", value=30), codebase("top", value=90)],
                        candidate=[candidate("cb", "lintian-fixes", value=5, success_chance=0.9)],
                        run=[run(n, "cb", "lintian-fixes", 7000123) for n in range(history)])
            yield timed(f"C7/variant/{number}/{history}", load, [
                call("schedule_regular", **{"codebase": "cb", "campaign": "lintian-fixes", **more})])
    for mine, top in itertools.product((None, 0, 1, 7, 30, -5, -9), (None, 0, 3, 90, -5, 2147483647)):
        load = base([codebase("cb", value=mine), codebase("top", value=top)],
                    candidate=[candidate("cb", "lintian-fixes", value=1)])
        yield timed(f"C7/normal/{mine}/{top}", load, [
            call("schedule_regular", codebase="cb", campaign="lintian-fixes")])


def one():
    """C8, C9: scheduling at a given place, and control runs."""
    pairs = ([candidate("cb", "lintian-fixes", command="first")], [],
             [candidate("cb", "lintian-fixes", command="same"),
              candidate("cb", "lintian-fixes", command="same", change_set="cs1")])
    for candidates, offset, bucket, command in itertools.product(
            pairs, (None, 0, 12.9, -3.5), (None, "manual"), (None, "given")):
        load = base([codebase("cb")], candidate=candidates, run=[run(1, "cb", "lintian-fixes", 5500001)],
                    queue=[entry("cb", "fresh-releases", priority=40)])
        yield timed(f"C8/{len(candidates)}/{offset}/{bucket}/{command}", load, [
            call("schedule_one", codebase="cb", campaign="lintian-fixes", bucket=bucket, offset=offset,
                 command=command)])
    more = (dict(change_set="cs1"), dict(change_set="nowhere"), dict(requester="me"), dict(requester=""),
            dict(refresh=True), dict(estimated_duration_us=33500000), dict(estimated_duration_us=0),
            dict(campaign="Bad"), dict(codebase="nowhere"), dict(command=""))
    for number, extra in enumerate(more):
        load = base([codebase("cb")], candidate=[candidate("cb", "lintian-fixes")])
        yield timed(f"C8/more/{number}", load, [call("schedule_one", **{
            "codebase": "cb", "campaign": "lintian-fixes", "bucket": "default", "command": "c", **extra})])
    revisions = (None, "", "abc123", "with space", "it's", "with 'both' \"kinds\"", "$HOME;x", "\u00e9t\u00e9",
                 "a@b.c-1%2,3+4=5:6/7_8", "a~b", "a\nb", "*")
    for number, revision in enumerate(revisions):
        for extra in ({}, {"bucket": "manual", "offset": 5}, {"estimated_duration_us": 99000000},
                      {"requester": "me", "refresh": True, "change_set": "cs1"}):
            yield timed(f"C9/{number}/{','.join(extra)}",
                        base([codebase("cb")], run=[run(1, "cb", "control", 61000003)]), [
                            call("schedule_control", codebase="cb", main_branch_revision=revision, **extra)])


CAMPAIGNS = ("lintian-fixes", "fresh-releases", "unchanged", "control")
CODES = ("success", "success", "success", "nothing-to-do", "build-failed", "worker-failure",
         "install-deps-unsatisfied-dependencies", "dist-no-tarball", "timeout")


def draw_us(draw):
    """Durations from nothing to days, the odd ones often."""
    return draw.choice((0, 1, draw.randrange(1000), draw.randrange(10**6), draw.randrange(10**8),
                        draw.randrange(3 * 10**11), draw.randrange(60) * 10**6, 86400 * 10**6, 10500000))


def draw_runs(draw, names, count):
    runs = []
    for number in range(count):
        young = draw.random() < 0.1
        more = {"start": NOW - datetime.timedelta(minutes=number + 1)} if young else {}
        code = draw.choice(CODES)
        runs.append(run(number, draw.choice(names), draw.choice(CAMPAIGNS[:3]), draw_us(draw), result_code=code,
                        context=draw.choice((None, "", "1.2")), instigated_context=draw.choice((None, None, "1.2")),
                        failure_transient=None if code == "success" else draw.choice((None, None, True, False)),
                        failure_details=draw.choice(DETAILS[8:13]) if code.startswith("install") else None, **more))
    return runs


def draw_load(draw):
    names = [f"cb{n}" for n in range(draw.randint(1, 5))]
    values = (None, 0, 1, 5, 70, 100, 1000, 333, 2147483647)
    candidates, seen = [], set()
    for _ in range(draw.randint(1, 8)):
        key = (draw.choice(names), draw.choice(CAMPAIGNS), draw.choice((None, None, "cs1")))
        if key not in seen:
            seen.add(key)
            candidates.append(candidate(
                key[0], key[1], change_set=key[2], value=draw.choice((None, 1, 2, 7, 100, 2147483647)),
                success_chance=draw.choice((None, 0.0, 0.3, 1.0)), context=draw.choice((None, "", "1.2", "2.0")),
                command=draw.choice(("fix-it", "fix-it --all", "new-upstream --snapshot"))))
    load = base([codebase(n, value=draw.choice(values)) for n in names], candidate=candidates,
                run=draw_runs(draw, names, draw.choice((0, 0, 2, 5, 9, 16))))
    if draw.random() < 0.8:
        load["all_debian_versions"] = VERSIONS
    if draw.random() < 0.4:
        load["queue"] = [entry(draw.choice(names), "control", bucket=draw.choice(BUCKETS),
                               priority=draw.randint(-1000, 100000))]
    return names, load


def draw_call(draw, names, load):
    pick = draw.choice(load["candidate"]) if draw.random() < 0.9 else None
    name = pick["codebase"] if pick else draw.choice(names)
    campaign = pick["suite"] if pick else draw.choice(CAMPAIGNS)
    change_set = (pick["change_set"] if pick and draw.random() < 0.8 else None)
    kind = draw.random()
    if kind < 0.7:
        more = {}
        for key, options in (("candidate_value", (1, 500, 907)), ("success_chance", (0.2,)), ("command", ("given",)),
                             ("context", ("1.2", "", "x")), ("requester", ("me", "")), ("bucket", BUCKETS),
                             ("normalized_codebase_value", (0.0, 0.31, 1 / 3, 1.0)), ("refresh", (True,)),
                             ("default_offset", (1000.5, -2.25e4)), ("dry_run", (True,))):
            if draw.random() < 0.22:
                more[key] = draw.choice(options)
        return call("schedule_regular", codebase=name, campaign=campaign, change_set=change_set, **more)
    if kind < 0.85:
        return call("schedule_one", codebase=name, campaign=campaign, change_set=change_set,
                    bucket=draw.choice((None, *BUCKETS)), offset=draw.choice((None, -7.5, 0, 100)),
                    command=draw.choice((None, "given")) if change_set is None and not _twice(load, name, campaign)
                    else "given")
    if kind < 0.92:
        return call("schedule_control", codebase=name, main_branch_revision=draw.choice((None, "a b", "f00d")))
    return call(draw.choice(("estimate_duration", "estimate_probability")), codebase=name, campaign=campaign)


def _twice(load, name, campaign):
    """Two candidates for a pair: which command is read is unspecified, so none is asked for."""
    return sum(c["codebase"] == name and c["suite"] == campaign for c in load["candidate"]) > 1


def random_cases(count):
    for number in range(count):
        draw = random.Random(f"{SEED}/schedule/{number}")
        names, load = draw_load(draw)
        yield timed(f"C/random/{number}", load, [draw_call(draw, names, load) for _ in range(draw.randint(2, 7))])


def cases():
    yield from probabilities()
    yield from ignored_and_unsatisfied()
    yield from fallbacks()
    yield from regular()
    yield from one()
    yield from random_cases(800)
