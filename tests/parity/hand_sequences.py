"""Sequences written for one rule each: names, hosts, absorption, change sets, positions, policies."""

import itertools

from gen_queue import BUCKETS
from sqltext import Raw, delete, insert, update

HOSTS = ("https://host", "https://host,branch=x", "https://u:p@git.example.com:8080/a", "git@host:path", "lp:foo",
         "https://a/b?u=http://c/d", "HTTPS://Host/x", "file:///x", "https://a@b@c/x", "https://[::1]:80/x", "",
         "://", "https://", "http://@host/", "ssh+git://x@y:z@w/a@b", "https://h\u00f6st/\u00fc", "a b://c d/e")


def run(run_id, code="success", codebase="cb", campaign="lintian-fixes", change_set="cs", **more):
    """A run whose number says its day: no two of a sequence start together."""
    start = more.pop("start_time", f"2010-01-{int(run_id[1:]) + 1:02d} 06:00:00")
    return insert("run", id=run_id, codebase=codebase, suite=campaign, change_set=change_set, result_code=code,
                  start_time=start, finish_time=more.pop("finish_time", None), logfilenames=Raw("'{}'"), **more)


def branch(run_id, role="main", **more):
    return insert("new_result_branch", run_id=run_id, role=role, **more)


def absorb(run_id, value=True, role="main"):
    return update("new_result_branch", {"run_id": run_id, "role": role}, absorbed=value)


def candidate(campaign="lintian-fixes", codebase="cb", change_set=None, **more):
    return insert("candidate", codebase=codebase, suite=campaign, command="fix-it", change_set=change_set, **more)


def publish(number, result_code="success", change_set="cs", **more):
    return insert("publish", id=f"p{number}", change_set=change_set, target_branch_url="t", mode="push",
                  result_code=result_code, timestamp="2022-01-01", **more)


BASE = (insert("codebase", name="cb"), insert("change_set", id="cs", campaign="lintian-fixes"))
TOUCH = update("run", {"id": "r1"}, description="touched")


def names():
    for where in ("codebase", "change_set", "candidate", "queue", "run", "last_run"):
        statements = [insert("codebase", name="ok"), insert("change_set", id="cs", campaign="ab")]
        for number, name in enumerate(("a", "ab", "a,b", "a+b", "a.b", "a_b", "A1", "-a", "", "\u00e91", None, "0-",
                                       "a/b", "a b", "ab\n", "a-b", "9.9", "ab_", "a*b", "a(b")):
            statements.append({
                "codebase": lambda n: insert("codebase", name=n, branch_url="u" + str(number), url="u"),
                "change_set": lambda n: insert("change_set", id=f"x{number}", campaign=n),
                "candidate": lambda n: insert("candidate", codebase="ok", suite=n, command="c"),
                "queue": lambda n: insert("queue", codebase="ok", suite=n, priority=number),
                "run": lambda n: run(f"r{number}", codebase="ok", campaign=n),
                "last_run": lambda n: insert("last_run", codebase="ok", campaign=n)}[where](name))
        yield f"names/{where}", statements


def codebases():
    yield "hosts", [insert("codebase", name=f"cb{n}", branch_url=h, url=h) for n, h in enumerate(HOSTS)] + [
        update("codebase", {"name": "cb0"}, branch_url="https://other/x", url="https://other/x"),
        update("codebase", {"name": "cb1"}, branch_url=None, url=None),
        update("codebase", {"name": "cb2"}, hostname="h")]
    yield "codebase/uniqueness", [
        insert("codebase", name="only-branch", branch_url="u"), insert("codebase", value=1),
        insert("codebase", branch_url="u", url="u"), insert("codebase", branch_url="u", url="u"),
        insert("codebase", branch_url="u", url="u", subpath=""),
        insert("codebase", branch_url="u", url="u", subpath=""),
        insert("codebase", name="ab", branch_url="u", url="v", subpath="s"),
        insert("codebase", name="ab"), insert("codebase", name="cd", branch_url="u", url="w", subpath="s"),
        update("codebase", {"name": "ab"}, name=None), delete("codebase", branch_url="u")]
    for table, reference in (("candidate", candidate()), ("queue", insert("queue", codebase="cb", suite="ab")),
                             ("proposal", insert("merge_proposal", url="m", codebase="cb")),
                             ("publish", publish(1, codebase="cb")),
                             ("last", insert("last_run", codebase="cb", campaign="ab"))):
        yield f"codebase/gone/{table}", [*BASE, reference, update("codebase", {"name": "cb"}, name="cd"),
                                         delete("codebase", name="cb")]


