"""Ranges: how they are cut, searched and refused."""

import json
import os
import unittest

import harness
from harness import ProcessTest


class Ranges(ProcessTest):
    def pieces(self, *options, code=0, seconds=30):
        """The pieces that ran, in order of their bounds."""
        ended = self.gibbon("run", *options, "echo", "{lo}", "{hi}", seconds=seconds)
        self.expect(ended, code)
        return sorted(tuple(map(int, line.split())) for line in ended.out.splitlines())

    def assert_joined(self, pieces, low, high, step=1):
        self.assertEqual(pieces[0][0], low)
        self.assertEqual(pieces[-1][1], high)
        for (begin, end), (following, _) in zip(pieces, pieces[1:]):
            self.assertEqual(end, following)
        for begin, end in pieces:
            self.assertLess(begin, end)
            self.assertEqual((begin - low) % step, 0)

    def test_pieces_join_without_gap_or_overlap(self):
        self.assert_joined(self.pieces("--range", "0..100000"), 0, 100000)

    def test_bounds_far_from_zero(self):
        self.assert_joined(self.pieces("--range", "1000000007..1000001007"), 1000000007, 1000001007)

    def test_an_inclusive_range_has_its_upper_bound(self):
        self.assert_joined(self.pieces("--range", "1..=10"), 1, 11)

    def test_one_value(self):
        self.assertEqual(self.pieces("--range", "7..=7"), [(7, 8)])

    def test_steps_begin_every_piece_on_a_value(self):
        pieces = self.pieces("--range", "5..100:7")
        self.assert_joined(pieces[:-1] + [(pieces[-1][0], 100)], 5, 100, step=7)
        self.assertIn(pieces[-1][1], range(97, 101))

    def test_powers_of_ten_and_other_ways_to_write_numbers(self):
        self.assert_joined(self.pieces("--range", "1e3..1_500"), 1000, 1500)
        self.assert_joined(self.pieces("--range", "0x10..0x20"), 16, 32)

    def test_a_billion_values_in_few_pieces(self):
        self.assert_joined(self.pieces("--range", "0..1e9", seconds=60), 0, 10**9)

    def test_the_top_of_the_range(self):
        pieces = self.pieces("--range", "18446744073709551600..=18446744073709551614")
        self.assert_joined(pieces, 18446744073709551600, 18446744073709551615)
        pieces = self.pieces("--range", "18446744073709551600..=18446744073709551615")
        self.assert_joined(pieces, 18446744073709551600, 18446744073709551616)

    def test_an_empty_range_runs_nothing(self):
        self.expect(self.gibbon("run", "--range", "5..5", "echo", "{lo}", "{hi}"), 0, b"")
        self.expect(self.gibbon("run", "--range", "5..5", "--found", "10", "echo", "{lo}", "{hi}"), 1, b"")

    def test_ranges_that_are_refused(self):
        cases = {
            "0..=18446744073709551615": "one value too many",
            "10..9": "above its upper bound",
            "0..10:0": "step",
            "0..18446744073709551616": "18446744073709551615",
            "0..1e20": "18446744073709551615",
            "-5..5": "negative",
            "5": "LO..HI",
            "a..b": "whole numbers",
            "..": "whole numbers",
        }
        for text, word in cases.items():
            with self.subTest(text):
                self.expect(self.gibbon("run", f"--range={text}", "echo", "{lo}", "{hi}"), 125, b"", word)

    def test_a_range_wants_its_bounds_in_the_command(self):
        self.expect(self.gibbon("run", "--range", "0..10", "echo"), 125, b"", "{lo} {hi}")

    def test_pieces_of_real_work_grow_to_the_grain(self):
        self.file("work.py", "import sys, time\ntime.sleep((int(sys.argv[2]) - int(sys.argv[1])) / 1000)\n")
        command = ["python3", "-SE", "work.py", "{lo}", "{hi}"]
        ended = self.gibbon("run", "-j2", "--jsonl", "--range", "0..4000", "--grain", "300ms", *command, seconds=60)
        self.expect(ended, 0)
        results = [json.loads(line) for line in ended.out.splitlines()[:-1]]
        pieces = sorted((int(result["lo"]), int(result["hi"])) for result in results)
        self.assert_joined(pieces, 0, 4000)
        self.assertLessEqual(len(pieces), 45)
        self.assertGreaterEqual(len(pieces), 8)
        self.assertLessEqual(max(high - low for low, high in pieces), 1200)

    def test_what_is_done_is_counted_in_values_everywhere(self):
        self.start_agent()
        command = ["true", "{lo}", "{hi}"]
        ended = self.gibbon("run", "--json", "--progress=plain", "--range", "0..100000", *command)
        self.expect(ended, 0)
        value = json.loads(ended.out)
        counts = value["verdict"]["counts"]
        self.assertEqual((counts["total"], counts["done"], counts["ok"]), (100000, 100000, len(value["results"])))
        self.assertLess(counts["ok"], 100000)
        self.assertIn(b" 100000/100000 ", self.gibbon("ps", "-a").out)
        (row,) = json.loads(self.gibbon("ps", "-a", "--json").out)["jobs"]
        self.assertEqual(row["counts"], counts)
        self.expect(self.gibbon("run", "--range", "0..1000", *command), 0, b"", "pieces ok, 0 failed")


