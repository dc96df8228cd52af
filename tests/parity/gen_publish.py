"""Inputs for publishing: what waits and what keeps it, tries, proposals, policies, what arrived.

Newest runs of a pair never start together and no two runs end together: which of them comes first is open. A pair
has several candidates only where it is asked what waits.
"""

import datetime
import itertools
import random

from gen_queue import SEED, call, case, codebase
from gen_schedule import candidate, run, stamp
from gen_state import branch

CAMPAIGNS = ("lintian-fixes", "fresh-releases", "unchanged")
MODES = ("push", "attempt-push", "propose", "build-only", "push-derived", "skip", "bts")
STATUSES = ("open", "closed", "merged", "applied", "abandoned", "rejected", None)
PUBLISH_STATUSES = ("unknown", "blocked", "needs-manual-review", "rejected", "approved", "ignored")
STATES = ("created", "working", "ready", "publishing", "done")
MARCH = datetime.datetime(2024, 3, 1)
WATCH = ("publish", "merge_proposal", "new_result_branch", "change_set", "last_run")


def rule(role, mode, days=None):
    return {"role": role, "mode": mode, "frequency_days": days}


def policy(name, *rules, bucket=None):
    return {"name": name, "rate_limit_bucket": bucket, "per_branch_policy": list(rules)}


POLICIES = (policy("both", rule("main", "propose", 7), rule("debian", "push"), bucket="b1"),
            policy("push", rule("main", "push"), bucket="b2"), policy("builds", rule("main", "build-only"), bucket="b1"),
            policy("empty"))


def publish(number, **more):
    return {"id": f"p{number}", "change_set": "cs0", "codebase": "aa", "target_branch_url": "https://h/aa",
            "branch_name": "fixes", "revision": "tip", "role": "main", "mode": "propose", "merge_proposal_url": None,
            "result_code": "success", "description": None, "requester": None,
            "timestamp": stamp(MARCH + datetime.timedelta(hours=number)), **more}


def proposal(url, **more):
    return {"url": url, "codebase": "aa", "target_branch_url": "https://h/aa", "status": "open", "revision": "tip",
            "merged_by": None, "merged_at": None, "last_scanned": stamp(MARCH), "can_be_merged": None,
            "rate_limit_bucket": None, **more}


def archive(**tables):
    return {"codebase": [codebase("aa", branch_url="https://h/aa", url="https://h/aa"), codebase("bb"), codebase("cc")],
            "worker": [{"name": "w1", "password": "x", "link": None}],
            "change_set": [{"id": c, "campaign": "lintian-fixes", "state": s} for c, s in
                           (("cs0", "ready"), ("cs1", "created"), ("cs2", "publishing"))],
            "named_publish_policy": list(POLICIES), **tables}


# ---- tries ----

def store(**more):
    return call("publish_store", **{
        "publish_id": "p-1", "change_set": "cs0", "codebase": "aa", "branch_name": "fixes", "role": "main",
        "target_branch_url": "https://h/aa", "revision": "tip", "mode": "propose", "result_code": "success",
        "description": "d", "merge_proposal_url": "https://h/mp/1", "requester": "r", "run_id": "run0001", **more})


def stood():
    """A run with two branches, a proposal of it, and a try that failed."""
    return archive(run=[run(1, "aa", "lintian-fixes", 5000000, revision="tip")],
                   new_result_branch=[branch("run0001", "main", revision="tip"), branch("run0001", "debian", revision="deb")],
                   candidate=[candidate("aa", "lintian-fixes", publish_policy="both")],
                   merge_proposal=[proposal("https://h/mp/1", status="closed", rate_limit_bucket="b1", can_be_merged=True)],
                   publish=[publish(1, result_code="differ-unreachable"), publish(2, result_code="nope")])


