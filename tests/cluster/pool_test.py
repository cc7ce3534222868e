#!/usr/bin/env python3
"""Four agents on loopback, each with its own keys and state: who helps whom, who may, and what is left of it."""

import json
import os
import re
import subprocess
import unittest

import cluster
from cluster import Pool
from harness import ProcessTest, read_file, wait_until

NAMES = ["alpha", "beta", "gamma", "delta"]


class PoolTest(ProcessTest):
    def pool(self, names=NAMES, slots=1, agreed=False):
        pool = Pool(self.path("pool"), names, slots)
        if agreed:
            for node in pool:
                os.makedirs(node.state, mode=0o700)
                with open(os.path.join(node.state, "gibbon.toml"), "w") as file:
                    file.write("allow_weak_sandbox = true\n")
        return pool

    def run_list(self, node, count, *words, line="sleep 0.05; echo {}"):
        """A list of so many items, exactly done; who did how much of it."""
        items = [f"item-{i}" for i in range(count)]
        ended = node.command("run", "--jsonl", *words, line, ":::", *items)
        self.assertEqual(ended.code, 0, ended.message)
        results = [json.loads(each) for each in ended.out.splitlines()]
        results = [each for each in results if "seq" in each]
        self.assertEqual(sorted(each["stdout"] for each in results), sorted(item + "\n" for item in items))
        self.assertEqual(len({each["seq"] for each in results}), count)
        return ended

    @staticmethod
    def shares(ended):
        """From "... on 3 nodes: alpha 20, beta 20, gamma 10."."""
        found = re.search(r" on \d+ nodes?: (.*)\.\n", ended.message)
        return {name: int(count) for name, count in re.findall(r"(\S+) (\d+)", found.group(1))} if found else {}

    def test_the_inviters_job_runs_everywhere_and_a_newcomers_stays_at_home_until_owners_agree(self):
        with self.pool() as pool:
            pool.wait_for_links()
            ended = self.run_list(pool["alpha"], 120)
            self.assertEqual(set(self.shares(ended)), set(NAMES), ended.message)
            refused = self.run_list(pool["gamma"], 20)
            self.assertEqual(self.shares(refused), {})
            self.assertIn("does not help: it has no sandbox", refused.message)
            self.assertIn("allow_weak_sandbox = true", refused.message)
        self.assertEqual([each for node in pool for each in node.remnants()], [])

    def test_where_owners_agree_every_machine_may_launch(self):
        with self.pool(agreed=True) as pool:
            pool.wait_for_links()
            for node in pool:
                self.assertEqual(set(self.shares(self.run_list(node, 80))), set(NAMES), node.name)

    def test_the_output_in_order_is_that_of_a_shell_loop(self):
        with self.pool() as pool:
            items = [str(i) for i in range(300)]
            ended = pool["alpha"].checked("run", "-k", "echo {}; echo {} | sha256sum", ":::", *items)
            loop = subprocess.run(["/bin/sh", "-c", 'for i; do echo "$i"; echo "$i" | sha256sum; done', "-", *items],
                                  capture_output=True, check=True)
            self.assertEqual(ended.out, loop.stdout)

    def test_nobody_is_asked_by_a_job_that_stays_at_home(self):
        with self.pool() as pool:
            pool.wait_for_links()
            events = pool["alpha"].directory + "/run.jsonl"
            ended = self.run_list(pool["alpha"], 30, "-b", "0", "--events", events)
            self.assertEqual(self.shares(ended), {})
            said = {json.loads(line)["what"] for line in read_file(events).splitlines()}
            self.assertIn("commit", said)
            self.assertFalse(said & {"probe", "grant"}, said)

    def test_no_master_has_more_helpers_than_the_branch_number(self):
        with self.pool() as pool:
            pool.wait_for_links()
            self.run_list(pool["alpha"], 150, "-b", "2")
            grants = [each for node in pool for each in node.record() if each["what"] == "grant"]
            self.assertTrue(grants)
            self.assertLessEqual(max(each["helpers"] for each in grants), 2)

    def test_with_the_branch_number_one_helpers_form_a_chain(self):
        with self.pool() as pool:
            pool.wait_for_links()
            ended = self.run_list(pool["alpha"], 200, "-b", "1")
            self.assertEqual(set(self.shares(ended)), set(NAMES), ended.message)
            masters = {}
            for node in pool:
                for each in node.record():
                    if each["what"] == "granted":
                        masters.setdefault(node.name, set()).add(each["peer"])
            self.assertEqual(self.depth(masters, "alpha"), 3, masters)

    @staticmethod
    def depth(masters, root):
        depth, level = 0, {root}
        seen = {root}
        while True:
            level = {node for node, above in masters.items() if above & level} - seen
            if not level:
                return depth
            seen |= level
            depth += 1

    def test_a_helper_that_is_killed_and_one_that_stands_still_lose_nothing(self):
        with self.pool() as pool:
            pool.wait_for_links()
            running = pool["alpha"].begin("run", "--json", "--range", "0..400", "--grain", "100ms",
                                          "sleep 0.1; echo {lo} {hi}")
            wait_until(lambda: all(any(each["what"] == "start" for each in pool[name].record())
                                   for name in ("beta", "gamma")), "both run something", 20)
            pool["beta"].kill()
            pool["gamma"].stop()
            out, err = running.communicate(timeout=120 * cluster.harness.SCALE)
            pool["gamma"].go_on()
            self.assertEqual(running.returncode, 0, err.decode())
            pieces = sorted((int(each["lo"]), int(each["hi"])) for each in json.loads(out)["results"])
            self.assertEqual(pieces[0][0], 0)
            self.assertEqual(pieces[-1][1], 400)
            for before, after in zip(pieces, pieces[1:]):
                self.assertEqual(before[1], after[0])
            # One that stood still is used again.
            wait_until(lambda: "gamma" in self.shares(self.run_list(pool["alpha"], 60)), "gamma helps again", 60)


if __name__ == "__main__":
    unittest.main(verbosity=2)
