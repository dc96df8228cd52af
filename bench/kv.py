"""kv: the key-value store, in parts. A part is a file of its own with a function from the build folder to a report."""

import kv_batch
import kv_checkpoint
import kv_combine
import kv_engines
import kv_export
import kv_list
import kv_single
import kv_watch

PARTS = {"kv_single": kv_single.kv_single, "kv_batch": kv_batch.kv_batch, "kv_list": kv_list.kv_list,
         "kv_engines": kv_engines.kv_engines, "kv_checkpoint": kv_checkpoint.kv_checkpoint,
         "kv_combine": kv_combine.kv_combine, "kv_export": kv_export.kv_export, "kv_watch": kv_watch.kv_watch}
