"""kv_checkpoint: a checkpoint while four writers write, against a copy; going back, against putting the copy back."""

from report import Report, goal, median
from small import samples
from kv_store import DATABASE, ROWS, store

METHOD = ("hf_kv_checkpoint_create() without counting while 4 threads put random keys durably, against CREATE TABLE AS of the same "
          "rows under the same writers, and the seed's one JSONB value of 100,000 of them, made in the server; "
          "hf_kv_checkpoint_restore() with its undo after every 100th and every 2nd key was put again, against DELETE and "
          "INSERT..SELECT of all rows of the plain table, and against loading all rows into a table like the store's that takes its "
          "place; peak: VmHWM of `kv checkpoint create` (which counts) and `restore`")


def _peak_mib(server):
    made, _, create = server.run(DATABASE, "kv", "checkpoint", "create")
    server.run(DATABASE, "kv", "put", "key:00000000000000000001", "x")
    return max(create, server.run(DATABASE, "kv", "checkpoint", "restore", made["id"])[2])


def kv_checkpoint(build):
    report = Report("kv_checkpoint", build, METHOD)
    with store(build) as (server, url):
        sides = samples(build, "bench-kv-checkpoint", url, ROWS, 31)["samples"]
        settings, peak = server.settings(), _peak_mib(server)
    medians = {name: median(values) for name, values in sides.items()}
    return report.close(
        rows=ROWS, server=settings, samples=sides, medians=medians,
        goals={"create_ms": goal(medians["create_ms"], most=10),
               "create_of_copy": goal(round(medians["create_ms"] / medians["copy_ms"], 5), most=0.02),
               "restore_1_percent": goal(round(medians["delete_and_insert_s"] / medians["restore_1_percent_s"], 1), least=10),
               "restore_50_percent": goal(round(medians["restore_50_percent_s"] / medians["load_aside_s"], 3), most=1),
               "peak_mib": goal(peak, most=32)})
