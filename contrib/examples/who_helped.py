#!/usr/bin/env python3
"""Tells the story of the last job in event records: who helped whom, how much each did, what was begun again and why.

    who_helped.py RECORD...      files of `gibbon run --events` or `gibbon agent --events`

Lines that several records have in common (an agent's and that of a run on it) are counted once.
"""
import collections
import json
import sys


def lines_of(paths):
    seen = set()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                if line not in seen:
                    seen.add(line)
                    yield json.loads(line)


def main(paths):
    events = list(lines_of(paths))
    jobs = [event["job"] for event in events if event["what"] == "verdict"]
    last = max((event for event in events if event["what"] == "verdict"), key=lambda event: event["at"])["job"]
    events = [event for event in events if event.get("job", last) == last] if jobs else events
    done = collections.Counter()
    lent, again = collections.Counter(), collections.Counter()
    for event in events:
        what = event["what"]
        if what == "commit" and "by" in event:
            done[event["by"]] += event["piece"][1] - event["piece"][0]
        elif what == "grant" and not event.get("copies"):
            lent[event["node"], event["peer"]] += event["iterations"]
        elif what == "redo":
            again[f"{event['peer']} had begun it and is lost"] += 1
        elif what == "copy":
            reason = "its holder is silent" if event["why"] == "silent" else "it took long where it was"
            again[reason] += 1
        elif what == "task_lost":
            again[f"its process on {event['node']} was lost"] += 1
    for (master, helper), iterations in sorted(lent.items()):
        print(f"{master} lent {helper} {iterations} iterations, some of them more than once")
    for node, iterations in done.most_common():
        print(f"{node} did {iterations} iterations")
    for reason, pieces in again.most_common():
        print(f"begun again: {pieces} {'piece' if pieces == 1 else 'pieces'}, since {reason}")
    if not again:
        print("nothing was begun again")


if __name__ == "__main__":
    main(sys.argv[1:])
