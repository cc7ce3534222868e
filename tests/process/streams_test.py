"""Streams: data on standard output and nothing else there; terminals, pipes that close, a bar that stays on stderr."""

import os
import re
import signal
import subprocess
import unittest

import harness
from harness import ProcessTest, read_terminal


class Streams(ProcessTest):
    def test_a_single_command_speaks_for_itself(self):
        ended = self.gibbon("run", "--", "sh", "-c", "echo out; echo err >&2")
        self.expect(ended, 0, "out\n")
        self.assertEqual(ended.err, b"err\n")

    def test_words_of_a_single_command_are_passed_on_as_they_are(self):
        self.expect(self.gibbon("run", "--", "printf", "%s,", "a b", "$HOME", "*"), 0, "a b,$HOME,*,")

    def test_the_summary_is_on_standard_error(self):
        ended = self.run_list("echo", ":::", "a")
        self.expect(ended, 0, "a\n", ["gibbon: 1 ok, 0 failed in ", " on 1 node (", "No agent was running"])

    def test_quiet_leaves_the_tasks_words_only(self):
        ended = self.gibbon("run", "-q", "echo {}; echo {} >&2; true", ":::", "a")
        self.expect(ended, 0, "a\n")
        self.assertEqual(ended.err, b"a\n")

    def test_standard_error_that_is_no_terminal_gets_no_bar(self):
        ended = self.run_list("sleep 0.5; echo", ":::", "a", "b")
        self.assertNotIn(b"\r", ended.err)
        self.assertNotIn(b"\033", ended.err)

    def test_a_bar_on_a_terminal_and_only_on_its_standard_error(self):
        child, terminal = self.start_on_terminal("run", "--bar", "-j1", "sleep 0.4; echo", ":::", "a", "b", "c")
        text = read_terminal(terminal)
        ended = self.finish(child)
        self.expect(ended, 0)
        self.assertEqual(sorted(ended.out.split()), [b"a", b"b", b"c"])
        self.assertRegex(text, rb"\r\[[#-]+\] [12]/3 done")
        self.assertIn(b"3 ok, 0 failed", text)
        for line in re.findall(rb"\r(\[[^\r\n\033]*)", text):
            self.assertLess(len(line), 80)

    def test_output_without_a_newline_is_neither_erased_by_the_bar_nor_continued_by_the_summary(self):
        command = "sleep 0.5; printf '%s-text' {}"
        child, terminal = self.start_on_terminal("run", "--bar", "-j1", command, ":::", "1", "2", "3", stdout_too=True)
        text = read_terminal(terminal)
        self.expect(self.finish(child), 0)
        self.assertRegex(text, rb"1-text2-text3-text\r?\ngibbon: 3 ok")

    def test_the_bar_fits_a_narrow_terminal(self):
        child, terminal = self.start_on_terminal("run", "--bar", "-j1", "sleep 0.4; echo", ":::", "a", "b", columns=24)
        text = read_terminal(terminal)
        self.expect(self.finish(child), 0)
        bars = re.findall(rb"\r([^\r\n\033]+)", text)
        self.assertTrue(bars)
        self.assertTrue(all(len(bar) < 24 for bar in bars if b"gibbon" not in bar), bars)

    def test_a_bar_that_is_asked_for_goes_into_a_file_too(self):
        ended = self.run_list("--bar", "-j1", "sleep 0.4; echo", ":::", "a", "b")
        self.expect(ended, 0)
        self.assertIn(b"/2 done", ended.err)

    def test_no_progress_where_none_is_wanted(self):
        child, terminal = self.start_on_terminal("run", "--progress=none", "sleep 2.5; echo", ":::", "a")
        text = read_terminal(terminal)
        self.expect(self.finish(child), 0, "a\n")
        self.assertNotIn(b"[", text)

    def test_the_controlling_terminal_is_never_opened(self):
        if not os.path.exists("/usr/bin/strace"):
            self.skipTest("strace is not installed")
        trace = self.path("work", "trace")
        words = ["-f", "-e", "trace=open,openat", "-o", trace, harness.GIBBON]
        words += ["run", "--bar", "sleep 0.3; echo", ":::", "a"]
        env = {"ASAN_OPTIONS": "detect_leaks=0"}
        child, terminal = self.start_on_terminal(*words, program="/usr/bin/strace", env=env)
        read_terminal(terminal, seconds=30)
        self.expect(self.finish(child), 0, "a\n")
        self.assertIn(b"openat", harness.read_file(trace))
        self.assertNotIn(b"/dev/tty", harness.read_file(trace))

    def test_a_terminal_as_input_without_items_is_a_mistake_that_says_what_to_type(self):
        child, terminal = self.start_on_terminal("run", "echo")
        text = read_terminal(terminal)
        self.assertEqual(self.finish(child).code, 125)
        self.assertIn(b"gibbon run -- COMMAND", text)

    def test_no_color_codes_where_nobody_wants_them(self):
        ended = self.run_list("false", ":::", "a", env={"TERM": "xterm"})
        self.expect(ended, 1)
        self.assertNotIn(b"\033", ended.err)

    def test_text_of_tasks_can_not_drive_the_terminal_through_the_summary(self):
        ended = self.run_list("exit 1", ":::", "evil\033]0;title\007")
        self.expect(ended, 1)
        self.assertNotIn(b"\033", ended.err)


