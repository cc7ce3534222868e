#!/usr/bin/env python3
"""What a pool costs: a task at a helper, an idle member, silence, and many members on one machine.

    tests/bench/pool.py [tasks] [idle] [silence] [members] [--gibbon BINARY] [--floor SPAWN_FLOOR] [--trials N]

tasks    two agents with one slot each over loopback, 10,000 x /bin/true, against a posix_spawn loop with two children
         outstanding and the same environment, alternating in one run; and a no-op iteration to a warm helper and back
idle     a member with three links that does nothing: memory and processor time of a minute, messages
silence  a helper holds an iteration of 2 s, the master's slot is free: from `kill -9`, SIGSTOP or a one-way cut of the
         helper to the start elsewhere
members  50 agents join through one seed; a job of 2,000 x `sleep 0.1`; 40 of them die in the next one

Exit code 1 if a bar is missed. Real processes; nothing but loopback.
"""
import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests/cluster"), str(ROOT / "tests/process"), str(ROOT / "tests/bench")]


def options_of(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=["tasks", "idle", "silence", "members"])
    parser.add_argument("--gibbon", default=str(ROOT / "build/release/gibbon"))
    parser.add_argument("--floor", default=str(ROOT / "build/release/tests/bench/spawn_floor"))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--trials", type=int, default=50)
    return parser.parse_args(words)


OPTIONS = options_of(sys.argv[1:])
os.environ["GIBBON"] = OPTIONS.gibbon

import processes  # noqa: E402
from cluster import Pool  # noqa: E402
from harness import read_file, wait_until  # noqa: E402
from network import Network, why_not  # noqa: E402
from tasks import Bars, alternate, measure, task_environment  # noqa: E402


def timed(run):
    begun = time.monotonic()
    run()
    return (time.monotonic() - begun,)


def tasks(work, bars):
    print("two agents with one slot each, 10,000 x /bin/true:")
    with Pool(str(work / "tasks"), ["alpha", "beta"]) as pool:
        pool.wait_for_links()
        alpha = pool["alpha"]
        environment = task_environment(OPTIONS.gibbon)
        numbers = work / "numbers"
        numbers.write_text("".join(f"{i}\n" for i in range(10_000)))
        shares = []

        def run():
            ended = alpha.checked("run", "-a", str(numbers), "/bin/true", timeout=300)
            shares.append(ended.message.strip())

        seen = alternate(OPTIONS.rounds,
                         floor=lambda: measure([OPTIONS.floor, "2", "10000", "/bin/true"], env=environment)[:1],
                         pool=lambda: timed(run))
        print(f"  {shares[-1]}")
        print(f"  floor {seen['floor'][0]:.3f} s, pool {seen['pool'][0]:.3f} s")
        bars.check("two agents over loopback / posix_spawn floor", seen["pool"][0] / seen["floor"][0], 1.5)


def processor_seconds(pid):
    fields = processes.read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def idle(work, bars):
    print("an idle member with three links, for a minute:")
    with Pool(str(work / "idle"), ["alpha", "beta", "gamma", "delta"]) as pool:
        pool.wait_for_links()
        # Each has run something, so its launchers are there.
        pool["alpha"].checked("run", "-q", "sleep 0.2", ":::", *map(str, range(40)))
        alpha = pool["alpha"]
        wait_until(lambda: len(alpha.peers()["peers"]) == 3, "three links", 60)
        everybody = [alpha.agent.pid, *processes.below(alpha.agent.pid, processes.all_processes())]
        before = {pid: processor_seconds(pid) for pid in everybody}
        time.sleep(60)
        used = sum(processor_seconds(pid) - before[pid] for pid in everybody)
        pss = sum(processes.memory_kib(pid, "Pss") for pid in everybody)
        print(f"  links at the end: {len(alpha.peers()['peers'])}, processes: {len(everybody)}")
        bars.check("PSS with launchers, MiB", pss / 1024, 8)
        bars.check("processor time of a minute, ms", used * 1000, 60)


