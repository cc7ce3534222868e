"""What every process test stands on.

A test gets a directory of its own: state (GIBBON_STATE), tmp (TMPDIR), home (HOME), work (where commands run).
Whatever it does, at its end nothing may be left: no process that carries the directory, no zombie below us, no scratch
directory, no output, no private agent's directory. Nothing here waits for a time to pass: conditions have deadlines.

GIBBON is the program; GIBBON_TEST_SCALE (default 1) stretches the deadlines for slow builds; GIBBON_TEST_SANITIZER is
not empty where the program was built with sanitizers.
"""

import fcntl
import os
import pty
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

import processes

HERE = os.path.dirname(os.path.abspath(__file__))
GIBBON = os.path.abspath(os.environ.get("GIBBON") or os.path.join(HERE, "../../build/release/gibbon"))
SCALE = float(os.environ.get("GIBBON_TEST_SCALE") or "1")
SANITIZED = bool(os.environ.get("GIBBON_TEST_SANITIZER"))
PATH = "/usr/local/bin:/usr/bin:/bin"
# What an agent may leave in its state directory; everything else is a remnant.
FOLDERS = ("scratch", "output", "jobs")
RESIDENTS = {"lock", "mark", "user.key", "node.key", "link.key", "root.key", "gibbon.toml", "agent.log", "agent.sock"}
RESIDENTS |= {"pool", "pool.new", *FOLDERS}


def memory_max_kib(mebibytes):
    """A bound on resident memory. Sanitizers keep what was freed, and shadows of it."""
    return (mebibytes + 768 * SANITIZED) * 1024


def wait_until(condition, what, seconds=10.0):
    """Polls until `condition` yields something true, and returns it."""
    until = time.monotonic() + seconds * SCALE
    while True:
        if value := condition():
            return value
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds * SCALE:.0f} s: {what}")
        time.sleep(0.01)


def read_file(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return b""


def write_file(path, content, mode=0o644):
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else content.encode())
    os.chmod(path, mode)
    return path


def read_terminal(master, seconds=10.0, until=None):
    """What is written to the terminal until its other side is closed, or `until` was seen."""
    text, end = b"", time.monotonic() + seconds * SCALE
    while time.monotonic() < end:
        if select.select([master], [], [], 0.05)[0]:
            try:
                got = os.read(master, 65536)
            except OSError:  # EIO: nobody has the other side open
                return text
            text += got
            if until and until in text:
                return text
    return text


