"""Commands that misbehave: deaf to signals, escaping, endless, greedy for memory or disk."""

import contextlib
import os
import subprocess
import threading
import time
import unittest

import harness
import processes
from harness import ProcessTest, wait_until

# Resident memory that agent and client may ever have, however much a task prints.
MEMORY_MAX_KIB = harness.memory_max_kib(64)


class Deaf(ProcessTest):
    def test_a_command_deaf_to_term_is_killed_five_seconds_after_it(self):
        self.start_agent()
        child = self.start("run", "trap '' TERM; touch up; while :; do sleep 1; done; true", ":::", "a")
        self.wait_for_file("up")
        began = time.monotonic()
        self.expect(self.gibbon("cancel", "last"), 0)
        self.expect(self.finish(child), 143, b"", "cancelled")
        self.assertGreater(time.monotonic() - began, 4.8)
        self.assertLess(time.monotonic() - began, 5 + 2 * harness.SCALE)

    def test_cancel_now_kills_at_once(self):
        self.start_agent()
        child = self.start("run", "trap '' TERM; touch up; while :; do sleep 1; done; true", ":::", "a")
        self.wait_for_file("up")
        began = time.monotonic()
        self.expect(self.gibbon("cancel", "--now", "last"), 0)
        self.expect(self.finish(child), 143)
        self.assertLess(time.monotonic() - began, 2 * harness.SCALE)

    def test_a_polite_command_has_its_last_word(self):
        self.start_agent()
        command = "trap 'echo bye >>said; exit 0' TERM; touch up; while :; do sleep 0.05; done; true"
        child = self.start("run", command, ":::", "a")
        self.wait_for_file("up")
        self.expect(self.gibbon("cancel", "last"), 0)
        self.assertEqual(self.finish(child).code, 143)
        self.assertEqual(harness.read_file(os.path.join(self.work, "said")), b"bye\n")


class Escaping(ProcessTest):
    """What a task started is dead when its result counts, wherever it went."""

    def assert_gone_with_its_task(self, command):
        # The second task starts when the first is over, and looks itself for what is left of it.
        look = "pgrep -x -f 'sleep 31415'"
        ended = self.run_list("-j1", f"if [ {{}} = run ]; then {command}; else {look}; fi", ":::", "run", "look")
        self.expect(ended, 1, b"", "1 ok, 1 failed")

    def test_a_child_in_the_background(self):
        self.assert_gone_with_its_task("sleep 31415 & true")

    def test_a_session_of_its_own(self):
        self.assert_gone_with_its_task("setsid sleep 31415 & sleep 0.1")

    def test_a_double_fork_without_environment_in_the_root_directory(self):
        self.assert_gone_with_its_task("(cd / && setsid env -i sh -c 'sleep 31415 &' &) ; sleep 0.2")

    def test_one_that_is_stopped(self):
        self.assert_gone_with_its_task("sleep 31415 & kill -STOP $!")

    def test_one_that_holds_the_output_open(self):
        self.assert_gone_with_its_task("(trap '' TERM HUP; sleep 31415) & true")

    def test_a_bounded_fork_bomb(self):
        self.file(
            "bomb.sh",
            "#!/bin/sh\n[ $1 = 0 ] && exec sleep 31415\n"
            "./bomb.sh $(($1 - 1)) & ./bomb.sh $(($1 - 1)) &\nexec sleep 31415\n",
            0o755,
        )
        self.assert_gone_with_its_task("./bomb.sh 6 & sleep 0.5; true")


class Endless(ProcessTest):
    def count_bytes(self, child):
        """Reads the standard output of `child` in a thread; the list that is returned has the sum at the end."""
        total = [0]

        def read():
            while got := child.stdout.read1(1 << 20):
                total[0] += len(got)

        thread = threading.Thread(target=read)
        thread.start()
        return thread, total

    def test_a_gibibyte_of_output_costs_no_memory(self):
        agent = self.start_agent()
        child = self.start("run", "head -c 1073741824 /dev/zero; true", ":::", "a")
        thread, total = self.count_bytes(child)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        thread.join()
        self.assertEqual((child.returncode, total[0]), (0, 1 << 30))
        self.assertLess(usage.ru_maxrss, MEMORY_MAX_KIB, "client")
        self.assertLess(processes.memory_kib(agent.pid, "VmHWM"), MEMORY_MAX_KIB, "agent")
        wait_until(lambda: os.listdir(os.path.join(self.state, "output")) == [], "the end of the output's file")

    def test_what_never_stops_printing_can_be_cancelled(self):
        agent = self.start_agent()
        child = self.start("run", "touch up; yes", ":::", "a")
        self.wait_for_file("up")
        self.expect(self.gibbon("cancel", "last"), 0)
        self.expect(self.finish(child), 143)
        self.assertLess(processes.memory_kib(agent.pid, "VmHWM"), MEMORY_MAX_KIB)

    def test_what_never_stops_printing_has_a_time_limit(self):
        ended = self.run_list("-q", "--timeout", "0.5", "yes {}", ":::", "y", stdout=subprocess.DEVNULL)
        self.assertEqual(ended.code, 1)


