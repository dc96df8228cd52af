"""The installed tree, for tests that stand where a user of the library stands."""

import pathlib
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "cli"))
from command import BUILD, environment  # noqa: E402

SANITIZED = "-fsanitize=" in (BUILD / "build.ninja").read_text()


def install(root):
    """`make install` below `root`, with a pkg-config file that says where it really is; gives the prefix."""
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root], check=True, capture_output=True)
    (found,) = root.rglob("holdfast.pc")
    first, *rest = found.read_text().splitlines(keepends=True)
    assert first.startswith("prefix=/")
    prefix = pathlib.Path(f"{root}{first.strip().removeprefix('prefix=')}")
    found.write_text("".join([f"prefix={prefix}\n", *rest]))
    return prefix


def env(prefix):
    """What makes the tree usable without being where it was built for."""
    (pc,) = prefix.rglob("holdfast.pc")
    variables = environment(PKG_CONFIG_PATH=str(pc.parent), LD_LIBRARY_PATH=str(pc.parent.parent))
    return {**variables, "PATH": f"{prefix}/bin:{variables['PATH']}"}
