"""Write sequences over every table: seeded random ones, refused statements among them.

Own code. A statement breaks at most one rule on purpose, since which of two broken ones is
reported is nobody's promise. Start times are apart within a sequence, except in those
marked `ties`, which then ask nothing that depends on the choice.
"""

import random

from gen_queue import BUCKETS, SEED
from hand_sequences import by_hand
from sqltext import Raw, delete, insert, literal, update

NAMES = ("ab", "cb-1", "x.y", "p+q", "0ad")
BAD_NAMES = ("a", "Upper", "with_low", "-ab", "", "\u00e91", "a b", "a/b")
CAMPAIGNS = ("lintian-fixes", "fresh-releases", "unchanged", "control")
SETS = ("cs1", "cs2", "cs3")
RUNS = tuple(f"run{n}" for n in range(8))
POLICIES = ("pol1", "pol2", "pol3")
WORKERS = ("w1", "w2")
ROLES = ("main", "debian", "upstream", "other")
REVISIONS = ("rev1", "rev2", "rev3", "rev4")
CODES = ("success",) * 6 + ("nothing-to-do", "nothing-to-do", "nothing-new-to-do", "nothing-new-to-do",
                             "build-failed", "worker-failure", "install-deps-unsatisfied-dependencies")
STATUSES = ("unknown", "blocked", "needs-manual-review", "rejected", "approved", "ignored")
MODES = ("push", "attempt-push", "propose", "build-only", "push-derived", "skip", "bts")
URLS = ("https://host/a", "https://u:p@git.example.com:8080/a", "lp:foo", "git@host:path", "https://[::1]:80/x",
        "file:///x", "https://a@b@c/x", "HTTPS://Host/x")


