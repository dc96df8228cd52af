"""Inputs for the queue functions: systematic ones first, then seeded scripts.

Own code; deterministic: the same seed gives the same cases.
"""

import itertools
import random

SEED = 20240601
BUCKETS = ("update-existing-mp", "manual", "control", "hook", "reschedule", "update-new-mp",
           "missing-deps", "default")
OFFSETS = (0, 0.0, 0.5, 1.5, 2.5, -0.9, -1.5, 35000.9, 3, -7, 0.9999999999999999, -0.0, 1e18, -1e18,
           2.0**53 + 2, "nan", "inf", "-inf", 9.2e18, 9.3e18, -9.3e18, 1e19, 1e300, 2.0**63, -(2.0**63),
           9223372036854774784.0)


def codebase(name, **more):
    return {"name": name, "branch_url": None, "url": None, "subpath": None, "vcs_type": None,
            "value": None, "inactive": False, **more}


def entry(name, campaign, **more):
    return {"codebase": name, "suite": campaign, "bucket": "default", "priority": 0, "context": None,
            "estimated_duration": None, "refresh": False, "requester": None, "change_set": None,
            "command": "fix-it", **more}


def add(name, campaign, command="fix-it", **more):
    return {"fn": "queue_add", "args": {"codebase": name, "campaign": campaign, "command": command, **more}}


def call(fn, **args):
    return {"fn": fn, "args": args}


def case(name, load, calls, **more):
    return {"case": name, "load": load, "calls": calls, **more}


def plain(count, change_sets=()):
    load = {"codebase": [codebase(f"cb{n:02d}") for n in range(count)]}
    if change_sets:
        load["change_set"] = [{"id": c, "campaign": "lintian-fixes"} for c in change_sets]
    return load


def offsets():
    """Q1: truncation, range and overflow, over an empty queue and over several minima."""
    for minimum in (None, 0, 10, -7, 2**62, -(2**63) + 5, 2**63 - 1):
        for number, offset in enumerate(OFFSETS):
            load = plain(2)
            if minimum is not None:
                load["queue"] = [entry("cb00", "fresh-releases", priority=minimum)]
            yield case(f"Q1/{minimum}/{number}", load, [add("cb01", "lintian-fixes", offset=offset)])


def scripts():
    """Q2, Q3, Q5: the known scripts and every refusal."""
    yield case("Q2", plain(2, ["cs1"]), [
        add("cb00", "lintian-fixes", offset=100), add("cb00", "lintian-fixes", offset=200),
        add("cb00", "lintian-fixes", offset=5, bucket="manual"),
        add("cb00", "lintian-fixes", offset=-5, bucket="default"),
        add("cb00", "lintian-fixes", offset=0, change_set="cs1"), call("iter_queue")])
    yield case("Q3", plain(1), [add("cb00", "lintian-fixes", offset=69) for _ in range(4)])
    bad = [dict(codebase="nowhere"), dict(codebase=None), dict(change_set="nowhere"), dict(change_set=""),
           dict(command=""), dict(command=None), dict(bucket=None), dict(bucket="urgent"), dict(bucket=""),
           dict(campaign="a"), dict(campaign="Upper"), dict(campaign=""), dict(campaign=None),
           dict(campaign="with_underscore"), dict(campaign="a,b"), dict(refresh=None), dict(refresh=True),
           dict(requester=""), dict(context=""), dict(command="a\u00e9\U0001f600"), dict(command="x" * 5000)]
    for number, more in enumerate(bad):
        args = {"codebase": "cb00", "campaign": "lintian-fixes", "command": "fix-it", "offset": 3.0, **more}
        yield case(f"Q5/{number}", plain(2, ["cs1"]), [
            {"fn": "queue_add", "args": args}, add("cb01", "lintian-fixes", offset=1)])
    yield case("Q5/empty-change-set", plain(1, ["", "cs1"]), [
        add("cb00", "lintian-fixes", offset=5), add("cb00", "lintian-fixes", offset=7, change_set=""),
        add("cb00", "lintian-fixes", offset=9, change_set="", bucket="manual")])
    for number, us in enumerate((0, 1, 999999, 15000000, 86400000000, 86400000001, 3 * 86400000000 + 5416666,
                                 -1, -86400000000, -30000000, 400 * 86400000000)):
        yield case(f"Q5/duration/{number}", plain(1), [
            add("cb00", "lintian-fixes", offset=1, estimated_duration_us=us),
            call("get_position", codebase="cb00", campaign="lintian-fixes")])


