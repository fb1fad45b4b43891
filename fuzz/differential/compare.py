#!/usr/bin/env python3
"""Compares how the gateway and libxml2 read mutated messages.

    compare.py READER FINDINGS SECONDS SEED MESSAGES
    compare.py READER --record

READER is the program of soap-gateway/examples/read_messages.rs. Each message on
which the two disagree for no listed reason is kept in FINDINGS. `--record`
writes down what the messages are read as that all others are made from.
"""

import hashlib
import json
import random
import re
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import differences
import model

from mutations import changed

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ["conformance/messages", "fuzz/differential/messages"]
EXPECTED = ROOT / "fuzz/differential/expected.json"


def seeds():
    """The messages that all others are made from, by their paths."""
    paths = sorted(path for folder in FOLDERS for path in (ROOT / folder).glob("*.xml"))
    messages = {str(path.relative_to(ROOT)): path.read_bytes() for path in paths}
    return {path: message for path, message in messages.items() if len(message) < 20_000}


class Reader:
    """The gateway's reader, in a process of its own."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def read(self, message):
        """What it says of a message."""
        self.process.stdin.write(struct.pack(">I", len(message)) + message)
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError("the reader has ended; the message is at fault")
        return json.loads(line)


def expected(message):
    """What libxml2 makes of a message: what it says, or a refusal."""
    try:
        return model.read(model.parse(differences.prepared(message)))
    except model.Refused as refusal:
        return {"refused": str(refusal)}


def difference(ours, theirs):
    """Why the two differ: None when they don't, a listed reason, or ''."""
    if "refused" in ours and "refused" in theirs:
        return None
    if "refused" in ours:
        return listed(differences.STRICTER, ours["refused"])
    if "refused" in theirs:
        return listed(differences.LOOSER, theirs["refused"])
    for notification in ours["notifications"]:
        notification["fields"] = [list(field) for field in notification["fields"]]
    return None if ours == theirs else ""


def listed(reasons, said):
    for pattern, reason in reasons:
        if re.search(pattern, said):
            return reason
    return ""


def kind_of(reading):
    """What was said without names and places, to keep one message of each kind."""
    said = reading.get("refused", "accepted")
    return re.sub(r"line \d+(, column \d+)?|`[^`]*`|'[^']*'|\b[\w.:-]*:[\w.:-]*|\d+", "…", said)


def record(reader):
    """Writes down what the messages are read as, once libxml2 agrees."""
    readings = {}
    for path, message in seeds().items():
        readings[path] = reader.read(message)
        if difference(readings[path], expected(message)) == "":
            sys.exit(f"libxml2 reads {path} otherwise: {expected(message)}")
    lines = [f"{json.dumps(path)}: {json.dumps(reading)}" for path, reading in readings.items()]
    EXPECTED.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(f"{EXPECTED}: {len(readings)} readings")


def main():
    reader = Reader(sys.argv[1])
    if sys.argv[2:] == ["--record"]:
        return record(reader)
    findings, seconds, seed = Path(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
    most = int(sys.argv[5])
    findings.mkdir(parents=True, exist_ok=True)
    choices, messages = random.Random(seed), list(seeds().values())
    counts, reasons, found = Counter(), Counter(), {}
    end = time.monotonic() + seconds
    queue = list(messages)
    while queue or (time.monotonic() < end and counts.total() < most):
        message = queue.pop() if queue else changed(choices, messages)
        ours, theirs = reader.read(message), expected(message)
        counts["refused" if "refused" in ours else "accepted"] += 1
        reason = difference(ours, theirs)
        if reason:
            reasons[reason] += 1
        elif reason == "":
            kind = (kind_of(ours), kind_of(theirs))
            if found.setdefault(kind, message) is message:
                path = findings / (hashlib.sha1(message).hexdigest()[:16] + ".xml")
                path.write_bytes(message)
                path.with_suffix(".json").write_text(
                    json.dumps({"gateway": ours, "libxml2": theirs}, indent=1, ensure_ascii=False)
                )
                print(f"DIFFERENCE {path}\n  gateway: {kind[0]}\n  libxml2: {kind[1]}", flush=True)

    print(f"{counts.total()} messages: {counts['accepted']} accepted, {counts['refused']} refused"
          f" (seed {seed})")
    for reason, count in reasons.most_common():
        print(f"{count:8} differ on purpose: {reason}")
    if found:
        sys.exit(f"{len(found)} kinds of difference that nothing explains, in {findings}")
    print("no other difference")


main()
