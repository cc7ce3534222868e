"""State directories, keys and settings that are not as they should be; what a dead agent leaves behind."""

import os
import shutil
import unittest

from harness import ProcessTest, read_file, wait_until, write_file


class Directory(ProcessTest):
    def assert_refused(self, words, *commands):
        for command in commands or (["run", "echo", ":::", "a"], ["agent"], ["up"]):
            with self.subTest(command):
                code = 125 if command[0] == "run" else 1
                self.expect(self.gibbon(*command), code, b"", words)

    def test_a_file_in_its_place(self):
        write_file(self.state, "no directory")
        self.assert_refused([self.state, "--state"])

    def test_one_that_others_may_enter(self):
        os.mkdir(self.state)
        os.chmod(self.state, 0o750)
        self.assert_refused([self.state, "0750", f"chmod 700 {self.state}"])

    def test_one_of_another_user(self):
        if os.geteuid() != 0:
            self.skipTest("only root can give a directory away")
        os.mkdir(self.state, 0o700)
        os.chown(self.state, 12345, 12345)
        self.assert_refused([self.state, "12345"])

    def test_one_that_can_not_be_made(self):
        self.state = "/proc/gibbon"
        self.assert_refused(["/proc/gibbon"])
        self.state = self.path("state")

    def test_it_is_made_with_all_its_parents_and_for_its_owner_only(self):
        deep = self.path("a", "b", "state")
        self.expect(self.gibbon("run", "echo", ":::", "a", env={"GIBBON_STATE": deep}), 0, "a\n")
        self.assertEqual(os.stat(deep).st_mode & 0o7777, 0o700)

    def test_where_it_can_not_be_made_nothing_is_left_and_the_hint_names_it(self):
        bad = self.path("a", "b", "x" * 300)
        for words, env in ((["--state", bad], {}), ([], {"GIBBON_STATE": bad})):
            ended = self.gibbon(*words, "run", "echo", ":::", "a", env=env)
            self.expect(ended, 125, b"", ["--state DIR or GIBBON_STATE"])
            self.assertNotIn("TMPDIR", ended.message)
            self.assertFalse(os.path.exists(self.path("a")))

    def test_one_that_takes_no_private_agent_is_to_blame_and_not_tmpdir(self):
        self.mount_state("4m,nr_inodes=1")
        ended = self.run_list("echo", ":::", "a")
        self.expect(ended, 125, b"", [self.state, "No space left", "--state DIR or GIBBON_STATE"])
        self.assertNotIn("TMPDIR", ended.message)

    def test_a_run_that_fails_to_begin_takes_back_what_it_made(self):
        deep = self.path("a", "b", "state")
        self.expect(self.gibbon("--state", deep, "run", "no-such-program", ":::", "a"), 127, b"")
        self.assertFalse(os.path.exists(self.path("a")))

    def test_a_path_longer_than_a_sockets_name(self):
        self.state = self.path("x" * 120, "state")
        self.start_long_agent()

    def start_long_agent(self):
        log = self.path("long.log")
        with open(log, "wb") as file:
            agent = self.start("agent", stderr=file)
        wait_until(lambda: self.gibbon("status").code == 0 or agent.poll() is not None, "an agent")
        self.assertIsNone(agent.poll(), read_file(log))
        self.expect(self.run_list("echo", ":::", "a"), 0, "a\n")
        self.expect(self.gibbon("down"), 0)
        self.assertEqual(self.finish(agent).code, 0)


