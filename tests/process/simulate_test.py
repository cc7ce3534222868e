"""A simulation as its user meets it: what it says, the same seed twice, what it refuses, full disks, Ctrl-C."""

import json
import os
import re
import signal
import unittest

from harness import ProcessTest, read_file, wait_until

SMALL = ("simulate", "--nodes", "40", "--iterations", "400", "--powers", "1:4", "--kill", "10%")


class Simulate(ProcessTest):
    def test_the_same_seed_is_the_same_run_byte_for_byte(self):
        runs = []
        for name, seed in (("a", "7"), ("b", "7"), ("c", "8")):
            path = os.path.join(self.work, name)
            ended = self.expect(self.gibbon(*SMALL, "--seed", seed, "--trace", path), 0, None)
            runs.append((ended.out, read_file(path)))
        self.assertEqual(runs[0], runs[1])
        self.assertNotEqual(runs[0], runs[2])

    def test_sentences_and_json_tell_the_same(self):
        text = self.expect(self.gibbon(*SMALL), 0).out.decode()
        summary = json.loads(self.expect(self.gibbon(*SMALL, "--json"), 0).out)
        said = re.search(r"^400 iterations on 40 nodes in ([\d.]+) s\n  ideal +([\d.]+) s, ratio ([\d.]+)\n", text)
        self.assertIsNotNone(said, text)
        for figure, name in zip(said.groups(), ("makespan", "ideal", "ratio")):
            self.assertAlmostEqual(float(figure), summary[name], delta=0.01)
        self.assertRegex(text, r"\n  died +4 nodes\n")
        self.assertEqual((summary["nodes_alive"], summary["committed"], summary["ended"]), (36, 400, True))
        self.assertGreaterEqual(summary["makespan"], summary["ideal"])

    def test_what_makes_no_sense_is_refused_with_what_would(self):
        for words, said in (
            (("--nodes", "0"), 'from 1 to 100000, not "0"'),
            (("--nodes", "10000000"), "from 1 to 100000"),
            (("--powers", "4:1"), "from low to high, such as 1 or 1:4"),
            (("--powers", "0.00001"), "from 0.01 to 1000000"),
            (("--cost", "0"), "such as 1s"),
            (("--cost", "2d"), "up to a day"),
            (("--kill", "200%"), "such as 10%"),
            (("-b", "-1"), "from 0 to 1000"),
            (("--cost", "1d", "--iterations", "1000000000"), "--iterations, --cost"),
            (("--nodes", "100000", "--slots", "65536", "--iterations", "1000000000"), "of memory, and this machine has"),
            (("--rtt", "2s"), "up to a second"),
            (("--rtt", "0"), "up to a second"),
        ):
            self.expect(self.gibbon("simulate", *words), 2, "", said)

    def test_a_timeline_that_cannot_be_written_is_named_with_the_reason(self):
        for path, reason in (("/nonexistent/x", "No such file"), (self.work, "Is a directory"), ("/dev/full", "No space")):
            self.expect(self.gibbon(*SMALL, "--trace", path), 1, "", [path, reason, "--trace FILE"])
        ended = self.expect(self.gibbon(*SMALL, "--json", "--trace", "/nonexistent/x"), 1)
        self.assertIn("No such file", json.loads(ended.out)["error"]["message"])

    def test_output_that_nobody_takes_is_no_success(self):
        with open("/dev/full", "wb") as full:
            self.expect(self.gibbon(*SMALL, stdout=full), 1, None, "standard output: No space left")
        reader, writer = os.pipe()
        os.close(reader)
        self.expect(self.gibbon(*SMALL, stdout=writer), 141)
        os.close(writer)

    def test_ctrl_c_ends_it_with_what_there_is(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            path = os.path.join(self.work, f"cut-{code}.json")
            child = self.start("simulate", "--nodes", "100", "--iterations", "1000000000", "--trace", path)
            wait_until(lambda: os.path.exists(path) and b'"done"' in read_file(path), "tasks that have ended")
            child.send_signal(number)
            ended = self.finish(child)
            self.expect(ended, code)
            self.assertRegex(ended.out.decode(), r"^not ended after [\d.]+ s: \d+ of 1000000000 iterations done\n")
            self.assertIn("traceEvents", json.loads(read_file(path)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
