"""Inputs for what is uploaded and deleted: R5, R6 and R9 of the plan, then seeded lists."""

import itertools
import random

from gen_queue import SEED, call, case, codebase, entry
from gen_schedule import candidate, run
from gen_state import POLICIES, branch

PLACES = (
    {}, {"branch_url": "https://h/x"}, {"branch_url": "https://h/x,branch=main"}, {"branch_url": "https://h/x,branch=a%2Fb"},
    {"branch_url": "https://h/x,branch=a/b"}, {"branch_url": "https://h/x/,branch=%C3%A9"}, {"branch_url": "https://h/x,a=b"},
    {"branch_url": "https://h/x,y"}, {"branch_url": "https://h/x/"}, {"branch_url": ""}, {"branch_url": None},
    {"branch_url": "https://h/x,branch="}, {"branch_url": "lp:x,branch=y/"}, {"url": "https://h/x"}, {"url": None},
    {"url": "https://h/x", "branch": "main"}, {"url": "https://h/x", "branch": "a/b"}, {"url": "https://h/x/", "branch": "a b"},
    {"url": "https://h/x", "branch": "\u00e9,=+@~"}, {"url": "https://h/x,branch=old", "branch": "new"},
    {"url": "https://h/x,z=1", "branch": "main"}, {"url": "https://h/x,z", "branch": "main"}, {"branch": "main"},
    {"url": "https://h/x", "branch": ""}, {"url": "https://h/x", "branch": None}, {"url": None, "branch": "main"},
    {"branch_url": "https://h/x,branch=main", "url": "https://other/", "branch": "other"},
    {"branch_url": "https://h/x", "branch": "stays"}, {"url": "https://h/aa"}, {"branch_url": "https://h/aa"},
)
MEMBERS = {
    "subpath": (None, "", "debian", 5), "vcs_type": (None, "git", "bzr", "", "rcs", 5),
    "vcs_last_revision": (None, "", "r1", 5, []), "web_url": (None, "", "https://w/", 5),
    "value": (None, 0, 5, -1, 2.7, -2.7, "7", True, 2**31, 1e300, []), "name": (None, "", "a", "ab", "A b", "x" * 300, 5),
    "unknown": (1, None), "inactive": (True,),
}


def standing():
    """Two codebases that are there."""
    return {"codebase": [codebase("aa", branch_url="https://h/aa", url="https://h/aa", value=10, subpath=""),
                         codebase("bb", branch_url="https://h/bb", url="https://h/bb", value=5, vcs_type="git")]}


def upload(*entries):
    return call("codebases_upload", entries=list(entries))


def codebases():
    """R5: places and members of one entry, new or there already; lists of several."""
    for number, place in enumerate(PLACES):
        for name in ("new", "bb"):
            yield case(f"R5/place/{number}/{name}", standing(), [upload({"name": name, **place})], watch=["codebase"])
    for member, forms in MEMBERS.items():
        for number, form in enumerate(forms):
            yield case(f"R5/{member}/{number}", standing(), [
                upload({"name": "new", "url": "https://h/new", member: form})], watch=["codebase"])
    one, two = {"name": "new", "url": "https://h/new", "value": 3}, {"name": "two", "branch_url": "https://h/two,branch=m"}
    lists = ((), (one,), (one, two), (two, one), (one, two, {"name": "aa", "url": "https://h/aa"}), (one, {**one, "value": 9}),
             ({"name": "aa", "url": "https://h/bb"}, {"name": "bb", "url": "https://h/aa"}), (one, {"name": "q"}, two),
             ({"url": "https://h/none"},), ({"url": "https://h/none"}, {"url": "https://h/none"}), (one, {"name": "bad name"}),
             ({"name": "aa"},), ({},), (one, {}))
    for number, entries in enumerate(lists):
        yield case(f"R5/list/{number}", standing(), [upload(*entries)], watch=["codebase"])


def pair(**more):
    """Codebases, policies, runs with and without an open proposal."""
    return {"codebase": [codebase("aa", value=20), codebase("bb", value=10), codebase("cc")],
            "change_set": [{"id": c, "campaign": "fixes"} for c in ("cs0", "cs1")], "named_publish_policy": POLICIES,
            "candidate": [candidate("aa", "docs", value=5, success_chance=0.5, context="1.2"),
                          candidate("aa", "fixes", value=3, change_set="cs1", command="of cs1")],
            "run": [run(0, "bb", "fixes", 9000001, id="r0", revision="rev0", command="it's old"),
                    run(1, "cc", "docs", 4000000, id="r1", revision="rev1", command="docs --all"),
                    run(2, "cc", "fixes", 4000000, id="r2", result_code="build-failed")],
            "merge_proposal": [{"url": f"https://p/{n}", "status": s, "revision": f"rev{n}", "codebase": c}
                               for n, s, c in ((0, "open", "bb"), (1, "open", "cc"))],
            "queue": [entry("aa", "docs", priority=12), entry("aa", "docs", priority=15, change_set="cs1"),
                      entry("bb", "fixes", priority=40)], **more}


