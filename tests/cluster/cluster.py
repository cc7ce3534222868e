"""A pool of real agents on this machine, each with its own state directory, keys and port, and what can befall them.

    with Pool(directory, ["alpha", "beta", "gamma"]) as pool:
        pool["beta"].kill()
        ended = pool["alpha"].run("-k", "echo {}", ":::", "a", "b")

The first node founds the pool and invites the others. Every process that it starts carries the directory in its
environment and is gone when the block ends; what an agent left in its state directory is looked at by `remnants`.
"""

import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "process"))

import harness  # noqa: E402
import processes  # noqa: E402
from harness import GIBBON, Ended, wait_until  # noqa: E402


class Node:
    """One machine: an agent with a state directory, a home, and a directory where its user types commands."""

    def __init__(self, pool, name, slots):
        self.pool, self.name, self.slots = pool, name, slots
        self.directory = os.path.join(pool.directory, name)
        self.state = os.path.join(self.directory, "state")
        self.work = os.path.join(self.directory, "work")
        self.events = os.path.join(self.directory, "events.jsonl")
        for folder in ("home", "tmp", "work"):
            os.makedirs(os.path.join(self.directory, folder))
        self.agent = None

    def environment(self, **more):
        variables = {"PATH": harness.PATH, "LANG": "C.UTF-8", "GIBBON_STATE": self.state}
        variables["HOME"] = os.path.join(self.directory, "home")
        variables["TMPDIR"] = os.path.join(self.directory, "tmp")
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                variables[name] = os.environ[name]
        variables.update(more)
        return variables

    @property
    def prefix(self):
        """What puts a process into this machine's network."""
        return self.pool.network.prefix(self.name) if self.pool.network else []

    @property
    def host(self):
        return self.pool.network.address(self.name) if self.pool.network else "127.0.0.1"

    def command(self, *words, timeout=60, stdin=b"", **more):
        """`gibbon WORDS...` of this machine's user, to its end."""
        began = time.monotonic()
        done = subprocess.run([*self.prefix, GIBBON, *words], input=stdin, capture_output=True, cwd=self.work,
                              env=self.environment(**more), timeout=timeout * harness.SCALE)
        return Ended(done.returncode, done.stdout, done.stderr, time.monotonic() - began)

    def checked(self, *words, **more):
        ended = self.command(*words, **more)
        if ended.code != 0:
            raise AssertionError(f"{self.name}: gibbon {' '.join(words)}: exit {ended.code}: {ended.message}")
        return ended

    def begin(self, *words):
        """The same, while other things happen."""
        return subprocess.Popen([*self.prefix, GIBBON, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, cwd=self.work, env=self.environment())

    def start(self, *words, port=0):
        self.launch(*words, port=port)
        self.wait_for_answer()

    def launch(self, *words, port=0):
        """The agent in the foreground, so that its process is ours to stop and kill."""
        log = open(os.path.join(self.directory, "agent.log"), "ab")
        words = ["agent", "--slots", str(self.slots), "--listen", f"{self.host}:{port}", "--events", self.events, *words]
        self.agent = subprocess.Popen([*self.prefix, GIBBON, *words], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                      cwd=self.work, env=self.environment())
        log.close()

    def wait_for_answer(self):
        wait_until(self.answers, f"{self.name} answers; its log says:\n{self.log()}")

    def answers(self):
        if self.agent.poll() is not None:
            raise AssertionError(f"the agent of {self.name} ended:\n{self.log()}")
        return self.command("status").code == 0

    def log(self):
        return harness.read_file(os.path.join(self.directory, "agent.log")).decode(errors="replace")

    def status(self):
        return json.loads(self.checked("status", "--json").out)

    def peers(self):
        return json.loads(self.checked("peers", "--json").out)

    @property
    def alive(self):
        return self.agent is not None and self.agent.poll() is None

    def signal(self, number):
        os.kill(self.agent.pid, number)

    def kill(self):
        """As if its plug were pulled: the agent and everything below it."""
        self.agent.kill()
        self.agent.wait()

    def stop(self):
        """The agent does nothing from now on; what it started goes on."""
        self.signal(signal.SIGSTOP)

    def go_on(self):
        self.signal(signal.SIGCONT)

    def down(self):
        if not self.alive:
            return
        self.go_on()
        self.agent.terminate()
        try:
            self.agent.wait(timeout=30 * harness.SCALE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the agent of {self.name} did not end:\n{self.log()}") from None

    def record(self):
        """The agent's event record so far."""
        return [json.loads(line) for line in harness.read_file(self.events).splitlines()]

    def remnants(self):
        """What an agent that has ended left in its state directory, and should not have."""
        found = []
        for folder in harness.FOLDERS:
            path = os.path.join(self.state, folder)
            if os.path.isdir(path):
                found += [os.path.join(path, name) for name in os.listdir(path)]
        return found


class Pool:
    def __init__(self, directory, names, slots=1, network=None):
        """`network`: one of network.py, in which each has its own; else all share this machine's loopback."""
        self.directory = directory
        self.network = network
        self.nodes = {name: Node(self, name, slots) for name in names}
        self.names = list(names)

    def __getitem__(self, name):
        return self.nodes[name]

    def __iter__(self):
        return iter(self.nodes.values())

    @property
    def founder(self):
        return self.nodes[self.names[0]]

    def __enter__(self):
        processes.become_subreaper()
        try:
            self.found()
        except BaseException:
            self.end()
            raise
        return self

    def found(self):
        self.founder.start()
        for node in list(self)[1:]:
            self.admit(node)

    def admit(self, node):
        token = self.invite()
        node.checked("join", "--no-start", "--name", node.name, token)
        node.start()

    def invite(self, uses=1):
        """A token. The first one founds the pool."""
        words = [] if os.path.isdir(os.path.join(self.founder.state, "pool")) else ["--name", self.founder.name]
        return self.founder.checked("invite", "-q", "--uses", str(uses), *words).out.decode().strip()

    def wait_for_links(self, seconds=20):
        """Everybody is linked with somebody."""
        for node in self:
            wait_until(lambda node=node: node.peers()["peers"], f"{node.name} is linked", seconds)

    def end(self):
        for node in self:
            if node.alive:
                node.kill()

    def __exit__(self, kind, *_):
        if kind is not None:
            self.end()
            return
        for node in self:
            node.down()
        left = processes_of(self.directory)
        if left:
            raise AssertionError(f"still there: {left}")


def processes_of(directory):
    return [process for pid, process in processes.all_processes().items()
            if pid != os.getpid() and process.state != "Z" and processes.carries(pid, directory)]
