"""The servers of `measure.py`, one process for each peer and number of threads, and how to ask them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PEERS: dict[str, tuple[str, ...]] = {
    "symnet": ("symnet",),
    "torch": ("torch", "torch-compile", "torch-compile-step"),
    "jax": ("jax", "jax-scan"),
    "pytensor": ("pytensor", "pytensor-scan"),
    "numpy": ("numpy",),
    "sklearn": ("sklearn",),
    "gemms": ("gemms", "gemms-t"),
}
FLOOR = PEERS["gemms"]  # not peers: they train nothing


class PeerError(Exception):
    """A peer is not installed, failed, or went away."""


def environment(peer: str) -> dict[str, str]:
    """symnet is run from this repository, whether it is installed or not."""
    if peer != "symnet":
        return dict(os.environ)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))}


def python_of(peer: str, python_of_peers: str) -> str:
    """symnet lives in this Python; PyTensor needs an older Numba, so the peers have one of their own."""
    return sys.executable if peer == "symnet" else python_of_peers


class Server:
    """One peer in a process of its own."""

    def __init__(self, peer: str, python: str, threads: int) -> None:
        self.peer = peer
        command = [python, str(HERE / "measure.py"), f"{peer}_peer", "--threads", str(threads)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment(peer),
        )

    def ask(self, op: str, **details: Any) -> dict[str, Any]:
        """The answer, once it has come."""
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.write(json.dumps({"op": op, **details}) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise PeerError(f"{self.peer}: the server has ended") from None
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the server has ended"}
        if "error" in answer:
            raise PeerError(f"{self.peer}: {answer['error']}")
        return answer

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        try:
            self.process.stdin.close()
            self.process.wait(timeout=10)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            self.process.kill()
        self.process.stdout.close()


class Servers(dict[str, Server]):
    """The servers of some variants, those that answered; closed together."""

    def __init__(self, variants: list[str], python_of_peers: str, threads: int) -> None:
        self.versions: dict[str, dict[str, str]] = {}
        for peer, provided in PEERS.items():
            wanted = [variant for variant in provided if variant in variants]
            if wanted:
                self.start(peer, wanted, Server(peer, python_of(peer, python_of_peers), threads))

    def start(self, peer: str, wanted: list[str], server: Server) -> None:
        """Enlist a server under its variants, unless it cannot import its peer."""
        try:
            self.versions[peer] = server.ask("about")["versions"]
        except PeerError as error:
            print(f"left out: {error}", file=sys.stderr)
            server.close()
            return
        self.update(dict.fromkeys(wanted, server))

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for server in set(self.values()):
            server.close()
