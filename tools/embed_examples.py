#!/usr/bin/python3
"""Write files of the projects below examples/ as C arrays, for `holdfast gen --init`: embed_examples.py TOP OUT.c FILE...

The first folder below TOP is the build system that a project is for.
"""
import pathlib
import sys

from embed import array


def main(top, target, *files):
    out = ["/* Made by tools/embed_examples.py from examples. */", '#include "gen/skeleton.h"', ""]
    rows = []
    for i, path in enumerate(map(pathlib.Path, files)):
        system, *name = path.resolve().relative_to(pathlib.Path(top).resolve()).parts
        data = path.read_bytes()
        out.append(array(f"text_{i}", data))
        rows.append(f'\t{{"{system}", "{"/".join(name)}", {{text_{i}, {len(data)}}}}},')
    out += ["const struct skeleton_file skeleton_files[] = {", *rows, "};",
            f"const size_t skeleton_files_count = {len(rows)};", ""]
    pathlib.Path(target).write_text("\n".join(out), encoding="ascii")


if __name__ == "__main__":
    main(*sys.argv[1:])
