"""Death: of the agent, of a launcher, of the client. What runs dies with what it ran for, and somebody says so."""

import json
import os
import signal
import unittest

import nasty
import processes
from harness import ProcessTest, read_file, wait_until


class AgentDies(ProcessTest):
    def others_than(self, *children):
        known = {child.pid for child in children}
        return [process for process in self.alive() if process.pid not in known]

    def test_nothing_of_any_task_is_there_a_second_after_the_agent_was_killed(self):
        agent = self.start_agent(slots=len(nasty.KINDS))
        client = self.start("run", *nasty.prepare(self), ":::", *nasty.KINDS)
        nasty.wait_until_up(self)
        self.assertGreater(len(self.others_than(client, agent)), 3 * len(nasty.KINDS))
        self.kill_agent(agent)
        self.wait_for_none(lambda: self.others_than(client), "what the agent ran", 1.0)
        ended = self.finish(client)
        self.expect(ended, 125, None, ["the agent went away", "jobs ended with it", "gibbon up"])
        successor = self.start_agent()
        self.assertIn("ended unfinished with the agent before this one", self.log_of(successor))
        self.assertEqual(json.loads(self.gibbon("ps", "--json").out)["jobs"], [])

    def test_the_same_when_the_run_that_brought_the_agent_is_killed(self):
        client = self.start("run", "-j8", *nasty.prepare(self), ":::", *nasty.KINDS)
        nasty.wait_until_up(self)
        client.kill()
        self.finish(client)
        self.wait_for_none(self.alive, "what the private agent ran", 1.0)
        self.expect(self.run_list("echo", ":::", "a"), 0, "a\n")

    def test_the_whole_process_group_of_the_agent_may_be_killed(self):
        agent = self.start_agent(slots=8, start_new_session=True)
        client = self.start("run", *nasty.prepare(self), ":::", *nasty.KINDS)
        nasty.wait_until_up(self)
        os.killpg(agent.pid, signal.SIGKILL)
        agent.wait()
        self.wait_for_none(lambda: self.others_than(client), "what the agent ran", 1.0)
        self.assertEqual(self.finish(client).code, 125)
        self.stop_agent(self.start_agent())

    def test_a_stopped_launcher_does_not_outlive_the_agent(self):
        agent = self.start_agent(slots=1)
        client = self.start("run", "setsid sleep 86417 & echo $PPID >up; sleep 86417; :", ":::", "a")
        launcher = int(read_file(self.wait_for_file("up", content=b"\n")))
        agent.send_signal(signal.SIGSTOP)
        wait_until(lambda: processes.look_at(agent.pid).state == "T", "an agent that is stopped")
        os.kill(launcher, signal.SIGSTOP)
        self.kill_agent(agent)
        self.wait_for_none(lambda: self.others_than(client), "what the agent ran", 1.0)
        self.expect(self.finish(client), 125, "", "the agent went away")
        self.start_agent()

    def test_a_private_run_ends_although_all_tasks_stop_their_launchers(self):
        ended = self.run_list("-j2", "kill -STOP $PPID; echo x {}", ":::", "a", "b", "c")
        self.expect(ended, 3, None, "given up")

    def test_cancelling_all_kinds_at_once_leaves_nothing_after_five_seconds(self):
        agent = self.start_agent(slots=len(nasty.KINDS))
        client = self.start("run", *nasty.prepare(self), ":::", *nasty.KINDS)
        nasty.wait_until_up(self)
        self.expect(self.gibbon("cancel", "all"), 0)
        self.assertEqual(self.finish(client).code, 143)
        self.assertEqual(self.running("8640") + self.running("nasty.sh") + self.running("yes"), [])
        self.assert_no_zombies(agent.pid)


