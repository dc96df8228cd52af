"""Inputs for storing a run as a worker reports it: every field in every form, then seeded results. R1 to R4.

A result that is refused must leave nothing behind: every table that a run touches is watched.
"""

import random

from gen_queue import SEED, call, case, codebase, entry
from gen_schedule import candidate, run

WATCH = ("run", "new_result_branch", "change_set", "debian_build", "last_run")
ABSENT = object()
TIMES = {"start_time": "2024-05-01T10:00:00", "finish_time": "2024-05-01T10:01:00.500000"}
JSON = (None, {}, [], 0, 0.0, "", False, True, 5, -1.5, "text", [1], [None], {"a": 1.5, "b": [None, True, {"c": "\u00e9"}]},
        [[]], {"": None})
TEXT = (None, "", "text", "\u00e9\U0001f600", 5, 1.5, True, [], ["a"], {"a": 1})
FORMS = {
    "code": (None, "", "success", "build-failed", "nothing-to-do", "worker-failure", "unknown-campaign", "not-in-vcs", "x y", "\u00e9", 5, 0, [], ["a"]),
    "description": TEXT, "context": TEXT, "stage": TEXT, "main_branch_revision": TEXT, "revision": TEXT,
    "target_branch_url": TEXT, "branch_url": TEXT, "subpath": TEXT, "worker_name": (*TEXT, "w1", "nobody"),
    "vcs_type": (*TEXT, "git", "bzr", "hg", "svn", "GIT"), "codebase": (*TEXT, "bb", "nowhere"),
    "codemod": JSON, "details": JSON, "remotes": (None, {}, {"origin": {"url": "https://h/x"}}, []),
    "value": (None, 0, "", 7, -7, "12", "0", 3.9, -3.9, 0.5, True, False, "x", "3.5", "1_000", "1__0", "_1", " 12 ",
              "+5", "- 5", "-5", 2**31, 2**31 - 1, -(2**31), -(2**31) - 1, 1e300, [], [1], {}, {"a": 1}, "2147483648"),
    "transient": (None, True, False, "yes", "", 0, 1, []),
    "refreshed": (None, True, False, "x", "", 0, 1, []),
    "queue_id": (1, "5", 2.7, 99),
    "branches": (None, [], [["main", None, None, None]], [["main", "", "", ""]], [["main", "m", "b", "r"]],
                 [["debian", "d", "b", None], ["main", "m", None, "r"]], [["main", "m", "b", "r"], ["main", "n", "b", "r"]],
                 [[None, "m", "b", "r"]], [["main", "m", "b"]], [["main", "m", "b", "r", "x"]], ["main"], "main", 5, "",
                 {}, [[5, "m", "b", "r"]], [["main", 5, "b", "r"]], [["main", "m", 5, "r"]], [[], []],
                 [["", "m", "b", "r"]]),
    "tags": (None, [], [["v1", "t1"]], [["v1", "t1"], ["v2", "t2"]], [["v1", None]], [[None, "t1"]], [["v1", ""]], ["v1"],
             [["v1"]], [["v1", "t", "x"]], "v1", 0, "", 5, {}, [[5, "t1"]], [["v1", 5]]),
    "target": (None, {}, "debian", {"name": None}, {"name": "debian"}, {"name": "debian", "details": None},
               {"name": "debian", "details": {}}, {"name": "debian", "details": {"lintian": None}},
               {"name": "debian", "details": {"lintian": {"groups": [1]}}}, {"name": "generic", "details": {}},
               {"name": "generic", "details": None}, {"name": "generic", "details": {"a": 1}},
               {"name": "other", "details": {}}, {"name": 5, "details": {}}, {"name": "Debian", "details": {}}),
    "start_time": (ABSENT, None, "", "2024-05-01", "2024-05-01T10:00", "2024-05-01 10:00:00", "2024-05-01T10:00:00.5",
                   "2024-05-01T10:00:00.123456", "2024-05-01T10:00:00.1234567", "2024-05-01T10:00:00Z",
                   "2024-05-01T10:00:00+00:00", "2024-05-01T10:00:00+02:00", "2024-02-30", "20240501T100000",
                   "2024-05-01T24:00:00", "2024-05-01T10:01:00.500000", "2024-05-01T10:02:00", "0001-01-02",
                   "1899-12-31T23:59:59.999999", 5, "soon", "2024-13-01", "2024-05-01T10:60:00", "2024-W18-3"),
    "finish_time": (ABSENT, None, "", "2024-05-01", "2024-05-01T10:00:00", "2024-05-01T09:00:00", "2024-05-03T10:00:00",
                    "9999-12-31T23:59:59", "2024-05-01T10:00:00Z", 5, "later", "10000-01-01"),
    "unknown": (5, None),
}
BUILD = {"source": "libx", "build_version": "1:1.0~rc1-2", "build_distribution": "sid",
         "binary_packages": ["libx1", "libx-dev"]}
ACTIVE = {"id": "r1", "campaign": "lintian-fixes", "codebase": "aa", "command": "A=1 fix-it", "queue_id": 1,
          "context": "seen", "worker": "w1", "logfilenames": ["worker.log", "build.log"]}


