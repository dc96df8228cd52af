"""Inputs for reading runs and for what follows from the state: T1 to T4 of the plan, then seeded archives.

Newest runs of a pair never start together: which of them counts is open.
"""

import datetime
import random

from gen_queue import SEED, call, case, codebase
from gen_schedule import candidate, run

CAMPAIGNS = ("lintian-fixes", "fresh-releases", "unchanged")
TOUCH = "UPDATE run SET description = description"


def branch(run_id, role, **more):
    return {"run_id": run_id, "role": role, "remote_name": None, "base_revision": None, "revision": None,
            "absorbed": False, **more}


def policy(name, *entries):
    return {"name": name, "rate_limit_bucket": None,
            "per_branch_policy": [{"role": r, "mode": m, "frequency_days": None} for r, m in entries]}


POLICIES = [policy("p", ("main", "propose"), ("debian", "push")), policy("builds", ("main", "build-only")),
            policy("empty")]


def archive(codebases, **tables):
    return {"codebase": codebases, "worker": [{"name": "w1", "password": "x", "link": None}],
            "change_set": [{"id": c, "campaign": "lintian-fixes"} for c in ("cs0", "cs1")],
            "named_publish_policy": POLICIES, **tables}


LOCATIONS = {
    "solo": "https://h/solo", "slash": "https://h/slash/", "branch": "https://h/branch,branch=a%2Fb",
    "raw": "https://h/raw,branch=a/b", "comma": "https://h/a,b/comma", "user": "https://me@h/user",
    "double": "https://h/double//", "lp": "lp:lp", "root": "https://root/",
}
ENDS = ("", "/", "//", ",branch=x", "/,branch=q", ",branch=a/b", ",branch=a%2Fb", ",branch=x/", ",a=b,c=d", ",",
        ",x", ",=", ",a=", "/sub", ",a=b,", ",,a=b", "/,", " ", "#x", "?a=b")


def cotenants():
    """T1: every way of writing a location, against names that live there or elsewhere."""
    bases = [codebase(n, branch_url=u, url=u) for n, u in LOCATIONS.items()]
    bases += [codebase("by-url", branch_url="https://h/by-url,branch=z", url="https://h/by-url"),
              codebase("s1", branch_url="https://h/two", url="https://h/two", subpath="x"),
              codebase("s2", branch_url="https://h/two", url="https://h/two", subpath="y", inactive=True),
              codebase("b1", branch_url="https://h/three,branch=1", url="https://h/three"),
              codebase("b2", branch_url="https://h/three,branch=2", url="https://h/three"),
              codebase(None, branch_url="https://h/nameless", url="https://h/nameless"), codebase("bare")]
    urls = [*LOCATIONS.values(), "https://h/by-url", "https://h/two", "https://h/three", "https://h/nameless",
            "https://h/nobody"]
    for url in urls:
        names = ["bare", "nobody", *(b["name"] for b in bases if b["name"] and b["url"] == url)]
        yield case("T1/" + url, archive(bases), [
            call("cotenants", codebase=n, url=url + end) for n in names for end in ENDS])
    odd = ("", "/", "//", ",", "a", "foo,", "/x,a=b", "h/x,a=b", "https://", "https://,a=b", "\u00e9", "https://h/\u00e9,b=\u00fc")
    yield case("T1/odd", archive(bases), [call("cotenants", codebase="solo", url=u) for u in odd])


def everything(load):
    """Every way of looking at the runs of a load."""
    ids = [r["id"] for r in load.get("run", ())]
    pairs = sorted({(r["codebase"], r["suite"]) for r in load.get("run", ())}) + [("nowhere", "lintian-fixes")]
    calls = [call("run", id=i) for i in [*ids, "nowhere", ""]]
    calls += [call("duration", id=i) for i in ids]
    calls += [call("result_branch", id=i, role=r) for i in ids[:3] for r in ("main", "debian", "")]
    calls += [call("last_run", codebase=n, campaign=c, which=w) for n, c in pairs
              for w in ("newest", "effective", "unabsorbed")]
    calls += [call("publishable", codebase=n) for n in sorted({n for n, _ in pairs})]
    if ids:
        calls.append(call("order", ids=ids[::-1] + ids[:1]))
    return calls