class LauncherDies(ProcessTest):
    def setUp(self):
        super().setUp()
        self.agent = self.start_agent(slots=2)

    def launcher_of(self, pid):
        return processes.look_at(pid).parent

    def test_its_task_is_lost_said_to_be_so_and_run_again(self):
        script = "echo $GIBBON_ATTEMPT >>attempts; [ $(wc -l <attempts) = 1 ] && "
        script += "{ setsid sleep 86411 & echo $$ >pid; sleep 86412; }; echo done"
        child = self.start("run", script, ":::", "x")
        pid = int(read_file(self.wait_for_file("pid", content=b"\n")))
        wait_until(lambda: self.running("86411"), "the grandchild")
        os.kill(self.launcher_of(pid), signal.SIGKILL)
        self.wait_for_none(lambda: self.running("8641"), "the lost task", 1.0)
        ended = self.finish(child)
        self.expect(ended, 0, "done x\n", "task 1 was lost with its launcher")
        attempts = read_file(os.path.join(self.work, "attempts")).split()
        self.assertEqual(len(attempts), 2)
        self.assertLess(int(attempts[0]), int(attempts[1]))
        self.assert_no_zombies(self.agent.pid)

    def test_a_task_that_always_kills_its_launcher_is_given_up_and_the_others_go_on(self):
        script = "if [ {} = bad ]; then echo x >>deaths; kill -9 $PPID; sleep 86413; fi; echo {}"
        ended = self.run_list("-j2", script, ":::", "1", "bad", "2", "3", "4")
        self.expect(ended, 1, None, ["4 ok", "given up"])
        self.assertEqual(sorted(ended.out.split()), [b"1", b"2", b"3", b"4"])
        self.assertEqual(read_file(os.path.join(self.work, "deaths")), b"x\n" * 3)
        self.wait_for_none(lambda: self.running("86413"), "the task", 1.0)
        self.assert_no_zombies(self.agent.pid)

    def test_with_no_reexec_its_task_is_listed_as_lost_and_not_run_again(self):
        script = "echo {} >>started; if [ {} = bad ]; then kill -9 $PPID; sleep 86417; fi; echo {}"
        ended = self.run_list("--no-reexec", "-j1", script, ":::", "1", "bad", "2")
        self.expect(ended, 1, b"1\n2\n", ["task 2 was lost, and is not started again", "2 ok, 0 failed, 1 lost", "bad"])
        self.assertEqual(read_file(os.path.join(self.work, "started")), b"1\nbad\n2\n")
        rows = self.run_list("--no-reexec", "--jsonl", "-j1", script, ":::", "bad").out.splitlines()
        lost, end = [json.loads(row) for row in rows]
        self.assertEqual((lost["outcome"], lost["item"], lost["attempt"]), ("lost", "bad", 0))
        self.assertNotIn("exit", lost)
        self.assertFalse((lost["start"] or "").startswith("1970"))
        self.assertEqual(end["verdict"]["exit_code"], 1)
        self.assertEqual((end["verdict"]["counts"]["lost"], end["verdict"]["counts"]["done"]), (1, 1))
        self.wait_for_none(lambda: self.running("86417"), "the lost task", 1.0)

    def test_its_scratch_directory_goes_too(self):
        script = "[ $GIBBON_ATTEMPT = 0 ] && { mkdir $GIBBON_SCRATCH/deep; : >$GIBBON_SCRATCH/deep/file; "
        script += "echo $$ >pid; sleep 86414; }; ls $GIBBON_SCRATCH {}"
        child = self.start("run", script, ":::", "/dev/null")
        pid = int(read_file(self.wait_for_file("pid", content=b"\n")))
        launcher = self.launcher_of(pid)
        variables = processes.read(f"/proc/{pid}/environ").decode().split("\0")[:-1]
        scratch = dict(variable.split("=", 1) for variable in variables)["GIBBON_SCRATCH"]
        self.assertTrue(os.path.exists(scratch + "/deep/file"))
        os.kill(launcher, signal.SIGKILL)
        self.expect(self.finish(child), 0)
        wait_until(lambda: not os.path.exists(scratch + "/deep"), "the removal of the scratch directory")

    def test_one_that_is_stopped_is_taken_for_dead_and_its_task_runs_again(self):
        script = "setsid sleep 86415 & [ $GIBBON_ATTEMPT = 0 ] && { kill -STOP $PPID; sleep 86415; }; echo done"
        child = self.start("run", script, ":::", "x")
        self.expect(self.finish(child), 0, "done x\n", "task 1 was lost with its launcher")
        self.wait_for_none(lambda: self.running("86415"), "the lost task", 1.0)
        self.assert_no_zombies(self.agent.pid)

    def test_a_task_that_always_stops_its_launcher_is_given_up_and_the_others_go_on(self):
        script = "if [ {} = bad ]; then echo x >>stops; kill -STOP $PPID; sleep 86416; fi; echo {}"
        ended = self.run_list("-j2", script, ":::", "1", "bad", "2", "3")
        self.expect(ended, 1, None, ["3 ok", "given up"])
        self.assertEqual(sorted(ended.out.split()), [b"1", b"2", b"3"])
        self.assertEqual(read_file(os.path.join(self.work, "stops")), b"x\n" * 3)
        self.wait_for_none(lambda: self.running("86416"), "the task", 1.0)

    def test_one_that_is_stopped_without_a_task_is_replaced(self):
        self.expect(self.run_list("true", ":::", *map(str, range(4))), 0)
        for launcher in self.launchers():
            os.kill(launcher.pid, signal.SIGSTOP)
        self.expect(self.run_list("-k", "echo", ":::", *map(str, range(4))), 0, "0\n1\n2\n3\n")

    def test_all_idle_launchers_may_be_killed(self):
        self.expect(self.run_list("true", ":::", *map(str, range(4))), 0)
        for launcher in self.launchers():
            os.kill(launcher.pid, signal.SIGKILL)
        self.expect(self.run_list("-k", "echo", ":::", *map(str, range(4))), 0, "0\n1\n2\n3\n")


class ClientDies(ProcessTest):
    def test_its_job_is_cancelled_and_the_agent_goes_on(self):
        agent = self.start_agent(slots=2)
        child = self.start("run", "touch up-{}; sleep 86421; true", ":::", "a", "b", "c")
        self.wait_for_file("up-a")
        self.wait_for_file("up-b")
        child.kill()
        self.finish(child)
        self.wait_for_none(lambda: self.running("86421"), "tasks of a dead client", 1.0)
        self.expect(self.run_list("echo", ":::", "x"), 0, "x\n")
        rows = json.loads(self.gibbon("ps", "-a", "--json").out)["jobs"]
        self.assertEqual({row["state"] for row in rows}, {"ended"})
        self.assertFalse(os.path.exists(os.path.join(self.work, "up-c")))
        self.assert_no_zombies(agent.pid)

    def test_a_stopped_client_finds_all_results_when_it_goes_on(self):
        self.start_agent(slots=2)
        child = self.start("run", "touch ran-{}; echo {}", ":::", *map(str, range(300)))
        self.wait_for_file("ran-5")
        child.send_signal(signal.SIGSTOP)
        self.wait_for_file("ran-299", 60)
        self.expect(self.run_list("echo", ":::", "meanwhile"), 0, "meanwhile\n")
        child.send_signal(signal.SIGCONT)
        ended = self.finish(child)
        self.expect(ended, 0, None, "300 ok, 0 failed")
        self.assertEqual(sorted(map(int, ended.out.split())), list(range(300)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
