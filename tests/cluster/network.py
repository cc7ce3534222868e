"""A network of its own for each agent of a pool: network namespaces on one bridge, and cuts in them.

Needs root, `ip` and `nft`; `why_not` says what is missing. Every namespace carries the number of this process, and is gone
at the end.
"""

import os
import shutil
import subprocess


def why_not():
    for tool in ("ip", "nft"):
        if shutil.which(tool) is None:
            return f"there is no {tool}"
    if os.geteuid() != 0:
        return "network namespaces take root here"
    probe = f"gt{os.getpid()}probe"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True)
    if made.returncode != 0:
        return f"no network namespaces: {made.stderr.decode().strip()}"
    tables = subprocess.run(["ip", "netns", "exec", probe, "nft", "list", "tables"], capture_output=True)
    subprocess.run(["ip", "netns", "del", probe], capture_output=True)
    return None if tables.returncode == 0 else f"nft does not work: {tables.stderr.decode().strip()}"


def run(*words):
    done = subprocess.run(words, capture_output=True)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(words)}: {done.stderr.decode().strip()}")


class Network:
    """10.79.0.1 is the first node's, and so on. All hang on a bridge in a namespace that nobody lives in."""

    def __init__(self, names):
        self.names = list(names)
        self.made = []

    def space(self, name):
        return f"gt{os.getpid()}{name}"

    def address(self, name):
        return f"10.79.0.{self.names.index(name) + 1}"

    def prefix(self, name):
        return ["ip", "netns", "exec", self.space(name)]

    def __enter__(self):
        try:
            self.add("hub")
            run(*self.prefix("hub"), "ip", "link", "add", "hub", "type", "bridge")
            run(*self.prefix("hub"), "ip", "link", "set", "hub", "up")
            for name in self.names:
                self.add(name)
                self.connect(name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def add(self, name):
        run("ip", "netns", "add", self.space(name))
        self.made.append(name)
        run(*self.prefix(name), "ip", "link", "set", "lo", "up")

    def connect(self, name):
        port = f"p{self.names.index(name)}"
        hub = self.space("hub")
        run("ip", "-n", hub, "link", "add", port, "type", "veth", "peer", "name", "eth0", "netns", self.space(name))
        run("ip", "-n", hub, "link", "set", port, "master", "hub", "up")
        run(*self.prefix(name), "ip", "address", "add", self.address(name) + "/24", "dev", "eth0")
        run(*self.prefix(name), "ip", "link", "set", "eth0", "up")

    def __exit__(self, *_):
        for name in self.made:
            subprocess.run(["ip", "netns", "del", self.space(name)], capture_output=True)
        self.made = []

    def cut(self, name, direction="output"):
        """What it says (output) or hears (input) is lost from now on, without a word to anybody."""
        rules = f"add table inet cut; add chain inet cut c {{ type filter hook {direction} priority 0; }}; "
        run(*self.prefix(name), "nft", rules + "add rule inet cut c oifname eth0 drop" if direction == "output"
            else rules + "add rule inet cut c iifname eth0 drop")

    def reset(self, name):
        """Its connections break: whatever it hears is answered by a reset."""
        rules = "add table inet cut; add chain inet cut c { type filter hook input priority 0; }; "
        run(*self.prefix(name), "nft", rules + "add rule inet cut c iifname eth0 meta l4proto tcp reject with tcp reset")

    def heal(self, name):
        run(*self.prefix(name), "nft", "delete table inet cut")
