"""What runs on this machine: found in /proc, judged by what it carries of a test.

Every process that a test causes carries the test's directory: in HOME or GIBBON_SCRATCH of its environment, or as its
working directory. So also a grandchild that left its session and lost its parents is found.
"""

import ctypes
import os
import signal

PR_SET_CHILD_SUBREAPER = 36


def become_subreaper():
    """Orphans of our programs become our children: seen, and reaped, by us instead of by init."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


class Process:
    """One process as it was when looked at."""

    def __init__(self, pid, state, parent, words):
        self.pid, self.state, self.parent, self.words = pid, state, parent, words

    def __repr__(self):
        return f"{self.pid} ({self.state}, below {self.parent}) {' '.join(self.words)[:120]}"


def read(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def look_at(pid):
    """The process, or None if there is none of this number (any more)."""
    status = read(f"/proc/{pid}/stat")
    if not status:
        return None
    state, parent = status.rpartition(b")")[2].split()[:2]
    words = [word.decode(errors="replace") for word in read(f"/proc/{pid}/cmdline").split(b"\0")[:-1]]
    return Process(int(pid), state.decode(), int(parent), words)


def all_processes():
    found = (look_at(name) for name in os.listdir("/proc") if name.isdigit())
    return {process.pid: process for process in found if process}


def working_directory(pid):
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


def carries(pid, directory):
    return directory.encode() in read(f"/proc/{pid}/environ") or working_directory(pid).startswith(directory)


def below(root, processes):
    """The numbers of all descendants of `root`."""
    children = {}
    for process in processes.values():
        children.setdefault(process.parent, []).append(process.pid)
    found, todo = [], [root]
    while todo:
        for child in children.get(todo.pop(), []):
            found.append(child)
            todo.append(child)
    return found


def of_test(directory, except_for=()):
    """Everything alive or dead that a test caused, but this process and `except_for`."""
    processes = all_processes()
    ours = set(below(os.getpid(), processes))
    ours.update(pid for pid in processes if pid != os.getpid() and carries(pid, directory))
    return [processes[pid] for pid in sorted(ours - set(except_for))]


def reap_adopted():
    """Orphans that died below us and that nobody else waits for. Only when no subprocess of ours is left."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0] > 0:
            pass
    except ChildProcessError:
        pass


def kill(pid, number=signal.SIGKILL):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def memory_kib(pid, field):
    """A field of /proc/PID/status such as VmHWM, or Pss of smaps_rollup."""
    file = "smaps_rollup" if field == "Pss" else "status"
    for line in read(f"/proc/{pid}/{file}").decode().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1])
    raise AssertionError(f"process {pid} has no {field}")


def descriptor_count(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))
