"""The original's handlers of what is uploaded and deleted: codebases, candidates, a run's publish status.

Same rules as in calls.py. A handler is called with a request that is put together here; nothing listens.
"""

import json
import types

import fakeredis.aioredis

from calls_runs import Lent

# Campaigns as configured: one with a command, one without.
CAMPAIGNS = [types.SimpleNamespace(name="fixes", command="fix it"), types.SimpleNamespace(name="docs", command="docs --all"),
             types.SimpleNamespace(name="bare", command="")]
REFUSALS = ("invalid_command", "invalid_value", "unknown_campaigns", "unknown_codebases", "unknown_publish_policies")


class _Request:
    def __init__(self, conn, body=None, **match_info):
        processor = types.SimpleNamespace(database=Lent(conn), redis=fakeredis.aioredis.FakeRedis())
        self.app = {"queue_processor": processor, "database": processor.database,
                    "config": types.SimpleNamespace(campaign=CAMPAIGNS)}
        self.body, self.match_info = body, match_info

    async def json(self):
        return self.body


def _words(refused):
    """A set of words, sorted; numbers as text, null first."""
    words = {w if w is None or isinstance(w, str) else format(w, "g") for w in refused}
    return sorted(words, key=lambda w: (w is not None, w or ""))


def _uploaded(entry):
    seconds = entry.pop("estimated_duration")
    return {**entry, "estimated_duration_us": round(seconds * 1000000)}


class UploadCalls:
    """The part of the caller that uploads and deletes."""

    async def codebases_upload(self, a):
        # The handler writes into the entries.
        await self.m.runner.handle_codebases_upload(_Request(self.conn, json.loads(json.dumps(a["entries"]))))

    async def candidates_upload(self, a):
        answer = await self.m.runner.handle_candidates_upload(_Request(self.conn, a["entries"]))
        body = json.loads(answer.text)
        return {"success": [_uploaded(e) for e in body["success"]], **{r: _words(body[r]) for r in REFUSALS}}

    async def candidate_delete(self, a):
        await self.m.runner.handle_candidate_delete(_Request(self.conn, id=str(a["id"])))

    async def set_publish_status(self, a):
        answer = await self.m.runner.handle_update_run(
            _Request(self.conn, {"publish_status": a["publish_status"]}, run_id=a["id"]))
        return json.loads(answer.text)
