"""An agent that is stopped: its tasks do not outlive the mandate, and the job goes on when it does.

In a file of its own, since a mandate lasts 60 s.
"""

import os
import signal
import time
import unittest

import harness
from harness import ProcessTest, read_file

MANDATE = 60.0


class Silence(ProcessTest):
    def test_tasks_of_a_stopped_agent_end_with_the_mandate_and_are_run_again_later(self):
        agent = self.start_agent(slots=2)
        script = "echo x >>tries-{}; [ {} != c ] && [ $(wc -l <tries-{}) = 1 ] && "
        script += "{ setsid sleep 86431 & sleep 86432; }; echo {}"
        child = self.start("run", "-k", script, ":::", "a", "b", "c")
        self.wait_for_file("tries-a")
        self.wait_for_file("tries-b")
        agent.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        self.expect(self.gibbon("status", seconds=30), 3, b"", "does not answer")
        time.sleep(max(0.0, stopped + MANDATE * 0.7 - time.monotonic()))
        self.assertNotEqual(self.running("8643"), [], "the mandate had not ended yet")
        left = stopped + MANDATE + 1.0 - time.monotonic()
        self.wait_for_none(lambda: self.running("8643"), "tasks of a stopped agent", left / harness.SCALE)
        agent.send_signal(signal.SIGCONT)
        ended = self.finish(child, 30)
        self.expect(ended, 0, "a\nb\nc\n", "3 ok, 0 failed")
        for task, tries in (("a", 2), ("b", 2), ("c", 1)):
            self.assertEqual(read_file(os.path.join(self.work, f"tries-{task}")), b"x\n" * tries)

    def test_a_short_stop_changes_nothing(self):
        agent = self.start_agent(slots=1)
        child = self.start("run", "echo x >>tries; while ! [ -e go ]; do sleep 0.05; done; echo {}", ":::", "a")
        self.wait_for_file("tries")
        agent.send_signal(signal.SIGSTOP)
        self.file("go")
        self.wait_for_none(lambda: self.running("go"), "the task")
        agent.send_signal(signal.SIGCONT)
        self.expect(self.finish(child), 0, "a\n")
        self.assertEqual(read_file(os.path.join(self.work, "tries")), b"x\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
