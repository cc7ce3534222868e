"""Reads C++ just well enough to judge its layout: includes, text without comments and literals, lengths of functions."""

import re
from typing import Iterator, List, NamedTuple, Tuple

_TOKEN = re.compile(
    r"//[^\n]*"
    r"|/\*.*?\*/"
    r'|(?:u8|[uUL])?R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|\b\d(?:[\w.]|'(?=\w))*"  # a number, with its digit separators
    r"|'(?:\\.|[^'\\\n])+'",
    re.DOTALL,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.MULTILINE)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


class Include(NamedTuple):
    line: int
    path: str
    ours: bool  # "path" rather than <path>


class Function(NamedTuple):
    name: str
    line: int
    lines: int


def _blank(text: str) -> str:
    """As many lines, nothing on them."""
    return "\n" * text.count("\n")


def line_of(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def without_comments(text: str) -> str:
    return _TOKEN.sub(lambda m: " " + _blank(m[0]) if m[0][:2] in ("//", "/*") else m[0], text)


def code_only(text: str) -> str:
    """Without comments, directives and the contents of literals; line numbers stay what they were."""

    def replace(match: "re.Match[str]") -> str:
        token = match[0]
        if token[:2] in ("//", "/*"):
            return " " + _blank(token)
        if token[0].isdigit():
            return token
        return ("''" if token[0] == "'" else '""') + _blank(token)

    plain = _TOKEN.sub(replace, text)
    return _DIRECTIVE.sub(lambda m: _blank(m[0]), plain)


def includes(text: str) -> List[Include]:
    plain = without_comments(text)
    return [
        Include(line_of(plain, match.start()), match[1] or match[2], match[1] is not None)
        for match in _INCLUDE.finditer(plain)
    ]


_CONTAINER = re.compile(
    r'(?:^|[\s;}>\])])(?:(?:inline\s+)?namespace\b|extern\s*""\s*$|(?:class|struct|union|enum)\b(?![^({]*\())'
)
_LABEL = re.compile(r"\b(?:public|protected|private)\s*:(?!:)")
_NAME = re.compile(r"((?:[\w~]+::)*(?:operator\s*[^\s\w(]+|operator\(\)|[\w~]+))\s*\(")
_MACRO_NAME = re.compile(r"^\s*([A-Z_]{2,})\s*\(([^)]*)\)")


def _strip_parentheses(text: str) -> str:
    """'f(a(b), c) const' -> 'f() const'."""
    out, depth = [], 0
    for letter in text:
        if letter == "(":
            depth += 1
            if depth == 1:
                out.append("(")
        elif letter == ")":
            depth -= 1
            if depth == 0:
                out.append(")")
        elif depth == 0:
            out.append(letter)
    return "".join(out)


def _opens_member_initialiser(head: str) -> bool:
    """Is this the brace of 'name_{' in a constructor's initialiser list rather than that of its body?"""
    flat = _strip_parentheses(head)
    return bool(re.search(r"\)[^)]*?(?<!:):(?!:)", flat)) and bool(re.search(r"[\w>]\s*$", flat))


def _function_name(head: str) -> str:
    macro = _MACRO_NAME.match(head)
    if macro:  # TEST(Suite, name)
        return ".".join(part.strip() for part in macro[2].split(","))
    match = _NAME.search(_LABEL.sub("", head))
    return match[1] if match else "?"


def _braces(code: str) -> Iterator[Tuple[int, str]]:
    for match in re.finditer(r"[{};]", code):
        yield match.start(), match[0]


def functions(text: str) -> List[Function]:
    """Every function body outside of another function; its lines are counted from '{' to '}'."""
    code = code_only(text)
    found: List[Function] = []
    kinds: List[str] = []  # of the open braces: container, body, other
    head_start = 0
    body_start, name = 0, ""
    for at, letter in _braces(code):
        in_body = "body" in kinds
        head = _LABEL.sub("", code[head_start:at])
        if letter == ";":
            if not in_body and head.count("(") == head.count(")"):
                head_start = at + 1
        elif letter == "{":
            if in_body:
                kinds.append("other")
            elif _CONTAINER.search(head) and not _strip_parentheses(head).rstrip().endswith(")"):
                kinds.append("container")
                head_start = at + 1
            elif ")" in head and not _opens_member_initialiser(head) and not re.search(r"(?<!operator)=\s*$", head):
                kinds.append("body")
                body_start, name = at, _function_name(head)
            else:
                kinds.append("other")
        elif kinds:
            kind = kinds.pop()
            if kind == "body":
                first = line_of(code, body_start)
                found.append(Function(name, first, line_of(code, at) - first + 1))
            if kind != "other":
                head_start = at + 1
    return found