def stores():
    """Each mode, result and role, with and without the column that the original needs (D-30)."""
    for column, mode, result, url in itertools.product((False, True), MODES, ("success", "nope"),
                                                       (None, "https://h/mp/1", "https://h/mp/2")):
        yield case(f"P/store/{column}/{mode}/{result}/{url and url[-1]}", stood(), [
            store(column=column, mode=mode, result_code=result, merge_proposal_url=url)], watch=WATCH)
    for absorbed, other in itertools.product((None, True, False), repeat=2):
        load = {**stood(), "new_result_branch": [branch("run0001", "main", revision="tip"), branch("run0001", "debian", revision="deb")]}
        # One that has landed already cannot be inserted (D-05).
        known = [call("sql", text=f"UPDATE new_result_branch SET absorbed = {text} WHERE role = '{role}'")
                 for role, text in (("main", absorbed), ("debian", other)) if text is not False]
        known = [{**c, "args": {"text": c["args"]["text"].replace("None", "NULL")}} for c in known]
        yield case(f"P/known/{absorbed}/{other}", load, [*known, store(column=True, mode="push", merge_proposal_url=None)], watch=WATCH)
    more = ({"role": "debian"}, {"role": "nowhere"}, {"run_id": None}, {"run_id": "nowhere"}, {"revision": None},
            {"codebase": "nowhere"}, {"change_set": "nowhere"}, {"mode": "never"}, {"requester": None, "description": None},
            {"codebase": None}, {"target_branch_url": "https://h/x", "main_branch_revision": "old",
                                 "target_branch_web_url": "https://w/x"}, {"change_set": "cs1"}, {"change_set": "cs2"})
    for number, (mode, one) in enumerate(itertools.product(("propose", "push"), more)):
        url = "https://h/mp/2" if mode == "propose" else None
        yield case(f"P/odd/{number}", stood(), [store(column=True, **{"mode": mode, "merge_proposal_url": url, **one})], watch=WATCH)
    for number in range(60):
        die = random.Random(f"{SEED}/store/{number}")
        calls = []
        for n in range(die.randint(2, 5)):
            mode = die.choice(("push", "propose", "propose", "push-derived", "attempt-push"))
            result = die.choice(("success", "success", "nope")) if mode != "attempt-push" else "nope"
            calls += [store(column=True, publish_id=f"n{n}", mode=mode, result_code=result, role=die.choice(("main", "debian")),
                            merge_proposal_url=f"https://h/mp/{die.randint(1, 3)}" if mode == "propose" else None,
                            revision=die.choice(("tip", "deb", "other"))),
                      call("publish_attempts", revision=die.choice(("tip", "deb", "other")))]
        yield case(f"P/stores/{number}", stood(), calls, watch=WATCH)


def tries():
    """Reading what was tried: no two at one time."""
    for number in range(60):
        die = random.Random(f"{SEED}/tries/{number}")
        runs = [run(n, die.choice(("aa", "bb")), die.choice(CAMPAIGNS[:2]), 1000000 * n, revision=die.choice((None, f"tip{n % 4}")))
                for n in range(1, die.randint(2, 7))]
        urls = [f"https://h/mp/{n}" for n in range(3)]
        rows = [publish(n, id=die.choice((f"p{n}", "p0")) if n else "p0", codebase=die.choice(("aa", "bb", None)), role=die.choice(("main", "debian")),
                        mode=die.choice(MODES), merge_proposal_url=die.choice((None, *urls)), requester=die.choice((None, "r")),
                        result_code=die.choice(("success", "success", "nope", "differ-unreachable")),
                        revision=die.choice((None, "", "tip0", "tip1", "tip2")), description=die.choice((None, "d\u00e9")),
                        branch_name=die.choice((None, "fixes")), source_branch_url=die.choice((None, "s")),
                        main_branch_revision=die.choice((None, "m")))
                for n in range(die.randint(0, 12))]
        if rows and number % 5 == 0:
            rows[0]["timestamp"] = None
        load = archive(run=runs, merge_proposal=[proposal(u) for u in urls], publish=rows)
        ids = [r["id"] for r in rows]
        yield case(f"P/tries/{number}", load, [
            *(call("publish_attempts", revision=r) for r in ("tip0", "tip1", "", "nowhere")),
            *(call("publish_last", codebase=n, campaign=c) for n in ("aa", "bb", "nowhere") for c in CAMPAIGNS[:2]),
            *(call("publishes_of", url=u) for u in (*urls, "nowhere")),
            *(call("publish_details", id=i) for i in (*(i for i in ids if ids.count(i) == 1), "nowhere")),
            *(call("publish_history", limit=limit) for limit in (None, 1, 5, 100))])


# ---- what waits, what keeps it ----