class Secrets(ProcessTest):
    def setUp(self):
        super().setUp()
        self.stop_agent(self.start_agent())
        self.key = os.path.join(self.state, "user.key")

    def test_they_are_their_owners_only(self):
        for name in ("user.key", "node.key"):
            status = os.stat(os.path.join(self.state, name))
            self.assertEqual((status.st_mode & 0o7777, status.st_size), (0o600, 32))

    def test_a_key_that_others_may_read(self):
        os.chmod(self.key, 0o640)
        self.expect(self.gibbon("agent"), 1, b"", [self.key, "0640", f"chmod 600 {self.key}"])

    def test_a_key_that_others_may_read_is_not_used_by_run_either(self):
        agent = self.start_agent()
        os.chmod(self.key, 0o644)
        self.expect(self.run_list("echo", ":::", "a"), 125, b"", [self.key, "chmod 600"])
        os.chmod(self.key, 0o600)
        self.stop_agent(agent)

    def test_a_damaged_key(self):
        for content in (b"", b"x" * 31, b"x" * 33):
            write_file(self.key, content, 0o600)
            self.expect(self.gibbon("agent"), 1, b"", [self.key, "damaged"])
            ended = self.expect(self.gibbon("up"), 1, b"", ["did not start", "agent.log", self.key, "damaged"])
            self.assertEqual(ended.message.count("damaged"), 1, "only what this agent said")
            self.assertIn(b"damaged", read_file(os.path.join(self.state, "agent.log")))

    def test_a_key_that_is_a_link(self):
        os.rename(self.key, self.path("work", "elsewhere"))
        os.symlink(self.path("work", "elsewhere"), self.key)
        self.expect(self.gibbon("agent"), 1, b"", self.key)

    def put_fifo(self, name):
        path = os.path.join(self.state, name)
        if os.path.exists(path):
            os.remove(path)
        os.mkfifo(path, 0o600)
        return path

    def test_a_fifo_where_a_file_should_be_is_named_and_not_waited_for(self):
        for name in ("user.key", "node.key", "lock", "gibbon.toml"):
            with self.subTest(name):
                path = self.put_fifo(name)
                self.expect(self.gibbon("agent", seconds=5), 1, b"", [path, "not a regular file"])
                os.remove(path)
        self.put_fifo("mark")
        os.makedirs(os.path.join(self.state, "jobs"), 0o700, exist_ok=True)
        self.put_fifo(os.path.join("jobs", "a" * 32))
        self.start_agent()
        self.expect(self.run_list("echo", ":::", "a"), 0, "a\n")

    def test_a_lost_node_key_is_made_again(self):
        os.unlink(os.path.join(self.state, "node.key"))
        self.start_agent()
        self.expect(self.run_list("echo", ":::", "a"), 0, "a\n")

    def test_a_job_signed_with_another_users_key_is_refused(self):
        self.start_agent()
        os.rename(self.key, self.key + ".kept")
        write_file(self.key, os.urandom(32), 0o600)
        self.expect(self.run_list("echo", ":::", "a"), 125, b"", "another user's key")
        os.rename(self.key + ".kept", self.key)
        self.expect(self.run_list("echo", ":::", "a"), 0, "a\n")


class Settings(ProcessTest):
    def agent_with(self, content):
        os.makedirs(self.state, 0o700, exist_ok=True)
        write_file(os.path.join(self.state, "gibbon.toml"), content, 0o600)
        return self.gibbon("agent")

    def test_mistakes_are_named_by_line(self):
        self.expect(self.agent_with("# fine\nslots = \n"), 1, b"", ["gibbon.toml", "2"])
        self.expect(self.agent_with("\n\nslos = 3\n"), 1, b"", ["gibbon.toml", "3", "slos"])
        self.expect(self.agent_with('slots = "many"\n'), 1, b"", ["gibbon.toml", "1", "slots"])
        self.expect(self.agent_with("slots = 0\n"), 1, b"", ["gibbon.toml", "slots"])
        self.expect(self.agent_with("slots = 1e9\n"), 1, b"", ["gibbon.toml", "slots"])
        self.expect(self.agent_with(b"\xff\xfe\x00binary"), 1, b"", "gibbon.toml")

    def test_what_it_says_holds(self):
        os.mkdir(self.state, 0o700)
        write_file(os.path.join(self.state, "gibbon.toml"), "slots = 5\n", 0o600)
        self.expect(self.gibbon("up"), 0, b"", "5 slots")
        self.expect(self.run_list("echo", ":::", "a"), 0, "a\n", "(5 slots)")
        self.expect(self.gibbon("down"), 0)


