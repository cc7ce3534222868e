"""What a task finds: the documented variables, null input, the caller's directory and umask, nothing inherited."""

import os
import socket
import unittest

import harness
from harness import ProcessTest

ALWAYS = {
    "PATH", "LANG", "HOME",
    "GIBBON_JOB_ID", "GIBBON_SEQ", "GIBBON_BRANCH", "GIBBON_ATTEMPT", "GIBBON_SLOT", "GIBBON_CPUS", "GIBBON_NODE",
    "GIBBON_ROOT_NODE", "GIBBON_SCRATCH", "GIBBON_BIN", "GIBBON_AGENT",
}  # fmt: skip


class Environment(ProcessTest):
    def variables(self, *words, mode=("--",), **options):
        ended = self.gibbon("run", *words, *mode, "/usr/bin/env", "-0", **options)
        self.expect(ended, 0)
        return dict(entry.split("=", 1) for entry in ended.out.decode().split("\0")[:-1])

    def test_exactly_the_documented_variables(self):
        found = self.variables(env={"SECRET": "x", "LC_ALL": "C", "SHELL": "/bin/sh", "USER": "me"})
        self.assertEqual(set(found), ALWAYS)
        self.assertEqual((found["PATH"], found["HOME"], found["LANG"]), (harness.PATH, self.path("home"), "C.UTF-8"))
        self.assertRegex(found["GIBBON_JOB_ID"], r"\A[0-9a-f]{32}\Z")
        self.assertEqual((found["GIBBON_SEQ"], found["GIBBON_BRANCH"], found["GIBBON_ATTEMPT"]), ("1", "0", "0"))
        self.assertEqual(found["GIBBON_NODE"], found["GIBBON_ROOT_NODE"])
        self.assertEqual(found["GIBBON_NODE"], socket.gethostname())
        self.assertEqual(os.path.realpath(found["GIBBON_BIN"]), os.path.realpath(harness.GIBBON))
        self.assertEqual(found["GIBBON_CPUS"], "1")

    def test_the_help_names_them_all(self):
        text = self.gibbon("help", "run").out.decode()
        for name in ALWAYS | {"GIBBON_ITEM", "GIBBON_LO", "GIBBON_HI"}:
            self.assertIn(name, text)

    def test_a_list_tells_its_item_and_a_range_its_bounds(self):
        ended = self.run_list("-k", "echo $GIBBON_SEQ $GIBBON_BRANCH $GIBBON_ITEM; true", ":::", "a b", "c")
        self.expect(ended, 0, "1 0 a b\n2 1 c\n")
        ended = self.gibbon("run", "--range", "5..6", "echo $GIBBON_LO $GIBBON_HI; true {lo} {hi}")
        self.expect(ended, 0, "5 6\n")

    def test_slots_have_numbers_from_one(self):
        ended = self.run_list("-j2", "echo $GIBBON_SLOT; sleep 0.1; true", ":::", *map(str, range(6)))
        self.expect(ended, 0)
        self.assertEqual(set(ended.out.split()), {b"1", b"2"})

    def test_a_variable_that_is_asked_for(self):
        found = self.variables("--env", "SECRET", "--env", "NOT_SET", env={"SECRET": "a=b\nc", "OTHER": "x"})
        self.assertEqual(set(found), ALWAYS | {"SECRET"})
        self.assertEqual(found["SECRET"], "a=b\nc")

    def test_all_variables(self):
        more = {"SECRET": "x", "EMPTY": "", "GIBBON_ITEM": "forged", "GIBBON_SCRATCH": "/forged", "GIBBON_SEQ": "9"}
        found = self.variables("--env", "_", env=more)
        self.assertEqual((found["SECRET"], found["EMPTY"], found["GIBBON_SEQ"]), ("x", "", "1"))
        self.assertNotEqual(found["GIBBON_SCRATCH"], "/forged")
        self.assertEqual(found["TMPDIR"], self.path("tmp"))

    def test_no_variable_is_there_twice(self):
        forged = {"GIBBON_SEQ": "9", "GIBBON_SLOT": "9"}
        ended = self.gibbon("run", "--env", "_", "--", "/usr/bin/env", "-0", env=forged)
        names = [entry.split(b"=")[0] for entry in ended.out.split(b"\0")[:-1]]
        self.assertEqual(len(names), len(set(names)), names)

    def test_another_shell(self):
        ended = self.run_list("echo ${BASH_VERSION:+bash}; true", ":::", "a", env={"GIBBON_SHELL": "/bin/bash"})
        self.expect(ended, 0, "bash\n")

    def test_a_shell_that_is_not_there_is_said_once_before_anything_starts(self):
        for command in (["echo", ":::", "a", "b"], ["--", "echo a"], ["--range", "0..9", "echo {lo}"]):
            ended = self.run_list(*command, env={"GIBBON_SHELL": "/nope"})
            self.expect(ended, 127, b"", ["GIBBON_SHELL=/nope: no such file", "nothing was started"])
            self.assertEqual(ended.message.count("/nope"), 1)

    def test_the_agents_own_environment_does_not_leak_into_tasks(self):
        self.start_agent(env={"SECRET": "of the agent", "LC_ALL": "C"})
        found = self.variables()
        self.assertEqual(set(found), ALWAYS)