def absorption():
    yield "absorb/after", [*BASE, run("r1"), branch("r1"), TOUCH, absorb("r1"), absorb("r1", False), TOUCH,
                           absorb("r1", None), absorb("r1"), TOUCH, delete("new_result_branch", run_id="r1"), TOUCH]
    yield "absorb/insert", [*BASE, run("r1"), branch("r1", absorbed=True), branch("r1", absorbed=None),
                            branch("r1", "other"), TOUCH, update("new_result_branch", {"run_id": "r1"}, absorbed=True)]
    yield "absorb/null-is-not-unabsorbed", [*BASE, run("r1"), branch("r1", absorbed=None), TOUCH, publish(1)]
    yield "absorb/two", [*BASE, run("r1"), branch("r1"), branch("r1", "debian"), TOUCH, absorb("r1"),
                         absorb("r1", role="debian"), delete("new_result_branch", run_id="r1", role="debian")]
    yield "absorb/moved", [*BASE, run("r1"), run("r2", campaign="other"), branch("r1"), TOUCH,
                           update("new_result_branch", {"run_id": "r1"}, run_id="r2", absorbed=True),
                           update("new_result_branch", {"run_id": "r2"}, run_id="r1"),
                           delete("new_result_branch", role="main")]


def last_runs():
    yield "last/new-after-success", [
        *BASE, run("r1"), branch("r1"), TOUCH, run("r2", "nothing-new-to-do", resume_from="r1"),
        run("r3", "timeout", failure_transient=True), run("r4", "build-failed"),
        run("r5", "nothing-to-do"), run("r6", "timeout", failure_transient=False),
        run("r7", start_time=None), run("r8")]
    yield "last/transient-only", [
        *BASE, run("r1", "timeout", failure_transient=True), run("r2", "timeout", failure_transient=True),
        run("r3", "nothing-new-to-do"), run("r4", "nothing-new-to-do", resume_from="r1")]
    yield "last/older-arrives", [
        *BASE, run("r1", start_time="2021-01-02"), run("r2", start_time="2020-01-02"), branch("r2"),
        update("run", {"id": "r2"}, start_time="2022-01-01"),
        update("run", {"id": "r2"}, suite="other"),
        update("run", {"id": "r1"}, description="x")]
    yield "last/delete", [*BASE, run("r1"), run("r2", "build-failed"), delete("run", id="r2"), delete("run", id="r1"),
                          delete("last_run", codebase="cb"), delete("run", id="r2"), delete("last_run", codebase="cb"),
                          delete("run", id="r1")]
    yield "last/resume-gone", [*BASE, run("r1", "build-failed"), run("r2", "nothing-new-to-do", resume_from="r1"),
                               run("r3", resume_from="r1"), delete("last_run", codebase="cb"), delete("run", id="r1"),
                               update("run", {"id": "r2"}, result_code="success"), delete("last_run", codebase="cb"),
                               delete("run", id="r1")]
    yield "last/functions", [
        *BASE, run("r1"), branch("r1"), "SELECT refresh_last_run('r1')", "SELECT refresh_last_run('no')",
        "SELECT refresh_last_run('cb', 'lintian-fixes')", "SELECT refresh_last_run('cb', 'other')",
        "SELECT refresh_last_run('no', 'other')", "SELECT refresh_last_run(NULL, NULL)"]
    yield "run/checks", [*BASE, run("r1", finish_time=Raw("timestamp '2000-01-01'")),
                         run("r1", "nothing-new-to-do"), run("r1", publish_status="approved"),
                         run("r1", publish_status="approved", revision="x"), update("run", {"id": "r1"}, revision=None),
                         run("r2", resume_from="r2"), update("run", {"id": "r2"}, result_code="nothing-new-to-do"),
                         run("r1"), update("run", {"id": "r1"}, duration=Raw("interval '1 s'"))]


def change_sets():
    """S8: 0, 1, 2 candidates; successes in either order; publishing before and after ready."""
    campaigns = ("lintian-fixes", "fresh-releases")
    for count, order, early in itertools.product((0, 1, 2), (campaigns, campaigns[::-1]), (True, False)):
        statements = list(BASE)
        statements += [candidate(c, change_set="cs") for c in campaigns[:count]]
        if early:
            statements.append(publish(1))
        for number, campaign in enumerate(order, 1):
            statements += [run(f"r{number}", campaign=campaign), branch(f"r{number}"), TOUCH]
        statements += [publish(2, "failed"), publish(3), absorb("r1"), absorb("r2"), publish(4),
                       "SELECT refresh_change_set_state('cs')"]
        yield f"change-set/{count}/{order[0]}/{early}", statements
    yield "change-set/failures", [*BASE, "SELECT refresh_change_set_state('cs')", run("r1", "build-failed"),
                                  run("r2", "nothing-to-do", campaign="other"),
                                  run("r3", "timeout", failure_transient=True),
                                  update("run", {"id": "r1"}, result_code="success"), delete("last_run", codebase="cb"),
                                  delete("run", id="r1"), "SELECT refresh_change_set_state('nowhere')"]
    yield "change-set/moved", [*BASE, insert("change_set", id="cs2", campaign="ab"), run("r1"),
                               update("run", {"id": "r1"}, change_set="cs2"), publish(1),
                               update("publish", {"id": "p1"}, change_set="cs2"),
                               update("publish", {"id": "p1"}, result_code="failed"),
                               update("publish", {"id": "p1"}, result_code="success"), delete("publish", id="p1"),
                               delete("change_set", id="cs"), delete("change_set", id="cs2")]


