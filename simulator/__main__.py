"""`python -m simulator --home DIR --topology NAME_OR_FILE`: run a simulator in the foreground."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from simulator.app import StartError, serve
from simulator.store import StateError
from simulator.topology import TopologyError, load


def main() -> int:
    """Read the arguments and serve until a signal ends it."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description="Proxmox VE on loopback")
    parser.add_argument("--home", type=Path, required=True, help="directory of the state")
    parser.add_argument("--topology", required=True, help="a shipped topology's name, or a YAML file")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    arguments.home.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        topology = load(arguments.topology)
        home = arguments.home.resolve()
        os.chdir(home)
        asyncio.run(serve(home, topology))
    except StateError as error:
        sys.stderr.write(f"{error}; to begin anew: proxmox-labs sim reset {arguments.topology}\n")
        return 1
    except (StartError, TopologyError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
