"""Run one recorded call on the original and turn what came back into JSON.

A call is {"fn": NAME, "args": {...}}; `run_case` adds "ok" or "error" to each and
"row" (the queue row whose id was returned) where one was, then "after" to the case.
"""

import asyncio
import datetime
import inspect
import os
import traceback

import asyncpg

import calls_publish
import calls_runs
import calls_site
import calls_uploads
import fixture

MICROSECOND = datetime.timedelta(microseconds=1)
NOW = "2024-06-01T12:00:00"


def microseconds(duration):
    return None if duration is None else duration // MICROSECOND


def interval(us):
    return None if us is None else datetime.timedelta(microseconds=us)


def number(value):
    """A float that JSON has no word for comes as text: "nan", "inf", "-inf"."""
    return float(value) if isinstance(value, str) else value


def error_of(reason):
    """Class, SQLSTATE and constraint of an exception; never its prose."""
    out = {"class": type(reason).__name__}
    if isinstance(reason, (asyncpg.PostgresError, asyncpg.InterfaceError)):
        # A refusal by the driver itself never reached the server.
        if getattr(reason, "severity", None) is None:
            out["client"] = True
        else:
            out["sqlstate"] = reason.sqlstate
        if getattr(reason, "constraint_name", None):
            out["constraint"] = reason.constraint_name
    return out


def _from_original(reason):
    """Whether the original's code was running when this was raised."""
    return any(os.sep + "janitor" + os.sep in frame.f_code.co_filename
               and "/parity/" not in frame.f_code.co_filename
               for frame, _ in traceback.walk_tb(reason.__traceback__))


def _by_server(reason):
    return isinstance(reason, asyncpg.PostgresError) and getattr(reason, "severity", None) is not None


def _item(item):
    return None if item is None else {
        "id": item.id, "codebase": item.codebase, "campaign": item.campaign, "change_set": item.change_set,
        "command": item.command, "context": item.context,
        "estimated_duration_us": microseconds(item.estimated_duration),
        "refresh": item.refresh, "requester": item.requester}


def _scheduled(answer):
    offset, duration, queue_id, bucket = answer
    return {"offset": offset, "estimated_duration_us": microseconds(duration),
            "queue_id": queue_id, "bucket": bucket}


class Vanishing:
    """A connection on which the queue is empty from the second statement on: another session emptied it."""

    def __init__(self, conn, other):
        self.conn, self.other, self.asked = conn, other, 0

    async def fetchrow(self, *args):
        self.asked += 1
        if self.asked == 2:
            await self.other.execute("DELETE FROM queue")
        return await self.conn.fetchrow(*args)


async def _waits_or_ends(conn, other, task):
    """Whether the statement of `other` waits for a lock; False once it is through."""
    pid = other.get_server_pid()
    for _ in range(2000):
        if task.done():
            return False
        if await conn.fetchval("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1", pid):
            return True
        await asyncio.sleep(0.005)
    raise TimeoutError("the second session neither waits nor ends")


async def _outcome(awaitable):
    try:
        return {"ok": await awaitable}
    except Exception as reason:
        if not _from_original(reason):
            raise
        return {"error": error_of(reason)}


