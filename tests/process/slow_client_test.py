"""Clients that read slowly, or not at all: the agent's memory stays bounded, others are served, nothing gets lost."""

import os
import unittest

import client as wire
import harness
import processes
from client import Client
from harness import ProcessTest, wait_until

TASKS = 20_000
MEMORY_MAX_KIB = harness.memory_max_kib(48)


class SlowClient(ProcessTest):
    def feed(self, client, job, texts):
        """Sends items in chunks of 1,000; acknowledgements are left to whoever reads."""
        for chunk in range(0, len(texts), 1000):
            last = chunk + 1000 >= len(texts)
            client.send(wire.ITEMS, job, chunk // 1000, chunk, wire.items(*texts[chunk : chunk + 1000]), last)

    def counts(self):
        """(ok, failed) of the flood, as another client hears it."""
        with Client(self.state) as other:
            other.send(wire.LIST_JOBS, True)
            (rows,) = other.expect(wire.JOBS)
        return next((row[5][2], row[5][3]) for row in rows if row[2] == "flood")

    def take_all(self, client, job, batches=()):
        """Acknowledges and collects results until the verdict. Returns (results, verdict)."""
        results, ended = [], None
        for batch in batches:
            results += batch[2]
        if batches:
            client.send(wire.SHOWN, job, batches[-1][1])
        while ended is None:
            message = client.receive()
            if message[0] == wire.RESULTS:
                results += message[3]
                client.send(wire.SHOWN, job, message[2])
            elif message[0] == wire.VERDICT:
                ended = message
        return results, ended

    def test_twenty_thousand_results_wait_for_a_client_that_does_not_read(self):
        submission = wire.capture(self, "--name", "flood", "/usr/bin/printf", "%01024d", ":::", "a")
        agent = self.start_agent(slots=2)
        with Client(self.state) as client:
            job = submission.submit(client)
            self.feed(client, job, list(range(TASKS)))
            wait_until(lambda: self.counts()[0] >= TASKS / 4, "a quarter of the results", 60)
            # Another client is served meanwhile.
            self.expect(self.run_list("echo", ":::", "other"), 0, "other\n")
            wait_until(lambda: self.counts() == (TASKS, 0), f"all results ({self.counts()})", 120)
            self.assertLess(processes.memory_kib(agent.pid, "VmHWM"), MEMORY_MAX_KIB)
            results, verdict = self.take_all(client, job)
        self.assertEqual(len(results), TASKS)
        outputs = {begin: bytes(result[-2][1]) for result in results for begin in result[0][:1]}
        self.assertEqual(outputs, {number: b"%01024d" % number for number in range(TASKS)})
        self.assertEqual(verdict[3][2], TASKS)
        self.assertLess(processes.memory_kib(agent.pid, "VmHWM"), MEMORY_MAX_KIB)

    def test_no_more_is_sent_than_the_credit(self):
        submission = wire.capture(self, "--name", "flood", "head -c 60000 /dev/zero; true", ":::", "a")
        self.start_agent(slots=2)
        with Client(self.state) as client:
            job = submission.submit(client)
            self.feed(client, job, list(range(200)))
            wait_until(lambda: self.counts() == (200, 0), "all results", 60)
            client.socket.settimeout(1.0)
            taken, batches = [], []
            try:
                while True:
                    taken.append(client.receive())
            except TimeoutError:
                pass
            batches = [message[1:] for message in taken if message[0] == wire.RESULTS]
            self.assertTrue(batches)
            self.assertFalse([message for message in taken if message[0] == wire.VERDICT])
            self.assertLessEqual(sum(len(pack) for batch in batches for pack in [wire.pack(batch)]), 4 << 20)
            client.socket.settimeout(10 * harness.SCALE)
            results, _ = self.take_all(client, job, batches)
        self.assertEqual(sorted(begin for (begin, _), *_ in results), list(range(200)))

    def test_a_run_whose_reader_is_slow_gets_everything(self):
        agent = self.start_agent(slots=2)
        command = f"'{harness.GIBBON}' run -k 'head -c 100000 /dev/zero | tr \"\\0\" {{}}' ::: a b c d e f g h i j"
        command += " | (while dd bs=65536 count=1 status=none iflag=fullblock >part && [ -s part ]; do"
        command += " cat part; sleep 0.05; done)"
        ended = self.finish(self.start("-c", command, program="/bin/bash"), 60)
        self.expect(ended, 0, b"".join(letter.encode() * 100000 for letter in "abcdefghij"))
        self.assertLess(processes.memory_kib(agent.pid, "VmHWM"), MEMORY_MAX_KIB)

    def test_output_that_nobody_reads_stops_the_work_where_the_disk_is_full(self):
        self.mount_state("24m")
        submission = wire.capture(self, "--name", "flood", "head -c 50000 /dev/zero; true", ":::", "a")
        agent = self.start_agent(slots=2)
        with Client(self.state) as client:
            job = submission.submit(client)
            self.feed(client, job, list(range(1000)))
            wait_until(lambda: "is full" in self.log_of(agent), "the agent's word that the disk is full", 60)
            results, verdict = self.take_all(client, job)
        self.assertEqual(sorted(begin for (begin, _), *_ in results), list(range(1000)))
        self.assertEqual((verdict[3][2], verdict[3][3]), (1000, 0), "ok, failed")

    def test_in_order_a_task_that_is_tried_again_is_not_held_up_by_what_waits_for_it(self):
        self.mount_state("24m")
        command = "[ {} = 0 ] && [ $GIBBON_ATTEMPT = 0 ] && { while ! [ -e go ]; do sleep 0.01; done; exit 1; }; "
        command += "head -c 50000 /dev/zero; true {}"
        submission = wire.capture(self, "-k", "--retries", "1", "--name", "flood", command, ":::", "a")
        agent = self.start_agent(slots=2)
        with Client(self.state) as client:
            job = submission.submit(client)
            self.feed(client, job, list(range(1000)))
            wait_until(lambda: "is full" in self.log_of(agent), "the agent's word that the disk is full", 60)
            self.file("go")
            results, verdict = self.take_all(client, job)
        self.assertEqual([begin for (begin, _), *_ in results], list(range(1000)))
        self.assertEqual((verdict[3][2], verdict[3][3]), (1000, 0), "ok, failed")

    def test_a_client_that_goes_while_results_wait_leaves_nothing_behind(self):
        submission = wire.capture(self, "--name", "flood", "head -c 100000 /dev/zero; true", ":::", "a")
        agent = self.start_agent(slots=2)
        with Client(self.state) as client:
            job = submission.submit(client)
            self.feed(client, job, list(range(100)))
            wait_until(lambda: self.counts() == (100, 0), "all results", 60)
            self.assertNotEqual(os.listdir(os.path.join(self.state, "output")), [])
        wait_until(lambda: os.listdir(os.path.join(self.state, "output")) == [], "the end of the outputs")
        wait_until(lambda: processes.descriptor_count(agent.pid) < 64, "the end of the descriptors")


if __name__ == "__main__":
    unittest.main(verbosity=2)
