"""import: a Sources index of the size of the archive, in its three forms; peak of memory of import and schedule."""

import os

import archive
import servers
from report import Report, goal, median

METHOD = ("`holdfast codebase import-debian --sources FILE` as a command, each time into an empty database of a throw-away "
          "private server; peak = VmHWM of the command as the kernel accounts it at its end, the server apart; then "
          "candidates for all codebases and `holdfast schedule run`")
RUNS = 3
EMPTY = "TRUNCATE codebase CASCADE;"
LIMIT_MIB = 64


def _import(server, path):
    seconds, peaks = [], []
    for _ in range(RUNS):
        server.psql("ours", EMPTY, "codebases")
        answer, took, peak = server.run("ours", "codebase", "import-debian", "--sources", path)
        seconds.append(round(took, 3))
        peaks.append(peak)
    return {"records": answer["records"], "codebases": answer["codebases"], "bytes": os.path.getsize(path),
            "sha256": archive.digest(path), "seconds": seconds, "median_s": median(seconds), "vm_hwm_mib": max(peaks)}


def import_debian(build):
    report = Report("import", build, METHOD)
    paths = archive.sources(os.path.join(build, "bench", "archive"))
    with servers.Server(build) as server:
        server.migrated("ours")
        found = {form: _import(server, path) for form, path in paths.items()}
        answer, took, peak = server.run("ours", "candidate", "import", "--campaign", "lintian-fixes", "--command",
                                        "lintian-brush", "--value", "10", "--mode", "propose")
        found["candidates"] = {"changed": answer["changed"], "seconds": round(took, 3), "vm_hwm_mib": peak}
        answer, took, peak = server.run("ours", "schedule", "run")
        found["schedule"] = {"items": answer["items"], "seconds": round(took, 3), "vm_hwm_mib": peak}
        found["server"] = server.settings()
    worst = max(found[name]["vm_hwm_mib"] for name in (*paths, "candidates", "schedule"))
    return report.close(**found, seed=archive.SEED, goals={"vm_hwm_mib": goal(worst, most=LIMIT_MIB)})