class Surroundings(ProcessTest):
    def test_standard_input_is_null(self):
        self.expect(self.run_list("cat; readlink /proc/$$/fd/0; true", input=b"a\n"), 0, "/dev/null\n")
        self.expect(self.gibbon("run", "--", "cat", input=b"not for the task"), 0, b"")

    def test_the_directory_is_the_callers(self):
        self.expect(self.run_list("pwd; true", ":::", "a"), 0, self.work + "\n")
        os.mkdir(os.path.join(self.work, "sub"))
        self.expect(self.run_list("--cwd", "sub", "pwd; true", ":::", "a"), 0, self.work + "/sub\n")
        self.start_agent(cwd="/")
        self.expect(self.run_list("pwd; true", ":::", "a"), 0, self.work + "\n")

    def test_a_directory_that_is_not_there(self):
        for command in (["pwd; true", ":::", "a", "b"], ["--", "pwd"]):
            ended = self.run_list("--cwd", "nowhere", *command)
            self.expect(ended, 126, b"", ["cannot enter", "nowhere", "nothing was started"])
            self.assertEqual(ended.message.count("nowhere"), 1)

    def test_the_umask_is_the_callers(self):
        command = f"umask 027; '{harness.GIBBON}' run 'umask; touch made' ::: a"
        self.start_agent()
        self.expect(self.finish(self.start("-c", command, program="/bin/sh")), 0, "0027\n")
        self.assertEqual(os.stat(os.path.join(self.work, "made")).st_mode & 0o777, 0o640)

    def test_the_scratch_directory_is_private_empty_and_removed(self):
        script = "cd $GIBBON_SCRATCH; pwd; stat -c %a .; ls -A; mkdir -p a/b; : >a/b/c; chmod 0 a; ln -s / root; true"
        ended = self.run_list("-j1", "-k", script, ":::", "1", "2", "3")
        self.expect(ended, 0)
        lines = ended.out.decode().splitlines()
        self.assertEqual(len(lines), 6, lines)
        for path, mode in zip(lines[::2], lines[1::2]):
            self.assertEqual(mode, "700")
            self.assertFalse(os.path.exists(path))

    def test_no_descriptor_is_inherited(self):
        ended = self.run_list("ls /proc/self/fd; true", ":::", "a")
        self.assertEqual(ended.out.split(), [b"0", b"1", b"2", b"3"])  # 3: the listing itself
        reader, writer = os.pipe()
        os.set_inheritable(writer, True)
        ended = self.run_list("ls /proc/self/fd; true", ":::", "a", pass_fds=[writer])
        self.assertEqual(ended.out.split(), [b"0", b"1", b"2", b"3"])
        os.close(reader)
        os.close(writer)

    def test_a_session_of_its_own_without_a_terminal(self):
        child, terminal = self.start_on_terminal("run", "ps -o sid= -p $$; echo $$; echo x >/dev/tty", ":::", "a")
        ended = self.finish(child)
        sid, pid = ended.out.split()
        self.assertEqual(sid, pid)
        self.assertEqual(ended.code, 1)

    def test_signals_are_as_a_program_expects_them(self):
        task = 'grep -E "Sig(Blk|Ign)" /proc/self/status; true'
        command = f"trap '' TERM PIPE INT HUP; '{harness.GIBBON}' run '{task}' ::: a"
        ended = self.finish(self.start("-c", command, program="/bin/sh"))
        self.expect(ended, 0)
        blocked, ignored = (int(line.split(b"\t")[1], 16) for line in ended.out.splitlines())
        # 32 and 33 belong to the C library, which does not let anybody touch them.
        self.assertEqual((blocked, ignored & ~(3 << 31)), (0, 0))

    def test_limits_of_level_zero(self):
        command = "grep NoNewPrivs /proc/self/status; cat /proc/self/oom_score_adj; ulimit -c; true"
        self.expect(self.run_list(command, ":::", "a"), 0, "NoNewPrivs:\t1\n1000\n0\n")

    def test_a_job_of_this_machine_runs_at_normal_priority(self):
        self.expect(self.run_list("nice; true", ":::", "a"), 0, "0\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)
