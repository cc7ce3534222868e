"""What tidy_test.py holds the tree to: tables only. A new room, file or exception is a line here."""

# Which of our folders the files of a folder may include ("itself" always). The arrows of agent/README.md.
ROOMS = {
    "protocol": set(),
    "crypto": set(),
    "agent/core": {"protocol"},
    "agent/link": {"agent/core", "protocol", "crypto"},
    "agent/sim": {"agent/core", "agent/link", "protocol"},
    "agent/exec": set(),
    "agent/shell": {"agent/core", "agent/exec", "agent/link", "protocol", "crypto"},
    "agent/cli": {"agent/core", "agent/sim", "agent/exec", "agent/link", "agent/shell", "protocol", "crypto"},
}
# agent/main.cpp wires: it sees what cli sees.
MAIN_MAY_INCLUDE = {"agent/core", "agent/exec", "agent/link", "agent/shell", "agent/cli", "protocol", "crypto"}

# Anywhere, headers too.
EVERYWHERE = {"tl"}
# First part of an angle-bracket include -> rooms whose .cpp files may use it.
THIRD_PARTIES = {
    "uv.h": {"agent/shell", "agent/cli"},
    "ares.h": {"agent/shell"},
    "msgpack": {"protocol"},
    "msgpack.hpp": {"protocol"},
    "sodium.h": {"crypto"},
    "sodium": {"crypto"},
    "spdlog": {"agent/shell", "agent/cli"},
    "fmt": {"agent/shell", "agent/cli"},
    "CLI": {"agent/cli"},
    "nlohmann": {"agent/cli", "agent/shell", "agent/sim"},
    "toml++": {"agent/shell", "agent/cli"},
    "sqlite3.h": set(),
    "zstd.h": set(),
    "gtest": set(),
    "gmock": set(),
    "rapidcheck": set(),
    "rapidcheck.h": set(),
}
# Those that a header of ours may show, and where.
THIRD_PARTIES_IN_HEADERS = {"uv.h": {"agent/shell", "agent/cli"}}

# agent/core decides and does nothing: no clock, no entropy, no I/O, no threads, no order that depends on a hash.
CORE_BANNED_INCLUDES = {
    "iostream", "fstream", "syncstream", "filesystem", "cstdio",
    "thread", "mutex", "shared_mutex", "condition_variable", "future", "atomic", "semaphore", "latch", "barrier",
    "stop_token", "random", "ctime", "csignal", "unordered_map", "unordered_set",
}
# These rooms include the C++ standard library, tl/expected.hpp and the third parties named above; nothing of the system.
PURE_ROOMS = ("protocol", "crypto", "agent/core")
CORE_BANNED_TEXT = {
    r"::now\s*\(": "the core is told the time",
    r"\b(?:system|steady|high_resolution)_clock\b": "the core is told the time",
    r"\bclock_gettime\b": "the core is told the time",
    r"\bunordered_\w+": "iteration order is behaviour: ordered containers only",
    r"\brandom_device\b": "entropy is injected as a seed",
    r"\bmt19937": "the core has its own generator",
    r"\b\w+_distribution\b": "unspecified algorithms differ between libraries",
    r"\bstd::(?:ranges::)?shuffle\b": "unspecified algorithms differ between libraries",
    r"\bs?rand\s*\(": "the core has its own generator",
    r"\bstd::hash\b": "hash order is not behaviour",
    r"\bgetenv\b": "options are given",
    r"\bf?printf\b": "the core says what it has to say in notices",
    r"\bstd::c(?:out|err|log)\b": "the core says what it has to say in notices",
    r"\bfopen\b": "the core opens nothing",
    r"\bstd::(?:j?thread|mutex|atomic)\b": "the core runs where it is called",
}

# Rooms where every .cpp has tests/unit/<room>/<name>_test.cpp.
ROOMS_WITH_MIRRORED_TESTS = ("protocol", "crypto", "agent/core", "agent/exec")
# .cpp -> (test that covers it, why it has none of its own)
TESTED_ELSEWHERE = {
    "agent/exec/command_expand.cpp": ("tests/unit/exec/command_test.cpp", "the second half of command.h"),
    # The parts of the launcher show only in what becomes of a task, so the tests are sorted by that.
    "agent/exec/descriptor.cpp": ("tests/unit/exec/launcher_test.cpp", "closes: a thousand tasks leave nothing open"),
    "agent/exec/launcher_main.cpp": ("tests/unit/exec/launcher_test.cpp", "the other process of every test there"),
    "agent/exec/launcher_process.cpp": ("tests/unit/exec/launcher_test.cpp", "the other process of every test there"),
    "agent/exec/message_socket.cpp": ("tests/unit/exec/launcher_wire_test.cpp", "cut and unknown messages"),
    "agent/exec/received_order.cpp": ("tests/unit/exec/launcher_wire_test.cpp", "well-formed and malformed orders"),
    "agent/exec/orphans.cpp": ("tests/unit/exec/launcher_death_test.cpp", "what a dead launcher or agent leaves"),
    "agent/exec/proc_file.cpp": ("tests/unit/exec/launcher_death_test.cpp", "read to find descendants"),
    "agent/exec/process_tree.cpp": ("tests/unit/exec/launcher_death_test.cpp", "both ways of finding descendants"),
    "agent/exec/output_file.cpp": ("tests/unit/exec/launcher_output_test.cpp", "everything a task writes"),
    "agent/exec/remove_tree.cpp": ("tests/unit/exec/scratch_test.cpp", "removal of hostile trees"),
    "agent/exec/spawn.cpp": ("tests/unit/exec/launcher_test.cpp", "what a task finds when it starts"),
    "agent/exec/task.cpp": ("tests/unit/exec/launcher_test.cpp", "texts of errors, where they are told"),
}

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
# path -> why it is longer
LONG_FILES = {}
# (path, name of the function) -> why it is longer
LONG_FUNCTIONS = {}

# In no name of ours: they say nothing about what a thing is. In file names the second list too.
BANNED_IN_NAMES = ("manager", "handler", "util")
BANNED_IN_FILE_NAMES = BANNED_IN_NAMES + ("common", "data", "info", "misc")
# Names of the system's that hold such a word.
FOREIGN_NAMES = {"sa_handler", "sighandler_t", "set_terminate_handler", "error_handler_t"}

BANNED_WORDS = (r"\bTODO\b", r"\bFIXME\b", r"\bXXX\b", r"\bHACK\b")

READMES = ("README.md", "agent/README.md", "protocol/README.md", "tests/README.md")

TOP_LEVEL = {
    ".ci", ".clang-format", ".clang-tidy", ".gitignore", "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md",
    "agent", "contrib", "crypto", "protocol", "tests",
}
AGENT_FOLDERS = {"cli", "core", "exec", "link", "shell", "sim"}

# The words that people, messages and code share; agent/README.md explains each in a row of its table.
GLOSSARY = (
    "agent", "node", "peer", "pool", "link", "job", "loop", "iteration", "body", "branch", "piece", "master", "helper",
    "root", "deputy", "branch number", "probe", "offer", "grant", "beat", "pace", "credit", "lease", "mandate", "power", "slot",
    "parked", "attempt", "owner",
)
