"""How a run ends: exit codes, --halt, machine-readable results."""

import json
import os
import subprocess
import unittest

import harness
from harness import ProcessTest


class ExitCodes(ProcessTest):
    def test_all_fine_is_zero(self):
        self.expect(self.run_list("true", ":::", "1", "2"), 0, b"")

    def test_failed_tasks_are_counted(self):
        self.expect(self.run_list("exit {}", ":::", "0", "7", "1", "0", "255"), 3, b"", "2 ok, 3 failed")

    def test_a_hundred_failures_are_told_apart_from_more(self):
        self.expect(self.run_list("false", ":::", *map(str, range(100))), 100)
        self.expect(self.run_list("false", ":::", *map(str, range(101))), 101)
        self.expect(self.run_list("false", ":::", *map(str, range(300))), 101)

    def test_a_killed_task_is_one_failure_and_its_signal_is_named(self):
        self.expect(self.run_list("kill -SEGV $$; true", ":::", "x"), 1, b"", "SIGSEGV")

    def test_failures_name_item_code_and_last_words(self):
        ended = self.run_list("echo first >&2; echo the reason >&2; exit 9", ":::", "some item")
        self.expect(ended, 1, b"", ["some item", "9", "the reason"])

    def test_a_single_commands_code_is_passed_on(self):
        for code in (0, 1, 7, 101, 125, 255):
            self.expect(self.gibbon("run", "--", "sh", "-c", f"exit {code}"), code)

    def test_a_single_command_killed_by_a_signal(self):
        ended = self.gibbon("run", "--", "sh", "-c", "kill -9 $$")
        self.expect(ended, 128 + 9, b"", "killed by SIGKILL, perhaps by the kernel because memory ran out")
        self.expect(self.gibbon("run", "--", "sh", "-c", "kill -TERM $$"), 128 + 15)

    def test_a_single_command_over_its_time_limit(self):
        self.expect(self.gibbon("run", "--timeout", "0.2", "--", "sleep", "60"), 124)

    def test_a_command_that_is_not_there(self):
        self.expect(self.gibbon("run", "--", "no-such-program"), 127, b"", ["no-such-program", "not found"])
        self.expect(self.gibbon("run", "--", "./missing"), 127, b"", "./missing")
        self.expect(self.run_list("no-such-program", ":::", "a", "b"), 127, b"", ["no-such-program", "not found"])

    def test_a_command_that_can_not_be_executed(self):
        self.file("text", "no program\n", 0o644)
        self.expect(self.gibbon("run", "--", "./text"), 126, b"", "./text")
        self.expect(self.gibbon("run", "--", "/etc"), 126, b"", "/etc")
        self.expect(self.run_list("./text", ":::", "a"), 126, b"", "./text")

    def test_a_script_that_names_no_interpreter_is_the_shells(self):
        self.file("script", "exit 9\n", 0o755)
        self.expect(self.gibbon("run", "--", "./script"), 9)

    def test_a_script_whose_interpreter_is_missing(self):
        self.file("script", "#!/no/such/interpreter\n", 0o755)
        self.expect(self.gibbon("run", "--", "./script"), 127, b"", "./script")

    def test_a_program_that_vanishes_while_the_job_runs(self):
        self.file("once", "#!/bin/sh\nrm -f once\n", 0o755)
        self.expect(self.run_list("-j1", "./once", ":::", "a", "b", "c"), 2, b"", ["1 ok, 2 failed", "once"])

    def test_a_mistake_on_the_command_line_of_run_is_its_own_failure(self):
        self.expect(self.gibbon("run", "--jobs", "many", "true", ":::", "x"), 125, b"", "--jobs")
        self.expect(self.gibbon("run", "true", ":::"), 125, b"", ":::")


class Halt(ProcessTest):
    def test_now_at_the_first_failure_passes_its_code_on_and_starts_no_more(self):
        ended = self.run_list("-j1", "--halt", "now,fail=1", "echo {} >>log; exit {}", ":::", "0", "42", "0", "0")
        self.expect(ended, 42, b"")
        self.assertEqual(harness.read_file(os.path.join(self.work, "log")), b"0\n42\n")

    def test_now_ends_what_runs(self):
        command = "[ {} = bad ] && { while ! [ -e up ]; do sleep 0.01; done; exit 3; }; touch up; sleep 60"
        ended = self.run_list("-j2", "--halt", "now,fail=1", command, ":::", "good", "bad", "never")
        self.expect(ended, 3)
        self.assertLess(ended.seconds, 15 * harness.SCALE)

    def test_now_at_the_first_success_is_fine(self):
        ended = self.run_list("-j1", "--halt", "now,success=1", "echo {} >>log; exit {}", ":::", "1", "1", "0", "1")
        self.expect(ended, 0, b"")
        self.assertEqual(harness.read_file(os.path.join(self.work, "log")), b"1\n1\n0\n")

    def test_soon_lets_what_runs_finish(self):
        command = "[ {} = bad ] && { while ! [ -e up ]; do sleep 0.01; done; touch over; exit 3; }; touch up; "
        command += "while ! [ -e over ]; do sleep 0.01; done; sleep 0.2; echo {} done"
        ended = self.run_list("-j2", "--halt", "soon,fail=1", command, ":::", "good", "bad", "never")
        self.expect(ended, 3, "good done\n", "stopped by --halt")

    def test_soon_counts_to_its_threshold(self):
        ended = self.run_list("-j1", "--halt", "soon,fail=2", "echo {} >>log; exit {}", ":::", "1", "0", "1", "0", "0")
        self.expect(ended, 2, b"", "stopped by --halt")
        self.assertEqual(harness.read_file(os.path.join(self.work, "log")), b"1\n0\n1\n")

    def test_done_counts_both(self):
        ended = self.run_list("-j1", "--halt", "now,done=3", "echo {} >>log; exit {}", ":::", "1", "0", "0", "0", "0")
        self.assertEqual(harness.read_file(os.path.join(self.work, "log")), b"1\n0\n0\n")
        self.expect(ended, 1)

    def test_a_share_of_all_tasks_is_judged_from_the_first_result_on(self):
        ended = self.run_list("-j1", "--halt", "now,fail=20%", "echo {} >>log; exit {}", ":::", "1", "1", "1", "0", "0")
        self.assertEqual(harness.read_file(os.path.join(self.work, "log")), b"1\n")
        self.expect(ended, 1)

    def test_a_share_is_judged_when_the_end_of_the_list_is_known(self):
        child = self.start("run", "-j1", "--halt", "now,fail=50%", "echo {} >>log; exit {}", stdin=subprocess.PIPE)
        child.stdin.write(b"1\n1\n1\n")
        child.stdin.flush()
        self.wait_for_file("log", content=b"1\n1\n1\n")
        self.assertIsNone(child.poll())
        child.stdin.write(b"0\n0\n0\n")
        ended = self.finish(child)
        self.expect(ended, 3)
        self.assertNotIn(b"0\n0\n0\n", harness.read_file(os.path.join(self.work, "log")))

    def test_a_threshold_that_is_not_reached_changes_nothing(self):
        ended = self.run_list("--halt", "now,fail=3", "exit {}", ":::", "0", "1", "1", "0")
        self.expect(ended, 2, b"", "2 ok, 2 failed")


