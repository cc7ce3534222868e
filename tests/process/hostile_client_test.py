"""What anybody may write into the agent's socket: it survives, says why in its log, and serves the next client."""

import os
import socket
import struct
import time
import unittest

import client as wire
import harness
import processes
from client import Client, framed, pack
from harness import ProcessTest, wait_until


class Hostile(ProcessTest):
    def setUp(self):
        super().setUp()
        self.captured = [wire.capture(self, "echo", ":::", "a") for _ in range(2)]
        self.sleeper = wire.capture(self, "sleep 86441; true", ":::", "a")
        self.agent = self.start_agent(slots=2)

    def assert_alive(self, *words):
        """It serves the next client, and said so of the last one."""
        self.assertIsNone(self.agent.poll(), self.log_of(self.agent))
        self.expect(self.run_list("echo", ":::", "next"), 0, "next\n")
        for word in words:
            wait_until(lambda: word in self.log_of(self.agent), f"'{word}' in the log: {self.log_of(self.agent)}")

    def assert_hung_up(self, content, greet=False):
        """These bytes end the conversation. Returns what was said before."""
        with Client(self.state, greet) as client:
            client.send_bytes(content)
            return client.rest()

    def test_noise(self):
        for content in (os.urandom(4096), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 100, b"\xff" * 100):
            self.assert_hung_up(content)
        self.assert_alive("not a message")

    def test_lengths_that_promise_too_much(self):
        for length in (0xFFFFFFFF, 0x7FFFFFFF, (1 << 20) + 1, 0):
            before = processes.memory_kib(self.agent.pid, "VmHWM")
            self.assert_hung_up(struct.pack(">I", length) + b"x" * 100)
            self.assertLess(processes.memory_kib(self.agent.pid, "VmHWM") - before, 4096)
        self.assert_alive("not a message")

    def test_contents_that_promise_too_much(self):
        bombs = {
            "array of 4 billion": b"\xdd\xff\xff\xff\xff",
            "map of 4 billion": b"\xdf\xff\xff\xff\xff",
            "bytes of 4 GB": b"\xc6\xff\xff\xff\xff",
            "text of 4 GB": b"\xdb\xff\xff\xff\xff",
            "extension of 4 GB": b"\xc9\xff\xff\xff\xff\x01",
            "deep arrays": b"\x91" * 1_000_000,
            "deep maps": b"\x81" * 1_000_000,
            "reserved byte": b"\xc1",
            "a float": b"\xcb" + bytes(8),
        }
        before = processes.memory_kib(self.agent.pid, "VmHWM")
        for name, bomb in bombs.items():
            with self.subTest(name):
                self.assert_hung_up(framed(bomb))
                self.assert_hung_up(framed(b"\x93\x02\x01" + bomb[: (1 << 20) - 3]), greet=True)
        self.assertLess(processes.memory_kib(self.agent.pid, "VmHWM") - before, 16 * 1024 * harness.SCALE)
        self.assert_alive("not a message")

    def test_messages_cut_short(self):
        whole = framed(pack([wire.HELLO, 1, 1, "test"]))
        for length in range(len(whole)):
            with Client(self.state, greet=False) as client:
                client.send_bytes(whole[:length])
        self.assert_alive()

    def test_messages_in_single_bytes_are_understood(self):
        with Client(self.state, greet=False) as client:
            for byte in framed(pack([wire.HELLO, 1, 1, "test"])):
                client.send_bytes(bytes([byte]))
                time.sleep(0.001)
            client.expect(wire.WELCOME)

    def test_fields_of_the_wrong_type_and_number(self):
        wrong = [
            [],
            [wire.HELLO],
            [wire.HELLO, 1],
            [wire.HELLO, 1, "one", "test"],
            [wire.HELLO, 1, 1, b"test"],
            [wire.HELLO, 1, -1, "test"],
            [wire.HELLO, 1, 1, "x" * 10_000],
            ["hello", 1, 1, "test"],
            [wire.CANCEL, 1, "last", 7],
            [wire.SUBMIT, 1, b"", b"", False, False],
            [wire.ITEMS, 1, bytes(16), 0, 0, [[0, b"x" * 131_072]], False],
            [wire.ITEMS, 1, bytes(16), 0, 0, [[2, b"x"]], False],
            [wire.LIST_JOBS, 1, 1],
        ]
        for message in wrong:
            with self.subTest(message=str(message)[:60]):
                self.assert_hung_up(framed(pack(message)))
        self.assert_alive("not a message")

    def test_unknown_trailing_fields_of_a_later_version_are_passed_over(self):
        with Client(self.state, greet=False) as client:
            client.send(wire.HELLO, 1, "test", "new", [1, 2, 3], None)
            client.expect(wire.WELCOME)

    def test_another_version_of_the_socket_is_refused_with_a_hint(self):
        with Client(self.state, greet=False) as client:
            client.send(wire.HELLO, 99, "gibbon of the future")
            code, message, hint, _ = client.expect(wire.REFUSED)
            self.assertEqual(wire.REFUSALS[code], "version")
            self.assertIn("gibbon of the future", message)
            self.assertIn("gibbon down", hint)
            self.assertEqual(client.rest(), [])

    def test_anything_before_hello_is_refused(self):
        for message in ([wire.GET_STATUS, 1], [wire.STOP_AGENT, 1, 1], [wire.CANCEL, 1, "all", 1]):
            (refused,) = self.assert_hung_up(framed(pack(message)))
            self.assertEqual((refused[0], wire.REFUSALS[refused[1]]), (wire.REFUSED, "bad_message"))
        self.assert_alive()

    def test_messages_that_only_agents_send_are_refused(self):
        job, counts = bytes(16), [None] + [0] * 8
        messages = [
            [wire.WELCOME, 1, 1, "v", "node", 1, bytes(32), 1, bytes(32)],
            [wire.REFUSED, 1, 0, "m", "h", None],
            [wire.ACCEPTED, 1, job, 1],
            [wire.STORED, 1, job, 0],
            [wire.RESULTS, 1, job, 0, []],
            [wire.PROGRESS, 1, job, counts, 0],
            [wire.VERDICT, 1, job, 0, counts, 0, 0, 0, 0, "", []],
            [wire.STATUS, 1, "n", "v", 1, 0, 0, 0, "/", [], None],
            [wire.JOBS, 1, []],
            [wire.DONE, 1, ""],
            [wire.WARNING, 1, ""],
            [wire.JOINED, 1, bytes(32), "n", [bytes(16), 1], None],
            [wire.PEERS, 1, None, []],
        ]
        for message in messages:
            with self.subTest(kind=message[0]):
                (refused,) = self.assert_hung_up(framed(pack(message)), greet=True)
                self.assertEqual((refused[0], wire.REFUSALS[refused[1]]), (wire.REFUSED, "bad_message"))
                self.assertIn("only an agent", refused[2])
        self.assert_alive("only an agent says that")

    def test_an_unknown_kind_is_refused(self):
        for kind in (wire.KIND_COUNT, 200, (1 << 64) - 1):
            self.assert_hung_up(framed(pack([kind, 1])), greet=True)
        self.assert_alive("unknown kind")

    def test_results_that_were_never_sent_can_not_be_acknowledged(self):
        with Client(self.state) as client:
            job = self.captured[0].submit(client)
            client.send(wire.SHOWN, job, 0)
            (*_, refused) = [message for message in client.rest() if message[0] == wire.REFUSED]
            self.assertIn("never sent", refused[2])
        self.assert_alive("never sent")

    def test_items_of_another_clients_job_are_refused(self):
        with Client(self.state) as owner, Client(self.state) as other:
            job = self.captured[0].submit(owner)
            other.send(wire.ITEMS, job, 0, 0, wire.items("theirs"), True)
            code, _, _, named = other.expect(wire.REFUSED)
            self.assertEqual((wire.REFUSALS[code], named), ("no_such_job", job))
            other.send(wire.ITEMS, bytes(16), 0, 0, wire.items("nobody's"), True)
            self.assertEqual(wire.REFUSALS[other.expect(wire.REFUSED)[0]], "no_such_job")
            owner.send(wire.ITEMS, job, 0, 0, wire.items("mine"), True)
            owner.expect(wire.STORED)
            (result,) = owner.expect(wire.RESULTS)[2]
            self.assertEqual(result[-2], [0, b"mine\n"])
        self.assert_alive()

    def test_items_out_of_order_end_their_job_only(self):
        for captured, wrong in zip(self.captured, ((1, 0), (0, 5))):
            with self.subTest(wrong=wrong), Client(self.state) as client:
                job = captured.submit(client)
                client.send(wire.ITEMS, job, *wrong, wire.items("x"), False)
                refused, ended = None, None
                while refused is None or ended is None:
                    message = client.receive()
                    refused = message if message[0] == wire.REFUSED else refused
                    ended = message if message[0] == wire.VERDICT else ended
                self.assertEqual(wire.REFUSALS[refused[1]], "bad_items")
                self.assertEqual(ended[1], job)
        self.assert_alive()

    def test_items_after_the_last_are_refused(self):
        with Client(self.state) as client:
            job = self.sleeper.submit(client)
            client.send(wire.ITEMS, job, 0, 0, wire.items("a"), True)
            client.expect(wire.STORED)
            client.send(wire.ITEMS, job, 1, 1, wire.items("b"), True)
            self.assertEqual(wire.REFUSALS[client.expect(wire.REFUSED)[0]], "bad_items")
        self.wait_for_none(lambda: self.running("86441"), "the task", 8.0)
        self.assert_alive()

    def test_a_submission_works_once_and_only_as_it_was_signed(self):
        manifest, seed, *rest = self.captured[0].fields
        with Client(self.state) as client:
            for at in range(0, len(manifest), max(1, len(manifest) // 60)):
                altered = bytearray(manifest)
                altered[at] ^= 1
                client.send(wire.SUBMIT, bytes(altered), seed, *rest)
                self.assertIn(wire.REFUSALS[client.expect(wire.REFUSED)[0]], ("bad_manifest", "not_owner"))
            client.send(wire.SUBMIT, manifest, os.urandom(32), *rest)
            self.assertEqual(wire.REFUSALS[client.expect(wire.REFUSED)[0]], "bad_manifest")
            client.send(wire.SUBMIT, b"", seed, *rest)
            self.assertEqual(wire.REFUSALS[client.expect(wire.REFUSED)[0]], "bad_manifest")
            job = self.captured[0].submit(client)
            client.send(wire.SUBMIT, manifest, seed, *rest)
            code, message, *_ = client.expect(wire.REFUSED)
            self.assertIn("launched before", message)
            client.send(wire.ITEMS, job, 0, 0, [], True)
            client.expect(wire.STORED)
            client.expect(wire.VERDICT)
            client.send(wire.SUBMIT, manifest, seed, *rest)
            self.assertIn("launched before", client.expect(wire.REFUSED)[1])
        self.assert_alive()

    def test_a_client_that_hangs_up_at_any_moment(self):
        with Client(self.state) as client:
            client.send(wire.SUBMIT, *self.captured[0].fields)
        with Client(self.state) as client:
            self.captured[1].submit(client)
        with Client(self.state) as client:
            job = self.sleeper.submit(client)
            client.send(wire.ITEMS, job, 0, 0, wire.items("a"), True)
            wait_until(lambda: self.running("86441"), "the task")
        self.wait_for_none(lambda: self.running("86441"), "the task", 8.0)
        self.assert_alive()

    def test_a_thousand_connections(self):
        crowd = []
        for _ in range(1000):
            one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            one.connect(os.path.join(self.state, "agent.sock"))
            crowd.append(one)
        self.assertIsNone(self.agent.poll())
        self.assertLess(processes.descriptor_count(self.agent.pid), 400)
        for one in crowd:
            one.close()
        wait_until(lambda: processes.descriptor_count(self.agent.pid) < 64, "the end of the crowd's connections")
        self.assert_alive("too many clients")

    def test_questions_without_end_that_nobody_reads_the_answers_to(self):
        with Client(self.state) as client:
            client.socket.settimeout(0.5)
            question = framed(pack([wire.GET_STATUS, 1])) * 2000
            try:
                for _ in range(500):
                    client.send_bytes(question)
            except (TimeoutError, BrokenPipeError, ConnectionResetError):
                pass
            self.assertLess(processes.memory_kib(self.agent.pid, "VmHWM"), harness.memory_max_kib(64))
            self.assert_alive()


if __name__ == "__main__":
    unittest.main(verbosity=2)
