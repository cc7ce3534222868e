"""Our handshake and channel against noise-c, in both roles: what one end writes the other reads, both ways.

Needs node, and in GIBBON_NOISE_C a folder with the npm package noise-c.wasm; tests/README.md says how to get one.
Skipped without them. noise-c has no psk modifiers of today's specification, so the suite of links is tried without its
psk; what that adds is covered by vectors.
"""

import os
import shutil
import subprocess
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = os.environ.get("GIBBON_NOISE_PEER") or os.path.join(HERE, "../../build/release/tests/interop/noise_peer")
FOLDER = os.environ.get("GIBBON_NOISE_C", "")
NODE = shutil.which("node")
INITIATOR = "77" * 32
RESPONDER = "66" * 32
PROLOGUE = b"prologue of both".hex()
HASHES = ("SHA512", "SHA256", "BLAKE2b")
# XX for links; IK has two messages, so that the initiator does not write the last one.
MESSAGES = {"XX": 3, "IK": 2}


def missing():
    if NODE is None:
        return "node is not installed"
    if not os.path.exists(os.path.join(FOLDER, "package.json")):
        return "GIBBON_NOISE_C names no folder with the package noise-c.wasm"
    return None


class End:
    """A child process that is one end."""

    def __init__(self, test, program, name, side, secret, remote):
        words = [*program, name, side, secret, PROLOGUE] + ([remote] if remote else [])
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True, env={"PATH": os.defpath})
        test.addCleanup(self.close)

    def ask(self, *words):
        self.process.stdin.write(" ".join(words) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().rstrip("\n")
        if not answer:
            raise AssertionError(f"no answer to {words[0]}: exit code {self.process.wait(10)}")
        return answer

    def say(self, payload):
        return self.ask("say", payload.hex() or "-")

    def hear(self, wire):
        answer = self.ask("hear", wire)
        return answer if answer.startswith("refused") else bytes.fromhex(answer.replace("-", ""))

    def close(self):
        self.process.stdin.close()
        code = self.process.wait(10)
        self.process.stdout.close()
        if code != 0:
            raise AssertionError(f"exit code {code}")


@unittest.skipIf(missing(), f"no other side: {missing()}")
class Noise(unittest.TestCase):
    def ends(self, name, we_begin):
        """Initiator and responder, one of them ours."""
        theirs = [NODE, os.path.join(HERE, "noise_peer.mjs"), FOLDER]
        first, second = ([OURS], theirs) if we_begin else (theirs, [OURS])
        known = self.public_of(RESPONDER) if "_IK_" in name else None
        return (
            End(self, first, name, "initiator", INITIATOR, known),
            End(self, second, name, "responder", RESPONDER, None),
        )

    def public_of(self, secret):
        """The public half, as the other end of a handshake of ours is told it."""
        left = End(self, [OURS], "Noise_XX_25519_ChaChaPoly_SHA512", "initiator", secret, None)
        right = End(self, [OURS], "Noise_XX_25519_ChaChaPoly_SHA512", "responder", "55" * 32, None)
        right.hear(left.say(b""))
        left.hear(right.say(b""))
        right.hear(left.say(b""))
        return right.ask("end").split()[1]

    def shake_hands(self, name, initiator, responder):
        sender, receiver = initiator, responder
        for number in range(MESSAGES[name.split("_")[1]]):
            payload = b"payload %d" % number
            self.assertEqual(receiver.hear(sender.say(payload)), payload)
            sender, receiver = receiver, sender

    def test_both_ends_agree_and_understand_each_other_in_both_roles(self):
        for pattern in MESSAGES:
            for digest in HASHES:
                for we_begin in (True, False):
                    name = f"Noise_{pattern}_25519_ChaChaPoly_{digest}"
                    with self.subTest(name, we_begin=we_begin):
                        initiator, responder = self.ends(name, we_begin)
                        self.shake_hands(name, initiator, responder)
                        left_hash, left_remote = initiator.ask("end").split()
                        right_hash, right_remote = responder.ask("end").split()
                        self.assertEqual(left_hash, right_hash)
                        self.assertEqual(left_remote, self.public_of(RESPONDER))
                        self.assertEqual(right_remote, self.public_of(INITIATOR))
                        for said in (b"one", b"", bytes(1000), b"\xff" * 65519):
                            self.assertEqual(responder.hear(initiator.say(said)), said)
                            self.assertEqual(initiator.hear(responder.say(said)), said)

    def test_a_frame_that_was_changed_is_refused_by_either_end(self):
        for we_begin in (True, False):
            name = "Noise_XX_25519_ChaChaPoly_SHA512"
            initiator, responder = self.ends(name, we_begin)
            self.shake_hands(name, initiator, responder)
            initiator.ask("end")
            responder.ask("end")
            frame = initiator.say(b"what is said")
            changed = frame[:-1] + ("0" if frame[-1] != "0" else "1")
            self.assertIn("refused", responder.hear(changed))

    def test_a_message_of_the_handshake_that_was_changed_is_refused_by_either_end(self):
        for we_begin in (True, False):
            initiator, responder = self.ends("Noise_IK_25519_ChaChaPoly_SHA512", we_begin)
            message = initiator.say(b"payload")
            changed = message[:-1] + ("0" if message[-1] != "0" else "1")
            self.assertIn("refused", responder.hear(changed))


if __name__ == "__main__":
    unittest.main(verbosity=2)
