"""Bad input: argument files and items that no command line can take, lists that are empty, endless or cut off."""

import hashlib
import os
import signal
import subprocess
import unittest

import harness
import processes
from harness import ProcessTest, wait_until


class ArgumentFiles(ProcessTest):
    def test_a_missing_file_is_named_and_nothing_runs(self):
        self.expect(self.run_list("touch", "::::", "nowhere"), 125, b"", ["nowhere", "No such file"])
        self.expect(self.run_list("-a", "nowhere", "touch"), 125, b"", ["nowhere", "No such file"])
        self.assertEqual(os.listdir(self.work), [])

    def test_a_directory_is_no_list(self):
        os.mkdir(os.path.join(self.work, "folder"))
        self.expect(self.run_list("echo", "::::", "folder"), 125, b"", ["folder", "directory"])

    def test_a_file_that_can_not_be_read(self):
        self.file("secret", "a\n", 0o000)
        if os.geteuid() == 0:
            os.unlink(os.path.join(self.work, "secret"))
            os.symlink("/proc/1/mem", os.path.join(self.work, "secret"))
        self.expect(self.run_list("echo", "::::", "secret"), 125, b"", "secret")

    def test_a_second_source_that_can_not_be_read(self):
        self.expect(self.run_list("echo", ":::", "a", "::::", "nowhere"), 125, b"", "nowhere")

    def test_a_binary_file_is_refused_where_an_item_can_not_be_an_argument(self):
        self.file("binary", b"good\n\x00\x01\x02\xff\n")
        ended = self.run_list("echo", "::::", "binary")
        self.assertEqual(ended.code, 125, ended.message)
        self.assertIn("binary, item 2", ended.message)

    def test_an_empty_file_is_an_empty_list(self):
        self.file("empty")
        self.expect(self.run_list("echo", "::::", "empty"), 0, b"", "0 ok, 0 failed")
        self.expect(self.run_list("echo", ":::", "a", "::::", "empty"), 0, b"", "0 ok, 0 failed")


class Items(ProcessTest):
    def test_an_empty_list_is_fine(self):
        self.expect(self.run_list("echo"), 0, b"", "0 ok, 0 failed")
        self.expect(self.run_list("echo", input=b""), 0, b"", "0 ok, 0 failed")

    def test_arguments_arrive_to_the_byte(self):
        nasty = [b"-rf", b"--help", b"new\nline", b"'q'", b'"qq"', b"\\", b"\xff\xfe\x80", b"\r", b"\t x ", b"$(id)"]
        nasty += [b"{}", b"%s", b"~", b"#", b"*"]
        self.file("show.py", "import os, sys\nsys.stdout.buffer.write(os.fsencode(sys.argv[1]) + b'\\0')\n")
        for command in (["python3", "-SE", "show.py", "{}"], ["python3 -SE show.py {}; true"]):
            ended = self.run_list("-k", "-0", *command, input=b"".join(text + b"\0" for text in nasty))
            self.expect(ended, 0, b"".join(text + b"\0" for text in nasty))

    def test_the_longest_argument_that_the_system_takes(self):
        self.expect(self.run_list("/bin/echo", input=b"x" * 131071 + b"\n"), 0, b"x" * 131071 + b"\n")

    def test_a_line_of_ten_megabytes_fails_alone(self):
        items = b"a\n" + b"x" * 10_000_000 + b"\nb\n"
        ended = self.run_list("-k", "/bin/echo", input=items)
        self.expect(ended, 1, "a\nb\n", ["2 ok, 1 failed", "10000000"])

    def test_one_byte_too_many(self):
        ended = self.run_list("-k", "/bin/echo", input=b"a\n" + b"x" * 131072 + b"\nb\n")
        self.expect(ended, 1, "a\nb\n", ["2 ok, 1 failed", "131072"])

    def test_an_argument_that_quoting_makes_too_long(self):
        ended = self.run_list("-k", "/bin/echo {}; true", input=b"a\n" + b"'" * 100_000 + b"\nb\n")
        self.expect(ended, 1, "a\nb\n", "2 ok, 1 failed")

    def test_endless_input_without_a_newline_costs_no_memory(self):
        with open("/dev/zero", "rb") as zero:
            producer = subprocess.Popen(["head", "-c", "300M"], stdin=zero, stdout=subprocess.PIPE)
            converted = subprocess.Popen(["tr", "\\0", "x"], stdin=producer.stdout, stdout=subprocess.PIPE)
            child = self.start("run", "/bin/echo", stdin=converted.stdout)
            producer.stdout.close()
            converted.stdout.close()
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
            producer.wait()
            converted.wait()
        self.assertEqual(child.returncode, 1)
        self.assertLess(usage.ru_maxrss, harness.memory_max_kib(48))

    def test_a_producer_that_dies_in_the_middle_of_a_line(self):
        command = f"sh -c 'echo a; echo b; printf half; kill -9 $$' | '{harness.GIBBON}' run -k echo"
        self.expect(self.finish(self.start("-c", command, program="/bin/sh")), 0, "a\nb\nhalf\n", "3 ok")


class Million(ProcessTest):
    def setUp(self):
        super().setUp()
        self.numbers = b"".join(b"%d\n" % number for number in range(1_000_000))

    def test_a_dry_run_of_a_million(self):
        ended = self.run_list("--dry-run", "convert {} {#}", input=self.numbers, seconds=60)
        self.assertEqual(ended.code, 0, ended.message)
        expected = b"".join(b"convert %d %d\n" % (number, number + 1) for number in range(1_000_000))
        self.assertEqual(hashlib.sha256(ended.out).digest(), hashlib.sha256(expected).digest())

    def test_a_job_of_a_million_can_be_stopped(self):
        agent = self.start_agent()
        path = self.file("numbers", self.numbers)
        child = self.start("run", "echo", "::::", path)
        taken = [child.stdout.readline() for _ in range(200)]
        self.assertEqual(len(set(taken)), 200)
        child.send_signal(signal.SIGINT)
        ended = self.finish(child)
        self.assertEqual(ended.code, 130, ended.message)
        shown = taken + ended.out.splitlines(keepends=True)
        self.assertEqual(len(shown), len(set(shown)), "a result was shown twice")
        self.assertTrue(set(shown) <= set(self.numbers.splitlines(keepends=True)))
        self.assertLess(processes.memory_kib(agent.pid, "VmHWM"), harness.memory_max_kib(64))

    def test_a_million_arguments_cost_the_agent_little(self):
        agent = self.start_agent()
        path = self.file("numbers", self.numbers)
        before = processes.memory_kib(agent.pid, "Pss")
        wait = "while ! [ -e go ]; do sleep 0.02; done; exit 3"
        child = self.start("run", "-j1", "--halt", "now,fail=1", wait, "::::", path)
        wait_until(lambda: self.all_read(child.pid, path), "the client to have read its million", 60)
        self.assertLess(processes.memory_kib(agent.pid, "Pss") - before, harness.memory_max_kib(24))
        self.file("go")
        self.expect(self.finish(child), 3)

    @staticmethod
    def all_read(pid, path):
        size = os.path.getsize(path)
        for name in os.listdir(f"/proc/{pid}/fdinfo"):
            try:
                if os.readlink(f"/proc/{pid}/fd/{name}") == path:
                    return f"pos:\t{size}\n".encode() in processes.read(f"/proc/{pid}/fdinfo/{name}")
            except OSError:
                pass
        return False


if __name__ == "__main__":
    unittest.main(verbosity=2)