class Writer:
    """Draws statements for one sequence; remembers only what keeps answers unambiguous."""

    def __init__(self, seed, ties):
        self.draw = random.Random(seed)
        self.ties = ties
        days = list(range(1, 400))
        self.draw.shuffle(days)
        self.days = days
        self.null_start = False
        self.made_runs = []
        self.publishes = 0
        # What was asked for, hence mostly there: later statements aim at it nine times in ten.
        self.names, self.sets, self.policies = [], [], []
        self.branches, self.pairs, self.queued = [], [], []

    def pick(self, *options):
        return self.draw.choice(options)

    def chance(self, p):
        return self.draw.random() < p

    # -- times -------------------------------------------------------------

    def start(self):
        """A start that no other run of this sequence has, unless ties are wanted."""
        if self.ties:
            return self.pick(None, "2020-03-01 10:00:00", "2020-03-01 10:00:00", "2020-03-02 11:30:00.25")
        if not self.null_start and self.chance(0.04):
            self.null_start = True
            return None
        day = self.days.pop()
        return f"20{19 + day // 336:02d}-{day % 336 // 28 + 1:02d}-{day % 28 + 1:02d} {day % 24:02d}:15:00"

    def finish(self, start):
        if start is None or self.chance(0.06):
            return None
        if self.chance(0.04):
            return Raw(f"timestamp {literal(start)} - interval '1 second'")
        span = self.pick("0", "1 microsecond", "5 minutes 0.25 seconds", "2 days 03:00:00.000001", "15 seconds")
        return Raw(f"timestamp {literal(start)} + interval '{span}'")

    def moment(self):
        return f"2021-{self.draw.randint(1, 12):02d}-{self.draw.randint(1, 28):02d} 08:00:00.5"

    # -- references that mostly hold ----------------------------------------

    def name(self):
        return self.draw.choice(self.names or NAMES)

    def change_set(self):
        return self.draw.choice(self.sets or SETS)

    def run_id(self):
        return self.aim(self.made_runs, RUNS)

    def aim(self, made, all_of_them):
        return self.draw.choice(made if made and self.chance(0.9) else all_of_them)

    def pair(self, made):
        """A codebase and campaign that probably have a row."""
        if made and self.chance(0.85):
            return self.draw.choice(made)
        return {"codebase": self.name(), "suite": self.draw.choice(CAMPAIGNS)}

    # -- one statement about each table ---------------------------------------

    def codebase(self):
        kind = self.draw.random()
        if kind < 0.55:
            url = self.pick(None, *URLS)
            name = self.draw.choice(NAMES)
            self.names.append(name)
            return insert("codebase", name=name, branch_url=url, url=url, subpath=self.pick(None, "", "sub"),
                          vcs_type=self.pick(None, "git", "bzr", "darcs"), value=self.pick(None, 0, -3, 70),
                          inactive=self.chance(0.2), web_url=self.pick(None, "https://web/x"))
        if kind < 0.7:
            return self.pick(insert("codebase", name=self.draw.choice(BAD_NAMES)),
                             insert("codebase", name="zz", branch_url="https://only/branch"),
                             insert("codebase", value=3), insert("codebase", name="zz", vcs_type="rcs"),
                             insert("codebase", name=None, branch_url="https://h/n", url="https://h/n"),
                             insert("codebase", branch_url="https://h/s", url="https://h/s", subpath="s"),
                             insert("codebase", name="zz", inactive=None), insert("codebase", name="zz", hostname="h"),
                             insert("codebase", name="zz", value=Raw("3000000000")))
        if kind < 0.9:
            url = self.draw.choice(URLS)
            return update("codebase", {"name": self.name()}, **self.pick(
                {"value": self.pick(None, 0, 12, -1)}, {"inactive": True}, {"branch_url": url, "url": url},
                {"branch_url": url}, {"subpath": self.pick(None, "", "deep")}, {"last_scanned": self.moment()},
                {"vcs_last_revision": "abc", "branch": "main"}, {"branch_url": None, "url": None}))
        return delete("codebase", name=self.draw.choice(NAMES))

    def worker(self):
        kind = self.draw.random()
        name = self.draw.choice(WORKERS)
        if kind < 0.7:
            return insert("worker", name=name, password=self.pick("hash1", "hash2"), link=self.pick(None, "https://w"))
        if kind < 0.85:
            return update("worker", {"name": name}, **self.pick({"link": "https://w2"}, {"password": None}))
        return delete("worker", name=name)

    def set_of_changes(self):
        kind = self.draw.random()
        if kind < 0.6:
            made = self.draw.choice(SETS)
            self.sets.append(made)
            return insert("change_set", id=made, campaign=self.draw.choice(CAMPAIGNS))
        if kind < 0.7:
            return self.pick(insert("change_set", id="cs9", campaign="A"),
                             insert("change_set", id="cs9", campaign=None),
                             insert("change_set", id=None, campaign="ab"),
                             insert("change_set", id="cs9", campaign="ab", state="over"))
        if kind < 0.85:
            state = self.pick("created", "working", "ready", "publishing", "done")
            return update("change_set", {"id": self.change_set()}, state=state)
        return delete("change_set", id=self.change_set())

    def policy(self):
        kind = self.draw.random()
        name = self.draw.choice(POLICIES)
        entries = ", ".join(
            f"ROW({literal(self.draw.choice(ROLES))}, {literal(self.pick(None, *MODES))}, {self.pick('NULL', 7)})"
            "::branch_publish_policy" for _ in range(self.draw.randint(0, 1)))
        if kind < 0.35:
            roles = self.draw.sample(ROLES, self.draw.randint(1, 4))
            entries = ", ".join(f"ROW('{r}', '{self.draw.choice(MODES)}', {self.pick('NULL', 7)})"
                                "::branch_publish_policy" for r in roles)
        array = self.pick(None, Raw(f"ARRAY[{entries}]::branch_publish_policy[]"),
                          Raw(f"ARRAY[{entries}]::branch_publish_policy[]"))
        if kind < 0.6:
            self.policies.append(name)
            return insert("named_publish_policy", name=name, per_branch_policy=array,
                          rate_limit_bucket=self.pick(None, "slow"))
        if kind < 0.9:
            return update("named_publish_policy", {"name": name}, per_branch_policy=array)
        return delete("named_publish_policy", name=name)

    def candidate(self):
        kind = self.draw.random()
        good = dict(codebase=self.name(), suite=self.draw.choice(CAMPAIGNS), command="fix-it",
                    value=self.pick(None, 1, 5, 100), success_chance=self.pick(None, 0.25, 1.0),
                    context=self.pick(None, "", "1.2"),
                    publish_policy=self.aim(self.policies, (None, None, *POLICIES)) if self.chance(0.75) else None,
                    change_set=self.pick(None, self.change_set(), self.change_set()))
        if kind < 0.62:
            self.pairs.append({"codebase": good["codebase"], "suite": good["suite"]})
            return insert("candidate", **good)
        good["publish_policy"] = None
        if kind < 0.74:
            good["change_set"] = None
            return insert("candidate", **{**good, **self.pick(
                {"value": 0}, {"value": -5}, {"command": ""}, {"command": None}, {"codebase": "nowhere"},
                {"codebase": None}, {"suite": "X"}, {"publish_policy": "nowhere"}, {"change_set": "nowhere"},
                {"value": Raw("9999999999")}, {"success_chance": Raw("'NaN'")})})
        where = self.pair(self.pairs)
        if kind < 0.92:
            return update("candidate", where, **self.pick(
                {"value": self.pick(None, 9, 0)}, {"command": self.pick("again", "")},
                {"publish_policy": self.aim(self.policies, POLICIES)}, {"context": "2.0"}, {"success_chance": 0.5}))
        return self.pick(delete("candidate", **where),
                         delete("candidate", id=self.draw.randint(1, 6)),
                         delete("candidate", change_set=self.change_set()))

    def run(self):
        kind = self.draw.random()
        if kind < 0.66 or not self.made_runs:
            return self._run_insert()
        if kind < 0.9:
            return self._run_update()
        if self.ties:
            return self._run_insert()
        return delete("run", id=self.run_id())

    def _run_insert(self):
        start = self.start()
        code = self.draw.choice(CODES)
        resume = self.run_id() if self.made_runs and (code == "nothing-new-to-do" or self.chance(0.15)) else None
        fresh = [r for r in RUNS if r not in self.made_runs]
        at = self.pair([p for p in self.pairs if p["suite"] != "control"])
        row = dict(id=self.aim(fresh, RUNS), codebase=at["codebase"], suite=at["suite"],
                   change_set=self.change_set(), result_code=code, start_time=start, finish_time=self.finish(start),
                   failure_transient=self.pick(*((None, False) if code == "success" else (None, None, False, True))),
                   resume_from=resume, revision=self.pick(None, *REVISIONS),
                   main_branch_revision=self.pick(None, "base1"),
                   logfilenames=Raw(self.pick("'{}'", "'{worker.log,b.log}'")),
                   result=self.pick(None, '{"a": [1, 2.50], "b":null}', "[]"), context=self.pick(None, "1.2"),
                   command=self.pick(None, "fix-it"), description=self.pick(None, "Did \u00fc things."),
                   vcs_type=self.pick(None, "git"), target_branch_url=self.pick(None, "https://host/a"),
                   result_tags=Raw(self.pick("NULL", "ARRAY[ROW('t','r1')::result_tag, ROW(NULL,'r2')::result_tag]")),
                   value=self.pick(None, 3), publish_status=self.pick("unknown", "blocked", "needs-manual-review"))
        if self.chance(0.1):
            row.update(resume_from=None, result_code="build-failed", finish_time=None)
            row.update(self.pick({"codebase": "nowhere"}, {"change_set": "nowhere"}, {"worker": "nowhere"},
                                 {"resume_from": "nowhere"}, {"suite": "S"}, {"logfilenames": None},
                                 {"result_code": None}, {"publish_status": "approved", "revision": None},
                                 {"publish_status": "fine"}, {"result": "{"}, {"duration": Raw("interval '1 hour'")},
                                 {"id": None}))
            return insert("run", **row)
        self.made_runs.append(row["id"])
        return insert("run", **row)

    def _run_update(self):
        start = self.start()
        change = [{"publish_status": self.draw.choice(STATUSES)}, {"publish_status": self.draw.choice(STATUSES)},
                  {"result_code": self.draw.choice(CODES)}, {"failure_transient": self.pick(None, True, False)},
                  {"change_set": self.change_set()}, {"revision": self.pick(None, *REVISIONS)},
                  {"start_time": start, "finish_time": None}, {"suite": self.draw.choice(CAMPAIGNS)},
                  {"codebase": self.name()}, {"resume_from": self.run_id()}, {"description": "again"},
                  {"finish_time": self.moment()}, {"value": 4}]
        return update("run", {"id": self.run_id()}, **self.draw.choice(change))

    def branch(self):
        kind = self.draw.random()
        where = {"run_id": self.run_id(), "role": self.draw.choice(ROLES)}
        if kind < 0.5:
            self.branches.append(where)
            return insert("new_result_branch", **where, remote_name=self.pick(None, "origin"),
                          base_revision=self.pick(None, "b1"), revision=self.pick(None, *REVISIONS),
                          absorbed=self.draw.choice((False,) * 8 + (None, None, True)))
        if kind < 0.56:
            return insert("new_result_branch", run_id=where["run_id"], role="main")
        if kind < 0.6:
            return self.pick(insert("new_result_branch", run_id="nowhere", role="main"),
                             insert("new_result_branch", run_id=where["run_id"], role=None),
                             insert("new_result_branch", run_id=None, role="main"))
        if self.branches and self.chance(0.85):
            where = self.draw.choice(self.branches)
        if kind < 0.78:
            return update("new_result_branch", where, absorbed=self.draw.choice((True, True, False, None)))
        if kind < 0.88:
            return update("new_result_branch", {"run_id": where["run_id"]},
                          absorbed=self.draw.choice((True, True, False, None)))
        if kind < 0.93:
            return update("new_result_branch", where, **self.pick(
                {"revision": "rev9"}, {"role": self.draw.choice(ROLES)}, {"run_id": self.run_id()},
                {"run_id": self.run_id(), "absorbed": True}))
        return self.pick(delete("new_result_branch", **where), delete("new_result_branch", run_id=where["run_id"]))

    def proposal(self):
        kind = self.draw.random()
        url = self.pick("https://mp/1", "https://mp/2", "https://mp/3")
        status = self.pick(None, "open", "closed", "merged", "applied", "abandoned", "rejected")
        if kind < 0.6:
            merged = self.moment() if status == "merged" else None
            return insert("merge_proposal", url=url, codebase=self.pick(None, self.name()), status=status,
                          revision=self.pick(None, *REVISIONS), merged_at=merged, merged_by=merged and "someone",
                          target_branch_url=self.pick(None, "https://host/a"),
                          can_be_merged=self.pick(None, True, False),
                          rate_limit_bucket=self.pick(None, "slow"))
        if kind < 0.68:
            return self.pick(insert("merge_proposal", url=None),
                             insert("merge_proposal", url="https://mp/9", status="odd"),
                             insert("merge_proposal", url="https://mp/9", codebase="nowhere"))
        if kind < 0.9:
            return update("merge_proposal", {"url": url}, **self.pick(
                {"status": "merged", "merged_at": self.moment(), "merged_by": "x"}, {"status": status},
                {"revision": self.draw.choice(REVISIONS)}, {"codebase": None}, {"last_scanned": self.moment()}))
        return delete("merge_proposal", url=url)

    def publish(self):
        kind = self.draw.random()
        self.publishes += 1
        row = dict(id=f"pub{self.publishes}", change_set=self.change_set(), target_branch_url="https://host/a",
                   mode=self.pick("push", "push", "propose", "skip", "bts"),
                   result_code=self.pick("success", "success", "failed", "nothing-to-do"),
                   revision=self.pick(None, *REVISIONS), role=self.pick(None, *ROLES), timestamp=self.moment(),
                   codebase=self.pick(None, self.name()), merge_proposal_url=None, requester=self.pick(None, "me"))
        if kind < 0.62:
            return insert("publish", **row)
        if kind < 0.68:
            row.pop("timestamp")
            return insert("publish", **row)
        if kind < 0.78:
            row["codebase"] = None
            return insert("publish", **{**row, **self.pick(
                {"merge_proposal_url": "https://mp/1"}, {"merge_proposal_url": "nowhere"}, {"mode": None},
                {"mode": "mail"}, {"target_branch_url": None}, {"change_set": None}, {"change_set": "nowhere"},
                {"codebase": "nowhere"}, {"result_code": None}, {"id": None})})
        number = self.draw.randint(1, self.publishes)
        if kind < 0.93:
            return update("publish", {"id": f"pub{number}"}, **self.pick(
                {"result_code": "success"}, {"result_code": "failed"}, {"change_set": self.change_set()},
                {"timestamp": None}, {"revision": self.draw.choice(REVISIONS)}, {"mode": "push"}))
        return delete("publish", id=f"pub{number}")

    def queue(self):
        kind = self.draw.random()
        row = dict(codebase=self.name(), suite=self.draw.choice(CAMPAIGNS), command=self.pick(None, "fix-it"),
                   bucket=self.draw.choice(BUCKETS), priority=self.pick(-5, 0, 0, 3, 35000, 2**40),
                   estimated_duration=self.pick(None, "15 seconds", "1 day 00:00:01", "00:05:00.000001"),
                   change_set=self.pick(None, None, self.change_set()), refresh=self.pick(None, False, True),
                   requester=self.pick(None, "me"), context=self.pick(None, "", "1.2"))
        if kind < 0.45:
            self.queued.append({"codebase": row["codebase"], "suite": row["suite"]})
            return insert("queue", **row)
        if kind < 0.55:
            row["change_set"] = None
            return insert("queue", **{**row, **self.pick(
                {"command": ""}, {"codebase": "nowhere"}, {"codebase": None}, {"suite": "q"}, {"bucket": "late"},
                {"bucket": None}, {"change_set": "nowhere"}, {"priority": None}, {"priority": Raw("1e30")})})
        if kind < 0.75:
            return (insert("queue", **row) + " ON CONFLICT (codebase, suite, coalesce(change_set, ''::text)) DO UPDATE"
                    " SET priority = excluded.priority, bucket = excluded.bucket WHERE queue.bucket >= excluded.bucket")
        where = self.pair(self.queued)
        if kind < 0.9:
            return update("queue", where, **self.pick(
                {"priority": row["priority"]}, {"bucket": row["bucket"]},
                {"estimated_duration": row["estimated_duration"]},
                {"command": ""}, {"refresh": True}))
        return self.pick(delete("queue", **where), delete("queue", bucket=row["bucket"]))

    def review(self):
        kind = self.draw.random()
        row = dict(run_id=self.run_id(), reviewer=self.pick(None, "ann", "bob"), comment=self.pick(None, "fine"),
                   verdict=self.pick("approved", "rejected", "abstained"), reviewed_at=self.moment())
        if kind < 0.5:
            return insert("review", **row)
        if kind < 0.6:
            return self.pick(insert("review", run_id="nowhere", verdict="approved"),
                             insert("review", run_id=row["run_id"], verdict="maybe"),
                             insert("review", run_id=row["run_id"], verdict=None))
        if kind < 0.85:
            return (insert("review", **row) + " ON CONFLICT (run_id, reviewer) DO UPDATE"
                    " SET verdict = excluded.verdict, comment = excluded.comment, reviewed_at = now()")
        return delete("review", run_id=row["run_id"])

    def session(self):
        key = self.pick("s1", "s2", "s3")
        age = self.pick("0", "6 days", "6 days 23:00", "7 days 01:00", "30 days")
        return self.pick(insert("site_session", id=key, userinfo=self.pick(None, '{"name": "x"}')),
                         insert("site_session", id=key, timestamp=Raw(f"now() - interval '{age}'")),
                         insert("site_session", id=key, timestamp=self.moment()), delete("site_session", id=key),
                         insert("site_session", id=None),
                         update("site_session", {"id": key}, timestamp=Raw(f"now() - interval '{age}'")))

    def build(self):
        return self.pick(
            insert("debian_build", run_id=self.run_id(), version=self.pick("1.0-1", "1:2.0~rc1-1", "3.0+dfsg"),
                   distribution="lintian-fixes", source="src", binary_packages=Raw("'{a,b}'"),
                   lintian_result=self.pick(None, '{"tags":[]}')),
            insert("debian_build", run_id="nowhere", version="1", distribution="d", source="s"),
            insert("debian_build", run_id=self.run_id(), version=None, distribution="d", source="s"),
            delete("debian_build", run_id=self.run_id()))

    def little(self):
        """The tables that hold little: followups, the composite-only ones, last_run by hand."""
        options = [
            insert("followup", origin=self.run_id(), candidate=self.pick(None, 1, 2)),
            insert("followup", origin=self.run_id(), candidate=self.pick(1, 2, 3)),
            insert("followup", origin="nowhere", candidate=None), delete("followup", origin=self.run_id()),
            insert("branch_publish_policy", role=self.draw.choice(ROLES), frequency_days=3),
            insert("branch_publish_policy", role=None), insert("result_tag", actual_name=None, revision="r"),
            insert("result_tag", actual_name="t", revision=None),
            insert("result_branch", role="main", remote_name="o", base_revision="b", revision="r"),
            insert("result_branch", role="main", remote_name=None, base_revision="b", revision="r")]
        if not self.ties:
            options += [delete("last_run", codebase=self.name(), campaign=self.draw.choice(CAMPAIGNS[:3])),
                        update("last_run", {"codebase": self.name()}, last_unabsorbed_run_id=None)] * 2
        return self.draw.choice(options)

    def function(self):
        if self.ties:
            return f"SELECT refresh_last_run({literal(self.name())}, {literal(self.draw.choice(CAMPAIGNS))})"
        return self.pick(
            f"SELECT refresh_last_run({literal(self.run_id())})", "SELECT refresh_last_run('nowhere')",
            f"SELECT refresh_last_run({literal(self.name())}, {literal(self.draw.choice(CAMPAIGNS))})",
            f"SELECT refresh_change_set_state({literal(self.change_set())})",
            "SELECT refresh_change_set_state('nowhere')", "SELECT refresh_change_set_state(NULL)")

    def opening(self):
        """Rows that make later statements hit something."""
        for name in self.draw.sample(NAMES, self.draw.randint(1, 3)):
            self.names.append(name)
            url = self.pick(None, *URLS)
            yield insert("codebase", name=name, branch_url=url, url=url, value=self.pick(None, 5, 90))
        for made in self.draw.sample(SETS, self.draw.randint(1, 2)):
            self.sets.append(made)
            yield insert("change_set", id=made, campaign=self.draw.choice(CAMPAIGNS))
        if self.chance(0.6):
            self.policies.append("pol1")
            yield insert("named_publish_policy", name="pol1", per_branch_policy=Raw(
                "ARRAY[ROW('main', 'propose', NULL)::branch_publish_policy, "
                "ROW('debian', 'push', 7)::branch_publish_policy]"))
            for campaign in self.draw.sample(CAMPAIGNS[:3], 2):
                self.pairs.append({"codebase": self.names[0], "suite": campaign})
                yield insert("candidate", codebase=self.names[0], suite=campaign, command="fix-it",
                             publish_policy="pol1",
                             change_set=self.pick(None, *self.sets))

    def statements(self, count, weights):
        yield from self.opening()
        methods = {"codebase": self.codebase, "worker": self.worker, "change_set": self.set_of_changes,
                   "policy": self.policy, "candidate": self.candidate, "run": self.run, "branch": self.branch,
                   "proposal": self.proposal, "publish": self.publish, "queue": self.queue, "review": self.review,
                   "session": self.session, "build": self.build, "little": self.little, "function": self.function}
        for _ in range(count):
            chosen = self.draw.choices(list(weights), list(weights.values()))[0]
            if chosen in ("branch", "review", "build") and not self.made_runs and self.chance(0.9):
                chosen = "run"
            yield methods[chosen]()


