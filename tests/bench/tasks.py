#!/usr/bin/env python3
"""What a task costs: gibbon against a posix_spawn loop, xargs and GNU parallel, in one run.

    tests/bench/tasks.py [--gibbon BINARY] [--floor SPAWN_FLOOR] [--rounds N] [--quick]

The floor is spawn_floor.c: as many children outstanding as there are slots, nothing captured, the environment that
gibbon's tasks get. gibbon captures outputs and applies level 0. All runs of a comparison alternate, so that drift of the
machine hits each alike; the ratio of medians is printed beside the bar it has to keep. Exit code 1 if one is missed.
"""
import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def measure(command, stdin=None, env=None):
    """Wall and CPU seconds of a command and everything below it that was waited for."""
    with open(stdin or os.devnull, "rb") as source:
        begun = time.monotonic()
        child = subprocess.Popen(command, stdin=source, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env)
        _, status, usage = os.wait4(child.pid, 0)
        wall = time.monotonic() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{command[0]} exited with {child.returncode}")
    return wall, usage.ru_utime + usage.ru_stime


def alternate(rounds, **runs):
    """Medians (wall, cpu) of each run."""
    seen = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            seen[name].append(run())
    return {name: tuple(statistics.median(part) for part in zip(*values)) for name, values in seen.items()}


def task_environment(gibbon):
    """What gibbon gives a task, so that the floor's children start with the same."""
    shown = subprocess.run([gibbon, "run", "-q", "--", "env", "-0"], stdin=subprocess.DEVNULL, capture_output=True, check=True)
    return dict(entry.split("=", 1) for entry in shown.stdout.decode().split("\0") if entry)


class Bars:
    def __init__(self):
        self.missed = 0

    def check(self, what, value, bar):
        good = value <= bar
        self.missed += not good
        print(f"  {what:<58} {value:7.3f}   (at most {bar}){'' if good else '   MISSED'}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--gibbon", default=str(ROOT / "build/release/gibbon"))
    parser.add_argument("--floor", default=str(ROOT / "build/release/tests/bench/spawn_floor"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="a tenth of the tasks, without the 100,000")
    options = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="gibbon-bench-"))
    try:
        return 1 if run_all(options, work) else 0
    finally:
        shutil.rmtree(work)


def run_all(options, work):
    bars = Bars()
    slots = 2
    environment = task_environment(options.gibbon)

    def items(count, text="x"):
        path = work / f"{count}-of-{text}"
        if not path.exists():
            path.write_text(f"{text}\n" * count)
        return str(path)

    def gibbon(count, program, argument="x"):
        run = [options.gibbon, "run", "-q", "-j", str(slots), program]
        return lambda: measure(run, stdin=items(count, argument))

    def floor(count, *command):
        return lambda: measure([options.floor, str(slots), str(count), *command], env=environment)

    count = 1_000 if options.quick else 10_000
    print(f"{count} x /bin/true on {slots} slots, medians of {options.rounds}")
    runs = {
        "floor": floor(count, "/bin/true", "x"),
        "gibbon": gibbon(count, "/bin/true"),
        "xargs -P2": lambda: measure(["xargs", "-P", str(slots), "-n", "1", "/bin/true"], stdin=items(count), env=environment),
    }
    seen = alternate(options.rounds, **runs)
    if shutil.which("parallel"):
        few = max(count // 10, 500)
        wall, cpu = measure(["parallel", "-j", str(slots), "/bin/true"], stdin=items(few), env={**environment, "HOME": str(work)})
        seen["GNU parallel"] = (wall * count / few, cpu * count / few)
    base_wall, base_cpu = seen["floor"]
    for name, (wall, cpu) in seen.items():
        print(f"  {name:<14} wall {wall:7.3f} s ({wall / base_wall:5.2f})   cpu {cpu:7.3f} s ({cpu / base_cpu:5.2f})   "
              f"{wall / count * 1e6:7.1f} us a task")
    bars.check("wall, gibbon / floor", seen["gibbon"][0] / base_wall, 1.25)
    bars.check("CPU, gibbon / floor", seen["gibbon"][1] / base_cpu, 1.6)

    print("1,000 x sleep 0.01")
    seen = alternate(options.rounds, floor=floor(1_000, "/bin/sleep", "0.01"), gibbon=gibbon(1_000, "/bin/sleep", "0.01"))
    bars.check("wall, gibbon / floor", seen["gibbon"][0] / seen["floor"][0], 1.03)

    if not options.quick:
        print("cost of a task in a short and in a long job")
        costs = {}
        for size in (1_000, 100_000):
            costs[size] = statistics.median(gibbon(size, "/bin/true")()[0] for _ in range(options.rounds)) / size
            print(f"  {size:>7} tasks: {costs[size] * 1e6:6.1f} us each")
        bars.check("100,000 against 1,000", costs[100_000] / costs[1_000], 1.10)
    return bars.missed


if __name__ == "__main__":
    sys.exit(main())
