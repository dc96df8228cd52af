"""kv_engines: the key-value store on LMDB and Redis against the bare libraries."""

import tempfile

from report import Report, goal, median, ratios
from small import samples

METHOD = ("hf_kv_get(), hf_kv_put() and hf_kv_put_many() of 1,000 on LMDB and Redis, against the bare library in the same "
          "durability with a million entries of the same size each; 1 and 4 threads, with Redis also such that share requests; 7 windows of 300 ms a side in turning order; ratios are "
          "medians of each window against its neighbour; batches are told, not judged")


def kv_engines(build):
    report = Report("kv_engines", build, METHOD)
    found, medians, compared, goals = {}, {}, {}, {}
    for engine in ("lmdb", "redis"):
        with tempfile.TemporaryDirectory(prefix="hf-bench-") as folder:
            found[engine] = samples(build, "bench-kv-engines", engine, folder)
        for case, sides in found[engine]["samples"].items():
            name = f"{engine}_{case}"
            medians[name] = {side: median(values, 0) for side, values in sides.items()}
            compared[name] = median(ratios(sides["ours"], sides["bare"]))
            if "batch" not in case:
                goals[name] = goal(compared[name], least=0.85)
    return report.close(samples=found, medians=medians, ratios=compared, goals=goals)