FORMS = {
    "codebase": ("aa", "bb", "cc", "nowhere", "", None, 5), "campaign": ("fixes", "docs", "bare", "none", "", None, 5),
    "command": (None, "", "own", "fix it", "\u00e9 'x'", 5), "change_set": (None, "", "cs0", "cs1", "nowhere", 5),
    "context": (None, "", "1.2", 5), "value": (None, 0, 0.0, False, 7, 1.7, True, "1", -3, 2**31, []),
    "success_chance": (None, 0, 0.25, 1, True, 1.5, -0.5, "0.5"), "publish-policy": (None, "", "p", "builds", "nowhere", 5),
    "bucket": (None, "manual", "default", "hook", "urgent", "", 5), "requester": (None, "", "me"),
    "followup_for": ([], ["r0"], ["nowhere"], "", "r0", [5]), "unknown": (1,),
}
WATCH = ["candidate", "followup"]


def candidates_():
    """R6: each member in each form for a pair without and with an open proposal; batches; repeats."""
    for member, forms in FORMS.items():
        for number, form in enumerate(forms):
            for name, campaign in (("aa", "fixes"), ("bb", "fixes")):
                given = {"codebase": name, "campaign": campaign, "value": 4, member: form}
                yield case(f"R6/{member}/{number}/{name}", pair(), [call("candidates_upload", entries=[given])], watch=WATCH)
    for missing in ("codebase", "campaign"):
        given = {"codebase": "aa", "campaign": "fixes"}
        del given[missing]
        yield case(f"R6/without/{missing}", pair(), [call("candidates_upload", entries=[given])], watch=WATCH)
    good = {"codebase": "aa", "campaign": "fixes", "value": 4}
    other = {"codebase": "bb", "campaign": "docs", "context": "c"}
    for number, entries in enumerate(([], [good], [good, other], [other, good], [good, good], [good, {"campaign": "fixes"}],
                                      [good, {**good, "codebase": "nowhere"}, other], [good, {**good, "bucket": "urgent"}],
                                      [{**good, "value": 0}, {**other, "campaign": "none"}, {**other, "campaign": "bare"}],
                                      [{**good, "publish-policy": "nowhere"}, {**other, "codebase": "nowhere"}])):
        yield case(f"R6/list/{number}", pair(), [call("candidates_upload", entries=entries) for _ in range(2)], watch=WATCH)


def draw(number):
    """Several lists one after the other, of members that fit or are passed over."""
    die = random.Random(f"{SEED}/uploads/{number}")
    calls = []
    for _ in range(die.randint(1, 4)):
        entries = []
        for _ in range(die.randint(1, 4)):
            given = {"codebase": die.choice(("aa", "aa", "bb", "bb", "cc", "nowhere")),
                     "campaign": die.choice(("fixes", "fixes", "docs", "docs", "bare", "none"))}
            fitting = {"command": (None, "own", "it's old", "docs --all"), "change_set": (None, None, "cs0", "cs1"),
                       "context": (None, "", "1.2"), "value": (None, 1, 7.5, 0, 500), "success_chance": (None, 0.25, 1),
                       "publish-policy": (None, "p", "nowhere"), "requester": ("", "me"),
                       "bucket": (None, "manual", "hook", "missing-deps")}
            for member, forms in fitting.items():
                if die.random() < 0.45:
                    given[member] = die.choice(forms)
            entries.append(given)
        calls.append(call("candidates_upload", entries=entries))
    return case(f"R6/random/{number}", pair(), calls, watch=WATCH)


def others():
    """Deleting candidates; setting the publish status of runs that have a revision and of others."""
    for number, ids in enumerate(((1,), (2,), (1, 2), (1, 1), (99,))):
        yield case(f"delete/{number}", pair(), [call("candidate_delete", id=i) for i in ids], watch=WATCH)
    load = pair(new_result_branch=[branch("r0", "main", revision="rev0")])
    statuses = ("unknown", "blocked", "needs-manual-review", "rejected", "approved", "ignored", "maybe", "")
    for status, run_id in itertools.product(statuses, ("r0", "r2", "nowhere")):
        yield case(f"R9/{status}/{run_id}", load, [call("set_publish_status", id=run_id, publish_status=status)],
                   watch=["run", "last_run"])


def cases():
    yield from codebases()
    yield from candidates_()
    yield from (draw(number) for number in range(120))
    yield from others()