def rows():
    """T2, T3: columns in every form: NULL, empty, composed, JSON of each kind."""
    results = (None, {}, [], 0, 1, 1.5, "", "text", True, [1, None, {"a": "\u00e9"}], {"a": {"b": [1e300, -0.0]}})
    tags = (None, [], [{"name": "v1", "revision": "t1"}], [{"name": "v1", "revision": "t1"}, {"name": None, "revision": ""}],
            [{"name": "v1", "revision": None}])
    texts = (None, "", "text", "\u00e9\U0001f600", "a b'c", "x" * 3000)
    forms = max(len(results), len(tags) * 2, len(texts) * 2)
    for number in range(forms):
        text, other = texts[number % len(texts)], texts[(number * 5 + 1) % len(texts)]
        one = run(1, "cb", "lintian-fixes", None if number == 3 else (0, 1, 86400000000 * 400 + 1)[number % 3],
                  result=results[number % len(results)], result_tags=tags[number % len(tags)], description=text,
                  command=(None, "", "fix")[number % 3] or "fix", main_branch_revision=other, revision=text,
                  context=other, instigated_context=text, branch_url=text, target_branch_url=other, subpath=text,
                  vcs_type=(None, "git", "bzr")[number % 3], failure_stage=text, value=(None, 0, 7, -7)[number % 4],
                  worker=(None, "w1")[number % 2], logfilenames=([], ["a.log"], ["b.log", "", "a.log"])[number % 3])
        if number == 4:
            one["start_time"] = None
        branches = ([], [branch("run0001", "main", revision=text)],
                    [branch("run0001", "debian", remote_name="", base_revision="", revision="", absorbed=None),
                     branch("run0001", "main", remote_name=other, base_revision=text, revision=other),
                     branch("run0001", "", revision="r")])[number % 3]
        load = archive([codebase("cb")], run=[one], new_result_branch=branches)
        yield case(f"T2/{number}", load, everything(load))
    ids = ["a", "B", "ab", "\u00e9", "a-1", "0", "Z", "a\U0001f600", "a\uffff", "_"]
    load = archive([codebase("cb")], run=[{**run(n, "cb", "lintian-fixes", 1), "id": i} for n, i in enumerate(ids)])
    yield case("T3", load, [call("order", ids=ids), call("order", ids=ids[::-1] + ids[:3]), call("order", ids=["a"])])


def draw(number):
    """A little archive: history, branches absorbed or not, candidates with and without policy.

    A run resumes one of its own pair: else it is open which pairs the original's readers find it for.
    """
    die = random.Random(f"{SEED}/state/{number}")
    names = [f"cb{n}" for n in range(die.randint(1, 3))]
    runs, branches = [], []
    for n in range(die.randint(1, 12)):
        name, campaign = die.choice(names), die.choice(CAMPAIGNS)
        code = die.choice(("success", "success", "nothing-to-do", "build-failed", "worker-failure", "nothing-new-to-do"))
        earlier = [r["id"] for r in runs
                   if (r["result_code"], r["codebase"], r["suite"]) == ("success", name, campaign)]
        if code == "nothing-new-to-do" and not earlier:
            code = "success"
        us = die.choice((0, 5, 61000000, 10**11))
        if die.random() < 0.05:
            us = None
        runs.append(run(n, name, campaign, us, result_code=code,
                        revision=die.choice((None, "", f"rev{n}")), change_set=die.choice(("cs0", "cs1")),
                        publish_status=die.choice(("unknown", "blocked", "rejected", "ignored")),
                        failure_transient=None if code == "success" else die.choice((None, True, False)),
                        resume_from=die.choice(earlier) if code == "nothing-new-to-do" else None,
                        description=die.choice((None, "text")), worker=die.choice((None, "w1"))))
        roles = die.sample(("main", "debian", "upstream"), die.randint(0, 3)) if code == "success" else ()
        branches += [branch(runs[-1]["id"], r, revision=die.choice((None, f"tip{n}")), remote_name=die.choice((None, "x")),
                            base_revision=die.choice((None, "", "base"))) for r in roles]
    seen, candidates = set(), []
    for _ in range(die.randint(0, 6)):
        key = (die.choice(names), die.choice(CAMPAIGNS), die.choice((None, None, "cs1")))
        if key not in seen:
            seen.add(key)
            candidates.append(candidate(key[0], key[1], change_set=key[2], value=3,
                                        publish_policy=die.choice((None, "p", "p", "builds", "empty"))))
    load = archive([codebase(n) for n in names], run=runs, new_result_branch=branches, candidate=candidates)
    calls = everything(load)
    if branches:
        gone = die.choice(branches)
        for text in (TOUCH, "UPDATE new_result_branch SET absorbed = true "
                            f"WHERE run_id = '{gone['run_id']}' AND role = '{gone['role']}'"):
            calls.append(call("sql", text=text))
            calls += [c for c in everything(load) if c["fn"] in ("last_run", "publishable")]
    return case(f"T/random/{number}", load, calls)