def waiting(number):
    """Runs of every kind, candidates of several change sets, policies, reviews, tries, proposals."""
    die = random.Random(f"{SEED}/waiting/{number}")
    several = number % 2 == 0
    runs, branches, tried, offered = [], [], [], []
    for n in range(1, die.randint(2, 9)):
        code = die.choice(("success",) * 5 + ("nothing-to-do", "build-failed"))
        revision = die.choice((None, "", f"tip{n}", f"tip{n}", f"tip{n}"))
        runs.append(run(n, die.choice(("aa", "bb", "cc")), die.choice(CAMPAIGNS[:2]), 1000000 * n, result_code=code, revision=revision,
                        change_set=die.choice(("cs0", "cs0", "cs1", "cs2")), value=die.choice((None, 0, 5, 5, 70, -3)),
                        publish_status=die.choice(("approved",) * 9 + PUBLISH_STATUSES) if revision is not None else "unknown",
                        failure_transient=die.choice((None, True)) if code == "build-failed" else None,
                        main_branch_revision=die.choice((None, "", "m")), branch_url=die.choice((None, "https://h/aa")),
                        target_branch_url=die.choice((None, "https://h/t")), command=die.choice(("fix-it", "fix-it", "other"))))
        if die.random() < 0.08:
            runs[-1]["start_time"] = stamp(datetime.datetime(2090, 1, 1) + datetime.timedelta(days=n))
            runs[-1]["finish_time"] = stamp(datetime.datetime(2090, 1, 2) + datetime.timedelta(days=n))
        if code == "success":
            branches += [branch(f"run{n:04d}", r, revision=die.choice((None, "", f"tip{n}")), remote_name=die.choice((None, "x")),
                                base_revision=die.choice((None, "", "base")))
                         for r in die.sample(("main", "debian", "upstream"), die.randint(0, 3))]
        if revision:
            tried += [publish(100 * n + i, revision=revision, result_code=die.choice(("nope", "success", "differ-unreachable")))
                      for i in range(die.choice((0, 0, 1, 2, 9)))]
            if die.random() < 0.4:
                offered.append(proposal(f"https://h/mp/{n}", revision=revision, status=die.choice(STATUSES)))
    pairs, candidates = sorted({(r["codebase"], r["suite"]) for r in runs}), []
    for name, campaign in pairs:
        sets = die.sample((None, "cs0", "cs1", "cs2"), die.randint(1, 3)) if several else [die.choice((None, None, None, "cs0"))]
        candidates += [candidate(name, campaign, change_set=c, command=die.choice(("fix-it", "fix-it", "other", "third")),
                                 publish_policy=die.choice((None, "both", "both", "push", "builds", "empty"))) for c in sets]
    reviews = [{"run_id": r["id"], "comment": None, "reviewer": "alice", "verdict": "approved"} for r in runs if die.random() < 0.3]
    bases = archive()["codebase"]
    bases[1]["inactive"] = die.random() < 0.5
    tables = {k: v for k, v in (("candidate", candidates), ("new_result_branch", branches), ("publish", tried),
                                ("merge_proposal", offered), ("review", reviews)) if v}
    # The triggers would move the change sets on; this is where they stand.
    states = "UPDATE change_set SET state = CASE id WHEN 'cs0' THEN '%s' WHEN 'cs1' THEN '%s' ELSE 'publishing' END::change_set_state" % (
        die.choice(STATES[1:4] + ("ready",)), die.choice(STATES[:3]))
    calls = [call("sql", text="UPDATE run SET description = description"), call("sql", text=states)]
    if branches and die.random() < 0.5:
        gone = die.choice(branches)
        calls.append(call("sql", text="UPDATE new_result_branch SET absorbed = true "
                                      f"WHERE run_id = '{gone['run_id']}' AND role = '{gone['role']}'"))
    calls += [call("ready"), call("needs_review"), *(call("needs_review", campaign=c) for c in CAMPAIGNS),
              *(call("ready", run_id=r["id"]) for r in runs)]
    if not several:
        calls += [call("blockers", id=i) for i in [*(r["id"] for r in runs), "nowhere"]]
    return case(f"P/waiting/{number}", {**archive(run=runs, **tables), "codebase": bases}, calls)


# ---- proposals ----

def put(url, status, **more):
    return call("proposal_put", **{"url": url, "status": status, "codebase": "aa", "target_branch_url": "https://h/aa",
                                   "revision": "tip", "can_be_merged": None, "rate_limit_bucket": None, **more})


