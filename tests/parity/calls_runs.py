"""The original's functions that are about runs: reading them, what follows from them, storing them, reviews.

Same rules as in calls.py. Nothing is told over a network: the runner that a review is told to is a stand-in which
notes what it hears (`posts`), redis is an imitation in memory.
"""

import contextlib
import datetime
import types

import aiohttp
import fakeredis.aioredis
import yarl

MICROSECOND = datetime.timedelta(microseconds=1)

# A run by id, or the one that a view has for a pair, with its branches as the original's readers fetch them.
_RUN = """
SELECT v.*, ARRAY(SELECT ROW(role, remote_name, base_revision, revision)
                    FROM new_result_branch WHERE run_id = v.id) AS result_branches
  FROM {view} AS v WHERE {where}
"""
VIEWS = {"newest": "last_runs", "effective": "last_effective_runs", "unabsorbed": "last_unabsorbed_runs"}


def _text(revision):
    return None if revision is None else revision.decode()


def _time(moment):
    return None if moment is None else moment.isoformat(timespec="microseconds")


def _branches(branches):
    """Their order is open upstream: main first, then by role."""
    return [[role, name, _text(base), _text(tip)]
            for role, name, base, tip in sorted(branches, key=lambda b: (b[0] != "main", b[0]))]


def _run(run):
    """A run as JSON."""
    plain = ("id", "codebase", "campaign", "command", "description", "result_code", "value", "context",
             "instigated_context", "result", "vcs_type", "branch_url", "logfilenames", "target_branch_url",
             "change_set", "failure_transient", "failure_stage")
    return {**{name: getattr(run, name) for name in plain}, "worker": run.worker_name,
            "start_time": _time(run.start_time), "finish_time": _time(run.finish_time),
            "main_branch_revision": _text(run.main_branch_revision), "revision": _text(run.revision),
            "branches": _branches(run.result_branches),
            "tags": None if run.result_tags is None else [[name, _text(tip)] for name, tip in run.result_tags]}


class _Runner:
    """Stands in for an HTTP session: every POST gets the same answer, and is noted."""

    def __init__(self, status, posts):
        self.status, self.posts = status, posts

    @contextlib.asynccontextmanager
    async def post(self, url, json, raise_for_status):
        assert raise_for_status
        if self.status is None:
            raise aiohttp.ClientConnectionError("refused")
        self.posts.append({"path": yarl.URL(url).path, "json": json})
        if self.status >= 400:
            raise aiohttp.ClientResponseError(None, (), status=self.status)
        yield None


class Lent:
    """A pool that lends the one connection it has."""

    def __init__(self, conn):
        self.conn = conn

    @contextlib.asynccontextmanager
    async def acquire(self):
        yield self.conn


class _Request:
    def __init__(self, headers):
        self.headers = headers


class _Anything(types.SimpleNamespace):
    """A configuration in which nothing is set but what is given."""

    def __getattr__(self, _name):
        return None


class RunCalls:
    """The part of the caller that is about runs. `posts`: what the runner heard during the call."""

    def __init__(self, modules, conn):
        self.m, self.conn, self.posts = modules, conn, []

    async def _fetch(self, view, where, *params):
        row = await self.conn.fetchrow(_RUN.format(view=view, where=where), *params)
        return None if row is None else self.m.state.Run.from_row(row)

    async def run(self, a):
        found = await self._fetch("run", "id = $1", a["id"])
        return None if found is None else _run(found)

    async def last_run(self, a):
        found = await self._fetch(VIEWS[a["which"]], "codebase = $1 AND suite = $2", a["codebase"], a["campaign"])
        return None if found is None else _run(found)

    async def duration(self, a):
        return (await self._fetch("run", "id = $1", a["id"])).duration // MICROSECOND

    async def result_branch(self, a):
        found = await self._fetch("run", "id = $1", a["id"])
        name, base, tip = found.get_result_branch(a["role"])
        return [name, _text(base), _text(tip)]

    async def order(self, a):
        """The runs sorted, and which of them equal the one before."""
        runs = sorted([await self._fetch("run", "id = $1", i) for i in a["ids"]])
        return {"sorted": [r.id for r in runs], "equal": [a == b for a, b in zip(runs, runs[1:])]}

    async def sql(self, a):
        """Not the original's: a statement that prepares what follows."""
        await self.conn.execute(a["text"])

    async def publishable(self, a):
        return sorted(await self.m.state.iter_publishable_suites(self.conn, a["codebase"]))

    async def cotenants(self, a):
        return await self.m.state.has_cotenants(self.conn, a["codebase"], a["url"])

    async def resume(self, a):
        """The run that a branch at this revision is the result of, to go on from."""
        branch = types.SimpleNamespace(last_revision=a["revision"].encode)
        found = await self.m.runner.check_resume_result(self.conn, a["campaign"], branch)
        return None if found is None else {
            "run_id": found.run_id, "result": found.result,
            "branches": _branches(found.resume_result_branches)}

    async def last_build_version(self, a):
        distro = _Anything(lintian_suppress_tag=(), name="debian")
        build = _Anything(extra_build_distribution=(), build_distribution=a["distribution"])
        builder = self.m.runner.DebianBuilder(distro, apt_location=None, dep_server_url=None)
        config = await builder.config(self.conn, _Anything(debian_build=build), _Anything(codebase=a["codebase"]))
        return config.get("last-build-version")

    async def review(self, a):
        await self.m.review.store_review(
            self.conn, _Runner(a.get("answers"), self.posts), "http://runner" + a.get("base", "/"), a["run_id"],
            a["verdict"], a["comment"], a["reviewer"], a["is_qa"])

    async def worker(self, a):
        """Whether name and password let a worker in."""
        header = aiohttp.BasicAuth(a["name"], a["password"], "latin1").encode()  # which is how it reads them
        return await self.m.worker_creds.is_worker(Lent(self.conn), _Request({"Authorization": header})) is not None

    @staticmethod
    def _builder(result, build):
        """What a directory with changes files adds to the result of a Debian build."""
        if build is None or result.builder_result is None:
            return
        for name, value in build.items():
            setattr(result.builder_result, name, value)
        result.builder_result.changes_filenames = ["x.changes"]

    async def finish(self, a):
        """A worker's result.json is stored, and the codebase scheduled again."""
        active, runner = a["active"], self.m.runner
        run = runner.ActiveRun(
            campaign=active["campaign"], codebase=active["codebase"], change_set=active.get("change_set"),
            command=active["command"], instigated_context=active.get("context"), estimated_duration=None,
            queue_id=active["queue_id"], log_id=active["id"], start_time=datetime.datetime(2024, 5, 1),
            vcs_info={}, backchannel=None, worker_name=active.get("worker"), resume_from=active.get("resume_from"))
        said = runner.WorkerResult.from_json(a["result"])
        # Put together as the handler of the finish request does.
        result = runner.JanitorResult(
            codebase=active["codebase"], log_id=active["id"], branch_url=said.branch_url, code="success",
            campaign=active["campaign"], change_set=active.get("change_set"), vcs_type=said.vcs_type,
            worker_name=said.worker_name if active.get("worker") is None else active["worker"], subpath=said.subpath,
            resume_from=active.get("resume_from"), logfilenames=active.get("logfilenames"), worker_result=said)
        self._builder(result, a.get("build"))
        processor = runner.QueueProcessor(Lent(self.conn), fakeredis.aioredis.FakeRedis(), 60, None)
        await processor.finish_run(run, result)
        await processor._jobs_scheduler.wait()