class Ended:
    """How a command ended: exit code (negative: signal), standard output and error, wall time."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out or b"", err or b"", seconds

    @property
    def message(self):
        return self.err.decode(errors="replace")


class ProcessTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        processes.become_subreaper()

    def run(self, result=None):
        self.logs = ""
        bad = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > bad:
            sys.stderr.write(self.logs)

    def setUp(self):
        self.directory = os.path.realpath(tempfile.mkdtemp(prefix="gibbon-test-"))
        self.state = self.path("state")
        for name in ("tmp", "home", "work"):
            os.mkdir(self.path(name))
        self.work = self.path("work")
        self.children = []
        self.agents = []
        self.unmount = None
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.addCleanup(self.end)

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def file(self, name, content="", mode=0o644):
        """A file of the working directory."""
        return write_file(os.path.join(self.work, name), content, mode)

    def environment(self, **more):
        variables = {"PATH": PATH, "HOME": self.path("home"), "TMPDIR": self.path("tmp"), "LANG": "C.UTF-8"}
        variables["GIBBON_STATE"] = self.state
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                variables[name] = os.environ[name]
        variables.update(more)
        return {name: value for name, value in variables.items() if value is not None}

    def mount_state(self, size):
        """Puts the state directory on a file system of this size."""
        os.mkdir(self.state, 0o700)
        words = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "tmpfs", self.state]
        mounted = subprocess.run(words, capture_output=True)
        if mounted.returncode != 0:
            self.skipTest("nothing can be mounted here: " + mounted.stderr.decode().strip())
        self.unmount = ["umount", "-l", self.state]

    # --- commands

    def start(self, *words, program=None, env=None, cwd=None, **options):
        """Starts the program (GIBBON unless another is named) and returns its Popen."""
        options.setdefault("stdin", subprocess.DEVNULL)
        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        child = subprocess.Popen(
            [program or GIBBON, *words], env=self.environment(**(env or {})), cwd=cwd or self.work, **options
        )
        self.children.append(child)
        return child

    def finish(self, child, seconds=20.0, input=None):
        began = time.monotonic()
        try:
            out, err = child.communicate(input, timeout=seconds * SCALE)
        except subprocess.TimeoutExpired:
            left = processes.of_test(self.directory)
            child.kill()
            _, err = child.communicate()
            text = Ended(0, b"", err, 0).message[-2000:]
            self.fail(f"not within {seconds * SCALE:.0f} s: the end of {child.args[:8]}; it said:\n{text}\n{left}")
        return Ended(child.returncode, out, err, time.monotonic() - began)

    def gibbon(self, *words, input=None, seconds=20.0, **options):
        """Runs the program to its end."""
        if input is not None:
            options["stdin"] = subprocess.PIPE
        began = time.monotonic()
        ended = self.finish(self.start(*words, **options), seconds, input)
        ended.seconds = time.monotonic() - began
        return ended

    def run_list(self, *words, **options):
        return self.gibbon("run", *words, **options)

    def expect(self, ended, code, out=None, words=()):
        """Exit code, standard output to the byte, words of standard error."""
        said = f"stderr:\n{ended.message[-3000:]}\nstdout: {ended.out[:500]!r}"
        self.assertEqual(ended.code, code, said)
        if out is not None:
            self.assertEqual(ended.out, out if isinstance(out, bytes) else out.encode(), said)
        for word in [words] if isinstance(words, str) else words:
            self.assertIn(word, ended.message)
        return ended

    def start_on_terminal(self, *words, rows=24, columns=80, stdout_too=False, **options):
        """Starts the program with a terminal of its own for its input and its errors. Returns (Popen, master)."""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        child = self.start(
            *words,
            stdin=slave,
            stderr=slave,
            stdout=slave if stdout_too else subprocess.PIPE,
            preexec_fn=take_terminal,
            **options,
        )
        os.close(slave)
        self.addCleanup(os.close, master)
        return child, master

    # --- agents

    def start_agent(self, slots=2, state=None, env=None, **options):
        """An agent in the foreground, ready for clients. Its log is in `agent.log_path`."""
        state = state or self.state
        log_path = self.path(f"agent-{len(self.agents)}.log")
        with open(log_path, "wb") as log:
            env = {"GIBBON_STATE": state, **(env or {})}
            agent = self.start("agent", "--slots", str(slots), env=env, stderr=log, stdout=log, **options)
        agent.log_path, agent.state = log_path, state
        self.agents.append(agent)
        wait_until(lambda: agent.poll() is not None or self.answers(state), "an agent that listens")
        if agent.poll() is not None:
            self.fail(f"the agent ended with {agent.returncode}: {self.log_of(agent)}")
        return agent

    def answers(self, state=None):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
            try:
                trial.connect(os.path.join(state or self.state, "agent.sock"))
            except OSError:
                return False
            return True

    def log_of(self, agent):
        return read_file(agent.log_path).decode(errors="replace")

    def stop_agent(self, agent, seconds=15.0):
        agent.terminate()
        return self.finish(agent, seconds)

    def kill_agent(self, agent):
        agent.kill()
        agent.wait()

    # --- what runs

    def running(self, word):
        """The processes of this test that have `word` among their arguments, launchers and commands of ours aside."""
        return [
            process
            for process in processes.of_test(self.directory)
            if process.state != "Z" and any(word in argument for argument in process.words[1:] or process.words)
            and not process.words[0].startswith(("gibbon", GIBBON))
        ]

    def launchers(self):
        return [
            process
            for process in processes.of_test(self.directory)
            if process.state != "Z" and process.words and process.words[0].startswith("gibbon-launcher")
        ]

    def assert_no_zombies(self, pid):
        """What died below `pid` is reaped soon."""

        def zombies():
            everything = processes.all_processes()
            return [everything[child] for child in processes.below(pid, everything) if everything[child].state == "Z"]

        self.wait_for_none(zombies, "zombies", 1.0)

    def wait_for_file(self, name, seconds=10.0, content=None):
        path = os.path.join(self.work, name)
        is_there = lambda: os.path.exists(path) and (content is None or content in read_file(path))
        wait_until(is_there, f"the file {name}", seconds)
        return path

    def wait_for_none(self, find, what, seconds=5.0):
        """Until `find` finds no process any more; tells which are left."""
        until = time.monotonic() + seconds * SCALE
        while left := find():
            if time.monotonic() > until:
                self.fail(f"left after {seconds * SCALE:.0f} s, {what}: {left}")
            time.sleep(0.01)

    # --- the end

    def alive(self):
        return [process for process in processes.of_test(self.directory) if process.state != "Z"]

    def end(self):
        self.logs = "".join(f"--- log of the agent {agent.pid}\n{self.log_of(agent)[-3000:]}\n" for agent in self.agents)
        try:
            for agent in self.agents:
                if agent.poll() is None:
                    processes.kill(agent.pid, signal.SIGCONT)
                    self.stop_agent(agent)
            for child in self.children:
                if child.poll() is None:
                    self.fail(f"still there at the end: {child.args}")
            self.assert_nothing_left()
        finally:
            for process in self.alive():
                processes.kill(process.pid)
            for child in self.children:
                child.wait()
                for stream in (child.stdin, child.stdout, child.stderr):
                    if stream:
                        stream.close()
            wait_until(lambda: not self.alive(), "the death of what was killed")
            processes.reap_adopted()
            if self.unmount:
                subprocess.run(self.unmount, check=True)

    def assert_nothing_left(self):
        self.wait_for_none(self.alive, "processes", seconds=5.0)
        for child in self.children:
            child.wait()
        processes.reap_adopted()
        self.assertEqual(processes.of_test(self.directory), [], "zombies")
        self.assertEqual(self.remnants(), [])

    def remnants(self):
        """Files that should not be there any more."""
        found = [os.path.join("tmp", name) for name in os.listdir(self.path("tmp"))]
        states = {self.state, *(agent.state for agent in self.agents)}
        for state in filter(os.path.isdir, states):
            found += [name for name in os.listdir(state) if name not in RESIDENTS]
            for folder in FOLDERS:
                path = os.path.join(state, folder)
                if os.path.isdir(path):
                    found += [os.path.join(folder, name) for name in os.listdir(path)]
        return found
