"""Run a function of a benchmark script in a fresh process and report its time and peak memory.

A benchmark script calls ``measure(__file__, "function", argument=...)``; the function is called with the arguments in
a new Python process, returns something that JSON can hold, and is timed there from call to return (the imports at the
head of the script come before). The peak is that of the whole process, interpreter and libraries included.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MEBIBYTE = 2**20


@dataclass(frozen=True)
class Measurement:
    """`seconds` that the function took, `peak` memory of its process in bytes, and what it returned."""

    seconds: float
    peak: int
    result: Any

    @property
    def peak_mib(self) -> float:
        """Peak memory in MiB."""
        return self.peak / MEBIBYTE


def measure(script: str | Path, function: str, **arguments: object) -> Measurement:
    """Call `function` of the file `script` with `arguments` in a fresh process; RuntimeError where that fails."""
    command = [sys.executable, str(Path(__file__).resolve()), str(Path(script).resolve()), function]
    done = subprocess.run([*command, json.dumps(arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{function} of {script} failed:\n{done.stderr}")
    return Measurement(**json.loads(done.stdout.splitlines()[-1]))


def peak_memory() -> int:
    """Return the peak resident memory of this process in bytes.

    Linux counts into ``ru_maxrss`` what the parent had before it started this program, so its own mark comes first.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def machine() -> str:
    """Describe the processor, its cores that may be used, and Python."""
    model = platform.processor() or platform.machine()
    information = Path("/proc/cpuinfo")
    if information.exists():
        fields = dict(line.split(":", 1) for line in information.read_text().splitlines() if ":" in line)
        model = next((value.strip() for name, value in fields.items() if name.strip() == "model name"), model)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{model}, {cores} cores, Python {platform.python_version()}"


def _call(script: str, function: str, arguments: str) -> None:
    spec = importlib.util.spec_from_file_location("benchmark", script)
    if spec is None or spec.loader is None:
        raise ImportError(f"cannot load {script}")
    module = importlib.util.module_from_spec(spec)
    sys.modules["benchmark"] = module
    sys.path.insert(0, str(Path(script).parent))
    spec.loader.exec_module(module)
    values = json.loads(arguments)
    begin = time.perf_counter()
    result = getattr(module, function)(**values)
    seconds = time.perf_counter() - begin
    print(json.dumps({"seconds": seconds, "peak": peak_memory(), "result": result}))


if __name__ == "__main__":
    _call(*sys.argv[1:])