def proposals():
    """Each status after each; merged ones with who and when; URLs that change; what a proposal comes from."""
    for before, after in itertools.product((*STATUSES, "nowhere"), STATUSES):
        load = stood()
        load["merge_proposal"] = [] if before == "nowhere" else [proposal("https://h/mp/1", status=before)]
        load["publish"] = []
        yield case(f"M/{before}/{after}", load, [
            put("https://h/mp/1", after, merged_by="bob", merged_at="2024-03-02T01:02:03.000004"),
            call("proposal", url="https://h/mp/1")], watch=WATCH)
        if after is not None:
            yield case(f"M/close/{before}/{after}", load, [call("proposal_close", url="https://h/mp/1", status=after)], watch=WATCH)
    odd = ({"codebase": None}, {"codebase": "nowhere"}, {"revision": None}, {"revision": ""}, {"revision": "deb"}, {"revision": "nowhere"},
           {"status": "never"}, {"can_be_merged": True, "rate_limit_bucket": "b1"}, {"can_be_merged": False},
           {"target_branch_url": None}, {"merged_by": None, "merged_at": None}, {"merged_by": "bob"})
    for number, (one, status) in enumerate(itertools.product(odd, ("open", "merged"))):
        yield case(f"M/odd/{number}", stood(), [put("https://h/mp/1", **{"status": status, **one})], watch=WATCH)
    for number, (old, new) in enumerate(itertools.product(("https://h/mp/1", "https://h/mp/2", "https://h/mp/3", "nowhere"), repeat=2)):
        load = stood()
        load["merge_proposal"] += [proposal("https://h/mp/2", codebase=None, rate_limit_bucket=None, revision=None),
                                   proposal("https://h/mp/3", codebase="bb", rate_limit_bucket="b2", status="merged")]
        load["publish"] = [publish(n, merge_proposal_url=f"https://h/mp/{n}") for n in (1, 2, 3)]
        yield case(f"M/move/{number}", load, [call("proposal_move", url=old, to=new)] if old != new else [call("proposal_delete", url=old)],
                   watch=WATCH)
    yield case("M/delete", {**stood(), "publish": []}, [
        call("proposal_delete", url="https://h/mp/1"), call("proposal_delete", url="https://h/mp/1"), call("proposal", url="https://h/mp/1")],
        watch=WATCH)


def offered(number):
    """Proposals of runs and of nobody, every way of looking at them, and branches that come and go."""
    die = random.Random(f"{SEED}/offered/{number}")
    runs = [run(n, die.choice(("aa", "bb")), die.choice(CAMPAIGNS[:2]), 1000000 * n, revision=die.choice((None, f"tip{n}", f"tip{n}", f"tip{n % 3}")),
                result_code=die.choice(("success", "success", "success", "build-failed"))) for n in range(1, die.randint(3, 8))]
    branches = [branch(r["id"], role, revision=f"{r['revision'] or 'x' + r['id']}{'' if role == 'main' else '-' + role}", remote_name=die.choice((None, "x")),
                       absorbed=False) for r in runs for role in die.sample(("main", "debian"), die.randint(0, 2))]
    urls = [f"https://h/mp/{n}" for n in range(die.randint(1, 8))]
    rows = [proposal(u, codebase=die.choice(("aa", "bb", None)), status=die.choice(STATUSES), can_be_merged=die.choice((None, True, False)),
                     revision=die.choice((None, "", *(r["revision"] for r in runs), *(b["revision"] for b in branches))),
                     rate_limit_bucket=die.choice((None, "b1", "b2")),
                     last_scanned=die.choice((None, stamp(MARCH), "2090-01-01T00:00:00"))) for u in urls]
    tried = [publish(n, codebase=die.choice(("aa", "bb")), merge_proposal_url=die.choice(urls), branch_name=die.choice(("fixes", "docs")))
             for n in range(die.randint(0, 8))]
    tables = {k: v for k, v in (("new_result_branch", branches), ("publish", tried)) if v}
    tips = [b["revision"] for b in branches]
    once = [b for b in branches if tips.count(b["revision"]) == 1]
    calls = [call("proposals", campaign=None), *(call("proposals", campaign=c) for c in CAMPAIGNS),
             *(call("proposal", url=u) for u in (*urls, "nowhere")), *(call("proposal_source", url=u) for u in (*urls, "nowhere")),
             *(call("proposal_open", codebase=n, branch_name=b) for n in ("aa", "bb") for b in ("fixes", "docs", "nowhere")),
             *(call("proposals_outdated", days=d) for d in (0, 5, 20000)),
             *(call("proposal_buckets", status=s) for s in STATUSES if s),
             *(c for b in die.sample(once, min(3, len(once)))
               for c in [call("branch_absorbed", run_id=b["run_id"], role=b["role"], revision=b["revision"], absorbed=a)
                         for a in die.sample((True, False, True), 3)])]
    return case(f"M/offered/{number}", archive(run=runs, merge_proposal=rows, **tables), calls,
                watch=("new_result_branch", "last_run", "change_set"))