def bucket_pairs():
    """Q4: every ordered pair of buckets, the new priority better or worse."""
    for old, new in itertools.product(BUCKETS, BUCKETS):
        for offset in (-50, 0, 50):
            load = plain(2)
            load["queue"] = [entry("cb00", "lintian-fixes", bucket=old, priority=100, context="old", requester="r"),
                             entry("cb01", "lintian-fixes", bucket="default", priority=60)]
            yield case(f"Q4/{old}/{new}/{offset}", load, [
                add("cb00", "lintian-fixes", command="again", offset=offset, bucket=new, context="new",
                    estimated_duration_us=5000001, refresh=True),
                add("cb00", "fresh-releases", offset=1)])


URLS = (None, "", "https://salsa.debian.org/a/b", "https://user:pw@salsa.debian.org:8080/x", "lp:foo",
        "git@host.example:path", "https://github.com/x,branch=y", "file:///srv/x", "https://[::1]:80/x",
        "HTTPS://Host/x", "https://a/b?u=http://c/d", "https://a@b@c/x")


def next_items():
    """Q6, Q7: every filter alone and together, over hosts of every shape."""
    bases, queue = [], []
    vcs = (None, "git", "bzr", "hg")
    for number, url in enumerate(URLS):
        bases.append(codebase(f"cb{number:02d}", branch_url=url, url=url, vcs_type=vcs[number % 4],
                              subpath=(None, "", "sub/dir")[number % 3]))
        queue.append(entry(f"cb{number:02d}", ("lintian-fixes", "fresh-releases")[number % 2],
                           bucket=BUCKETS[number % 8], priority=number * 7 % 5,
                           estimated_duration=None if number % 4 == 0 else f"{number} seconds"))
    ids = list(range(1, len(queue) + 1))
    hosts = ([], ["unrelated.example"], ["salsa.debian.org"], ["salsa.debian.org:8080", "github.com"], ["c", ""],
             ["github.com,branch=y", "github.com", "Host", "[::1]:80", "b@c"])
    calls = []
    for excluded in hosts:
        for assigned in ([], ids[:1], ids[:5], ids[3:], ids):
            calls.append(call("next_item", exclude_hosts=excluded, assigned_queue_items=assigned))
        for number in range(len(queue)):
            calls.append(call("next_item", exclude_hosts=excluded, codebase=f"cb{number:02d}"))
    calls += [call("next_item", codebase="nowhere"), call("next_item", codebase=""),
              call("next_item", campaign="lintian-fixes"), call("next_item", campaign="")]
    for taken in range(len(ids)):
        calls.append(call("next_item", assigned_queue_items=ids[:taken] + ids[taken + 1:]))
    calls += [call("get_item", id=n) for n in (0, 1, 5, 12, 13, -1, 2**31 - 1, 2**31, -(2**31) - 1)]
    yield case("Q6", {"codebase": bases, "queue": queue}, calls)
    yield case("Q6/empty", plain(1), [call("next_item"), call("iter_queue"), call("get_buckets"),
                                      call("get_position", codebase="cb00", campaign="lintian-fixes")])


