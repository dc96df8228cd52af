"""The original's functions and handlers that publish: what waits, what was tried, proposals, policies.

Same rules as in calls.py. A handler is called with a request that is put together here; nothing listens, and no
hosting site is asked: a proposal of one is a stand-in that says what the call says.
"""

import datetime
import json
import types

import fakeredis.aioredis
from aiohttp import web

import stand_ins
from calls_runs import Lent, _branches, _text, _time

MICROSECOND = datetime.timedelta(microseconds=1)
PUBLISH = ("id", "change_set", "codebase", "source_branch_url", "source_branch_web_url", "target_branch_url",
           "target_branch_web_url", "subpath", "branch_name", "main_branch_revision", "revision", "role", "mode",
           "merge_proposal_url", "result_code", "description", "requester")
HISTORY = ("id", "branch_name", "mode", "merge_proposal_url", "result_code", "description", "codebase")


class Request:
    """What a handler asks of its request. `shown`: what its page would show."""

    def __init__(self, conn, query=(), body=None, **match_info):
        self.limiter = stand_ins.Limiter()
        self.app = {"db": Lent(conn), "pool": Lent(conn), "bucket_rate_limiter": self.limiter}
        self.query, self.body, self.match_info, self.shown = dict(query), body, match_info, None

    async def json(self):
        return self.body

    async def post(self):
        return self.body


def answer(response):
    """What a handler answered; none where it knows no such thing."""
    return None if response.status == 404 else json.loads(response.text)


def _ready(found):
    run, bucket, command, branches = found
    return {"run_id": run.id, "codebase": run.codebase, "campaign": run.campaign, "command": run.command,
            "value": run.value, "finish_time": _time(run.finish_time), "revision": _text(run.revision),
            "main_branch_revision": _text(run.main_branch_revision), "branch_url": run.branch_url,
            "target_branch_url": run.target_branch_url, "change_set": run.change_set,
            "rate_limit_bucket": bucket, "policy_command": command,
            "branches": sorted(([b["role"], b["remote_name"], b["base_revision"] or None, b["revision"] or None,
                                 b["mode"], b["frequency_days"]] for b in branches),
                               key=lambda b: (b[0] == "main", b[0]))}


class _Proposal:
    """A proposal as its hosting site has it."""

    def __init__(self, a):
        self.url, self.merged_by, self.merged_at = a["url"], a.get("merged_by"), a.get("merged_at")

    def get_merged_by(self):
        return self.merged_by

    def get_merged_at(self):
        return self.merged_at and datetime.datetime.fromisoformat(self.merged_at)

    def post_comment(self, _text):
        pass

    def close(self):
        pass


def _rules(policy):
    return [[role, rule["mode"], rule["max_frequency_days"]] for role, rule in sorted(policy["per_branch"].items())]


