"""The contents of every table and view, in a form that two servers can be compared by.

What the spec leaves open is taken out here, in one place: the order of rows, the order
inside result_branches and inside the non-main part of unpublished_branches, which run
first_run_time picked, and times taken from the clock.
"""

import hashlib
import json
import re

TABLES = ("branch_publish_policy", "candidate", "change_set", "codebase", "debian_build", "followup", "last_run",
          "merge_proposal", "named_publish_policy", "new_result_branch", "publish", "queue", "result_branch",
          "result_tag", "review", "run", "site_session", "worker")
VIEWS = ("absorbed_runs", "campaigns", "change_set_todo", "change_set_unpublished", "first_run_time",
         "last_effective_runs", "last_runs", "last_unabsorbed_runs", "perpetual_candidates", "publish_ready",
         "queue_positions")
# With two newest runs of a pair the choice is open, and with it all that hangs on last_run.
OPEN_UNDER_TIES = ("change_set_todo", "change_set_unpublished", "last_effective_runs", "last_runs",
                   "last_unabsorbed_runs", "publish_ready")

QUERY = " UNION ALL ".join(
    f"SELECT '{name}' AS relation, row_to_json(t)::text AS row FROM {name} t" for name in TABLES + VIEWS)

# Sequences write no time after 2024; what is later came from now().
_RECENT = re.compile(r'"20(?:2[5-9]|[3-9]\d)-\d\d-\d\dT[0-9:.]+"')
RECENT = "<recent>"


class Answer(Exception):
    """A promise of the spec that the state itself breaks, whatever was recorded."""


def _publish_ready(rows):
    for row in rows:
        roles = [b["role"] for b in row["unpublished_branches"]]
        if "main" in roles[:-1]:
            raise Answer(f"publish_ready: main is not last in {roles}")
        for column in ("result_branches", "unpublished_branches"):
            row[column].sort(key=lambda b: json.dumps(b, sort_keys=True))


def _first_run_time(rows, runs):
    for row in rows:
        times = {r["start_time"] for r in runs if (r["codebase"], r["suite"]) == (row["codebase"], row["suite"])}
        if row.pop("start_time") not in times:
            raise Answer(f"first_run_time: no run of {row} has that start")


def _absorbed_runs(rows):
    for row in rows:
        if row["absorbed_at"] == RECENT:
            row["delay"] = RECENT


def _ties(relations):
    """Keep of last_run only what no choice between equals can change."""
    starts = {r["id"]: r["start_time"] for r in relations["run"]}
    relations["last_run"] = [
        {"codebase": r["codebase"], "campaign": r["campaign"], "start_time": starts.get(r["last_run_id"], "<none>")}
        for r in relations["last_run"]]
    for row in relations["change_set"]:
        row.pop("state")
    for name in OPEN_UNDER_TIES:
        relations[name] = []


def canonical(records, ties):
    """{relation: sorted list of rows, each a list of its values} from rows of QUERY."""
    relations = {name: [] for name in TABLES + VIEWS}
    for relation, row in records:
        relations[relation].append(json.loads(_RECENT.sub(f'"{RECENT}"', row)))
    _publish_ready(relations["publish_ready"])
    _first_run_time(relations["first_run_time"], relations["run"])
    _absorbed_runs(relations["absorbed_runs"])
    if ties:
        _ties(relations)
    return {name: sorted((list(r.values()) for r in rows), key=json.dumps) for name, rows in relations.items()}


def digest(rows):
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:8]


def digests(relations):
    return {name: digest(rows) for name, rows in relations.items()}


EMPTY = digest([])