class ClosedPipes(ProcessTest):
    def test_a_reader_that_has_had_enough_ends_the_run(self):
        command = f"'{harness.GIBBON}' run -j2 'sleep 0.01; echo' ::: $(seq 3000) | head -n 1"
        child = self.start("-c", command, program="/bin/bash")
        ended = self.finish(child)
        self.assertEqual(len(ended.out.split()), 1)
        self.assertLess(ended.seconds, 15 * harness.SCALE)

    def test_the_code_is_that_of_a_broken_pipe(self):
        child = self.start("run", "-j2", "sleep 0.01; echo", ":::", *map(str, range(3000)))
        child.stdout.readline()
        child.stdout.close()
        child.stdout = None
        ended = self.finish(child)
        self.assertEqual(ended.code, 128 + signal.SIGPIPE)

    def test_standard_output_that_is_full_is_told(self):
        with open("/dev/full", "wb") as full:
            child = self.start("run", "echo", ":::", "a", "b", stdout=full)
            ended = self.finish(child)
        self.assertEqual(ended.code, 125, ended.message)
        self.assertIn("No space left on device", ended.message)

    def test_closed_standard_streams_harm_nothing(self):
        for which in ("0<&-", "1>&-", "2>&-", "0<&- 1>&- 2>&-"):
            with self.subTest(which):
                command = f"'{harness.GIBBON}' run 'touch {{}}' ::: made {which}"
                self.finish(self.start("-c", command, program="/bin/sh"))
                self.assertTrue(os.path.exists(os.path.join(self.work, "made")))
                os.unlink(os.path.join(self.work, "made"))

    def test_standard_error_that_is_full_ends_the_run_and_does_not_hang_it(self):
        with open("/dev/full", "wb") as full:
            self.assertEqual(self.finish(self.start("run", "echo e >&2; true", ":::", "a", stderr=full)).code, 125)
            ended = self.finish(self.start("run", "-k", "echo", ":::", "a", "b", stderr=full))
        self.expect(ended, 0, "a\nb\n")


class OtherCommands(ProcessTest):
    def test_version_and_help_are_data(self):
        ended = self.gibbon("version")
        self.expect(ended, 0)
        self.assertRegex(ended.out, rb"\Agibbon \d+\.\d+\.\d+\n\Z")
        self.assertEqual(ended.err, b"")
        for words in (["--help"], ["help"], ["run", "--help"], ["help", "run"], ["cancel", "-h"]):
            ended = self.gibbon(*words)
            self.expect(ended, 0)
            self.assertIn(b"Usage: gibbon", ended.out)
            self.assertEqual(ended.err, b"")

    def test_help_names_no_command_that_is_not_there(self):
        known = {"run", "agent", "up", "down", "status", "ps", "cancel", "invite", "join", "leave", "peers", "version",
                 "completion", "help"}
        text = self.gibbon("--help").out.decode()
        for name in ("deploy", "fork", "lend", "doctor", "revoke", "attach", "web", "top"):
            self.assertNotRegex(text, rf"(?m)^\s+{name}\b")
        for name in known - {"help"}:
            self.assertRegex(text, rf"(?m)^\s+{name}\b")

    def test_completions_are_scripts_of_their_shells(self):
        for shell in ("bash", "zsh", "fish"):
            ended = self.gibbon("completion", shell)
            self.expect(ended, 0)
            self.assertIn(b"cancel", ended.out)
        checked = subprocess.run(["bash", "-n"], input=self.gibbon("completion", "bash").out, capture_output=True)
        self.assertEqual((checked.returncode, checked.stderr), (0, b""))

    def test_unknown_words_name_the_nearest_known_one(self):
        self.expect(self.gibbon("statsu"), 2, b"", "status")
        self.expect(self.gibbon("ps", "--al"), 2, b"", "--all")
        self.expect(self.gibbon("run", "--dryrun", "true", ":::", "a"), 125, b"", "--dry-run")
        self.expect(self.gibbon(), 2, b"", "gibbon")
        self.expect(self.gibbon("cancel"), 2, b"")
        self.expect(self.gibbon("completion", "tcsh"), 2, b"", "fish")


if __name__ == "__main__":
    unittest.main(verbosity=2)