def listings():
    """Q8, Q9, Q10: limits, positions with NULL durations, buckets in their order."""
    load = plain(8, ["cs1", "cs2"])
    load["queue"] = [entry(f"cb{n:02d}", "lintian-fixes", bucket=b, priority=n)
                     for n, b in enumerate(reversed(BUCKETS))]
    load["queue"] += [entry("cb03", "lintian-fixes", bucket="hook", priority=1, change_set=c) for c in ("cs1", "cs2")]
    calls = [call("iter_queue", limit=n) for n in (None, 0, 1, 3, 10, 11, -1)]
    calls += [call("iter_queue", campaign=c) for c in ("lintian-fixes", "unknown", "")]
    calls += [call("get_position", codebase=f"cb{n:02d}", campaign=c) for n in range(9)
              for c in ("lintian-fixes", "unknown")]
    yield case("Q8", load, [*calls, call("get_buckets")])
    for pattern in itertools.product((None, "10 seconds", "1 day 00:00:05.000001"), repeat=4):
        load = plain(4)
        load["queue"] = [entry(f"cb{n:02d}", "lintian-fixes", priority=n, estimated_duration=d)
                         for n, d in enumerate(pattern)]
        yield case("Q9/" + ",".join("-" if d is None else d[:2].strip() for d in pattern), load,
                   [call("get_position", codebase=f"cb{n:02d}", campaign="lintian-fixes") for n in range(4)])


def two_sessions():
    """Q11: the same key, or another, added in a second session; the first commits or rolls back."""
    def args(name, bucket, offset):
        return {"codebase": name, "campaign": "lintian-fixes", "command": f"from-{offset}", "bucket": bucket,
                "offset": offset}
    for there, end in itertools.product((False, True), ("commit", "rollback")):
        for first, second, same in itertools.product(("manual", "hook", "default"), ("manual", "hook", "default"),
                                                     (True, False)):
            load = plain(3)
            load["queue"] = [entry("cb02", "lintian-fixes", priority=20)]
            if there:
                load["queue"].append(entry("cb00", "lintian-fixes", bucket="hook", priority=50))
            yield case(f"Q11/{there}/{end}/{first}/{second}/{same}", load, [
                call("queue_add_second", first=args("cb00", first, 7),
                     second=args("cb00" if same else "cb01", second, 9), end=end), call("iter_queue")])
        for bucket in ("manual", "default"):
            load = plain(2)
            load["queue"] = [entry("cb00", "lintian-fixes", bucket="hook", priority=50)]
            yield case(f"Q11/delete/{there}/{end}/{bucket}", load, [
                call("queue_add_second", first={"delete": 1 if there else 2}, second=args("cb00", bucket, 9), end=end)])
    for bucket in ("manual", "default"):
        load = plain(1)
        load["queue"] = [entry("cb00", "lintian-fixes", bucket="hook", priority=50)]
        yield case(f"Q11/vanishing/{bucket}", load, [{"fn": "queue_add_vanishing", "args": args("cb00", bucket, 9)}])


def random_scripts(count):
    """Seeded scripts of adds, then every way of looking at the result."""
    for number in range(count):
        draw = random.Random(f"{SEED}/queue/{number}")
        calls = []
        for _ in range(draw.randint(4, 14)):
            calls.append(add(
                f"cb{draw.randrange(5):02d}", draw.choice(("lintian-fixes", "fresh-releases", "control")),
                command=draw.choice(("fix-it", "fix-it --all", "brz up")),
                offset=draw.choice((draw.uniform(-500, 40000), draw.randint(-20, 200), draw.uniform(-2, 2))),
                bucket=draw.choice(BUCKETS), context=draw.choice((None, "", "1.2-3")),
                estimated_duration_us=draw.choice((None, draw.randrange(200000000000), 15000000)),
                refresh=draw.random() < 0.3, requester=draw.choice((None, "scheduler", "someone")),
                change_set=draw.choice((None, None, "cs1", "cs2"))))
        calls += [call("iter_queue"), call("get_buckets"), call("next_item")]
        calls += [call("next_item", assigned_queue_items=sorted(draw.sample(range(1, 12), 4)))]
        calls += [call("get_position", codebase=f"cb{n:02d}", campaign="lintian-fixes") for n in range(5)]
        yield case(f"Q/random/{number}", plain(5, ["cs1", "cs2"]), calls)


def cases():
    yield from offsets()
    yield from scripts()
    yield from bucket_pairs()
    yield from next_items()
    yield from listings()
    yield from two_sessions()
    yield from random_scripts(150)
