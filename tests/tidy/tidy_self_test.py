"""Plants one violation at a time in a small clean tree and expects exactly that one to be found."""

import os
import sys
import tempfile
import types
import unittest
from pathlib import Path
from typing import Dict, List

import source_text
import tidy_rules
import tidy_test

GLOSSARY_TABLE = "| word | meaning |\n|---|---|\n" + "".join(f"| {w} | meaning |\n" for w in tidy_rules.GLOSSARY)

CLEAN: Dict[str, str] = {
    "README.md": "# Top\n[agents](agent/README.md), [words](agent/README.md#two-words), `agent/core/`, [far](https://example.org/x)\n",
    "agent/README.md": "# Agent\n\n## Two words\n\n" + GLOSSARY_TABLE,
    "protocol/README.md": "# Protocol\n",
    "tests/README.md": "# Tests\n",
    "protocol/ids.h": "// What it is.\n#pragma once\n#include <cstdint>\nnamespace protocol {}\n",
    "protocol/codec.h": '#pragma once\n#include "protocol/ids.h"\n',
    "protocol/codec.cpp": '#include "protocol/codec.h"\n#include <msgpack.hpp>\n#include <span>\n',
    "crypto/keys.h": "#pragma once\n#include <tl/expected.hpp>\n",
    "crypto/keys.cpp": '#include "crypto/keys.h"\n#include <sodium.h>\n',
    "agent/core/branch.h": '#pragma once\n#include "protocol/ids.h"\n',
    "agent/core/branch.cpp": '#include "agent/core/branch.h"\n#include <vector>\n// a std::mutex, and "::now()", in a remark\n',
    "agent/exec/launcher.h": "#pragma once\n",
    "agent/exec/launcher.cpp": '#include "agent/exec/launcher.h"\n#include <sys/wait.h>\nint f() { struct sigaction a; a.sa_handler = 0; }\n',
    "agent/shell/server.h": '#pragma once\n#include <uv.h>\n#include "agent/core/branch.h"\n#include "agent/exec/launcher.h"\n',
    "agent/cli/run.cpp": '#include <CLI/CLI.hpp>\n#include "agent/shell/server.h"\n#include "crypto/keys.h"\n',
    "agent/main.cpp": '#include "agent/cli/words.h"\n',
    "agent/cli/words.h": "#pragma once\n",
    "tests/unit/protocol/codec_test.cpp": '#include "protocol/codec.h"\n#include <gtest/gtest.h>\nusing namespace std::chrono_literals;\n',
    "tests/unit/crypto/keys_test.cpp": '#include "tests/unit/crypto/vectors.h"\n',
    "tests/unit/crypto/vectors.h": "#pragma once\n",
    "tests/unit/core/branch_test.cpp": "\n",
    "tests/unit/exec/launcher_test.cpp": "\n",
}

BODY_OF_71 = "void long_one() {\n" + "  f();\n" * 69 + "}\n"