# ---- policies ----

def configured(*rules, bucket=None):
    return {"per_branch": {role: {"mode": mode, **({} if days is None else {"max_frequency_days": days})} for role, mode, days in rules},
            **({} if bucket is None else {"rate_limit_bucket": bucket})}


def policies():
    """Written one by one and all at once, followed by candidates or not."""
    watch = ("named_publish_policy",)
    shapes = [configured(), configured(("main", "push", None)), configured(("main", "propose", 7), ("debian", "push", 0), bucket="b9"),
              configured(*((f"r{n}", m, None) for n, m in enumerate(MODES))), configured(("main", "never", None)),
              configured(("main", "push", -1)), configured(("\u00e9", "skip", 3), bucket="")]
    read = [call("policies"), call("policy", name="nowhere"), *(call("policy_of", codebase=n, campaign=c) for n in ("aa", "bb", "nowhere") for c in CAMPAIGNS[:2])]
    followed = [candidate("aa", "lintian-fixes", publish_policy="both"), candidate("aa", "fresh-releases", publish_policy="empty"),
                candidate("bb", "lintian-fixes", publish_policy="push")]
    for number, shape in enumerate(shapes):
        for name in ("both", "new", "push"):
            yield case(f"L/put/{number}/{name}", archive(candidate=followed), [call("policy_put", name=name, policy=shape), *read], watch=watch)
    for number in range(40):
        die = random.Random(f"{SEED}/policies/{number}")
        names = die.sample(("both", "push", "builds", "empty", "new", "other"), die.randint(0, 6))
        whole = {n: die.choice(shapes[:4]) for n in names}
        if die.random() < 0.4:
            whole = {**whole, "both": shapes[1], "push": shapes[2], "empty": shapes[0]}
        yield case(f"L/all/{number}", archive(candidate=followed if die.random() < 0.7 else followed[:1]), [
            call("policies_put", policies=whole), *read, *(call("policy_delete", name=n) for n in die.sample(("both", "push", "builds", "nowhere", "new"), 3)),
            call("policies")], watch=watch)
    bare = archive(candidate=[candidate("bb", "lintian-fixes")])
    yield case("L/bare", bare, read, watch=watch)
    bare["named_publish_policy"] = [{"name": "bare", "rate_limit_bucket": None, "per_branch_policy": None}]
    yield case("L/unruled", bare, [call("policies")], watch=watch)
    yield case("L/one", archive(), [call("policy", name="both")], watch=watch)


# ---- what arrived ----

def arrived(number):
    """Proposals of every status and pushes, of runs of several campaigns; open ones, too (D-09)."""
    die = random.Random(f"{SEED}/arrived/{number}")
    runs = [run(n, die.choice(("aa", "bb")), die.choice(CAMPAIGNS + ("control",)), 1000000 * n, revision=f"tip{n}", result=die.choice((None, {}, {"a": [1.5]})),
                result_code=die.choice(("success", "success", "success", "build-failed"))) for n in range(1, die.randint(2, 9))]
    rows, tried = [], []
    for n in range(die.randint(0, 6)):
        # Time and taker are known of what was merged alone: what was applied keeps none.
        status = die.choice(("merged", "merged", "open", "closed", "applied") if number % 3 else ("merged",))
        rows.append(proposal(f"https://h/mp/{n}", revision=die.choice(runs)["revision"], status=status,
                             merged_by=die.choice((None, "bob")) if status == "merged" else None,
                             merged_at=stamp(MARCH + datetime.timedelta(hours=n * 50, microseconds=n)) if status == "merged" else None))
    for n in range(die.randint(0, 6)):
        tried.append(publish(100 * n, revision=die.choice(runs)["revision"], mode=die.choice(("push", "push", "propose")),
                             result_code=die.choice(("success", "success", "nope"))))
    tables = {k: v for k, v in (("merge_proposal", rows), ("publish", tried)) if v}
    return case(f"A/{number}", archive(run=runs, **tables), [
        call("absorbed"), *(call("absorbed", since=s) for s in ("2000-01-01", "2024-03-05T02:00:00", "2090-01-01"))])


def cases():
    yield from stores()
    yield from tries()
    yield from (waiting(number) for number in range(160))
    yield from proposals()
    yield from (offered(number) for number in range(80))
    yield from policies()
    yield from (arrived(number) for number in range(80))