class Search(ProcessTest):
    def setUp(self):
        super().setUp()
        # search.sh TARGETS LO HI: 10 if a target is in the piece, 3 if a bad value is.
        self.file(
            "search.sh",
            '#!/bin/sh\nfor hit in $1; do if [ $hit -ge $2 ] && [ $hit -lt $3 ]; then echo $hit; exit 10; fi; done\n'
            'for bad in $BAD; do if [ $bad -ge $2 ] && [ $bad -lt $3 ]; then exit 3; fi; done\nexit 0\n',
            0o755,
        )

    def search(self, targets, *options, bad="", limit="100000", **more):
        words = ["run", "--env", "BAD", "--range", f"0..{limit}", "--found", "10", *options]
        words += ["./search.sh", f"'{targets}'", "{lo}", "{hi}"]
        return self.gibbon(*words, env={"BAD": bad}, **more)

    def test_a_hit_ends_the_search(self):
        self.expect(self.search("77777"), 0, "77777\n", "found")

    def test_a_hit_ends_what_still_runs(self):
        script = "#!/bin/sh\n[ $1 = 0 ] && { while ! [ -e up ]; do sleep 0.01; done; exit 10; }\ntouch up; sleep 60\n"
        self.file("slow.sh", script, 0o755)
        ended = self.gibbon("run", "-j2", "--range", "0..1000", "--found", "10", "./slow.sh", "{lo}", "{hi}")
        self.expect(ended, 0)
        self.assertLess(ended.seconds, 15 * harness.SCALE)

    def test_no_hit_in_the_whole_range(self):
        self.expect(self.search("200000"), 1, b"", "not found")

    def test_no_hit_but_failed_pieces(self):
        self.expect(self.search("200000", bad="5 700"), 101, b"")

    def test_a_hit_beside_failed_pieces_is_a_hit(self):
        ended = self.search("99999", bad="0")
        self.expect(ended, 0, "99999\n")

    def test_in_order_the_pieces_below_a_hit_are_finished_first(self):
        # The first piece waits until 900 has hit above it, and then hits itself or not.
        self.file(
            "lowest.sh",
            "#!/bin/sh\n"
            "[ $1 -le 900 ] && [ 900 -lt $2 ] && { touch high; echo 900; exit 10; }\n"
            "[ $1 = 0 ] && { while ! [ -e high ]; do sleep 0.01; done; [ $FIRST = hit ] && { echo 0; exit 10; }; }\n"
            "exit 0\n",
            0o755,
        )
        words = ["run", "-k", "-j2", "--env", "FIRST", "--grain", "1ms", "--range", "0..1000", "--found", "10"]
        for first, lowest in (("hit", "0\n"), ("miss", "900\n")):
            with self.subTest(first):
                self.expect(self.gibbon(*words, "./lowest.sh", "{lo}", "{hi}", env={"FIRST": first}), 0, lowest)
                os.unlink(os.path.join(self.work, "high"))

    def test_a_search_that_may_hit_with_zero(self):
        ended = self.gibbon("run", "--range", "0..10", "--found", "0", "true", "{lo}", "{hi}")
        self.expect(ended, 0)

    def test_failed_pieces_without_a_search_are_failures(self):
        ended = self.gibbon("run", "--range", "0..1", "false", "{lo}", "{hi}")
        self.expect(ended, 1, b"", "1 failed")


if __name__ == "__main__":
    unittest.main(verbosity=2)