class Caller(calls_runs.RunCalls, calls_uploads.UploadCalls, calls_publish.PublishCalls, calls_site.SiteCalls):
    """The original's functions under the names of the recording. `other` is a second session."""

    def __init__(self, modules, conn, other):
        super().__init__(modules, conn)
        self.other = other
        self.queue = modules.queue.Queue(conn)

    async def queue_add(self, a):
        return await self._add(self.queue, a)

    async def queue_add_vanishing(self, a):
        """The queue is emptied by another session between the insert and the second read."""
        return await self._add(self.m.queue.Queue(Vanishing(self.conn, self.other)), a)

    async def queue_add_second(self, a):
        """Add in a second session while this one's open transaction has added or deleted; then end that."""
        transaction = self.conn.transaction()
        await transaction.start()
        if "delete" in a["first"]:
            first = {"ok": await self.conn.execute("DELETE FROM queue WHERE id = $1", a["first"]["delete"])}
        else:
            first = await _outcome(self._add(self.queue, dict(a["first"])))
        second = asyncio.ensure_future(_outcome(self._add(self.m.queue.Queue(self.other), dict(a["second"]))))
        waited = await _waits_or_ends(self.conn, self.other, second)
        await (transaction.commit() if a["end"] == "commit" else transaction.rollback())
        return {"first": first, "waited": waited, "second": await second}

    @staticmethod
    async def _add(queue, a):
        duration = interval(a.pop("estimated_duration_us", None))
        a["offset"] = number(a.get("offset", 0.0))
        row = await queue.add(**a, estimated_duration=duration)
        return {"queue_id": row[0], "bucket": row[1]}

    async def get_item(self, a):
        return _item(await self.queue.get_item(a["id"]))

    async def next_item(self, a):
        item, info = await self.queue.next_item(
            codebase=a.get("codebase"), campaign=a.get("campaign"),
            exclude_hosts=set(a.get("exclude_hosts", [])),
            assigned_queue_items=set(a.get("assigned_queue_items", [])))
        return {"item": _item(item), "vcs_info": info}

    async def iter_queue(self, a):
        return [_item(i) async for i in self.queue.iter_queue(a.get("limit"), a.get("campaign"))]

    async def get_position(self, a):
        position, wait = await self.queue.get_position(a["campaign"], a["codebase"])
        return {"position": position, "wait_time_us": microseconds(wait)}

    async def get_buckets(self, a):
        return [[r[0], r[1]] for r in await self.queue.get_buckets()]

    async def estimate_duration(self, a):
        return microseconds(await self.m.schedule.estimate_duration(self.conn, a["codebase"], a["campaign"]))

    async def estimate_probability(self, a):
        p, d, total = await self.m.schedule.estimate_success_probability_and_duration(
            self.conn, a["codebase"], a["campaign"], a.get("context"))
        return {"probability": p, "duration_us": microseconds(d), "total": total}

    async def schedule_regular(self, a):
        return _scheduled(await self.m.schedule.do_schedule_regular(self.conn, **a))

    async def schedule_one(self, a):
        a["estimated_duration"] = interval(a.pop("estimated_duration_us", None))
        return _scheduled(await self.m.schedule.do_schedule(self.conn, **a))

    async def schedule_control(self, a):
        a["estimated_duration"] = interval(a.pop("estimated_duration_us", None))
        if a.get("main_branch_revision") is not None:
            a["main_branch_revision"] = a["main_branch_revision"].encode()
        return _scheduled(await self.m.schedule.do_schedule_control(self.conn, **a))

    async def deps_satisfied(self, a):
        return await self.m.schedule.deps_satisfied(self.conn, a["campaign"], a["dependencies"])

    async def candidates(self, a):
        """What the command line would feed to `bulk`: a set, so its order says nothing."""
        rows = await self.m.schedule.iter_candidates_with_publish_policy(
            self.conn, codebases=a.get("codebases"), campaign=a.get("campaign"))
        todo = [list(self.m.schedule.queue_item_from_candidate_and_publish_policy(r)) for r in rows]
        return sorted(todo, key=repr)

    async def bulk(self, a):
        """`todo` in the order given."""
        await self.m.schedule.bulk_add_to_queue(
            self.conn, [tuple(t) for t in a["todo"]],
            **{k: (number(v) if k == "default_offset" else v) for k, v in a.items() if k != "todo"})

    async def cli(self, a):
        """As the command line does: candidates with their policies, mapped, all into the queue.

        The order in which the original met them is unspecified and decides the priorities, so
        the first recording adds it to the arguments ("todo") and each later run keeps to it.
        """
        rows = await self.m.schedule.iter_candidates_with_publish_policy(
            self.conn, codebases=(a.get("codebases") or None), campaign=a.get("campaign"))
        todo = [self.m.schedule.queue_item_from_candidate_and_publish_policy(r) for r in rows]
        kept = a["call"].setdefault("todo", [list(t) for t in todo])
        if sorted(map(repr, todo)) != sorted(repr(tuple(t)) for t in kept):
            raise LookupError("the candidates differ from the recorded ones")
        await self.m.schedule.bulk_add_to_queue(
            self.conn, [tuple(t) for t in kept], dry_run=a.get("dry_run", False))


async def run_call(caller, conn, call):
    """Fill in "ok" or "error", and "row"."""
    for answer in ("ok", "error", "row"):
        call.pop(answer, None)
    method = getattr(caller, call["fn"])
    assert inspect.iscoroutinefunction(method)
    try:
        args = dict(call["args"])
        if call["fn"] == "cli":
            args["call"] = call["args"]
        call["ok"] = await method(args)
    except Exception as reason:
        if not _from_original(reason) and not (call["fn"] in caller.BY_SCHEMA and _by_server(reason)):
            raise  # the harness's own mistake must not become an answer
        call["error"] = error_of(reason)
    if caller.posts:
        call["posts"] = caller.posts
    if "error" in call:
        return
    if isinstance(call["ok"], dict) and call["ok"].get("queue_id", -1) != -1:
        call["row"] = await fixture.queue_row(conn, call["ok"]["queue_id"])


async def run_case(modules, loader, other, case):
    """Load the case's rows, run its calls in order, record what is left behind."""
    conn = loader.conn
    modules.clock.now = datetime.datetime.fromisoformat(case.get("now", NOW))
    await loader.empty()
    await loader.load(case["load"])
    for call in case["calls"]:
        await run_call(Caller(modules, conn, other), conn, call)
    case["after"] = {"queue": await fixture.queue_rows(conn),
                     "queue_id_seq": await fixture.queue_sequence(conn)}
    if "watch" in case:
        case["after"]["rows"] = {table: await fixture.rows_of(conn, table) for table in case["watch"]}
    return case


def bare(case):
    """The case without its answers: what a generator gave."""
    calls = [{k: c[k] for k in ("fn", "args")} for c in case["calls"]]
    return {**{k: v for k, v in case.items() if k != "after"}, "calls": calls}