class MachineReadable(ProcessTest):
    def lines(self, ended):
        return [json.loads(line) for line in ended.out.decode().split("\n")[:-1]]

    def test_every_result_is_one_line_and_the_verdict_is_the_last(self):
        ended = self.run_list("--jsonl", "echo {}; echo e >&2; exit $(({} % 2))", ":::", *map(str, range(50)))
        self.expect(ended, 25)
        *results, verdict = self.lines(ended)
        self.assertEqual(sorted(result["seq"] for result in results), list(range(1, 51)))
        for result in results:
            number = result["seq"] - 1
            self.assertEqual(result["v"], 1)
            self.assertEqual((result["item"], result["stdout"], result["stderr"]), (f"{number}", f"{number}\n", "e\n"))
            self.assertEqual((result["exit"], result["signal"]), (number % 2, None))
            self.assertEqual(result["outcome"], "failed" if number % 2 else "ok")
            self.assertGreater(result["duration"], 0)
        self.assertEqual(verdict["v"], 1)
        self.assertIn("done", json.dumps(verdict))

    def test_the_whole_run_as_one_value(self):
        ended = self.run_list("--json", "-k", "echo {}", ":::", "a", "b")
        self.expect(ended, 0)
        value = json.loads(ended.out)
        self.assertEqual(value["v"], 1)
        self.assertEqual([result["item"] for result in value["results"]], ["a", "b"])

    def test_an_empty_run_is_one_value_too(self):
        ended = self.run_list("--json", "echo", stdin=subprocess.DEVNULL)
        self.expect(ended, 0)
        self.assertEqual(json.loads(ended.out)["results"], [])

    def test_pieces_carry_their_bounds(self):
        ended = self.gibbon("run", "--jsonl", "--range", "10..20", "echo", "{lo}", "{hi}")
        self.expect(ended, 0)
        pieces = sorted((int(line["lo"]), int(line["hi"])) for line in self.lines(ended)[:-1])
        self.assertEqual((pieces[0][0], pieces[-1][1]), (10, 20))

    def test_bytes_that_are_no_text_are_kept_in_base64(self):
        import base64

        ended = self.run_list("--jsonl", "printf '%s' {}", ":::", b"\xff\xfe")
        self.expect(ended, 0)
        result = self.lines(ended)[0]
        self.assertEqual(base64.b64decode(result["item_base64"]), b"\xff\xfe")
        self.assertEqual(base64.b64decode(result["stdout_base64"]), b"\xff\xfe")

    def test_a_large_output_is_in_its_result(self):
        command = "head -c 200000 /dev/zero | tr '\\0' x; head -c 70000 /dev/zero >&2; true"
        for option in ("--jsonl", "--json"):
            ended = self.run_list(option, command, ":::", "a")
            self.expect(ended, 0)
            result = self.lines(ended)[0] if option == "--jsonl" else json.loads(ended.out)["results"][0]
            self.assertEqual((result["stdout"], result["stderr"]), ("x" * 200000, "\0" * 70000))

    def test_of_an_output_too_large_for_a_value_the_size_is_told(self):
        ended = self.run_list("--jsonl", "head -c 17000000 /dev/zero; true", ":::", "a")
        self.expect(ended, 0)
        self.assertEqual(self.lines(ended)[0]["stdout"], {"size": 17000000})

    def test_errors_are_values_too(self):
        ended = self.gibbon("run", "--json", "--no-such-option", "true")
        self.assertEqual(ended.code, 125)
        self.assertIn("message", json.loads(ended.out or ended.err)["error"])
        for option in ("--json", "--jsonl"):
            ended = self.expect(self.run_list(option, "no-such-program", ":::", "a"), 127)
            self.assertIn("not found", json.loads(ended.out)["error"]["message"])
            self.assertEqual(ended.err, b"")
        ended = self.gibbon("ps", "--json")
        self.assertEqual(ended.code, 3)
        self.assertEqual(json.loads(ended.out)["error"]["code"], "no_agent")


if __name__ == "__main__":
    unittest.main(verbosity=2)
