"""Inputs for what pages show: tallies of last runs, pairs never tried, lists of runs, change sets; and runs that go.

Newest runs of a pair never start together: which of them counts is open.
"""

import random

from gen_publish import archive
from gen_queue import SEED, call, case
from gen_schedule import candidate, run
from gen_state import branch

CAMPAIGNS = ("lintian-fixes", "fresh-releases", "unchanged")
CODES = ("success", "success", "nothing-to-do", "nothing-new-to-do", "build-failed", "worker-failure", "dist-no-tarball")
STAGES = (None, "build", "dist", "codemod")


def history(die):
    """Runs of three codebases in three campaigns, resumed from runs of their own pair."""
    runs = []
    for n in range(1, die.randint(2, 16)):
        name, campaign, code = die.choice(("aa", "bb", "cc")), die.choice(CAMPAIGNS), die.choice(CODES)
        earlier = [r["id"] for r in runs if (r["result_code"], r["codebase"], r["suite"]) == ("success", name, campaign)]
        if code == "nothing-new-to-do" and not earlier:
            code = "success"
        failed = code not in ("success", "nothing-to-do", "nothing-new-to-do")
        revision = die.choice((None, f"tip{n}"))
        runs.append(run(n, name, campaign, die.choice((0, 5, 61000000, None)), result_code=code, revision=revision,
                        change_set=die.choice(("cs0", "cs0", "cs1")), description=die.choice((None, "text")),
                        failure_transient=die.choice((None, True, False)) if failed else None,
                        failure_stage=die.choice(STAGES) if failed else None,
                        publish_status=die.choice(("unknown", "rejected", "rejected", "approved" if revision else "blocked")),
                        resume_from=die.choice(earlier) if code == "nothing-new-to-do" else None))
    return runs


def asked(die):
    seen, found = set(), []
    for _ in range(die.randint(0, 9)):
        key = (die.choice(("aa", "bb", "cc")), die.choice(CAMPAIGNS), die.choice((None, None, "cs0", "cs1")))
        if key not in seen:
            seen.add(key)
            found.append(candidate(key[0], key[1], change_set=key[2], value=die.choice((None, 3)), context=die.choice((None, "1.2")),
                                   success_chance=die.choice((None, 0.5)), publish_policy=die.choice((None, "both", "push"))))
    return found


def pages(number):
    die = random.Random(f"{SEED}/pages/{number}")
    runs, candidates = history(die), asked(die)
    branches = [branch(r["id"], role, revision=r["revision"]) for r in runs if r["result_code"] == "success"
                for role in die.sample(("main", "debian"), die.randint(0, 2))]
    tables = {k: v for k, v in (("candidate", candidates), ("new_result_branch", branches)) if v}
    known = list(CAMPAIGNS)
    calls = [call("sql", text="UPDATE run SET description = description")]
    for campaign in (None, "_all", *CAMPAIGNS, "nowhere"):
        calls += [call("never_processed", campaign=campaign)]
        for transient, historical in ((False, False), (True, False), (False, True), (True, True)):
            calls += [call(fn, campaign=campaign, campaigns=known, include_transient=transient, include_historical=historical)
                      for fn in ("result_codes", "failure_stages")]
    calls += [call("runs_with", campaign=campaign, campaigns=known, code=code, include_transient=transient)
              for campaign in (None, CAMPAIGNS[0]) for code in sorted({r["result_code"] for r in runs} | {"never"} - {"success"})
              for transient in (False, True) if code != "success"]
    calls += [call("rejected", campaign=c) for c in CAMPAIGNS]
    calls += [call("run_list", codebase=n, campaign=c) for n in ("aa", "bb", "nowhere") for c in CAMPAIGNS]
    calls += [call("change_set", id=i) for i in ("cs0", "cs1", "cs2", "nowhere")]
    calls += [call("candidate_list", campaign=c) for c in (None, *CAMPAIGNS, "nowhere")]
    return case(f"W/{number}", archive(run=runs, **tables), calls)


def gone(number):
    """Runs that go, the newest and others, with what names them (D-66)."""
    die = random.Random(f"{SEED}/gone/{number}")
    runs, candidates = history(die), asked(die)
    branches = [branch(r["id"], "main", revision=r["revision"]) for r in runs if r["result_code"] == "success"]
    named = [r["id"] for r in runs if die.random() < 0.2]
    tables = {k: v for k, v in (
        ("candidate", candidates), ("new_result_branch", branches),
        ("review", [{"run_id": i, "comment": None, "reviewer": "alice", "verdict": "abstained"} for i in named[::2]]),
        ("followup", [{"origin": i, "candidate": 1} for i in named[1::2]] if candidates else [])) if v}
    ids = [r["id"] for r in runs]
    die.shuffle(ids)
    return case(f"D/{number}", archive(run=runs, **tables), [call("run_delete", id=i) for i in (*ids[:5], "nowhere")],
                watch=("run", "last_run", "new_result_branch", "change_set", "review", "followup"))


def consequences(number):
    """Candidates that came of runs: of none, of one, of several; and what is left of them when some go."""
    die = random.Random(f"{SEED}/consequences/{number}")
    runs, candidates = history(die), asked(die)
    ids = [r["id"] for r in runs]
    named = {(die.choice(ids), 1 + die.randrange(len(candidates))) for _ in range(die.randint(0, 12))} if candidates else ()
    tables = {k: v for k, v in (("candidate", candidates),
                                ("followup", [{"origin": i, "candidate": c} for i, c in sorted(named)])) if v}
    gone = [call("sql", text=f"DELETE FROM followup WHERE candidate = {c}") for c in sorted({c for _, c in named})[:1]]
    before, after = ([call("followups", id=i) for i in (*ids, "nowhere")] for _ in range(2))
    return case(f"F/{number}", archive(run=runs, **tables), [*before, *gone, *after], watch=("run", "followup"))


def cases():
    yield from (pages(number) for number in range(120))
    yield from (gone(number) for number in range(120))
    yield from (consequences(number) for number in range(60))
