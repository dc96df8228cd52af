"""schedule: the whole archive into the queue, beside the Python original on the same server in the same run."""

import json
import os
import subprocess
import sys

import archive
import servers  # puts tests/parity on the path
from report import Report, goal, median

import original

METHOD = ("`holdfast schedule run` as a command, process start and connection included, into an empty queue, half of the runs "
          "before the original and half after it; the original reads, maps and adds the same candidates in the same order "
          "on its own pool, as its command does, imports not included; same server, private, durable or not as told; all "
          "rows of both queues compared")
RUNS_EACH_SIDE = 3
SMALLER = int(os.environ.get("BENCH_ORIGINAL_ITEMS", "0"))  # so many items for the original; 0: all
ALONE_ITEMS = 5000  # on one connection without a pool: told, not compared
VARIANTS = {"first_time": (archive.first_time, False), "first_time_durable": (archive.first_time, True),
            "with_history": (archive.with_history, False), "with_history_durable": (archive.with_history, True)}
QUEUE = ("SELECT row_to_json(q) FROM (SELECT id, bucket, codebase, suite, branch_url, command, priority, context, "
         "extract(epoch FROM estimated_duration) AS duration_s, estimated_duration::text, refresh, requester, change_set "
         "FROM queue) AS q ORDER BY q.id;")
# The original leaves the order open; ours is the order of worth. A chance is drawn for each candidate.
ORDER = ("SELECT c.codebase || ' ' || c.suite || ' ' || c.success_chance FROM candidate AS c "
         "JOIN codebase AS b ON b.name = c.codebase ORDER BY b.value DESC NULLS LAST, c.id;")
EMPTY = "TRUNCATE queue RESTART IDENTITY;"


def ours(server):
    """Seconds of some runs, the account of the last, and the peak of memory."""
    found = {"seconds": [], "read_s": [], "write_s": [], "vm_hwm_mib": 0}
    for _ in range(RUNS_EACH_SIDE):
        server.psql("ours", EMPTY, "queue")
        answer, took, peak = server.run("ours", "schedule", "run", "--defects", "parity")
        for name, value in (("seconds", took), ("read_s", answer["read_s"]), ("write_s", answer["write_s"])):
            found[name].append(round(value, 3))
        found["vm_hwm_mib"] = max(peak, found["vm_hwm_mib"])
    return {"items": answer["items"], **found}


def add(server, checkout, order, items, *flags):
    """What the original takes for the first so many, and the rows it leaves."""
    server.psql("original", EMPTY, "queue")
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "original_bulk.py")
    done = subprocess.run([sys.executable, program, "--checkout", checkout, "--url", server.url("original"), "--items",
                           str(items), *flags], input=order.encode(), stdout=subprocess.PIPE, check=True)
    found = json.loads(done.stdout)
    each = found["add_s"] / found["items"] + found["read_s"] / found["candidates"]
    return {**found, "ms_per_item": round(each * 1e3, 4)}, server.psql("original", QUEUE, "queue").splitlines()


def theirs(server, script, checkout, order, rows):
    """The original as its command works, its rows against `rows`; then a few on one connection alone."""
    original.load_schema(server, "original", checkout)
    server.psql("original", script, "candidates")
    found, their_rows = add(server, checkout, order, SMALLER or len(order.splitlines()), "--pool")
    same = their_rows == rows if not SMALLER else set(their_rows) <= set(rows)
    alone, _ = add(server, checkout, order, ALONE_ITEMS)
    return {**found, "rows": len(their_rows), "rows_identical": same, "alone": alone}


def measure(build, make_script, durable, checkout):
    script = make_script()
    with servers.Server(build, durable) as server:
        server.migrated("ours")
        server.psql("ours", script, "candidates")
        found = {"server": server.settings(), **ours(server)}
        if checkout:
            rows = server.psql("ours", QUEUE, "queue").splitlines()
            found["original"] = theirs(server, script, checkout, server.psql("ours", ORDER, "order"), rows)
        after = ours(server)
    for name in ("seconds", "read_s", "write_s"):
        found[name] += after[name]
    found["median_s"] = median(found["seconds"])
    if checkout:
        per_item = found["median_s"] / found["items"] * 1e3
        found["original"]["ratio"] = round(found["original"]["ms_per_item"] / per_item, 1)
        found["original"]["ratio_alone"] = round(found["original"]["alone"]["ms_per_item"] / per_item, 1)
    return found


def goals_of(found, checkout):
    goals = {f"{name}_s": goal(found[name]["median_s"], most=3.0) for name in ("first_time", "first_time_durable")}
    for name in VARIANTS if checkout else ():
        goals[f"ratio_{name}"] = goal(found[name]["original"]["ratio"], least=20 if name.startswith("first") else 50)
        goals[f"{name}_rows_identical"] = goal(int(found[name]["original"]["rows_identical"]), least=1)
    return goals


def schedule(build):
    report = Report("schedule", build, METHOD)
    checkout = os.environ.get("JANITOR_CHECKOUT")
    found = {name: measure(build, make, durable, checkout) for name, (make, durable) in VARIANTS.items()}
    return report.close(**found, seed=archive.SEED, original_given=bool(checkout), goals=goals_of(found, checkout))