# Each flavour leans on another part of the schema; all of them touch everything now and then.
FLAVOURS = (
    dict(codebase=2, worker=1, change_set=2, policy=2, candidate=4, run=9, branch=8, proposal=3, publish=4, queue=3,
         review=1, session=1, build=1, little=2, function=2),
    dict(codebase=0.3, change_set=0.5, policy=0.3, candidate=2, run=12, branch=9, publish=5, function=1.5, little=1),
    dict(codebase=0.2, policy=4, candidate=7, run=9, branch=9, change_set=0.5, proposal=1, publish=2, function=1),
    dict(codebase=4, queue=14, change_set=2, candidate=3, little=1),
    dict(run=8, branch=2, proposal=9, publish=9, codebase=1, change_set=0.5, review=2),
    dict(codebase=8, worker=3, change_set=3, policy=3, candidate=5, run=4, review=5, session=8, build=3, little=8,
         function=1),
)


def sequences(count=880):
    yield from by_hand()
    for number in range(count):
        ties = number % 11 == 10
        writer = Writer(f"{SEED}/sequence/{number}", ties)
        statements = list(writer.statements(writer.draw.randint(4, 36), FLAVOURS[number % len(FLAVOURS)]))[:40]
        yield {"sequence": f"random/{number}", "ties": ties, "statements": statements}
