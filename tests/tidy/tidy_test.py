#!/usr/bin/env python3
"""Holds the tree to its own rules: arrows between rooms, pure core, tests for every unit, sizes, names, live links.

    tidy_test.py [ROOT]       prints every problem as path:line: what, exits with 1 if there is one
    tidy_test.py --self-test  plants a violation of each rule in a small tree and expects it to be found

The rules' tables, with the places for reasoned exceptions, are in tidy_rules.py.
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional

sys.dont_write_bytecode = True
import source_text  # noqa: E402
import tidy_rules as standing_rules  # noqa: E402

CPP = (".cpp", ".h", ".c")
PROSE_AND_CODE = CPP + (".py", ".sh", ".cmake", ".txt", ".md")


class Problem(NamedTuple):
    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


class Tree:
    """The files of a project, by path from its root; each is read once. Fixtures of tests are not judged."""

    def __init__(self, root: Path, rules=standing_rules):
        self.root = root
        self.rules = rules
        self.paths = sorted(p for p in self._list() if (root / p).is_file())
        self._texts: Dict[str, str] = {}

    def _list(self) -> List[str]:
        if (self.root / ".git").exists():
            command = ["git", "-C", str(self.root), "ls-files", "-co", "--exclude-standard", "-z"]
            answer = subprocess.run(command, capture_output=True, check=False)
            if answer.returncode == 0:
                return [os.fsdecode(p) for p in answer.stdout.split(b"\0") if p]
        found = []
        for folder, folders, files in os.walk(self.root):
            folders[:] = [f for f in folders if f not in (".git", "build", "__pycache__")]
            found += [str((Path(folder) / f).relative_to(self.root)) for f in files]
        return found

    def text(self, path: str) -> str:
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_text(encoding="utf-8", errors="replace")
        return self._texts[path]

    def with_suffix(self, *suffixes: str) -> List[str]:
        return [p for p in self.paths if p.endswith(suffixes) and "/corpus/" not in p]

    def room(self, path: str) -> Optional[str]:
        """The room that a source belongs to: its longest prefix among the rooms, 'agent' for main.cpp, else none."""
        rooms = [r for r in self.rules.ROOMS if path.startswith(r + "/")]
        if rooms:
            return max(rooms, key=len)
        return "agent" if path.startswith("agent/") else None

    def sources(self) -> Iterator[str]:
        """Our C++ outside of tests and examples."""
        return (p for p in self.with_suffix(*CPP) if self.room(p) is not None)


def check_arrows(tree: Tree) -> Iterator[Problem]:
    rules = tree.rules
    for path in tree.sources():
        room = tree.room(path)
        may = rules.MAIN_MAY_INCLUDE if room == "agent" else rules.ROOMS[room] | {room}
        for include in source_text.includes(tree.text(path)):
            if not include.ours:
                continue
            if include.path.startswith("tests/"):
                yield Problem(path, include.line, f"nothing includes tests: {include.path}")
            elif tree.room(include.path) not in may:
                yield Problem(path, include.line, f"{room} must not include {include.path}")


def check_include_paths(tree: Tree) -> Iterator[Problem]:
    known = set(tree.paths)
    for path in tree.with_suffix(*CPP):
        included = source_text.includes(tree.text(path))
        for include in included:
            if include.ours and include.path not in known:
                yield Problem(path, include.line, f"no such file from the root: {include.path}")
        own = re.sub(r"\.cpp$", ".h", path)
        if path.endswith(".cpp") and own in known and (not included or included[0].path != own):
            yield Problem(path, 1, f"its own header comes first: {own}")


def check_third_parties(tree: Tree) -> Iterator[Problem]:
    rules = tree.rules
    for path in tree.sources():
        room = tree.room(path)
        for include in source_text.includes(tree.text(path)):
            first = include.path.split("/")[0]
            if include.ours or first in rules.EVERYWHERE:
                continue
            if first in rules.THIRD_PARTIES:
                if room not in rules.THIRD_PARTIES[first]:
                    yield Problem(path, include.line, f"{room} must not use <{include.path}>")
                elif path.endswith(".h") and room not in rules.THIRD_PARTIES_IN_HEADERS.get(first, ()):
                    yield Problem(path, include.line, f"<{include.path}> belongs into a .cpp, not into a header")
            elif room in rules.PURE_ROOMS and re.search(r"[./]", include.path):
                yield Problem(path, include.line, f"{room} is pure: <{include.path}> is the system's")


def check_core_is_told_everything(tree: Tree) -> Iterator[Problem]:
    rules = tree.rules
    for path in tree.sources():
        if tree.room(path) != "agent/core":
            continue
        for include in source_text.includes(tree.text(path)):
            if not include.ours and include.path in rules.CORE_BANNED_INCLUDES:
                yield Problem(path, include.line, f"agent/core must not include <{include.path}>")
        code = source_text.code_only(tree.text(path))
        for pattern, why in rules.CORE_BANNED_TEXT.items():
            for match in re.finditer(pattern, code):
                yield Problem(path, source_text.line_of(code, match.start()), f"{match[0].strip()}: {why}")


def check_every_unit_has_its_test(tree: Tree) -> Iterator[Problem]:
    rules = tree.rules
    known = set(tree.paths)
    for path in tree.sources():
        room = tree.room(path)
        if room not in rules.ROOMS_WITH_MIRRORED_TESTS or not path.endswith(".cpp"):
            continue
        name = path[len(room) + 1 : -len(".cpp")]
        test = f"tests/unit/{room.split('/')[-1]}/{name}_test.cpp"
        other, _ = rules.TESTED_ELSEWHERE.get(path, (None, None))
        if other is None and test not in known:
            yield Problem(path, 1, f"has no test: {test}")
        elif other is not None and (other not in known or test in known):
            yield Problem(path, 1, f"the exception is out of date: {other}")
    for path in rules.TESTED_ELSEWHERE:
        if path not in known:
            yield Problem(path, 1, "is excepted from having a test, and does not exist")


def check_headers(tree: Tree) -> Iterator[Problem]:
    for path in tree.with_suffix(".h"):
        first = source_text.without_comments(tree.text(path)).split(None, 2)[:2]
        if first != ["#pragma", "once"]:
            yield Problem(path, 1, "#pragma once comes first")


def check_code_habits(tree: Tree) -> Iterator[Problem]:
    for path in tree.with_suffix(*PROSE_AND_CODE):
        text = tree.text(path)
        if path.startswith("tests/tidy/"):
            continue
        for pattern in tree.rules.BANNED_WORDS:
            for match in re.finditer(pattern, text):
                yield Problem(path, source_text.line_of(text, match.start()), f"finish it or drop it: {match[0]}")
        for match in re.finditer(r"-DNDEBUG|#[ \t]*define[ \t]+NDEBUG", text):
            yield Problem(path, source_text.line_of(text, match.start()), "assertions stay on: NDEBUG is never defined")
    for path in tree.with_suffix(*CPP):
        code = source_text.code_only(tree.text(path))
        for match in re.finditer(r"\busing\s+namespace\s+([\w:]+)", code):
            if not match[1].endswith("literals"):
                yield Problem(path, source_text.line_of(code, match.start()), match[0])


def check_sizes(tree: Tree) -> Iterator[Problem]:
    rules = tree.rules
    long_files, long_functions = set(), set()
    for path in tree.with_suffix(".py", ".sh", *CPP):
        lines = tree.text(path).count("\n")
        if lines > rules.FILE_LINES_MAX:
            long_files.add(path)
            if path not in rules.LONG_FILES:
                yield Problem(path, 1, f"{lines} lines, at most {rules.FILE_LINES_MAX}")
    for path in tree.with_suffix(*CPP):
        for function in source_text.functions(tree.text(path)):
            if function.lines > rules.FUNCTION_LINES_MAX:
                long_functions.add((path, function.name))
                if (path, function.name) not in rules.LONG_FUNCTIONS:
                    what = f"{function.name} has {function.lines} lines, at most {rules.FUNCTION_LINES_MAX}"
                    yield Problem(path, function.line, what)
    for path in sorted(set(rules.LONG_FILES) - long_files):
        yield Problem(path, 1, "is excepted for its length, and is not long")
    for path, name in sorted(set(rules.LONG_FUNCTIONS) - long_functions):
        yield Problem(path, 1, f"{name} is excepted for its length, and is not long")


def check_names(tree: Tree) -> Iterator[Problem]:
    rules = tree.rules
    for path in tree.with_suffix(".py", ".sh", ".cmake", ".md", *CPP):
        parts = re.split(r"[_\W]+", path.lower())
        for word in rules.BANNED_IN_FILE_NAMES:
            if any(part in (word, word + "s") for part in parts):
                yield Problem(path, 1, f"a name that says nothing: {word}")
    pattern = re.compile(r"\b\w*(?:" + "|".join(rules.BANNED_IN_NAMES) + r")\w*", re.IGNORECASE)
    for path in tree.with_suffix(*CPP):
        code = source_text.code_only(tree.text(path))
        for match in pattern.finditer(code):
            if match[0] not in rules.FOREIGN_NAMES:
                yield Problem(path, source_text.line_of(code, match.start()), f"a name that says nothing: {match[0]}")


def check_places(tree: Tree) -> Iterator[Problem]:
    for path in tree.paths:
        parts = path.split("/")
        if parts[0] not in tree.rules.TOP_LEVEL:
            yield Problem(path, 1, "is no place that the README's map knows")
        elif parts[0] == "agent" and len(parts) > 2 and parts[1] not in tree.rules.AGENT_FOLDERS:
            yield Problem(path, 1, f"agent/{parts[1]} is no room")
    for path in tree.paths:
        script = path.endswith((".sh", ".py")) or path == ".ci/run"
        executable = os.access(tree.root / path, os.X_OK)
        starts = tree.text(path).startswith("#!") if script else executable
        if script and starts != executable:
            yield Problem(path, 1, "a script starts with #! and is executable, anything else is neither")


def _anchors(text: str) -> set:
    heads = re.findall(r"^#+\s+(.*?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}


def check_readmes(tree: Tree) -> Iterator[Problem]:
    known = set(tree.paths)
    folders = {str(parent) for p in known for parent in Path(p).parents}
    for path in tree.rules.READMES:
        if path not in known:
            yield Problem(path, 1, "is missing")
    for path in (p for p in tree.paths if p.endswith("README.md")):
        text = tree.text(path)
        here = Path(path).parent
        for match in re.finditer(r"\]\(([^)\s]+)\)", text):
            target, _, anchor = match[1].partition("#")
            if re.match(r"\w+:", target):
                continue
            full = os.path.normpath(here / target) if target else path
            if full not in known and full not in folders:
                yield Problem(path, source_text.line_of(text, match.start()), f"dead link: {match[1]}")
            elif anchor and full in known and anchor not in _anchors(tree.text(full)):
                yield Problem(path, source_text.line_of(text, match.start()), f"no such heading: {match[1]}")
        for match in re.finditer(r"`((?:agent|contrib|crypto|protocol|tests)/[\w./-]*)`", text):
            if match[1].rstrip("/") not in known | folders:
                yield Problem(path, source_text.line_of(text, match.start()), f"names what is not there: {match[1]}")


def check_glossary(tree: Tree) -> Iterator[Problem]:
    if "agent/README.md" not in tree.paths:
        return
    explained = set()
    for cell in re.findall(r"^\|([^|]*)\|", tree.text("agent/README.md"), re.MULTILINE):
        explained |= {word.strip(" *`°") for word in cell.split(",")}
    for word in tree.rules.GLOSSARY:
        if word not in explained:
            yield Problem("agent/README.md", 1, f"the table does not explain: {word}")


CHECKS: List[Callable[[Tree], Iterator[Problem]]] = [
    check_arrows, check_include_paths, check_third_parties, check_core_is_told_everything, check_every_unit_has_its_test,
    check_headers, check_code_habits, check_sizes, check_names, check_places, check_readmes, check_glossary,
]


def judge(tree: Tree) -> List[Problem]:
    return [problem for check in CHECKS for problem in check(tree)]


def main(arguments: List[str]) -> int:
    if arguments == ["--self-test"]:
        import tidy_self_test

        return tidy_self_test.run()
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parents[2]
    tree = Tree(root)
    problems = judge(tree)
    for problem in problems:
        print(problem)
    print(f"tidy: {len(tree.paths)} files, {len(CHECKS)} checks, {len(problems)} problems")
    return 1 if problems or not tree.paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