VERSIONS = ("1.0-1", "1.0-1~bpo12+1", "1.0~rc1-1", "1.10-1", "1.9-1", "1:0.5-1", "1.0-1+b1", "1.0+dfsg-1", "0~2024")


def resumes():
    """What to go on from: statuses, codes, times that are equal or unknown; the last version of a build."""
    for number in range(60):
        die = random.Random(f"{SEED}/resume/{number}")
        runs, branches, builds = [], [], []
        for n in range(die.randint(1, 8)):
            code = die.choice(("success", "success", "success", "build-failed", "nothing-to-do"))
            runs.append(run(n, die.choice(("cb0", "cb1")), die.choice(CAMPAIGNS[:2]), die.choice((5, 61000000)) if n else None,
                            result_code=code, revision=die.choice((None, "", "tip1", "tip1", "tip2")),
                            publish_status=die.choice(("unknown", "unknown", "rejected", "blocked")),
                            result=die.choice((None, {}, {"a": [1.5, None]}, []))))
            roles = die.sample(("main", "debian", "upstream"), die.randint(0, 3))
            branches += [branch(runs[-1]["id"], r, revision=die.choice((None, "", "t")), base_revision=die.choice((None, "b")))
                         for r in roles]
            if die.random() < 0.7:
                builds.append({"run_id": runs[-1]["id"], "version": die.choice(VERSIONS), "source": "x",
                               "distribution": die.choice(("sid", "sid", "lintian-fixes")), "lintian_result": None,
                               "binary_packages": ["x"]})
        load = archive([codebase("cb0"), codebase("cb1")], run=runs, new_result_branch=branches, debian_build=builds)
        calls = [call("resume", campaign=c, revision=r) for c in (*CAMPAIGNS[:2], "nowhere") for r in ("tip1", "tip2", "", "x")]
        calls += [call("last_build_version", codebase=n, distribution=d) for n in ("cb0", "cb1", "nowhere")
                  for d in ("sid", "lintian-fixes", "nowhere")]
        yield case(f"T/resume/{number}", load, calls)


HASHES = {  # of "secret", "secr\u00e9t" and ""
    "blowfish": "$2a$06$abcdefghijklmnopqrstuu", "md5": "$1$abcdefgh$", "extended": "_J9..rasm", "des": "ab",
}


def workers():
    """Names and passwords: hashes of each kind, made by the server from salts that are fixed."""
    passwords = ("secret", "secr\u00e9t", "", "s" * 80)
    rows = [f"('{kind}{n}', crypt('{p}', '{salt}'))" for kind, salt in HASHES.items() for n, p in enumerate(passwords)]
    rows += ["('plain', 'secret')", "('none', '')", "('star', '*')"]
    text = "INSERT INTO worker (name, password) VALUES " + ", ".join(rows)
    names = [f"{kind}{n}" for kind in HASHES for n in range(len(passwords))] + ["plain", "star", "nobody", "Blowfish0"]
    tries = (*passwords, "Secret", "secret ", "s" * 72, "s" * 73, "secretX")
    yield case("worker", archive([codebase("cb")], worker=[]), [
        call("sql", text=text), *(call("worker", name=n, password=p) for n in names for p in tries)])


def cases():
    yield from cotenants()
    yield from rows()
    yield from (draw(number) for number in range(150))
    yield from resumes()
    yield from workers()
