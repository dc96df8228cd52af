"""describe: a hundred queries through the compiler, with a private server and without any."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

from report import TOP, Report, goal, median

sys.path.insert(0, os.path.join(TOP, "tests", "gen"))

import corpus  # noqa: E402

QUERIES = 100
RUNS = 9
METHOD = (f"the first {QUERIES} queries of the truth corpus about joins and WHERE, with its schema as their migration; "
          "`holdfast-gen` from start to end, so with its private server, whose template a first run has made (`cold`); "
          f"then `--offline` from the metadata; {RUNS} runs each, in turn; wall time, C files written each time")


def _tree(top):
    queries, migrations = top / "queries" / "bench", top / "migrations" / "bench"
    queries.mkdir(parents=True)
    migrations.mkdir(parents=True)
    chosen = [query for query in corpus.queries() if query.path.stem in ("joins", "where")][:QUERIES]
    for at in range(0, QUERIES, 25):
        (queries / f"part_{at}.sql").write_text("\n".join(query.text for query in chosen[at : at + 25]), encoding="utf-8")
    schema = (corpus.FOLDER / "schema.sql").read_text(encoding="utf-8")
    (migrations / "0001_all.sql").write_text(f"-- up\n{schema}", encoding="utf-8")


def _seconds(build, top, *words):
    out = pathlib.Path(tempfile.mkdtemp(dir=top))
    began = time.monotonic()
    subprocess.run([os.path.join(build, "tools", "gen", "holdfast-gen"), "--sql", top, "-o", out, *words], check=True,
                   stdin=subprocess.DEVNULL)
    took = time.monotonic() - began
    if len(list(out.glob("**/part_*.c"))) != QUERIES // 25:
        raise OSError("the compiler wrote something else than a file for each of the queries' files")
    shutil.rmtree(out)
    return took


def describe(build):
    report = Report("describe", build, METHOD)
    with tempfile.TemporaryDirectory() as folder:
        top = pathlib.Path(folder)
        _tree(top)
        cold = _seconds(build, top)
        samples = {"described_s": [], "offline_s": []}
        for _ in range(RUNS):
            samples["described_s"].append(_seconds(build, top))
            samples["offline_s"].append(_seconds(build, top, "--offline"))
    medians = {name: median(values) for name, values in samples.items()}
    return report.close(queries=QUERIES, cold_s=round(cold, 3), samples={name: [round(v, 4) for v in values] for name, values in samples.items()},
                        medians=medians, goals={"described_s": goal(medians["described_s"], most=2.0),
                                                "offline_s": goal(medians["offline_s"], most=0.2)})
