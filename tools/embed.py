#!/usr/bin/python3
"""Write the migrations below a directory as C arrays: embed.py sql/migrations OUT.c

Each folder is a set, each .sql file in it a migration. OUT is left alone when nothing changed, so that a build which
always runs this recompiles only after an edit.
"""
import os
import sys


def array(name, data):
    lines = [f"static const char {name}[] = {{"]
    for at in range(0, len(data), 24):
        lines.append("\t" + "".join(f"{b if b < 128 else b - 256}," for b in data[at:at + 24]))
    lines.append("\t0,\n};" if not data else "};")
    return "\n".join(lines)


def sets_below(root):
    for name in sorted(os.listdir(root)):
        folder = os.path.join(root, name)
        if os.path.isdir(folder):
            yield name, folder, sorted(f for f in os.listdir(folder) if f.endswith(".sql") and f[0] != ".")


def render(root):
    out = ["/* Made by tools/embed.py from sql/migrations. */", '#include "migrate/set.h"', ""]
    sets = []
    for s, (name, folder, files) in enumerate(sets_below(root)):
        rows = []
        for f, file in enumerate(files):
            with open(os.path.join(folder, file), "rb") as source:
                data = source.read()
            out.append(array(f"text_{s}_{f}", data))
            rows.append(f'\t{{"{file}", {{text_{s}_{f}, {len(data)}}}}},')
        out += [f"static const struct set_file files_{s}[] = {{", *(rows or ["\t{0},"]), "};", ""]
        sets.append(f'\t{{"{name}", files_{s}, {len(files)}}},')
    out += ["const struct embedded_set embedded_sets[] = {", *(sets or ["\t{0},"]), "};",
            f"const size_t embedded_sets_count = {len(sets)};", ""]
    return "\n".join(out)


def main(root, target):
    text = render(root)
    try:
        with open(target, encoding="ascii") as old:
            if old.read() == text:
                return
    except FileNotFoundError:
        pass
    with open(target, "w", encoding="ascii") as new:
        new.write(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
