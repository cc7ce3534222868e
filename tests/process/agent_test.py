"""An agent of one's own: up, down, status, ps, cancel, and several clients at once."""

import json
import os
import re
import signal
import time
import unittest

import processes
from harness import ProcessTest, wait_until


class Agent(ProcessTest):
    def job_rows(self, *words):
        return json.loads(self.gibbon("ps", "--json", *words).out)["jobs"]

    def start_sleeper(self, *words, tasks=2):
        """A job whose tasks run until they are stopped. Returns when all of them run."""
        name = f"up-{len(self.children)}"
        child = self.start("run", *words, f"touch {name}-{{}}; sleep 300", ":::", *map(str, range(tasks)))
        for task in range(tasks):
            self.wait_for_file(f"{name}-{task}")
        return child

    def test_a_run_uses_the_agent_and_says_nothing_of_a_private_one(self):
        self.start_agent(slots=3)
        ended = self.run_list("echo", ":::", "a")
        self.expect(ended, 0, "a\n", "(3 slots)")
        self.assertNotIn("private", ended.message)

    def test_it_ends_at_a_signal_and_takes_its_socket_along(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            agent = self.start_agent()
            agent.send_signal(number)
            self.assertEqual(self.finish(agent).code, 0)
            self.assertFalse(self.answers())

    def test_its_end_cancels_what_runs(self):
        agent = self.start_agent()
        child = self.start_sleeper()
        agent.terminate()
        self.assertEqual(self.finish(agent).code, 0)
        ended = self.finish(child)
        self.assertIn(ended.code, (125, 143), ended.message)
        self.wait_for_none(lambda: self.running("sleep 300"), "tasks")

    def test_up_status_down(self):
        self.expect(self.gibbon("status"), 3, b"", ["no agent runs here", "gibbon up"])
        self.expect(self.gibbon("down"), 3, b"", "no agent runs here")
        ended = self.expect(self.gibbon("up", "--slots", "3"), 0, b"", ["agent started", "3 slots"])
        pid = int(re.search(r"pid (\d+)", ended.message)[1])
        try:
            self.expect(self.gibbon("up"), 0, b"", f"an agent runs already (pid {pid})")
            ended = self.expect(self.gibbon("status"), 0)
            self.assertIn(f"{pid}".encode(), ended.out)
            self.assertIn(self.state.encode(), ended.out)
            status = json.loads(self.gibbon("status", "--json").out)
            self.assertEqual((status["v"], status["slots"], status["running"], status["pid"]), (1, 3, 0, pid))
            self.expect(self.run_list("echo", ":::", "x"), 0, "x\n", "(3 slots)")
        finally:
            ended = self.gibbon("down")
        self.expect(ended, 0, b"", "agent stopped")
        self.wait_for_none(self.alive, "the agent")
        self.expect(self.gibbon("status"), 3)

    def test_many_that_bring_one_up_at_once_all_find_it_and_many_may_take_it_down(self):
        for _ in range(3):
            ups = [self.finish(child) for child in [self.start("up") for _ in range(16)]]
            pid = str(json.loads(self.gibbon("status", "--json").out)["pid"])
            for ended in ups:
                self.expect(ended, 0, b"", f"pid {pid}")
            agents = [process for process in self.alive() if str(process).endswith(" agent")]
            self.assertEqual(len(agents), 1, "none that was slower is still on its way")
            self.assertEqual(len([ended for ended in ups if "agent started" in ended.message]), 1)
            downs = [self.finish(child) for child in [self.start("down") for _ in range(8)]]
            for ended in downs:
                self.assertTrue("agent stopped" in ended.message or "no agent runs here" in ended.message, ended.message)
            self.assertIn(0, [ended.code for ended in downs])

    def test_an_agent_in_the_background_has_left_the_terminal(self):
        child, terminal = self.start_on_terminal("up")
        self.assertEqual(self.finish(child).code, 0)
        pid = json.loads(self.gibbon("status", "--json").out)["pid"]
        self.assertEqual(os.getsid(pid), pid)
        self.assertEqual({os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1)}, {"/dev/null"})
        self.assertEqual(os.readlink(f"/proc/{pid}/fd/2"), os.path.join(self.state, "agent.log"))
        self.expect(self.gibbon("down"), 0)

    def test_a_second_agent_is_refused_the_directory(self):
        agent = self.start_agent()
        ended = self.gibbon("agent")
        self.expect(ended, 1, b"", [f"pid {agent.pid}", self.state])
        self.assertTrue(self.answers())

    def test_down_while_a_job_runs_says_so_and_down_now_ends_it(self):
        self.start_agent()
        child = self.start_sleeper()
        self.expect(self.gibbon("down"), 1, b"", ["1 job is running", "--now"])
        self.assertIsNone(child.poll())
        self.expect(self.gibbon("down", "--now"), 0, b"", "agent stopped")
        self.assertIn(self.finish(child).code, (125, 143))

    def test_jobs_are_listed_while_they_run_and_after(self):
        self.start_agent()
        self.expect(self.gibbon("ps"), 0)
        child = self.start_sleeper("--name", "the sleeper")
        rows = self.job_rows()
        self.assertEqual([(row["name"], row["state"]) for row in rows], [("the sleeper", "running")])
        self.assertIn(b"the sleeper", self.gibbon("ps").out)
        short = self.gibbon("ps", "-q").out.decode().strip()
        self.assertTrue(rows[0]["job"].startswith(short), rows)
        self.expect(self.gibbon("cancel", "--now", "last"), 0)
        self.finish(child)
        self.assertEqual(self.job_rows(), [])
        self.assertEqual([row["name"] for row in self.job_rows("-a")], ["the sleeper"])
        self.expect(self.gibbon("ps", "-a"), 0)
        self.assertIn(b"cancelled", self.gibbon("ps", "-a").out)

    def test_a_job_is_cancelled_by_any_of_its_names(self):
        self.start_agent()
        selectors = [lambda row: row["job"], lambda row: row["job"][:8], lambda row: "%3", lambda row: "last"]
        selectors += [lambda row: row["name"]]
        for selector in selectors:
            child = self.start_sleeper()
            (row,) = self.job_rows()
            self.expect(self.gibbon("cancel", selector(row)), 0, b"", "1 job cancelled")
            self.expect(self.finish(child), 143, b"", "cancelled")

    def test_a_bare_number_cancels_nobodys_job_and_several_are_listed(self):
        self.start_agent(slots=4)
        children = [self.start_sleeper("--name", "twice", tasks=1) for _ in range(2)]
        rows = self.job_rows()
        for number in ("1", "2"):
            # By chance the id of that very job begins with its number: then both mean the same, and it is cancelled.
            if any(row["number"] == int(number) and row["job"].startswith(number) for row in rows):
                continue
            ended = self.gibbon("cancel", number)
            self.assertEqual(ended.code, 4, f"cancel {number} of {rows}: {ended.message}")
            self.assertIn("%" + number, ended.message)
        self.expect(self.gibbon("cancel", "twice"), 4, b"", [row["job"][:8] for row in rows])
        self.assertEqual([child.poll() for child in children], [None, None])
        self.expect(self.gibbon("cancel", "%1"), 0, b"", "1 job cancelled")
        self.expect(self.finish(children[0]), 143)
        self.expect(self.gibbon("cancel", "twice"), 0, b"", "1 job cancelled")
        self.expect(self.finish(children[1]), 143)

    def test_all_jobs_are_cancelled_at_once(self):
        self.start_agent(slots=4)
        children = [self.start_sleeper(), self.start_sleeper()]
        self.expect(self.gibbon("cancel", "all"), 0, b"", "2 jobs cancelled")
        for child in children:
            self.expect(self.finish(child), 143)
        self.wait_for_none(lambda: self.running("sleep 300"), "tasks")

    def test_cancelling_what_is_not_there(self):
        self.start_agent()
        self.expect(self.gibbon("cancel", "beef"), 4, b"", "no running job is called 'beef'")
        self.expect(self.gibbon("cancel", "%99"), 4)
        self.expect(self.gibbon("cancel", "last"), 4)
        self.expect(self.run_list("true", ":::", "a"), 0)
        (row,) = self.job_rows("-a")
        self.expect(self.gibbon("cancel", row["job"]), 4, b"", "ended already")
        self.expect(self.gibbon("cancel", "last"), 4, b"", "the last job has ended already")
        self.expect(self.gibbon("cancel", "--no-such-option", "last"), 2)

    def test_without_an_agent_there_is_nothing_to_ask(self):
        for words in (["ps"], ["cancel", "last"], ["status"], ["down"]):
            self.expect(self.gibbon(*words), 3, b"", "no agent runs here")

    def test_two_clients_share_the_slots_fairly(self):
        self.start_agent(slots=2)
        task = "echo {}; sleep 0.05; true"
        began = time.monotonic()
        long = self.start("run", task, ":::", *map(str, range(120)))
        wait_until(lambda: self.job_rows(), "the long job")
        short = self.gibbon("run", task, ":::", *map(str, range(10)))
        between = time.monotonic() - began
        self.expect(short, 0)
        self.assertIsNone(long.poll(), "the short job waited for the long one")
        ended = self.finish(long)
        self.expect(ended, 0)
        self.assertEqual(len(ended.out.split()), 120)
        self.assertLess(between, (time.monotonic() - began) * 0.75)

    def test_idle_it_keeps_no_more_than_it_had(self):
        agent = self.start_agent(slots=2)
        self.expect(self.run_list("true", *[":::", *map(str, range(20))]), 0)
        wait_until(lambda: not self.job_rows(), "the end of the job")
        before = processes.descriptor_count(agent.pid)
        for _ in range(10):
            self.expect(self.run_list("echo", *[":::", *map(str, range(20))]), 0)
        wait_until(lambda: processes.descriptor_count(agent.pid) <= before, "descriptors that are given back")
        self.assertLessEqual(before, 64 + 8 * 2)


if __name__ == "__main__":
    unittest.main(verbosity=2)