def load(**more):
    return {"codebase": [codebase("aa", value=20), codebase("bb", value=10)],
            "worker": [{"name": "w1", "password": "x", "link": None}],
            "change_set": [{"id": "cs0", "campaign": "lintian-fixes"}],
            "candidate": [candidate("aa", "lintian-fixes", value=5, success_chance=0.5),
                          candidate("bb", "lintian-fixes", value=7, success_chance=1.0, context="1.2")],
            "run": [run(0, "aa", "lintian-fixes", 9000001, id="r0")],
            "queue": [entry("aa", "lintian-fixes", priority=12), entry("bb", "fresh-releases", priority=40)], **more}


def finish(active, result, build=None):
    return call("finish", active={**ACTIVE, **active}, result=result, **({"build": build} if build else {}))


def stored(name, calls, rows=None):
    return case(name, rows or load(), calls, watch=WATCH, now="2024-06-01T12:00:00")


def fields():
    """R1: one field at a time, on successes and on failures."""
    for field, forms in FORMS.items():
        for number, form in enumerate(forms):
            failed = number % 2 == 1 and field not in ("tags", "branches", "target")
            result = {"code": "build-failed" if failed else "success", **TIMES, field: form}
            if form is ABSENT:
                del result[field]
            yield stored(f"R1/{field}/{number}", [finish({}, result, BUILD if field == "target" else None)])
    for number, form in enumerate((ABSENT, None, "", "nothing-new-to-do", "success")):
        for resume in (None, "r0", "nowhere"):
            for refreshed in (False, True):
                result = {"code": form, **TIMES, "refreshed": refreshed}
                if form is ABSENT:
                    del result["code"]
                yield stored(f"R1/resume/{number}/{resume}/{refreshed}", [finish({"resume_from": resume}, result)])


def actives():
    """R2 to R4: what the run was handed out with; twice; with and without candidate, change set, queue entry."""
    good = {"code": "success", **TIMES, "context": "1.2", "branches": [["main", None, "b", "r"]], "revision": "r"}
    variants = ({}, {"change_set": "cs0"}, {"change_set": "nowhere"}, {"change_set": ""}, {"worker": None},
                {"worker": "nobody"}, {"codebase": "bb"}, {"codebase": "nowhere"}, {"campaign": "Bad"},
                {"campaign": "a"}, {"campaign": "fresh-releases"}, {"queue_id": 99}, {"queue_id": 2}, {"context": None},
                {"context": "1.2"}, {"context": ""}, {"command": ""}, {"command": "x"}, {"logfilenames": []}, {"id": "r0"},
                {"id": "r/\u00e9 ?"}, {"id": "cs0"}, {"id": "cs0", "change_set": "cs0"})
    for number, more in enumerate(variants):
        for result in (good, {**good, "worker_name": "w1", "target": {"name": "debian", "details": {"lintian": [1]}}}):
            yield stored(f"R3/{number}/{'target' in result}", [finish(more, result, BUILD)])
    later = {**good, "start_time": "2024-05-02T10:00:00", "finish_time": "2024-05-02T10:00:07", "code": "build-failed"}
    yield stored("R2/twice", [finish({}, good), finish({}, good), finish({}, later), finish({"id": "r2"}, later)])
    for sets in ((None,), ("cs0",), (None, "cs0")):
        rows = load(candidate=[candidate("aa", "lintian-fixes", value=5, change_set=c, command=f"of-{c}") for c in sets])
        for active in ({}, {"change_set": "cs0"}):
            yield stored(f"R3/candidates/{sets}/{bool(active)}", [finish(active, good)], rows)
    for versions in ("1.0-1", "1:0~a", "2024.05.01+dfsg-1~bpo12+1", "", None):
        yield stored(f"build/{versions}", [finish({}, {**good, "target": {"name": "debian", "details": {}}},
                                                  {**BUILD, "build_version": versions})])


def draw(number):
    """Some results after one another, of fields that fit."""
    die = random.Random(f"{SEED}/runs/{number}")
    calls = []
    for n in range(die.randint(1, 4)):
        minute = die.randrange(60)
        result = {"code": die.choice(("success", "success", "build-failed", "nothing-to-do", "timeout")),
                  "start_time": f"2024-05-{n + 1:02d}T10:{minute:02d}:00",
                  "finish_time": f"2024-05-{n + 1:02d}T{die.randrange(11, 24)}:00:{die.randrange(60):02d}.{die.randrange(10**6):06d}"}
        fitting = {"description": (None, "d"), "context": (None, "", "1.2"), "stage": (None, "build"),
                   "main_branch_revision": (None, "m"), "revision": (None, "", "tip"), "subpath": (None, "", "s"),
                   "vcs_type": (None, "git", "bzr"), "codemod": JSON, "details": JSON[:-1], "value": (None, 0, 5, "12", 3.9),
                   "transient": (None, True, False), "branches": FORMS["branches"][:6], "tags": FORMS["tags"][:4],
                   "codebase": (None, "bb"), "target": ({"name": "debian", "details": {"lintian": {"x": []}}},
                                                        {"name": "generic", "details": {}})}
        for field, forms in fitting.items():
            if die.random() < 0.5:
                result[field] = die.choice(forms)
        calls.append(finish({"id": f"r{n + 1}", "change_set": die.choice((None, None, "cs0")),
                             "codebase": die.choice(("aa", "bb")), "queue_id": die.choice((1, 2, 3, 4)),
                             "context": die.choice((None, "1.2")), "worker": die.choice((None, "w1")),
                             "resume_from": die.choice((None, "r0"))}, result, die.choice((None, BUILD))))
    return stored(f"R/random/{number}", calls)


def cases():
    yield from fields()
    yield from actives()
    yield from (draw(number) for number in range(350))