def silence(work, bars):
    for how, bar_median, bar_most in (("kill", 0.010, 0.050), ("stop", 4.0, 12.0), ("cut", 4.0, 12.0)):
        if how == "cut" and why_not():
            print(f"one-way cuts: not measured: {why_not()}")
            continue
        print(f"a helper with an iteration of 2 s, {how}:")
        delays = []
        for trial in range(OPTIONS.trials):
            delays.append(one_silence(work / f"{how}-{trial}", how))
        print(f"  {len(delays)} trials: median {statistics.median(delays):.4f} s, most {max(delays):.4f} s")
        bars.check(f"{how}: median from silence to the start elsewhere, s", statistics.median(delays), bar_median)
        bars.check(f"{how}: the longest, s", max(delays), bar_most)


def one_silence(directory, how):
    names = ["alpha", "beta"]
    with Network(names) if how == "cut" else contextlib.nullcontext() as network, \
            Pool(str(directory), names, network=network) as pool:
        pool.wait_for_links()
        alpha, beta = pool["alpha"], pool["beta"]
        starts = directory / "starts"
        # The first task is alpha's and short; the second one is beta's, and alpha is free meanwhile.
        line = f'echo "$GIBBON_NODE {{}} $(date +%s.%N)" >> {starts}; sleep {{}}'
        running = alpha.begin("run", "-b", "1", line, ":::", "0.6", "2")

        def begun(node):
            return [each.split() for each in read_file(str(starts)).decode().splitlines() if each.startswith(node)]

        wait_until(lambda: [each for each in begun("beta") if each[1] == "2"], "beta has the long one", 20)
        wait_until(lambda: len(begun("alpha")) == 1, "alpha has the short one", 20)
        time.sleep(0.9)
        at = time.time()
        {"kill": beta.kill, "stop": beta.stop, "cut": lambda: network.cut("beta")}[how]()
        wait_until(lambda: [each for each in begun("alpha") if each[1] == "2"], "it is begun again", 30)
        again = float([each for each in begun("alpha") if each[1] == "2"][0][2])
        if how == "stop":
            beta.go_on()
        running.communicate(timeout=60)
        return again - at


def members(work, bars):
    print("50 members on this machine:")
    names = [f"node{i:02}" for i in range(50)]
    pool = Pool(str(work / "members"), names)
    try:
        root = pool.founder
        root.start()
        token = pool.invite(uses=49)
        others = list(pool)[1:]
        for node in others:
            node.checked("join", "--no-start", "--name", node.name, token)
        begun = time.monotonic()
        for node in others:
            node.launch()
        for node in others:
            node.wait_for_answer()
        wait_until(lambda: all(node.status()["pool"]["links"] >= 1 for node in others), "all are linked", 60)
        bars.check("from the first start until all 50 are linked, s", time.monotonic() - begun, 5)
        ended = root.checked("run", "--json", "sleep 0.1", ":::", *map(str, range(2_000)), timeout=120)
        used = {each["node"] for each in json.loads(ended.out)["results"]}
        print(f"  {ended.message.strip()}")
        bars.check("members that did nothing", 50 - len(used), 0)
        running = root.begin("run", "-k", "sleep 0.1; echo {}", ":::", *map(str, range(2_000)))
        time.sleep(1.5)
        for node in others[:40]:
            node.kill()
        out, err = running.communicate(timeout=180)
        print(f"  with 40 killed: {err.decode().strip()}")
        good = running.returncode == 0 and out.decode().split() == [str(i) for i in range(2_000)]
        bars.check("wrong results with 40 killed", 0 if good else 1, 0)
    finally:
        pool.end()


def main():
    processes.become_subreaper()
    work = Path(tempfile.mkdtemp(prefix="gibbon-bench-"))
    bars = Bars()
    try:
        for what in OPTIONS.what:
            globals()[what](work, bars)
        return 1 if bars.missed else 0
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