class Greedy(ProcessTest):
    def test_out_of_its_own_memory_limit(self):
        ended = self.run_list("ulimit -v 50000; exec python3 -c 'bytearray(300000000)' {}", ":::", "big")
        self.expect(ended, 1, b"", "1 failed")

    def test_out_of_the_machines_memory_the_task_dies_and_nobody_else(self):
        group = "/sys/fs/cgroup/memory/gibbon-test-%d" % os.getpid()
        if os.geteuid() != 0 or not os.path.isdir("/sys/fs/cgroup/memory"):
            self.skipTest("no memory cgroup can be made here")
        try:
            os.mkdir(group)
        except OSError as error:
            self.skipTest(f"no memory cgroup can be made here: {error}")
        self.addCleanup(lambda: wait_until(lambda: self.remove_group(group), "the end of the memory cgroup"))
        harness.write_file(group + "/memory.limit_in_bytes", str(int(128 * harness.SCALE) << 20))
        bite = int(600 * harness.SCALE) * 1000000
        command = f"if [ {{}} = big ]; then exec python3 -c 'bytearray({bite})'; else echo {{}}; fi"

        def join_group():
            with open(group + "/cgroup.procs", "w") as procs:
                procs.write(str(os.getpid()))

        child = self.start("run", "-k", "-j1", command, ":::", "a", "big", "b", preexec_fn=join_group)
        self.expect(self.finish(child, 60), 1, "a\nb\n", ["2 ok, 1 failed", "SIGKILL"])

    @staticmethod
    def remove_group(group):
        try:
            os.rmdir(group)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True


class FullDisk(ProcessTest):
    """The state directory is on a file system of 4 MiB."""

    def setUp(self):
        super().setUp()
        self.mount_state("4m")

    def test_a_task_that_fills_the_scratch_disk_fails_and_the_next_has_room(self):
        command = "cd $GIBBON_SCRATCH; if [ {} = big ]; then head -c 20000000 /dev/zero >file; else echo {} | tee f; fi"
        ended = self.run_list("-k", "-j1", command, ":::", "a", "big", "b")
        self.expect(ended, 1, "a\nb\n", "2 ok, 1 failed")

    def test_an_output_larger_than_the_disk_fails_its_task_and_its_room_comes_back(self):
        # Free blocks come back when the client has shown what there was of the output.
        room = "until [ $(stat -f -c %f $GIBBON_SCRATCH) -gt 500 ]; do sleep 0.01; done"
        command = f"if [ {{}} = big ]; then head -c 20000000 /dev/zero; else {room}; echo {{}}; fi"
        ended = self.run_list("-q", "-k", "-j1", command, ":::", "a", "big", "b")
        self.assertEqual(ended.code, 1, ended.message)
        self.assertTrue(ended.out.startswith(b"a\n") and ended.out.endswith(b"b\n"))

    def test_more_items_than_the_disk_takes_end_the_job_with_a_reason(self):
        for with_agent in (False, True):
            with self.subTest(with_agent=with_agent):
                if with_agent:
                    agent = self.start_agent()
                items = b"".join(b"%01000d\n" % number for number in range(20000))
                ended = self.run_list("-j1", "sleep 0.3; true", input=items, seconds=30)
                self.assertEqual(ended.code, 125, ended.message)
                self.assertIn("No space left on device", ended.message)
        self.expect(self.run_list("echo", ":::", "room again"), 0, "room again\n")
        self.stop_agent(agent)

    def test_a_job_that_can_not_be_noted_is_refused(self):
        self.start_agent()
        filler = os.path.join(self.state, "output", "filler")
        with open(filler, "wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 12))
        self.expect(self.run_list("echo", ":::", "a"), 125, b"", "No space left on device")
        os.unlink(filler)
        self.expect(self.run_list("echo", ":::", "a"), 0, "a\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
