"""schedule: the whole archive into the queue, beside the Python original on the same server in the same run."""

import json
import os
import subprocess
import sys

import archive
import servers  # puts tests/parity on the path
from report import Report, goal, median

import original

METHOD = ("`holdfast schedule run` as a command, as it comes (two connections write) and with --jobs 1 in turns, process "
          "start and connections included, into an empty queue, half of the runs before the original and half after it; "
          "the original reads, maps and adds the same candidates in the same order on its own pool, as its command does, "
          "imports not included; same server, private, durable or not as told; all rows of both queues compared")
RUNS_EACH_SIDE = 3
FORMS = {"one_transaction": ("--jobs", "1"), "as_it_comes": ()}  # the last leaves its rows
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
    """Of each form: seconds of some runs with their accounts, the peak of memory, the rows of the last."""
    found = {form: {"seconds": [], "read_s": [], "write_s": [], "vm_hwm_mib": 0} for form in FORMS}
    for _ in range(RUNS_EACH_SIDE):
        for form, flags in FORMS.items():
            server.psql("ours", EMPTY, "queue")
            answer, took, peak = server.run("ours", "schedule", "run", "--defects", "parity", *flags)
            for name, value in (("seconds", took), ("read_s", answer["read_s"]), ("write_s", answer["write_s"])):
                found[form][name].append(round(value, 3))
            found[form]["vm_hwm_mib"] = max(peak, found[form]["vm_hwm_mib"])
            found[form] |= {"items": answer["items"], "jobs": answer["jobs"]}
    return found


def rows_of(server):
    """Rows of the form that ran last; whether a run of each other form leaves the same."""
    rows = server.psql("ours", QUEUE, "queue").splitlines()
    for flags in list(FORMS.values())[:-1]:
        server.psql("ours", EMPTY, "queue")
        server.run("ours", "schedule", "run", "--defects", "parity", *flags)
        if server.psql("ours", QUEUE, "queue").splitlines() != rows:
            return rows, False
    return rows, True


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
        rows, found["forms_rows_identical"] = rows_of(server)
        if checkout:
            found["original"] = theirs(server, script, checkout, server.psql("ours", ORDER, "order"), rows)
        after = ours(server)
    for form in FORMS:
        part = found[form]
        for name in ("seconds", "read_s", "write_s"):
            part[name] += after[form][name]
        part["median_s"] = median(part["seconds"])
        if checkout:
            per_item = part["median_s"] / part["items"] * 1e3
            part["ratio"] = round(found["original"]["ms_per_item"] / per_item, 1)
            part["ratio_alone"] = round(found["original"]["alone"]["ms_per_item"] / per_item, 1)
    return found


def goals_of(found, checkout):
    """The goals are those of the command as it comes; the ratios of one transaction stand beside."""
    goals = {f"{name}_s": goal(part["as_it_comes"]["median_s"], most=3.0) for name, part in found.items() if name.startswith("first")}
    for name, part in found.items():
        goals[f"{name}_forms_rows_identical"] = goal(int(part["forms_rows_identical"]), least=1)
        if checkout:
            least = 20 if name.startswith("first") else 50
            goals[f"ratio_{name}"] = goal(part["as_it_comes"]["ratio"], least=least)
            goals[f"ratio_{name}_one_transaction"] = goal(part["one_transaction"]["ratio"], least=least)
            goals[f"{name}_rows_identical"] = goal(int(part["original"]["rows_identical"]), least=1)
    return goals


def schedule(build):
    report = Report("schedule", build, METHOD)
    checkout = os.environ.get("JANITOR_CHECKOUT")
    chosen = os.environ.get("BENCH_VARIANTS", " ".join(VARIANTS)).split()
    found = {name: measure(build, *VARIANTS[name], checkout) for name in chosen}
    return report.close(**found, seed=archive.SEED, original_given=bool(checkout), goals=goals_of(found, checkout))