class PublishCalls:
    """The part of the caller that publishes."""

    # ---- tries ----

    async def publish_store(self, a):
        """`column`: with the column that the original writes and its schema lacks."""
        column = a.pop("column", False)
        given = {"branch_name": None, "target_branch_web_url": None, "main_branch_revision": None, **a}
        for revision in ("revision", "main_branch_revision"):
            given[revision] = given[revision] and given[revision].encode()
        if column:
            await self.conn.execute("ALTER TABLE publish ADD COLUMN run_id text")
        try:
            await self.m.publish.store_publish(self.conn, **given)
        finally:
            if column:
                await self.conn.execute("ALTER TABLE publish DROP COLUMN run_id")

    async def publish_attempts(self, a):
        return await self.m.publish.get_publish_attempt_count(
            self.conn, a["revision"].encode(), {"differ-unreachable"})

    async def publish_last(self, a):
        return _time(await self.m.publish.check_last_published(self.conn, a["campaign"], a["codebase"]))

    async def publish_history(self, a):
        """The newest first; those of one time by id."""
        rows = await self.m.history.iter_publish_history(self.conn, limit=a.get("limit"))
        return [{**{name: row[name] for name in HISTORY}, "timestamp": _time(row["timestamp"])} for row in rows]

    async def publishes_of(self, a):
        rows = await self.m.cupboard_proposals.get_publishes(self.conn, a["url"])
        return [{**{name: row[name] for name in PUBLISH}, "timestamp": _time(row["timestamp"])} for row in rows]

    async def publish_details(self, a):
        row = (await self.m.history.write_publish(self.conn, a["id"]))["publish"]
        return {**{name: row[name] for name in HISTORY}, "timestamp": _time(row["timestamp"])}

    # ---- what waits ----

    async def ready(self, a):
        """In the order of the original; one run, several times, by command and bucket."""
        found = [_ready(r) async for r in self.m.publish.iter_publish_ready(self.conn, run_id=a.get("run_id"))]
        places = {}
        for row in found:
            places.setdefault(row["run_id"], len(places))
        return sorted(found, key=lambda r: (places[r["run_id"]], r["policy_command"], r["rate_limit_bucket"] or ""))

    async def needs_review(self, a):
        """Ids of all runs with something to publish, sorted, one as often as it is listed."""
        campaign = a.get("campaign")
        rows = await self.m.cupboard.iter_needs_review(self.conn, campaigns=campaign and [campaign])
        return sorted(r["id"] for r in rows)

    async def blockers(self, a):
        said = answer(await self.m.publish.blockers_request(Request(self.conn, run_id=a["id"])))
        if said is None:
            return None
        backoff = said["backoff"]["details"]
        return {**{name: said[name]["result"] for name in ("success", "inactive", "command", "publish_status",
                                                           "backoff", "change_set", "previous_mp")},
                "attempts": backoff["attempt_count"], "bucket": said["propose_rate_limit"]["details"]["bucket"],
                "next_try": datetime.datetime.fromisoformat(backoff["next_try_time"]).isoformat(timespec="microseconds")}

    # ---- proposals ----

    def _manager(self):
        return self.m.publish.ProposalInfoManager(self.conn, fakeredis.aioredis.FakeRedis())

    async def proposals(self, a):
        given = {k: v for k, v in a.items() if v is not None}
        said = answer(await self.m.publish.handle_merge_proposal_list(Request(self.conn, **given)))
        return [[p["url"], p["status"]] for p in said]

    async def proposal(self, a):
        found = await self._manager().get_proposal_info(a["url"])
        return None if found is None else {
            "status": found.status, "codebase": found.codebase, "target_branch_url": found.target_branch_url,
            "revision": _text(found.revision), "can_be_merged": found.can_be_merged,
            "rate_limit_bucket": found.rate_limit_bucket}

    async def proposals_outdated(self, a):
        return sorted(await self._manager().iter_outdated_proposal_info_urls(a["days"]))

    async def proposal_put(self, a):
        revision = a.get("revision")
        await self._manager().update_proposal_info(
            _Proposal(a), status=a["status"], revision=None if revision is None else revision.encode(),
            codebase=a.get("codebase"), target_branch_url=a.get("target_branch_url"), campaign=None,
            can_be_merged=a.get("can_be_merged"), rate_limit_bucket=a.get("rate_limit_bucket"))

    async def branch_absorbed(self, a):
        """What became of the branch of that revision, by way of a proposal that nobody knew."""
        await self.proposal_put({"url": "https://h/of/" + a["revision"], "revision": a["revision"],
                                 "status": "merged" if a["absorbed"] else "open"})

    async def proposal_delete(self, a):
        await self._manager().delete_proposal_info(a["url"])

    async def proposal_move(self, a):
        await self._manager().update_canonical_url(a["url"], a["to"])

    async def proposal_source(self, a):
        row = await self.m.publish.get_merge_proposal_run(self.conn, a["url"])
        return None if row is None else {
            **{n: row[n] for n in ("codebase", "campaign", "change_set", "role", "revision")},
            "run_id": row["id"], "remote_name": row["remote_branch_name"]}

    async def proposal_open(self, a):
        row = await self.m.publish.get_open_merge_proposal(self.conn, a["codebase"], a["branch_name"])
        return None if row is None else [row["url"], row["revision"]]

    async def proposal_close(self, a):
        self.m.publish.get_proposal_by_url = lambda url: _Proposal({"url": url})
        await self.m.publish.update_merge_proposal_request(Request(self.conn, body=dict(a)))

    async def proposal_buckets(self, a):
        """Buckets with their proposals of a status; those without a bucket last."""
        limiter = stand_ins.Limiter()
        await self.m.publish.refresh_bucket_mp_counts(Lent(self.conn), limiter)
        counts = limiter.counts.get(a["status"], {})
        return sorted(([bucket, count] for bucket, count in counts.items()), key=lambda c: (c[0] is None, c[0] or ""))

    # ---- policies ----

    async def policy_put(self, a):
        await self.m.publish.handle_policy_put(Request(self.conn, body=a["policy"], name=a["name"]))

    async def policies_put(self, a):
        await self.m.publish.handle_full_policy_put(Request(self.conn, body=a["policies"]))

    async def policy_delete(self, a):
        """Whether it may go."""
        response = await self.m.publish.handle_policy_del(Request(self.conn, name=a["name"]))
        return response.status != web.HTTPPreconditionFailed.status_code

    async def policy(self, a):
        return answer(await self.m.publish.handle_policy_get(Request(self.conn, name=a["name"])))

    async def policies(self, _a):
        said = answer(await self.m.publish.handle_full_policy_get(Request(self.conn)))
        return [[name, policy["rate_limit_bucket"], _rules(policy)] for name, policy in sorted(said.items())]

    async def policy_of(self, a):
        rules, command, bucket = await self.m.publish.get_publish_policy(self.conn, a["codebase"], a["campaign"])
        return None if rules is None else {
            "rules": [[role, *rule] for role, rule in sorted(rules.items())], "command": command, "bucket": bucket}
