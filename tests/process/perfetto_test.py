"""The timeline of a simulation in Perfetto: its own trace processor reads the file, and finds all of it and no fault.

Needs node, and in GIBBON_TRACE_PROCESSOR a folder with a build of the trace processor; tests/README.md says how to get
one. Skipped without them.
"""

import collections
import json
import os
import shutil
import subprocess
import unittest

from harness import HERE, PATH, ProcessTest, read_file

FOLDER = os.environ.get("GIBBON_TRACE_PROCESSOR", "")
NODE = shutil.which("node")
FAULTS = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"


def missing():
    if NODE is None:
        return "node is not installed"
    for name in ("trace_processor.wasm", "engine_bundle.node.js"):
        if not os.path.exists(os.path.join(FOLDER, name)):
            return f"GIBBON_TRACE_PROCESSOR names no folder with {name}"
    return None


@unittest.skipIf(missing(), f"no trace processor: {missing()}")
class Timeline(ProcessTest):
    def ask(self, path, *queries):
        words = [NODE, os.path.join(HERE, "trace_processor.mjs"), FOLDER, path]
        done = subprocess.run(words, input=json.dumps(queries).encode(), capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return json.loads(done.stdout)

    def test_it_is_read_whole_and_without_a_fault(self):
        path = os.path.join(self.work, "pool.json")
        simulate = ("simulate", "--nodes", "60", "--slots", "2", "--iterations", "2000", "--powers", "1:4", "-b", "8")
        ended = self.gibbon(*simulate, "--kill", "10%", "--trace", path, "--json")
        self.assertEqual(ended.code, 0, ended.message)
        summary = json.loads(ended.out)
        events = collections.defaultdict(list)
        for event in json.loads(read_file(path))["traceEvents"]:
            events[event["ph"]].append(event)

        faults, slices, instants, tasks, nested, arrows, processes, nameless = self.ask(
            path,
            FAULTS,
            "select count(*) as n, min(dur) as shortest from slice where dur > 0",
            "select count(*) as n from slice where dur = 0",
            """select count(*) as n from slice join thread_track on track_id = thread_track.id join thread using (utid)
               where thread.name like 'slot %'""",
            "select count(*) as n from slice where depth > 0 and dur > 0",
            """select count(*) as n, sum(there.ts < here.ts) as backwards
               from flow join slice as here on slice_out = here.id join slice as there on slice_in = there.id""",
            "select name from process where name is not null",
            "select count(*) as n from thread join thread_track using (utid) where thread.name is null",
        )
        self.assertEqual(faults, [])
        self.assertEqual(slices[0]["n"], len(events["X"]))
        self.assertGreater(slices[0]["shortest"], 0)
        self.assertEqual(instants[0]["n"], len(events["i"]))
        self.assertEqual(tasks[0]["n"], summary["started"])
        self.assertEqual(nested[0]["n"], 0)
        self.assertEqual(arrows, [{"n": len(events["s"]), "backwards": 0}])
        self.assertEqual({row["name"] for row in processes}, {f"node {number}" for number in range(60)})
        self.assertEqual(nameless[0]["n"], 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
