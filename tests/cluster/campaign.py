#!/usr/bin/env python3
"""Seeded lives of small pools of real agents: jobs, and what befalls the helpers meanwhile.

    tests/cluster/campaign.py [--seeds A:B] [--jobs N] [--kind list|range|once] [--keep] [--gibbon BINARY]

Each seed draws a pool of three to five agents, a job that is launched on the first one, and faults that strike the
others: kill -9 (some are started again), SIGSTOP for a while. After it: the answer is the serial one, every iteration was
committed once, what was begun again as lost is at most what was lost, jobs that start nothing twice did not (counted in a
log that the tasks themselves append to), every agent that was not killed is alive, and nothing is left behind.

A seed that fails is printed with what happened; `--keep` leaves its directory. Exit code 1 if one did.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NAMES = ["alpha", "beta", "gamma", "delta", "epsilon"]
JOB_SECONDS_MAX = 120


def options_of(words):
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", default="1:200")
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--kind", choices=["list", "range", "once"])
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--gibbon", default=os.environ.get("GIBBON", str(ROOT / "build/release/gibbon")))
    return parser.parse_args(words)


class Wrong(Exception):
    """What must not be."""


def hold(condition, what):
    if not condition:
        raise Wrong(what)


class Life:
    def __init__(self, seed, directory, kind):
        self.random = random.Random(seed)
        self.directory = Path(directory)
        self.names = NAMES[: self.random.randint(3, len(NAMES))]
        self.kind = kind or self.random.choice(["list", "list", "range", "once"])
        self.count = self.random.randint(60, 160)
        self.starts = self.directory / "starts"
        self.faults = []
        self.killed = set()

    def words(self):
        """Each task says in the log that it was begun, and works for a while."""
        say = f'echo {{lo}} >> {self.starts}' if self.kind == "range" else f'echo {{}} >> {self.starts}'
        pause = self.random.choice(["0.05", "0.1", "0.2"])
        branch = ["-b", str(self.random.choice([1, 2, 8]))]
        if self.kind == "range":
            return ["run", "--json", *branch, "--range", f"0..{self.count}", "--grain", "200ms",
                    f"{say}; sleep {pause}; seq {{lo}} $(({{hi}} - 1))"]
        once = ["--no-reexec"] if self.kind == "once" else []
        return ["run", "--json", *branch, *once, f"{say}; sleep {pause}; echo {{}}", ":::", *map(str, range(self.count))]

    def schedule(self):
        """When what befalls whom: (seconds, name, what), in order."""
        victims = self.names[1:]
        for _ in range(self.random.randint(1, 4)):
            at, victim = self.random.uniform(0.3, 4.0), self.random.choice(victims)
            what = self.random.choice(["kill", "kill and start", "stop", "stop"])
            self.faults.append((at, victim, what))
            if what == "kill and start":
                self.faults.append((at + self.random.uniform(0.5, 3.0), victim, "start"))
            if what == "stop":
                self.faults.append((at + self.random.uniform(0.5, 14.0), victim, "go on"))
        self.faults.sort()
        return list(self.faults)

    def befall(self, pool, name, what):
        node = pool[name]
        if what == "start":
            if not node.alive:
                node.start()
                self.killed.discard(name)
        elif node.alive:
            {"kill": node.kill, "kill and start": node.kill, "stop": node.stop, "go on": node.go_on}[what]()
            if what.startswith("kill"):
                self.killed.add(name)

    def live(self):
        from cluster import Pool

        with Pool(str(self.directory / "pool"), self.names, slots=self.random.randint(1, 2)) as pool:
            pool.wait_for_links(60)
            faults = self.schedule()
            job = pool.founder.begin(*self.words())
            begun = time.monotonic()
            for at, name, what in faults:
                time.sleep(max(0.0, begun + at - time.monotonic()))
                self.befall(pool, name, what)
            out, err = job.communicate(timeout=JOB_SECONDS_MAX)
            self.judge(job.returncode, out, err.decode(errors="replace"), pool)
            for node in pool:
                hold(node.alive or node.name in self.killed, f"the agent of {node.name} died:\n{node.log()}")
            story = self.story(pool)
        for node in pool:
            # What an agent that was killed left is its successor's to remove.
            left = [] if node.name in self.killed else node.remnants()
            hold(not left, f"left at {node.name}: {left}")
        return story

    def judge(self, code, out, err, pool):
        answer = json.loads(out)
        results = answer["results"]
        lost = [each for each in results if each["outcome"] == "lost"]
        hold(code == 0 or (self.kind == "once" and code == min(len(lost), 101)), f"exit {code}: {err}")
        said = sorted(int(word) for each in results if each["outcome"] == "ok" for word in each["stdout"].split())
        numbers = [each["seq"] for each in results]
        hold(len(set(numbers)) == len(numbers), "an iteration has two results")
        if self.kind == "once":
            hold(len(results) == self.count, f"{len(results)} results of {self.count}")
            begun = collections.Counter(self.starts.read_text().split())
            twice = [number for number, times in begun.items() if times > 1]
            hold(not twice, f"started twice: {twice}")
            hold(len(said) == self.count - len(lost), "an iteration is neither done nor lost")
        else:
            hold(said == list(range(self.count)), f"wrong answer: {len(said)} of {self.count}")
        self.compare_losses(pool)

    def compare_losses(self, pool):
        """What was begun again as lost is at most what was begun and has not ended by itself."""
        redone = lost = 0
        for node in pool:
            what = collections.Counter(each["what"] for each in node.record())
            by_itself = sum(1 for each in node.record() if each["what"] == "end" and each["how"] == "exited")
            redone += what["redo"]
            lost += what["start"] - by_itself
        hold(redone <= lost, f"{redone} begun again as lost, and {lost} were lost")

    def story(self, pool):
        what = collections.Counter(each["what"] for node in pool for each in node.record())
        causes = collections.Counter(each["why"] for node in pool for each in node.record() if each["what"] == "copy")
        return {"kind": self.kind, "faults": len(self.faults), "redo": what["redo"], "silent": causes["silent"],
                "slow": causes["slow"], "lapsed": what["lease_lapsed"], "adopted": what["adopted"]}


def one(seed, kind, keep, gibbon):
    os.environ["GIBBON"] = gibbon
    os.environ.setdefault("GIBBON_TEST_SCALE", "3")
    sys.path[:0] = [str(ROOT / "tests/cluster"), str(ROOT / "tests/process")]
    directory = tempfile.mkdtemp(prefix=f"gibbon-life-{seed}-")
    life = Life(seed, directory, kind)
    try:
        return seed, None, life.live()
    except Exception as error:  # whatever it is, the seed failed by it
        return seed, f"{type(error).__name__}: {error}\n  {life.kind}, {life.names}, faults {life.faults}\n  {directory}", {}
    finally:
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)


def main():
    options = options_of(sys.argv[1:])
    first, last = (int(part) for part in options.seeds.split(":"))
    failed, totals, begun = 0, collections.Counter(), time.monotonic()
    with concurrent.futures.ProcessPoolExecutor(max_workers=options.jobs) as executor:
        lives = [executor.submit(one, seed, options.kind, options.keep, options.gibbon)
                 for seed in range(first, last + 1)]
        for life in concurrent.futures.as_completed(lives):
            seed, problem, story = life.result()
            totals.update({name: value for name, value in story.items() if isinstance(value, int)})
            if problem:
                failed += 1
                print(f"seed {seed} FAILED: {problem}", flush=True)
    print(f"{last - first + 1} seeds, {failed} failed, {time.monotonic() - begun:.0f} s; {dict(totals)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
