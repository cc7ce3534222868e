"""Machines that come into a pool and leave it: invite, join, peers and leave between agents of their own on this one."""

import json
import os
import re
import signal
import socket
import unittest

import processes
from harness import ProcessTest, read_file, read_terminal, wait_until, write_file

LISTEN = 'listen = "127.0.0.1:0"\n'


class Pool(ProcessTest):
    def setUp(self):
        super().setUp()
        self.background = []

    def end(self):
        for state in self.background:
            if os.path.isdir(state) and self.answers(state):
                self.at(state, "down", "--now")
        super().end()

    def machine(self, name, settings=LISTEN):
        """A state directory of its own, in which every `up` and `join` of the program lives."""
        state = self.path(name)
        os.mkdir(state, 0o700)
        write_file(os.path.join(state, "gibbon.toml"), settings, 0o600)
        self.background.append(state)
        return state

    def at(self, state, *words, **options):
        return self.gibbon("--state", state, *words, **options)

    def founder(self, name="alpha"):
        state = self.machine(name)
        self.expect(self.at(state, "invite", "--name", name), 0)
        return state

    def token(self, state, *words):
        return self.expect(self.at(state, "invite", "-q", *words), 0).out.decode().strip()

    def member(self, inviter, name):
        """A machine that has joined by an invitation of `inviter`."""
        state = self.machine(name)
        self.expect(self.at(state, "join", "--name", name, self.token(inviter)), 0, b"", f"as {name}")
        return state

    def peers(self, state):
        return json.loads(self.expect(self.at(state, "peers", "--json"), 0).out)["peers"]

    def names(self, state):
        return sorted(peer["name"] for peer in self.peers(state))

    def wait_for_peers(self, state, *names):
        wait_until(lambda: self.names(state) == sorted(names), f"links of {os.path.basename(state)} with {names}")

    # --- in

    def test_two_machines_are_a_pool_after_two_commands_and_share_a_list(self):
        alpha = self.machine("alpha")
        ended = self.expect(self.at(alpha, "invite", "--name", "alpha"), 0, words=["agent started", "root.key", "sandbox"])
        command = ended.out.decode().split()
        self.assertEqual(command[:2], ["gibbon", "join"])
        self.assertEqual(os.stat(os.path.join(alpha, "root.key")).st_mode & 0o777, 0o600)
        self.assertEqual(len(read_file(os.path.join(alpha, "root.key"))), 32)
        beta = self.machine("beta")
        ended = self.at(beta, "join", "--name", "beta", command[2])
        self.expect(ended, 0, b"", ["joined the pool of alpha", "as beta", "without a sandbox", "agent started", "linked with alpha"])
        (peer,) = self.peers(alpha)
        self.assertEqual((peer["name"], peer["roles"]), ("beta", ["member", "run"]))
        ended = self.expect(self.at(alpha, "run", "-k", "sleep 0.3; echo {} $GIBBON_NODE", ":::", *map(str, range(16))), 0)
        lines = [line.split() for line in ended.out.decode().splitlines()]
        self.assertEqual([int(number) for number, _ in lines], list(range(16)))
        self.assertEqual({node for _, node in lines}, {"alpha", "beta"})

    def test_with_no_branches_everything_stays_here(self):
        alpha = self.founder()
        self.member(alpha, "beta")
        for words in (["-b", "0"], ["--local"]):
            ended = self.expect(self.at(alpha, "run", *words, "sleep 0.1; echo $GIBBON_NODE; : {}", ":::", *"abcdefgh"), 0)
            self.assertEqual(set(ended.out.split()), {b"alpha"})

    def test_a_token_goes_by_standard_input_and_an_agent_that_runs_enters_the_pool(self):
        alpha = self.founder()
        beta = self.machine("beta")
        self.expect(self.at(beta, "up"), 0)
        pid = json.loads(self.at(beta, "status", "--json").out)["pid"]
        token = self.token(alpha)
        ended = self.at(beta, "join", "--name", "beta", "-", input=token.encode() + b"\n")
        self.expect(ended, 0, b"", "linked with alpha")
        self.assertNotIn("agent started", ended.message)
        status = json.loads(self.at(beta, "status", "--json").out)
        self.assertEqual((status["pid"], status["pool"]["name"], status["pool"]["node"]), (pid, "alpha", "beta"))
        self.assertEqual(status["pool"]["links"], 1)

    def test_who_joins_without_a_start_is_a_member_all_the_same(self):
        alpha = self.founder()
        beta = self.machine("beta")
        ended = self.at(beta, "join", "--no-start", "--name", "beta", self.token(alpha))
        self.expect(ended, 0, b"", "no agent was started: gibbon up")
        self.assertFalse(self.answers(beta))
        self.expect(self.at(beta, "up"), 0)
        self.wait_for_peers(beta, "alpha")

    def test_on_a_terminal_an_invitation_waits_until_the_other_has_joined(self):
        alpha = self.founder()
        child, terminal = self.start_on_terminal("--state", alpha, "invite", stdout_too=True)
        text = read_terminal(terminal, until=b"waiting for it")
        token = re.search(rb"gibbon join (gib1-\w+)", text)[1].decode()
        self.assertIsNone(child.poll())
        beta = self.machine("beta")
        self.expect(self.at(beta, "join", "--name", "beta", token), 0)
        self.assertEqual(self.finish(child).code, 0)
        text = read_terminal(terminal, until=b"beta joined: ")
        self.assertIn(b"beta was let in", text)

    def test_ctrl_c_stops_the_waiting_and_the_invitation_stays_good(self):
        alpha = self.founder()
        child, terminal = self.start_on_terminal("--state", alpha, "invite", stdout_too=True)
        token = re.search(rb"gibbon join (gib1-\w+)", read_terminal(terminal, until=b"waiting for it"))[1].decode()
        os.write(terminal, b"\x03")
        self.assertEqual(self.finish(child).code, 0)
        beta = self.machine("beta")
        self.expect(self.at(beta, "join", "--name", "beta", token), 0)

    # --- what goes wrong

    def test_tokens_that_are_none_say_what_to_type(self):
        beta = self.machine("beta")
        for text in ("nonsense", "gib1-", "gib1-zzzz", "gib9-0000", ""):
            ended = self.at(beta, "join", "-", input=text.encode() + b"\n")
            self.expect(ended, 2, b"", "the token: ")
            self.assertIn("gibbon", ended.message.splitlines()[-1][8:])
        alpha = self.founder()
        token = self.token(alpha)
        changed = token[:-9] + ("0" if token[-9] != "0" else "1") + token[-8:]
        self.expect(self.at(beta, "join", changed), 2, b"", "the token: ")
        self.expect(self.at(beta, "join", token[:40]), 2, b"", "the token: ")
        self.assertFalse(os.path.exists(os.path.join(beta, "pool")))

    def test_a_used_token_and_a_taken_name_are_refused_with_what_to_do(self):
        alpha = self.founder()
        token = self.token(alpha)
        beta = self.machine("beta")
        self.expect(self.at(beta, "join", "--name", "alpha", token), 5, b"", ["has this name already", "join --name"])
        self.expect(self.at(beta, "join", "--name", "beta", token), 0)
        gamma = self.machine("gamma")
        self.expect(self.at(gamma, "join", "--name", "gamma", token), 5, b"", ["has been used", "gibbon invite"])
        self.assertFalse(os.path.exists(os.path.join(gamma, "pool")))

    def test_nobody_there_is_another_failure_than_nobody_who_knows_the_token(self):
        alpha = self.founder()
        token = self.token(alpha)
        port = int(json.loads(self.at(alpha, "status", "--json").out)["pool"]["addresses"][0].rsplit(":", 1)[1])
        self.expect(self.at(alpha, "down"), 0)
        beta = self.machine("beta")
        self.expect(self.at(beta, "join", token), 3, b"", ["connection refused", "gibbon status"])
        gamma = self.machine("gamma", f'listen = "127.0.0.1:{port}"\n')
        self.expect(self.at(gamma, "invite", "-q", "--name", "gamma"), 0)
        self.expect(self.at(beta, "join", token), 5, b"", ["without a word", "gibbon invite"])

    def test_a_member_is_told_so_and_leaves_before_it_joins_again(self):
        alpha = self.founder()
        beta = self.member(alpha, "beta")
        token = self.token(alpha)
        self.expect(self.at(beta, "join", token), 1, b"", ["in the pool of alpha", "gibbon leave"])
        keys = {name: read_file(os.path.join(beta, name)) for name in ("node.key", "user.key", "link.key")}
        self.expect(self.at(beta, "leave"), 0, b"", "left the pool of alpha")
        self.wait_for_peers(alpha)
        self.assertFalse(os.path.exists(os.path.join(beta, "pool")))
        self.assertEqual(keys, {name: read_file(os.path.join(beta, name)) for name in keys})
        self.expect(self.at(beta, "peers"), 1, b"", ["in no pool", "gibbon join"])
        self.expect(self.at(beta, "join", "--name", "beta-2", token), 0)
        self.wait_for_peers(alpha, "beta-2")

    def test_leaving_waits_for_jobs_unless_it_is_to_be_now(self):
        alpha = self.founder()
        child = self.start("--state", alpha, "run", "touch begun; sleep 300; : {}", ":::", "a")
        self.wait_for_file("begun")
        self.expect(self.at(alpha, "leave"), 1, b"", ["1 job runs here", "--now"])
        self.expect(self.at(alpha, "leave", "--now"), 0, b"", "left the pool")
        self.assertIn(self.finish(child).code, (125, 143))
        self.expect(self.at(alpha, "leave"), 1, b"", "in no pool")
        self.expect(self.at(alpha, "down"), 0)
        self.expect(self.at(alpha, "leave"), 1, b"", "in no pool")

    def test_who_has_no_agent_leaves_too(self):
        alpha = self.founder()
        self.expect(self.at(alpha, "down"), 0)
        self.expect(self.at(alpha, "leave"), 0, b"", "left the pool")
        self.assertFalse(os.path.exists(os.path.join(alpha, "pool")))

    def test_only_the_first_machine_invites(self):
        alpha = self.founder()
        beta = self.member(alpha, "beta")
        self.expect(self.at(beta, "invite"), 1, b"", ["no issuer key", "where the pool began"])

    def test_who_was_invited_gets_no_help_until_the_owner_agrees_and_is_told_why(self):
        alpha = self.founder()
        beta = self.member(alpha, "beta")
        work = ["run", "sleep 0.2; echo $GIBBON_NODE; : {}", ":::", *map(str, range(12))]
        self.assertEqual(set(self.expect(self.at(beta, *work), 0).out.split()), {b"beta"})
        (peer,) = self.peers(beta)
        self.assertIn("allow_weak_sandbox", peer["refusal"])
        self.assertIn(b"alpha refused: ", self.expect(self.at(beta, "peers"), 0).out)
        self.assertIn("alpha refused", json.loads(self.at(beta, "status", "--json").out)["pool"]["why_no_help"])
        self.expect(self.at(alpha, "down"), 0)
        write_file(os.path.join(alpha, "gibbon.toml"), LISTEN + "allow_weak_sandbox = true\n", 0o600)
        self.expect(self.at(alpha, "up"), 0)
        self.wait_for_peers(alpha, "beta")
        wait_until(lambda: len(set(self.expect(self.at(beta, *work), 0).out.split())) == 2, "help from alpha")
        self.assertIsNone(json.loads(self.at(beta, "status", "--json").out)["pool"]["why_no_help"])

    def test_a_helper_goes_when_it_is_told_and_its_work_is_done_elsewhere(self):
        for how in (["down"], ["leave"]):
            name = how[0]
            alpha = self.founder("alpha-" + name)
            beta = self.member(alpha, "beta-" + name)
            task = f"echo $GIBBON_NODE {{}} >>{name}-log; sleep 1; test $GIBBON_NODE = alpha-{name} || sleep 300; echo {{}}"
            child = self.start("--state", alpha, "run", "-k", f"cd {self.work}; {task}", ":::", *map(str, range(8)))
            self.wait_for_file(f"{name}-log", content=f"beta-{name}".encode())
            self.expect(self.at(beta, *how), 0)
            if name == "down":
                self.assertFalse(self.answers(beta))
            ended = self.expect(self.finish(child, seconds=40), 0)
            self.assertEqual(ended.out.split(), [str(n).encode() for n in range(8)])
            self.wait_for_none(lambda: self.running("sleep 300"), "tasks of others", seconds=30)

    # --- where

    def test_a_named_port_that_is_taken_is_an_error_and_the_usual_one_is_not(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            alpha = self.machine("alpha", f'listen = "127.0.0.1:{port}"\n')
            self.expect(self.at(alpha, "invite"), 1, b"", [f"127.0.0.1:{port}", "address already in use", "--listen"])
        self.expect(self.at(alpha, "invite", "-q"), 0)
        self.expect(self.at(alpha, "down"), 0)
        with socket.create_server(("127.0.0.1", port)):
            self.expect(self.at(alpha, "up"), 1, b"", ["did not start", "address already in use"])

    def test_where_it_listens_is_typed_or_settled_and_names_are_looked_up(self):
        alpha = self.machine("alpha", "")
        self.expect(self.at(alpha, "up", "--listen", "localhost:0"), 0)
        self.expect(self.at(alpha, "invite", "-q", "--name", "alpha"), 0)
        addresses = json.loads(self.at(alpha, "status", "--json").out)["pool"]["addresses"]
        self.assertTrue(all(re.fullmatch(r"(127\.0\.0\.1|\[::1\]):\d+", address) for address in addresses), addresses)
        self.assertTrue(addresses)
        ended = self.at(self.machine("beta", ""), "up", "--listen", "nobody.invalid:1")
        self.expect(ended, 1, b"", ["cannot listen at nobody.invalid:1"])
        self.expect(self.at(self.machine("gamma", "lissten = 1\n"), "up"), 1, b"", ["line 1", "lissten"])

    def test_a_pool_is_found_by_a_seed_and_by_who_was_met_before(self):
        alpha = self.founder()
        port = json.loads(self.at(alpha, "status", "--json").out)["pool"]["addresses"][0].rsplit(":", 1)[1]
        beta = self.member(alpha, "beta")
        gamma = self.member(alpha, "gamma")
        self.wait_for_peers(beta, "alpha", "gamma")
        for state in (alpha, beta, gamma):
            self.expect(self.at(state, "down"), 0)
        # Without the inviter the two find each other, wherever gamma is now, since it finds beta.
        beta_port = re.search(rb"listens at 127.0.0.1:(\d+)", read_file(os.path.join(beta, "agent.log")))[1].decode()
        self.expect(self.at(beta, "up", "--listen", f"127.0.0.1:{beta_port}"), 0)
        self.expect(self.at(gamma, "up"), 0)
        self.wait_for_peers(gamma, "beta")
        # And one that forgot everything finds the pool by a seed.
        self.expect(self.at(alpha, "up", "--listen", f"127.0.0.1:{port}", "--seed", f"localhost:{beta_port}"), 0)
        self.wait_for_peers(alpha, "beta", "gamma")

    def test_a_killed_peer_is_none_and_one_that_comes_again_is_one(self):
        alpha = self.founder()
        beta = self.member(alpha, "beta")
        pid = json.loads(self.at(beta, "status", "--json").out)["pid"]
        processes.kill(pid, signal.SIGKILL)
        self.wait_for_peers(alpha)
        self.expect(self.at(beta, "up"), 0)
        self.wait_for_peers(alpha, "beta")

    def test_strangers_are_hung_up_on_and_told_of(self):
        alpha = self.founder()
        host, port = json.loads(self.at(alpha, "status", "--json").out)["pool"]["addresses"][0].rsplit(":", 1)
        for word in (b"GET / HTTP/1.0\r\n\r\n", b"gib1join\0\0\0\0\0\0\0\0", b"gib1link" + bytes(200)):
            with socket.create_connection((host, int(port)), timeout=10) as stranger:
                stranger.sendall(word)
                try:
                    self.assertEqual(stranger.recv(1), b"", word)
                except ConnectionResetError:
                    pass
        log = lambda: read_file(os.path.join(alpha, "agent.log"))
        wait_until(lambda: log().count(b"not let in from 127.0.0.1") == 3, "three lines about strangers")
        self.assertIn(b"another protocol", log())
        self.assertIn(b"token is unknown", log())

    def test_columns_for_scripts_are_eight(self):
        alpha = self.founder()
        self.member(alpha, "beta")
        line = self.expect(self.at(alpha, "peers", "--porcelain"), 0).out.decode()
        self.assertRegex(line, r"\A[0-9a-f]{64} beta 127\.0\.0\.1:\d+ \d+ \d+\.\d{3} \d+ member\+run \S+\n\Z")
        self.assertIn(b"beta", self.expect(self.at(alpha, "peers"), 0).out)
        self.assertIn(b"the pool of alpha", self.expect(self.at(alpha, "status"), 0).out)


if __name__ == "__main__":
    unittest.main(verbosity=2)
