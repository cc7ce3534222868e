"""Limits of the system: too few descriptors, too few processes. What is there already goes on, nothing gets lost."""

import os
import unittest

import client as wire
import harness
from client import Client
from harness import ProcessTest, wait_until


@unittest.skipIf(harness.SANITIZED, "the sanitizers need descriptors themselves")
class Descriptors(ProcessTest):
    def limited(self, count, *words):
        quoted = " ".join(f"'{word}'" for word in words)
        return self.start("-c", f"ulimit -n {count}; exec '{harness.GIBBON}' {quoted}", program="/bin/bash")

    def test_a_run_with_too_few_descriptors_for_its_slots_finishes_with_fewer(self):
        child = self.limited(64, "run", "-k", "-j", "200", "sleep 0.05; echo {}", ":::", *map(str, range(50)))
        self.expect(self.finish(child, 60), 0, "".join(f"{number}\n" for number in range(50)), "no room for another")

    def test_a_run_with_hardly_any_descriptors_says_why_it_can_not(self):
        for count in (4, 8, 12, 16, 20, 24):
            with self.subTest(count=count):
                ended = self.finish(self.limited(count, "run", "echo", ":::", "a"), 60)
                self.assertIn(ended.code, (0, 1, 125), ended.message)
                self.assertEqual(ended.out, b"a\n" if ended.code == 0 else b"")
                self.assertNotIn("Assertion", ended.message)
                self.assertIn("gibbon: ", ended.message)

    def test_an_agent_without_descriptors_keeps_the_clients_it_has(self):
        log_path = self.path("limited.log")
        with open(log_path, "wb") as log:
            words = f"ulimit -n 40; exec '{harness.GIBBON}' agent --slots 2"
            agent = self.start("-c", words, program="/bin/bash", stderr=log)
        wait_until(self.answers, "an agent that listens")
        first = Client(self.state)
        crowd = [Client(self.state, greet=False) for _ in range(50)]
        first.send(wire.GET_STATUS)
        self.assertEqual(first.expect(wire.STATUS)[2], 2)
        for one in (first, *crowd):
            one.close()
        wait_until(lambda: self.gibbon("status").code == 0, "an agent that is back")
        self.expect(self.run_list("-k", "echo", ":::", *map(str, range(20))), 0, "".join(f"{n}\n" for n in range(20)))
        self.assertIsNone(agent.poll(), harness.read_file(log_path))
        self.expect(self.gibbon("down"), 0)
        self.assertEqual(self.finish(agent).code, 0)


class Processes(ProcessTest):
    def setUp(self):
        super().setUp()
        self.group = f"/sys/fs/cgroup/pids/gibbon-test-{os.getpid()}"
        try:
            os.mkdir(self.group)
        except OSError as error:
            self.skipTest(f"no pids cgroup can be made here: {error}")

    def end(self):
        super().end()
        if os.path.isdir(self.group):
            wait_until(self.remove_group, "the end of the pids cgroup")

    def remove_group(self):
        try:
            os.rmdir(self.group)
        except OSError:
            return False
        return True

    def limited(self, count, *words):
        harness.write_file(self.group + "/pids.max", str(count))

        def join_group():
            with open(self.group + "/cgroup.procs", "w") as procs:
                procs.write(str(os.getpid()))

        return self.start(*words, preexec_fn=join_group)

    def test_a_run_with_too_few_processes_for_its_slots_finishes_with_fewer(self):
        # Some 6 threads are the program's own; each task takes a launcher and itself.
        child = self.limited(24, "run", "-k", "-j", "50", "/bin/echo", ":::", *map(str, range(60)))
        self.expect(self.finish(child, 60), 0, "".join(f"{number}\n" for number in range(60)))

    def test_a_fork_bomb_is_bounded_by_the_group_and_leaves_with_its_task(self):
        self.file("bomb.sh", "#!/bin/sh\n./bomb.sh 2>/dev/null & ./bomb.sh 2>/dev/null &\nsleep 60\n", 0o755)
        child = self.limited(100, "run", "-q", "--timeout", "1", "-j1", "./bomb.sh", ":::", "a")
        ended = self.finish(child, 30)
        self.assertEqual(ended.code, 1, ended.message)
        self.assertEqual(self.running("bomb.sh"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