# name -> (path, text added to it or the whole of a new file, what the one problem says)
VIOLATIONS = {
    "protocol knows crypto": ("protocol/codec.cpp", '#include "crypto/keys.h"\n', "protocol must not include"),
    "crypto knows protocol": ("crypto/keys.cpp", '#include "protocol/ids.h"\n', "crypto must not include"),
    "core knows exec": ("agent/core/branch.cpp", '#include "agent/exec/launcher.h"\n', "agent/core must not include"),
    "core knows crypto": ("agent/core/branch.h", '#include "crypto/keys.h"\n', "agent/core must not include"),
    "exec knows protocol": ("agent/exec/launcher.cpp", '#include "protocol/ids.h"\n', "agent/exec must not include"),
    "shell knows cli": ("agent/shell/server.h", '#include "agent/cli/words.h"\n', "agent/shell must not include"),
    "cli knows main's neighbours": ("agent/cli/run.cpp", '#include "agent/main.cpp"\n', "agent/cli must not include"),
    "code knows tests": ("agent/cli/run.cpp", '#include "tests/unit/crypto/vectors.h"\n', "nothing includes tests"),
    "indented include": ("agent/core/branch.cpp", ' #  include "crypto/keys.h"\n', "agent/core must not include"),
    "relative include": ("tests/unit/crypto/keys_test.cpp", '#include "vectors.h"\n', "no such file from the root"),
    "own header second": ("agent/cli/words.cpp", '#include <vector>\n#include "agent/cli/words.h"\n', "its own header"),
    "libuv in core": ("agent/core/branch.cpp", "#include <uv.h>\n", "agent/core must not use <uv.h>"),
    "libuv in exec": ("agent/exec/launcher.cpp", "#include <uv.h>\n", "agent/exec must not use <uv.h>"),
    "sodium in protocol": ("protocol/codec.cpp", "#include <sodium/utils.h>\n", "protocol must not use"),
    "msgpack in a header": ("protocol/codec.h", "#include <msgpack.hpp>\n", "belongs into a .cpp"),
    "sodium in a header": ("crypto/keys.h", "#include <sodium.h>\n", "belongs into a .cpp"),
    "spdlog in a header": ("agent/shell/server.h", "#include <spdlog/spdlog.h>\n", "belongs into a .cpp"),
    "json in a header": ("agent/cli/words.h", "#include <nlohmann/json.hpp>\n", "belongs into a .cpp"),
    "sockets in core": ("agent/core/branch.h", "#include <sys/socket.h>\n", "is the system's"),
    "sockets in protocol": ("protocol/codec.cpp", "#include <arpa/inet.h>\n", "is the system's"),
    "threads in core": ("agent/core/branch.h", "#include <thread>\n", "must not include <thread>"),
    "clock in core": ("agent/core/branch.cpp", "auto t = AgentClock::now();\n", "the core is told the time"),
    "hash map in core": ("agent/core/branch.cpp", "std::unordered_map<int, int> m;\n", "ordered containers only"),
    "entropy in core": ("agent/core/branch.cpp", "std::random_device r;\n", "entropy is injected"),
    "environment in core": ("agent/core/branch.cpp", 'auto e = std::getenv("A");\n', "options are given"),
    "file in core": ("agent/core/branch.cpp", 'auto f = std::fopen("a", "r");\n', "the core opens nothing"),
    "lock in core": ("agent/core/branch.h", "std::mutex m;\n", "runs where it is called"),
    "unit without test": ("agent/core/job.cpp", "\n", "has no test: tests/unit/core/job_test.cpp"),
    "exec without test": ("agent/exec/sweep.cpp", "\n", "has no test: tests/unit/exec/sweep_test.cpp"),
    "no pragma once": ("agent/shell/bare.h", "// Why.\n#include <vector>\n", "#pragma once comes first"),
    "late pragma once": ("tests/unit/core/late.h", "#include <vector>\n#pragma once\n", "#pragma once comes first"),
    "assertions off": ("agent/core/CMakeLists.txt", "add_compile_options(-DNDEBUG)\n", "NDEBUG is never defined"),
    "assertions off here": ("agent/cli/run.cpp", "#define NDEBUG\n", "NDEBUG is never defined"),
    "postponed": ("agent/cli/run.cpp", "// TODO: later\n", "finish it or drop it"),
    "all of std": ("agent/cli/run.cpp", "using namespace std;\n", "using namespace std"),
    "long file": ("contrib/long.cpp", "\n" * 401, "401 lines"),
    "long function": ("agent/cli/long.cpp", BODY_OF_71, "long_one has 71 lines"),
    "manager": ("agent/cli/run.cpp", "class BranchManager {};\n", "a name that says nothing: BranchManager"),
    "handler": ("agent/cli/run.cpp", "void on_event_handler();\n", "a name that says nothing: on_event_handler"),
    "util file": ("agent/shell/string_utils.h", "#pragma once\n", "a name that says nothing: util"),
    "common file": ("agent/cli/common.h", "#pragma once\n", "a name that says nothing: common"),
    "unknown top": ("notes.md", "\n", "no place"),
    "unknown room": ("agent/base/x.cpp", "\n", "agent/base is no room"),
    "script that cannot run": ("contrib/x.sh", "#!/bin/bash\n", "a script starts with"),
    "dead link": ("tests/README.md", "[x](unit/nowhere)\n", "dead link: unit/nowhere"),
    "dead heading": ("tests/README.md", "[x](../agent/README.md#three-words)\n", "no such heading"),
    "dead name": ("tests/README.md", "see `agent/core/bough.cpp`\n", "names what is not there"),
}


