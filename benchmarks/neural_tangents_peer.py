"""The other side of `neural_tangents`: its pinned environment, and the servers in it."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["PINNED", "PINNED_ALONE", "Peer", "create_environment", "peer_of"]

PINNED = (
    "jax==0.4.30",
    "jaxlib==0.4.30",
    "numpy==1.26.4",
    "scipy==1.13.1",
    "ml_dtypes==0.5.4",
    "opt_einsum==3.4.0",
    "frozendict==2.4.4",
)
PINNED_ALONE = "neural-tangents==0.6.5"  # without its dependencies: TensorFlow is only needed by its experimental part
PYTHONS = ((3, 10), (3, 12))  # for which those versions have wheels
SIDE = Path(__file__).with_name("neural_tangents_side.py")


class Peer:
    """Two servers in the pinned environment, for 64 and for 32 bits: JAX decides that once for a process."""

    def __init__(self, environment: Path, folder: Path) -> None:
        python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if not python.exists():
            raise SystemExit(f"no Python in {environment}; make it with --create-environment {environment}")
        flags = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        known = {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
        self.folder, self.count = folder, 0
        self.servers = {
            bits: subprocess.Popen(
                [str(python), "-I", str(SIDE), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                env=known,
            )
            for bits, arguments in ((64, ["--x64"]), (32, []))
        }

    def ask(self, bits: int, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer."""
        server = self.servers[bits]
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(request) + "\n")
        server.stdin.flush()
        line = server.stdout.readline()
        reply = json.loads(line) if line else {"error": f"its server ended; run {SIDE.name} by hand to see why"}
        if "error" in reply:
            raise SystemExit(f"neural-tangents: {reply['error']}")
        return reply

    def __call__(self, kind, layer, depth, x, y=None, *, weight=1.0, bias=0.0, degree=0):
        """Return the matrix of neural-tangents, and the seconds it took."""
        self.count += 1
        names = [str(self.folder / f"{self.count % 8}{part}.npy") for part in ("x", "y", "out")]
        np.save(names[0], x)
        if y is not None:
            np.save(names[1], y)
        request = {"layer": layer, "depth": depth, "weight": weight, "bias": bias, "degree": degree, "kind": kind}
        files = {"x": names[0], "y": None if y is None else names[1], "out": names[2]}
        seconds = self.ask(32 if x.dtype == np.float32 else 64, task="kernel", **request, **files)["seconds"]
        return np.load(names[2]), seconds

    def close(self) -> None:
        """End both servers."""
        for server in self.servers.values():
            assert server.stdin is not None
            server.stdin.close()
            server.wait()


@contextlib.contextmanager
def peer_of(environment: Path | None) -> Iterator[Peer | None]:
    if environment is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        peer = Peer(environment, Path(folder))
        try:
            yield peer
        finally:
            peer.close()


def create_environment(folder: Path, interpreter: str | None) -> None:
    """Make the pinned environment with a Python for which its wheels exist."""
    python = interpreter or _suitable_python()
    print(f"environment {folder} from {python}", flush=True)
    if interpreter is None and python == sys.executable:
        venv.create(folder, with_pip=True)
    else:
        subprocess.run([python, "-m", "venv", str(folder)], check=True)
    own = str(folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))
    subprocess.run([own, "-m", "pip", "install", "--quiet", *PINNED], check=True)
    subprocess.run([own, "-m", "pip", "install", "--quiet", "--no-deps", PINNED_ALONE], check=True)


def _suitable_python() -> str:
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return sys.executable
    raise SystemExit("jaxlib 0.4.30 has wheels for Python 3.10 to 3.12; name such an interpreter with --python")
