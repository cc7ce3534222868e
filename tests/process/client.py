"""A client of the agent's local socket that knows the encoding, and can misuse it.

Messages are lists [kind, version, field, ...] in msgpack behind a big-endian length of four bytes, as
protocol/README.md tells. Only what these tests need of msgpack is here: nil, booleans, integers, byte strings, texts,
arrays.
"""

import os
import socket
import struct
import threading

import harness

HELLO, SUBMIT, ITEMS, SHOWN, CANCEL, GET_STATUS, LIST_JOBS, GET_PROGRESS, STOP_AGENT = range(9)
WELCOME, REFUSED, ACCEPTED, STORED, RESULTS, PROGRESS, VERDICT, STATUS, JOBS, DONE, WARNING = range(9, 20)
INVITE, ENTER_POOL, LEAVE_POOL, LIST_PEERS, INVITATION, JOINED, PEERS, EVENTS = range(20, 28)
KIND_COUNT = 28
REFUSALS = """bad_message version not_owner bad_manifest bad_items no_such_job ambiguous_job job_ended limit
shutting_down disk pool""".split()
NUMBERS = ((1 << 7, None, ">B"), (1 << 8, 0xCC, ">B"), (1 << 16, 0xCD, ">H"), (1 << 32, 0xCE, ">I"))


def pack(value):
    if value is None:
        return b"\xc0"
    if value is True or value is False:
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        if value < 0:
            return struct.pack(">bq", -0x2D, value)
        for limit, code, form in NUMBERS:
            if value < limit:
                return (b"" if code is None else bytes([code])) + struct.pack(form, value)
        return b"\xcf" + struct.pack(">Q", value)
    if isinstance(value, (bytes, bytearray)):
        return sized(len(value), 0xC4) + bytes(value)
    if isinstance(value, str):
        text = value.encode()
        return (bytes([0xA0 | len(text)]) if len(text) < 32 else sized(len(text), 0xD9)) + text
    head = bytes([0x90 | len(value)]) if len(value) < 16 else b"\xdd" + struct.pack(">I", len(value))
    return head + b"".join(pack(element) for element in value)


def sized(length, code):
    if length < 1 << 8:
        return bytes([code, length])
    if length < 1 << 16:
        return bytes([code + 1]) + struct.pack(">H", length)
    return bytes([code + 2]) + struct.pack(">I", length)


FIXED = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
LENGTHS = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I", 0xD9: ">B", 0xDA: ">H", 0xDB: ">I", 0xDC: ">H", 0xDD: ">I"}


def unpack(data, at=0):
    """(value, position behind it)"""

    def number(form):
        return struct.unpack_from(form, data, at + 1)[0], at + 1 + struct.calcsize(form)

    code = data[at]
    if code < 0x80 or code >= 0xE0:
        return (code if code < 0x80 else code - 256), at + 1
    if code in FIXED:
        return number(FIXED[code])
    if code in (0xC0, 0xC2, 0xC3):
        return {0xC0: None, 0xC2: False, 0xC3: True}[code], at + 1
    if 0x90 <= code < 0xA0:
        length, at = code & 15, at + 1
    elif 0xA0 <= code < 0xC0:
        length, at = code & 31, at + 1
    else:
        length, at = number(LENGTHS[code])
    if 0x90 <= code < 0xA0 or code in (0xDC, 0xDD):
        elements = []
        for _ in range(length):
            element, at = unpack(data, at)
            elements.append(element)
        return elements, at
    content = bytes(data[at : at + length])
    is_text = 0xA0 <= code < 0xC0 or code in (0xD9, 0xDA, 0xDB)
    return (content.decode() if is_text else content), at + length


def framed(content):
    return struct.pack(">I", len(content)) + content


class HungUp(Exception):
    pass


class Client:
    """One connection. `path` is that of a state directory."""

    def __init__(self, state, greet=True, seconds=10.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(seconds * harness.SCALE)
        self.socket.connect(os.path.join(state, "agent.sock"))
        self.buffer = b""
        if greet:
            self.send(HELLO, 1, "test")
            self.welcome = self.expect(WELCOME)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_bytes(self, content):
        self.socket.sendall(content)

    def send(self, kind, *fields):
        self.send_bytes(framed(pack([kind, 1, *fields])))

    def receive(self):
        """The next message as [kind, field, ...]. HungUp at the end of the stream."""
        while len(self.buffer) < 4 or len(self.buffer) < 4 + struct.unpack_from(">I", self.buffer)[0]:
            try:
                got = self.socket.recv(1 << 20)
            except ConnectionResetError:
                got = b""
            if not got:
                raise HungUp()
            self.buffer += got
        length = struct.unpack_from(">I", self.buffer)[0]
        message, end = unpack(self.buffer, 4)
        assert end == 4 + length, "bytes behind the message"
        self.buffer = self.buffer[4 + length :]
        return [message[0], *message[2:]]

    def expect(self, kind):
        """The fields of the next message of this kind; warnings before it are passed over."""
        while True:
            message = self.receive()
            if message[0] == kind:
                return message[1:]
            if message[0] != WARNING:
                raise AssertionError(f"kind {kind} expected, got {message}")

    def rest(self):
        """Everything until the other side hangs up."""
        messages = []
        try:
            while True:
                messages.append(self.receive())
        except HungUp:
            return messages


def pid_of(welcome):
    return welcome[5]


class Captured:
    """A submission as `gibbon run` signed it, for this client to use as it likes."""

    def __init__(self, fields):
        self.fields = fields

    def submit(self, client):
        client.send(SUBMIT, *self.fields)
        return client.expect(ACCEPTED)[0]


def capture(test, *words, state=None):
    """Plays the agent for one `gibbon run`, takes its submission, and hangs up. No agent may be running."""
    state = state or test.state
    if not os.path.isdir(state):
        os.mkdir(state, 0o700)
    path = os.path.join(state, "agent.sock")
    if os.path.exists(path):
        os.unlink(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(path)
    listener.listen(4)
    listener.settimeout(10 * harness.SCALE)
    taken = []

    def play():
        connection, _ = listener.accept()
        client = Client.__new__(Client)
        client.socket, client.buffer = connection, b""
        connection.settimeout(10 * harness.SCALE)
        client.expect(HELLO)
        client.send(WELCOME, 1, "test", "node", 2, bytes(32), os.getpid(), bytes(32))
        taken.append(client.expect(SUBMIT))
        client.close()

    thread = threading.Thread(target=play)
    thread.start()
    ended = test.gibbon("run", *words, env={"GIBBON_STATE": state})
    thread.join()
    listener.close()
    os.unlink(path)
    test.expect(ended, 125, b"", "the agent went away")
    return Captured(taken[0])


def items(*texts):
    return [[0, text if isinstance(text, bytes) else str(text).encode()] for text in texts]