class PlantedViolations(unittest.TestCase):
    def problems(self, files: Dict[str, str], rules=tidy_rules) -> List[tidy_test.Problem]:
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                file = Path(folder) / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
            return tidy_test.judge(tidy_test.Tree(Path(folder), rules))

    def rules(self, **changes):
        return types.SimpleNamespace(**{**vars(tidy_rules), **changes})

    def setUp(self):
        # The real exceptions name files that this small tree has not.
        self.plain = self.rules(TESTED_ELSEWHERE={}, LONG_FILES={}, LONG_FUNCTIONS={})

    def test_the_clean_tree_has_no_problem(self):
        self.assertEqual(self.problems(CLEAN, self.plain), [])

    def test_each_planted_violation_is_the_only_one_found(self):
        for name, (path, text, what) in VIOLATIONS.items():
            with self.subTest(name):
                found = self.problems({**CLEAN, path: CLEAN.get(path, "") + text}, self.plain)
                self.assertEqual(len(found), 1, found)
                self.assertEqual(found[0].path, path)
                self.assertIn(what, found[0].what)

    def test_a_word_missing_from_the_glossary_is_found(self):
        found = self.problems({**CLEAN, "agent/README.md": CLEAN["agent/README.md"].replace("| lease |", "| rent |")}, self.plain)
        self.assertEqual([p.what for p in found], ["the table does not explain: lease"])

    def test_a_missing_readme_is_found(self):
        found = self.problems({p: t for p, t in CLEAN.items() if p != "protocol/README.md"}, self.plain)
        self.assertEqual([str(p) for p in found], ["protocol/README.md:1: is missing"])

    def test_the_line_of_a_violation_is_told(self):
        found = self.problems({**CLEAN, "agent/core/branch.cpp": CLEAN["agent/core/branch.cpp"] + "/* 1\n2 */ std::mutex m;\n"}, self.plain)
        self.assertEqual([p.line for p in found], [5])

    def test_exceptions_hold_and_stale_ones_are_found(self):
        files = {**CLEAN, "agent/core/job.cpp": BODY_OF_71 + "\n" * 400}
        rules = self.rules(
            TESTED_ELSEWHERE={"agent/core/job.cpp": ("tests/unit/core/branch_test.cpp", "reason")},
            LONG_FILES={"agent/core/job.cpp": "reason"},
            LONG_FUNCTIONS={("agent/core/job.cpp", "long_one"): "reason"},
        )
        self.assertEqual(self.problems(files, rules), [])
        self.assertEqual(len(self.problems({**files, "agent/core/job.cpp": "\n"}, rules)), 2)
        self.assertEqual(len(self.problems(CLEAN, rules)), 3)
        self.assertEqual(len(self.problems({**files, "tests/unit/core/job_test.cpp": "\n"}, rules)), 1)

    def test_a_script_may_run_only_with_its_first_line(self):
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "contrib" / "x.sh"
            file.parent.mkdir()
            file.write_text("echo\n")
            os.chmod(file, 0o755)
            tree = tidy_test.Tree(Path(folder), self.plain)
            self.assertEqual(len(list(tidy_test.check_places(tree))), 1)


class FunctionLengths(unittest.TestCase):
    def lengths(self, text: str):
        return [(f.name, f.line, f.lines) for f in source_text.functions(text)]

    def test_kinds_of_functions(self):
        cases = {
            "int f() {\n}\n": [("f", 1, 2)],
            "namespace a::b {\nvoid g(int x) { x; }\n}\n": [("g", 2, 1)],
            "class A {\n public:\n  A() : x_{1}, y_(2), z_{3} {\n  }\n  int x() const { return x_; }\n};\n": [("A", 3, 2), ("x", 5, 1)],
            "A::A(int b)\n    : b_(b) {\n}\nA::~A() {\n}\n": [("A::A", 2, 2), ("A::~A", 4, 2)],
            "auto f(std::span<int> s) -> std::vector<int> {\n}\n": [("f", 1, 2)],
            "template <class T>\nbool operator==(T a, T b) { return {}; }\n": [("operator==", 2, 1)],
            "template <class T, class = void>\nstruct X {\n  void m() noexcept(f()) override {\n  }\n};\n": [("m", 3, 2)],
            "TEST(Suite, name) {\n  if (x) {\n  }\n}\n": [("Suite.name", 1, 4)],
            "constexpr int table[] = {1, 2};\nstd::vector<int> v{3};\nint f() {}\n": [("f", 3, 1)],
            "enum class E : char { a, b };\nstruct S { int a{1}; int b() { return 2; } };\n": [("b", 2, 1)],
            'extern "C" {\nint f() {\n}\n}\n': [("f", 2, 2)],
            "struct S f(struct T t);\nint g() { return [] { return 1; }(); }\n": [("g", 2, 1)],
        }
        for text, expected in cases.items():
            with self.subTest(text):
                self.assertEqual(self.lengths(text), expected)

    def test_braces_in_literals_comments_and_directives_do_not_count(self):
        text = "int f() {\n  g('{', \"{\", R\"x({\n)\" {)x\", 1'000, '\\'', u8'{');  // {\n#define A {\n  /* { */\n}\n"
        self.assertEqual(self.lengths(text), [("f", 1, 6)])


def run() -> int:
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    return 0 if unittest.TextTestRunner(verbosity=1).run(suite).wasSuccessful() else 1
