"""What the original's pages show of runs, candidates and what arrived; and what its schema does where no code of it does.

Same rules as in calls.py. A page is what it would show: its template is not filled in.
"""

import types

import stand_ins
from calls_publish import MICROSECOND, Request
from calls_runs import _time

ARRIVED = ("mode", "id", "codebase", "change_set", "revision", "merged_by", "merge_proposal_url")
# Everything in the view that says what arrived.
ABSORBED = "SELECT * FROM absorbed_runs"


def _absorbed(rows):
    """The newest first, those without a time last; of one time by id, mode and proposal, backwards."""
    found = [{**{name: r[name] for name in ARRIVED}, "campaign": r["campaign"], "result": r["result"],
              "delay_us": None if r["delay"] is None else r["delay"] // MICROSECOND,
              "absorbed_at": _time(r["absorbed_at"])} for r in rows]
    return sorted(found, key=lambda r: (r["absorbed_at"] or "", r["id"], r["mode"], r["merge_proposal_url"] or ""),
                  reverse=True)


def _switches(a, *names):
    """Query of a page: its boxes that are ticked, and the campaign."""
    return {**{n: "on" for n in names if a.get(n)}, **({"campaign": a["campaign"]} if a.get("campaign") else {})}


class SiteCalls:
    """The part of the caller that reads pages."""

    # Answers of the schema, not of code: what the server refuses there is an answer, too.
    BY_SCHEMA = ("run_delete", "absorbed")

    def _page(self, campaigns, query, **match_info):
        request = Request(self.conn, query, **match_info)
        request.app["config"] = types.SimpleNamespace(
            campaign=[types.SimpleNamespace(name=name) for name in campaigns])
        return request

    async def absorbed(self, a):
        if a.get("since") is None:
            return _absorbed(await self.conn.fetch(ABSORBED))
        request = self._page((), {"since": a["since"]})
        await self.m.cupboard.handle_done_proposals(request)
        return _absorbed(request.shown["runs"])

    async def never_processed(self, a):
        """Pairs, each once."""
        request = self._page((), _switches(a))
        await self.m.cupboard.handle_never_processed(request)
        return sorted(map(list, {(r["codebase"], r["suite"]) for r in request.shown["never_processed"]}))

    async def result_codes(self, a):
        request = self._page(a["campaigns"], {**_switches(a, "include_transient", "include_historical"),
                                              "exclude_never_processed": "on"})
        await self.m.cupboard.handle_result_codes(request)
        return sorted([row[0], row[1]] for row in request.shown["result_codes"])

    async def failure_stages(self, a):
        """The stages that are known: runs without one are not counted by the original."""
        request = self._page(a["campaigns"], _switches(a, "include_transient", "include_historical"))
        await self.m.cupboard.handle_failure_stages(request)
        return sorted([row[0], row[1]] for row in request.shown["failure_stages"] if row[0] is not None)

    async def runs_with(self, a):
        """Ids of the last runs with that result."""
        request = self._page(a["campaigns"], _switches({**a, "include_historical": True}, "include_transient",
                                                       "include_historical"), code=a["code"])
        await self.m.cupboard.handle_result_code(request)
        return sorted(r["id"] for r in request.shown["runs"])

    async def rejected(self, a):
        said = await self.m.reviewing.generate_rejected(self.conn, None, campaign=a["campaign"])
        return sorted(r["id"] for r in said["runs"])

    async def run_list(self, a):
        rows = await self.m.common.get_previous_runs(self.conn, a["codebase"], a["campaign"])
        return [[r["id"], _time(r["start_time"]), _time(r["finish_time"]),
                 None if r["duration"] is None else r["duration"] // MICROSECOND, r["description"], r["result_code"],
                 r["failure_transient"]] for r in rows]

    async def change_set(self, a):
        """State, ids of its runs and of its candidates that are to do, sorted."""
        request = self._page((), {}, id=a["id"])
        await self.m.cupboard.handle_changeset(request)
        found = request.shown["changeset"]
        return None if found is None else {
            "campaign": found["campaign"], "state": found["state"],
            "runs": sorted(r["id"] for r in request.shown["runs"]),
            "todo": sorted([r["codebase"], r["suite"]] for r in request.shown["todo"])}

    async def candidate_list(self, a):
        rows = await self.m.common.iter_candidates(self.conn, campaign=a.get("campaign"))
        return sorted(([r["codebase"], r["suite"], r["context"], r["value"], r["success_chance"]] for r in rows),
                      key=lambda row: [(v is not None, v) for v in row])

    async def followups(self, a):
        """What the page of a run shows to have come of it; the page asks for the rest of a run, too."""
        asked = {"id": a["id"], "codebase": "never", "suite": "never", "main_branch_revision": None, "revision": None,
                 "result_code": "x", "failure_stage": None, "logfilenames": [], "resume_from": None, "result": None}
        app = self._page((), {}).app
        shown = await self.m.pkg.generate_run_file(app["pool"], None, app["config"], None, None, None, asked, {}, False,
                                                   stand_ins.Span())
        return sorted([r["codebase"], r["campaign"]] for r in shown["followups"])

    async def run_delete(self, a):
        await self.conn.execute("DELETE FROM run WHERE id = $1", a["id"])