class Remnants(ProcessTest):
    def test_a_socket_of_a_dead_agent(self):
        agent = self.start_agent()
        self.kill_agent(agent)
        self.assertTrue(os.path.exists(os.path.join(self.state, "agent.sock")))
        self.expect(self.gibbon("status"), 3, b"", "no agent runs here")
        self.expect(self.run_list("echo", ":::", "a"), 0, "a\n", "private")
        self.expect(self.gibbon("up"), 0, b"", "agent started")
        self.expect(self.run_list("echo", ":::", "a"), 0, "a\n")
        self.expect(self.gibbon("down"), 0)

    def test_the_next_agent_says_what_ended_with_the_one_before(self):
        agent = self.start_agent()
        child = self.start("run", "--name", "the lost one", "touch up; sleep 300; true", ":::", "a")
        self.wait_for_file("up")
        self.kill_agent(agent)
        self.expect(self.finish(child), 125, b"", ["the agent went away", "gibbon up"])
        agent = self.start_agent()
        said = "(the lost one) ended unfinished with the agent before this one"
        self.assertIn(said, self.log_of(agent))
        self.assertIn(said, self.gibbon("status").out.decode())
        self.stop_agent(agent)
        self.assertNotIn("the lost one", self.log_of(self.start_agent()))

    def test_what_a_dead_agent_left_on_disk_is_removed_and_links_are_not_followed(self):
        self.stop_agent(self.start_agent())
        kept = self.file("kept", "precious")
        os.mkdir(os.path.join(self.state, "scratch", "gibbon-scratch-left"), 0o700)
        os.symlink(self.work, os.path.join(self.state, "scratch", "gibbon-scratch-left", "link"))
        os.mkdir(os.path.join(self.state, "scratch", "gibbon-scratch-left", "closed"), 0o000)
        write_file(os.path.join(self.state, "output", "left.out"), "x")
        os.symlink(kept, os.path.join(self.state, "output", "link"))
        self.start_agent()
        self.assertEqual(os.listdir(os.path.join(self.state, "scratch")), [])
        self.assertEqual(os.listdir(os.path.join(self.state, "output")), [])
        self.assertEqual(read_file(kept), b"precious")

    def test_a_private_agent_that_was_killed_is_cleared_away_by_the_next_run(self):
        child = self.start("run", "touch up; sleep 300; true", ":::", "a")
        self.wait_for_file("up")
        child.kill()
        self.finish(child)
        self.wait_for_none(lambda: self.running("sleep 300"), "tasks", 1.0)
        self.assertNotEqual([name for name in os.listdir(self.state) if name.startswith("gibbon-")], [])
        self.expect(self.run_list("echo", ":::", "a"), 0, "a\n")
        self.assertEqual([name for name in os.listdir(self.state) if name.startswith("gibbon-")], [])

    def test_directories_that_vanish_under_an_agent_are_made_again_and_what_is_in_the_way_is_named(self):
        self.start_agent()
        output = os.path.join(self.state, "output")
        shutil.rmtree(output)
        self.expect(self.run_list("echo", ":::", "a"), 0, "a\n")
        shutil.rmtree(output)
        write_file(output, "in the way")
        self.expect(self.run_list("echo", ":::", "a"), 125, b"", [output, "Not a directory"])
        os.remove(output)
        shutil.rmtree(os.path.join(self.state, "scratch"))
        self.expect(self.run_list("-k", "echo", ":::", "a", "b", "c"), 0, "a\nb\nc\n")

    def test_an_agent_in_a_copy_leaves_the_tasks_of_the_first_alone(self):
        self.start_agent()
        child = self.start("run", "touch up; sleep 2; echo {}", ":::", "a")
        self.wait_for_file("up")
        copy = self.path("copy")
        shutil.copytree(self.state, copy, ignore=lambda folder, names: [n for n in names if n == "agent.sock"])
        second = self.start_agent(state=copy)
        self.expect(self.finish(child), 0, "a\n")
        self.stop_agent(second)

    def test_an_agent_whose_lock_was_removed_still_has_its_directory_to_itself(self):
        first = self.start_agent()
        child = self.start("run", "touch up; sleep 1; echo {}", ":::", "a")
        self.wait_for_file("up")
        os.remove(os.path.join(self.state, "lock"))
        self.expect(self.gibbon("agent"), 1, b"", [f"pid {first.pid}", "removed its lock"])
        self.expect(self.finish(child), 0, "a\n")

    def test_runs_side_by_side_do_not_clear_each_other_away(self):
        children = [self.start("run", "-j2", "echo {}; sleep 0.2", ":::", *map(str, range(6))) for _ in range(4)]
        for child in children:
            ended = self.finish(child)
            self.expect(ended, 0)
            self.assertEqual(len(ended.out.split()), 6)


if __name__ == "__main__":
    unittest.main(verbosity=2)
