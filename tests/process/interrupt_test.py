"""Signals to `gibbon run`: Ctrl-C once, twice, three times, TERM, HUP; with an agent and with a private one."""

import os
import signal
import time
import unittest

import harness
import nasty
from harness import ProcessTest, read_file, read_terminal

CONTROL_C = b"\x03"
# Tells which signals reached it.
WITNESS = "trap 'echo int >>got' INT; trap 'echo term >>got; exit 1' TERM; touch up; while :; do sleep 0.05; done; true"
DEAF = "trap '' TERM INT; touch up; while :; do sleep 0.1; done; true"


class ControlC(ProcessTest):
    def start_on_its_terminal(self, command):
        child, terminal = self.start_on_terminal("run", "-j1", command, ":::", "a", "b")
        self.wait_for_file("up")
        return child, terminal

    def end_of(self, child, terminal, *codes):
        text = read_terminal(terminal)
        ended = self.finish(child)
        self.assertIn(ended.code, codes, text)
        self.wait_for_none(lambda: [one for one in self.alive() if not self.is_agent(one)], "tasks", 1.0)
        return text

    def is_agent(self, process):
        launcher = bool(process.words) and process.words[0].startswith("gibbon-launcher")
        return launcher or process.pid in {agent.pid for agent in self.agents}

    def test_once_stops_politely_and_the_terminals_signal_never_reaches_a_task(self):
        for with_agent in (False, True):
            with self.subTest(with_agent=with_agent):
                if with_agent:
                    self.start_agent()
                for name in ("up", "got"):
                    if os.path.exists(os.path.join(self.work, name)):
                        os.unlink(os.path.join(self.work, name))
                child, terminal = self.start_on_its_terminal(WITNESS)
                os.write(terminal, CONTROL_C)
                text = self.end_of(child, terminal, 130)
                self.assertIn(b"again", text)
                self.assertIn(b"cancelled", text)
                self.assertEqual(read_file(os.path.join(self.work, "got")), b"term\n")

    def test_twice_kills(self):
        child, terminal = self.start_on_its_terminal(DEAF)
        os.write(terminal, CONTROL_C)
        read_terminal(terminal, until=b"again")
        began = time.monotonic()
        os.write(terminal, CONTROL_C)
        self.end_of(child, terminal, 130)
        self.assertLess(time.monotonic() - began, 3 * harness.SCALE)

    def test_three_times_leaves_at_once(self):
        child, terminal = self.start_on_terminal("run", "-j8", *nasty.prepare(self), ":::", *nasty.KINDS)
        nasty.wait_until_up(self)
        os.write(terminal, CONTROL_C)
        read_terminal(terminal, until=b"again")
        os.write(terminal, CONTROL_C)
        read_terminal(terminal, until=b"killing")
        os.write(terminal, CONTROL_C)
        began = time.monotonic()
        self.end_of(child, terminal, 130)
        self.assertLess(time.monotonic() - began, 3 * harness.SCALE)

    def test_three_times_with_an_agent_its_tasks_end_too(self):
        agent = self.start_agent()
        child, terminal = self.start_on_its_terminal(DEAF)
        os.write(terminal, CONTROL_C)
        read_terminal(terminal, until=b"again")
        os.write(terminal, CONTROL_C)
        read_terminal(terminal, until=b"killing")
        os.write(terminal, CONTROL_C)
        # It may have ended and be about to leave: then the signal ends it, which a shell calls 130 too.
        self.end_of(child, terminal, 130, -signal.SIGINT)
        self.assertIsNone(agent.poll())

    def test_results_that_were_there_are_shown_before_the_end(self):
        command = "[ {} = b ] && { touch up; sleep 300; }; echo {}"
        child, terminal = self.start_on_terminal("run", "-j1", command, ":::", "a", "b", "c")
        self.wait_for_file("up")
        os.write(terminal, CONTROL_C)
        read_terminal(terminal)
        self.expect(self.finish(child), 130, "a\n")

    def test_before_anything_runs(self):
        child, terminal = self.start_on_terminal("run", "echo", "::::", "/dev/tty")
        read_terminal(terminal, seconds=0.5)
        os.write(terminal, CONTROL_C)
        read_terminal(terminal)
        self.assertEqual(self.finish(child).code, 130)


class OtherSignals(ProcessTest):
    def assert_signal_ends_it(self, number, code):
        self.file("empty")
        child = self.start("run", "-j1", WITNESS, ":::", "a", "b")
        self.wait_for_file("up")
        child.send_signal(number)
        self.expect(self.finish(child), code, b"", "cancelled")
        self.assertEqual(read_file(os.path.join(self.work, "got")), b"term\n")

    def test_term(self):
        self.assert_signal_ends_it(signal.SIGTERM, 143)

    def test_hangup(self):
        self.assert_signal_ends_it(signal.SIGHUP, 143)

    def test_term_with_an_agent(self):
        self.start_agent()
        self.assert_signal_ends_it(signal.SIGTERM, 143)

    def test_a_terminal_that_is_closed(self):
        child, terminal = self.start_on_terminal("run", "-j1", WITNESS, ":::", "a", stdout_too=True)
        self.wait_for_file("up")
        child.send_signal(signal.SIGHUP)
        self.assertEqual(self.finish(child).code, 143)

    def start_with_blocked_signals(self, command):
        blocked = {signal.SIGHUP, signal.SIGINT, signal.SIGTERM, signal.SIGCHLD}
        block = lambda: signal.pthread_sigmask(signal.SIG_BLOCK, blocked)
        return self.start("run", command, ":::", "a", preexec_fn=block)

    def test_signals_that_the_parent_left_blocked_are_heard(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 143)):
            with self.subTest(number):
                child = self.start_with_blocked_signals(f"touch up-{number}; sleep 300; true")
                self.wait_for_file(f"up-{number}")
                child.send_signal(number)
                self.assertEqual(self.finish(child).code, code)
        self.expect(self.finish(self.start_with_blocked_signals("kill -STOP $PPID; sleep 300; true")), 1, b"", "given up")

    def test_term_to_a_single_command(self):
        child = self.start("run", "--", "sh", "-c", WITNESS)
        self.wait_for_file("up")
        child.terminate()
        self.assertEqual(self.finish(child).code, 143)
        self.assertEqual(read_file(os.path.join(self.work, "got")), b"term\n")

    def test_a_run_that_is_stopped_and_continued_goes_on(self):
        child = self.start("run", "-k", "-j1", "touch up; sleep 0.2; echo {}", ":::", "a", "b", "c")
        self.wait_for_file("up")
        child.send_signal(signal.SIGSTOP)
        time.sleep(0.5)
        child.send_signal(signal.SIGCONT)
        self.expect(self.finish(child), 0, "a\nb\nc\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