def stale():
    """Which set does each event look at? Both are set back, so that a look moves its set forward again."""
    events = {
        "branch/insert": branch("r1", "other"), "branch/absorb": absorb("r1"), "branch/null": absorb("r1", None),
        "branch/delete": delete("new_result_branch", run_id="r1"),
        "branch/move": update("new_result_branch", {"run_id": "r1"}, run_id="r2"),
        "branch/move-absorbed": update("new_result_branch", {"run_id": "r1"}, run_id="r2", absorbed=True),
        "run/update": TOUCH, "run/move": update("run", {"id": "r1"}, change_set="cs2"),
        "run/insert": run("r3", "build-failed", campaign="third"), "run/delete": delete("run", id="r1"),
        "publish/insert-failed": publish(2, "failed"), "publish/insert": publish(2),
        "publish/still": update("publish", {"id": "p1"}, description="again"),
        "publish/no-longer": update("publish", {"id": "p1"}, result_code="failed"),
        "publish/move": update("publish", {"id": "p1"}, change_set="cs2"),
        "publish/move-failed": update("publish", {"id": "p1"}, change_set="cs2", result_code="failed"),
        "publish/delete": delete("publish", id="p1"), "candidate/insert": candidate(change_set="cs"),
        "function": "SELECT refresh_change_set_state('cs2')"}
    for name, event in events.items():
        yield f"stale/{name}", [
            *BASE, insert("change_set", id="cs2", campaign="other"), run("r1"), branch("r1"), TOUCH,
            run("r2", campaign="other", change_set="cs2"), publish(1), delete("last_run", campaign="lintian-fixes"),
            "UPDATE change_set SET state = 'created'", event, "UPDATE change_set SET state = 'created'", TOUCH]


def views():
    for number, pattern in enumerate(itertools.product((None, "10 seconds", "1 day 00:00:01"), repeat=3)):
        yield f"positions/{number}", [*BASE] + [
            insert("queue", codebase="cb", suite=f"s{n}", priority=3 - n, bucket=BUCKETS[7 - n], estimated_duration=d)
            for n, d in enumerate(pattern)] + [update("queue", {"suite": "s1"}, bucket="manual")]
    entries = {"main": "propose", "debian": "push"}
    policy = ", ".join(f"ROW('{r}', '{m}', 3)::branch_publish_policy" for r, m in entries.items())
    for label, array in (("both", f"ARRAY[{policy}]"), ("empty", "ARRAY[]::branch_publish_policy[]"), ("null", "NULL")):
        yield f"ready/{label}", [
            *BASE, insert("named_publish_policy", name="pol", per_branch_policy=Raw(array), rate_limit_bucket="b"),
            candidate(), run("r1", revision="x"), branch("r1"), branch("r1", "debian", absorbed=None),
            branch("r1", "other", revision="y"), update("candidate", {"codebase": "cb"}, publish_policy="pol"),
            candidate(change_set="cs", publish_policy="pol"), absorb("r1"), absorb("r1", role="other"),
            update("new_result_branch", {"run_id": "r1"}, absorbed=True),
            delete("named_publish_policy", name="pol")]
    for suite in ("lintian-fixes", "unchanged", "control"):
        yield f"absorbed/{suite}", [
            *BASE, run("r1", revision="x", campaign=suite, start_time="2021-01-01", finish_time="2021-01-01 01:00:00",
                       result='{"k": 1, "k": 2}'),
            insert("merge_proposal", url="m1", revision="x", status="open"),
            update("merge_proposal", {"url": "m1"}, status="merged", merged_at="2021-02-01", merged_by="x"),
            publish(1, revision="x"), publish(2, revision="x"), publish(3, "failed", revision="x"),
            update("publish", {"id": "p3"}, result_code="success", mode="propose"),
            update("run", {"id": "r1"}, result_code="build-failed")]


def sessions():
    yield "sessions", [insert("site_session", id="old", timestamp="2020-01-01"),
                       insert("site_session", id="edge", timestamp=Raw("now() - interval '6 days 23:59'")),
                       update("site_session", {"id": "edge"}, timestamp="2020-01-01"), insert("site_session", id="new"),
                       insert("site_session", id="new"),
                       insert("site_session", id="late", timestamp=Raw("now() - interval '7 days 00:01'")),
                       "INSERT INTO site_session (id, timestamp) "
                       "VALUES ('a', '2020-01-01'), ('b', now()), ('c', '2019-01-01')",
                       delete("site_session", id="a")]
    yield "reviews", [*BASE, run("r1"), insert("review", run_id="r1", verdict="approved", reviewed_at="2021-01-01"),
                      insert("review", run_id="r1", verdict="approved", reviewed_at="2021-01-01"),
                      insert("review", run_id="r1", reviewer="a", verdict="approved"),
                      insert("review", run_id="r1", reviewer="a", verdict="rejected"),
                      delete("last_run", codebase="cb"),
                      delete("run", id="r1"), delete("review", run_id="r1"), delete("run", id="r1")]


def by_hand():
    for family in (names, codebases, absorption, last_runs, change_sets, stale, views, sessions):
        for name, statements in family():
            yield {"sequence": name, "ties": False, "statements": statements[:40]}
