#!/usr/bin/env python3
"""Agents in networks of their own, and what becomes of a job when one is cut off in one direction, or reset."""

import json
import time
import unittest

from cluster import Pool
from harness import SCALE, ProcessTest, wait_until
from network import Network, why_not

NAMES = ["alpha", "beta", "gamma"]


@unittest.skipIf(why_not(), f"skipped: {why_not()}")
class NetworkTest(ProcessTest):
    def joined(self, network):
        pool = Pool(self.path("pool"), NAMES, network=network)
        return pool

    def live_through(self, strike):
        """A job of 120 short tasks on three nodes, one of which is struck in the middle."""
        with Network(NAMES) as network, self.joined(network) as pool:
            pool.wait_for_links()
            job = pool["alpha"].begin("run", "--json", "sleep 0.1; echo {}", ":::", *map(str, range(120)))
            wait_until(lambda: any(each["what"] == "end" for each in pool["beta"].record()), "beta works", 20)
            begun = time.monotonic()
            strike(network)
            out, err = job.communicate(timeout=90 * SCALE)
            seconds = time.monotonic() - begun
            self.assertEqual(job.returncode, 0, err.decode())
            results = json.loads(out)["results"]
            self.assertEqual(sorted(int(each["stdout"]) for each in results), list(range(120)))
            # Whoever is cut off stops what it does for others when its lease is over.
            wait_until(lambda: pool["beta"].status()["running"] == 0, "beta has stopped", 30)
            return seconds

    def test_one_that_is_not_heard_any_more_delays_a_job_by_seconds(self):
        seconds = self.live_through(lambda net: net.cut("beta", "output"))
        self.assertLess(seconds, 30 * SCALE)

    def test_one_that_hears_nothing_any_more_delays_a_job_by_seconds(self):
        seconds = self.live_through(lambda net: net.cut("beta", "input"))
        self.assertLess(seconds, 30 * SCALE)

    def test_one_whose_links_are_reset_delays_a_job_by_seconds(self):
        seconds = self.live_through(lambda net: net.reset("beta"))
        self.assertLess(seconds, 30 * SCALE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
