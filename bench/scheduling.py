"""schedule: the whole archive into the queue, beside the Python original on the same server in the same run."""

import json
import os
import subprocess
import sys

import archive
import servers  # puts tests/parity on the path
from report import Report, goal, median

import original

METHOD = ("`holdfast schedule run` as a command, process start and connection included, into an empty queue; private server, "
          "durable or not as told; the original adds the same candidates in the same order on one connection of the same "
          "server, right afterwards; of a variant where that would take minutes it is given the first items only, which "
          "get the same rows; all rows of both queues compared")
RUNS = 5
ORIGINAL_ITEMS = {"first_time": archive.CANDIDATES, "with_history": 5000}
QUEUE = ("SELECT row_to_json(q) FROM (SELECT id, bucket, codebase, suite, branch_url, command, priority, context, "
         "extract(epoch FROM estimated_duration) AS duration_s, estimated_duration::text, refresh, requester, change_set "
         "FROM queue) AS q ORDER BY q.id;")
ORDER = "SELECT codebase || ' ' || suite FROM queue ORDER BY id;"
EMPTY = "TRUNCATE queue RESTART IDENTITY;"


def ours(server, database):
    """Seconds of each run, its own account of the last, and the peak of memory."""
    seconds, peaks = [], []
    for _ in range(RUNS):
        server.psql(database, EMPTY, "queue")
        answer, took, peak = server.run(database, "schedule", "run", "--defects", "parity")
        seconds.append(round(took, 3))
        peaks.append(peak)
    return {"items": answer["items"], "seconds": seconds, "median_s": median(seconds), "read_s": answer["read_s"],
            "write_s": answer["write_s"], "vm_hwm_mib": max(peaks)}


def theirs(server, checkout, script, order, items):
    """What the original takes, and the rows it leaves."""
    original.load_schema(server, "original", checkout)
    server.psql("original", script, "candidates")
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "original_bulk.py")
    done = subprocess.run([sys.executable, program, "--checkout", checkout, "--url", server.url("original"), "--items",
                           str(items)], input=order.encode(), stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout), server.psql("original", QUEUE, "queue").splitlines()


def compare(found, other, same):
    """Ours against theirs, per item: they may have been given fewer."""
    per_item = found["median_s"] / found["items"]
    their_items = other["add_s"] / other["items"] + other["read_s"] / other["candidates"]
    return {**other, "ms_per_item": round(their_items * 1e3, 4), "ratio": round(their_items / per_item, 1),
            "whole_archive_s": round(their_items * found["items"], 1), "rows_compared": other["items"],
            "rows_identical": same}


def measure(build, script, checkout, items, durable):
    with servers.Server(build, durable) as server:
        server.migrated("ours")
        server.psql("ours", script, "candidates")
        found = {"server": server.settings(), **ours(server, "ours")}
        if checkout:
            rows = server.psql("ours", QUEUE, "queue").splitlines()
            order = server.psql("ours", ORDER, "queue")
            other, their_rows = theirs(server, checkout, script, order, items)
            found["original"] = compare(found, other, their_rows == rows[:len(their_rows)] and len(their_rows) == other["items"])
    return found


def schedule(build):
    report = Report("schedule", build, METHOD)
    checkout = os.environ.get("JANITOR_CHECKOUT")
    first, history = archive.first_time(), archive.with_history()
    found = {"first_time": measure(build, first, checkout, ORIGINAL_ITEMS["first_time"], False),
             "first_time_durable": measure(build, first, None, 0, True),
             "with_history": measure(build, history, checkout, ORIGINAL_ITEMS["with_history"], False)}
    goals = {"first_time_s": goal(found["first_time"]["median_s"], most=3.0),
             "first_time_durable_s": goal(found["first_time_durable"]["median_s"], most=3.0)}
    if checkout:
        goals["ratio_first_time"] = goal(found["first_time"]["original"]["ratio"], least=20)
        goals["ratio_with_history"] = goal(found["with_history"]["original"]["ratio"], least=50)
        for name in ("first_time", "with_history"):
            goals[f"{name}_rows_identical"] = goal(int(found[name]["original"]["rows_identical"]), least=1)
    return report.close(**found, seed=archive.SEED, original_given=bool(checkout), goals=goals)
