"""A program that stands in for kubectl and helm: prints what a cluster would, changes nothing.

A test copies it to where a site declares the tool; each use leaves a line in the file SEEN.
"""

import json
import os
import sys
from pathlib import Path

SAYS: dict[tuple[str, ...], str] = {
    (
        "get",
        "nodes",
    ): "NAME       STATUS     ROLES\nray-head   Ready      head\nray-gpu-1  NotReady   worker",
    ("get", "pods"): "NAMESPACE  NAME            STATUS\nray        worker-gpu-1-0  Pending",
    (
        "get",
        "events",
    ): "LAST SEEN  REASON             OBJECT\n2m         FailedScheduling   pod/worker-gpu-1-0",
    ("list", "--all-namespaces"): "NAME      STATUS\nkuberay   deployed",
    ("scale", "raycluster/dev"): "raycluster/dev scaled",
}


def main(argv: list[str]) -> int:
    """Note what was asked, and answer it."""
    with Path(os.environ["SEEN"]).open("a", encoding="utf-8") as stream:
        stream.write(f"{json.dumps([Path(argv[0]).name, *argv[1:]])}\n")
    said = SAYS.get(tuple(argv[1:3]))
    if said is None:
        sys.stderr.write(f"error: unknown command {' '.join(argv[1:])}\n")
        return 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
