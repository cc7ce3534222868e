#include "agent/exec/command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace agent::exec {
namespace {

using Words = std::vector<std::string>;
using std::string_literals::operator""s;
using ::testing::ElementsAre;

Template parsed(const Words& words, BodyKind body = BodyKind::list, Form form = Form::shell) {
  auto result = parse_template(words, body, form);
  EXPECT_TRUE(result.has_value()) << to_string(result.error());
  return result.value_or(Template{});
}

std::string line_of(const Words& words, const Bindings& bindings) {
  return command_line(parsed(words), bindings).value_or("error");
}

std::string line_of(const Words& words, std::string_view item) {
  return line_of(words, Bindings{.item = item});
}

Words vector_of(const Words& words, std::string_view item) {
  return expand(parsed(words, BodyKind::list, Form::direct), {.item = item}).value_or(Words{"error"});
}

TEST(Quoting, LeavesOnlyHarmlessCharactersBare) {
  EXPECT_EQ(shell_quoted("abcXYZ0189+-./_"), "abcXYZ0189+-./_");
  for (int byte = 1; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const bool bare = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      std::string("+-./_").find(c) != std::string::npos;
    if (c == '\'') continue;
    EXPECT_EQ(shell_quoted(std::string(1, c)), bare ? std::string(1, c) : "'" + std::string(1, c) + "'") << byte;
  }
}

// The expected texts are what GNU parallel 20221122 --dry-run prints.
TEST(Quoting, IsThatOfGnuParallel) {
  EXPECT_EQ(shell_quoted(""), "''");
  EXPECT_EQ(shell_quoted("a b"), "'a b'");
  EXPECT_EQ(shell_quoted("'"), R"("'")");
  EXPECT_EQ(shell_quoted("''"), R"("'"''"'")");
  EXPECT_EQ(shell_quoted("it's"), R"('it'"'"'s')");
  EXPECT_EQ(shell_quoted("'a"), R"("'"'a')");
  EXPECT_EQ(shell_quoted("a'"), R"('a'"'")");
  EXPECT_EQ(shell_quoted("a''b"), R"('a'"'"''"'"'b')");
  EXPECT_EQ(shell_quoted("' '"), R"("'"' '"'")");
  EXPECT_EQ(shell_quoted("a\n\nb"), "'a\n\nb'");
  EXPECT_EQ(shell_quoted("\xff\xfe"), "'\xff\xfe'");
  EXPECT_EQ(shell_quoted("~"), "'~'");
  EXPECT_EQ(shell_quoted("-n"), "-n");
}

struct Path {
  std::string_view path, no_extension, base, directory, base_no_extension;
};

// GNU parallel's results too.
TEST(Transforms, AreThoseOfGnuParallel) {
  const Path paths[] = {
      {"d/a.b.c", "d/a.b", "a.b.c", "d", "a.b"},
      {"/e/", "/e/", "", "/", ""},
      {"a.", "a", "a.", ".", "a"},
      {".a", "", ".a", ".", ""},
      {"/a", "/a", "a", "/", "a"},
      {"a", "a", "a", ".", "a"},
      {"d.x/f", "d.x/f", "f", "d.x", "f"},
      {"x/.b", "x/", ".b", "x", ""},
      {"./a", "./a", "a", ".", "a"},
      {"/", "/", "", "/", ""},
      {"//", "//", "", "/", ""},
      {"d//a.c", "d//a", "a.c", "d", "a"},
      {"", "", "", ".", ""},
      {"..", ".", "..", ".", "."},
      {"a/..", "a/.", "..", "a", "."},
      {"a.b/", "a.b/", "", ".", ""},
      {"x/y.z/", "x/y.z/", "", "x", ""},
  };
  for (const auto& [path, no_extension, base, directory, base_no_extension] : paths) {
    EXPECT_EQ(transformed(path, Transform::whole), path);
    EXPECT_EQ(transformed(path, Transform::no_extension), no_extension) << path;
    EXPECT_EQ(transformed(path, Transform::base), base) << path;
    EXPECT_EQ(transformed(path, Transform::directory), directory) << path;
    EXPECT_EQ(transformed(path, Transform::base_no_extension), base_no_extension) << path;
  }
}

TEST(Columns, AreSeparatedByNul) {
  EXPECT_THAT(split_columns(""), ElementsAre(""));
  EXPECT_THAT(split_columns("a"), ElementsAre("a"));
  EXPECT_THAT(split_columns("a\0\0b\0"s), ElementsAre("a", "", "b", ""));
}

TEST(Line, AppendsTheItemWhereNothingIsReplaced) {
  EXPECT_EQ(line_of({"echo", "-n"}, "a b"), "echo -n 'a b'");
  EXPECT_EQ(line_of({"echo", "{#}"}, "a"), "echo 1");
  EXPECT_EQ(line_of({"echo"}, "a\0b c\0"s), "echo a 'b c' ''");
}

TEST(Line, IsTheItemWhereThereIsNoCommandOrOnlyTheItem) {
  for (const Words& words : {Words{}, Words{"{}"}, Words{" "}})
    EXPECT_EQ(line_of(words, "echo 'a b'; exit 3"), "echo 'a b'; exit 3") << words.size();
  EXPECT_EQ(line_of({"{}", "x"}, "a b"), "'a b' x");
}

TEST(Line, PutsInItemsColumnsAndNumbers) {
  EXPECT_EQ(line_of({"cp", "{}", "{.}.bak"}, "d/a x.c"), "cp 'd/a x.c' 'd/a x'.bak");
  EXPECT_EQ(line_of({"{/}", "{//}", "{/.}"}, "d/a.c"), "a.c d a");
  EXPECT_EQ(line_of({"x{2}", "{1.}", "{-1/}", "{-2//}", "{2/.}"}, "d/a.c\0e/b.c"s), "xe/b.c d/a b.c d b");
  EXPECT_EQ(line_of({"{#}", "{%}", "{node}"}, {.item = "i", .sequence = 17, .slot = 3, .node = "alpha"}), "17 3 alpha");
  EXPECT_EQ(line_of({"echo", "[{}]"}, "a\0b"s), "echo [a b]");
  EXPECT_EQ(line_of({"echo", "\"{}\""}, "a c"), "echo \"'a c'\"");
}

TEST(Line, LeavesNothingBehindWhereAColumnIsMissing) {
  EXPECT_EQ(line_of({"echo", "{3}", "{-3}", "x{3}", "{1}"}, "a\0b"s), "echo   x a");
  EXPECT_EQ(line_of({"echo", "{2}"}, "a\0"s), "echo ''");
}

TEST(Line, LeavesOtherBracesAlone) {
  const Words words = {"{",    "{}}",   "{a,b}", "{1..3}",     "{0}",  "{-}",
                       "{1#}", "{///}", "{ }",   "{99999999}", "${x}", "{lo"};
  EXPECT_EQ(line_of(words, "I"), "{ I} {a,b} {1..3} {0} {-} {1#} {///} { } {99999999} ${x} {lo");
  EXPECT_EQ(line_of({"echo", "${1}", "${node}"}, "a"), "echo $a ${node}");
}

TEST(Line, OfANakedItemIsTheItem) {
  EXPECT_EQ(line_of(Words{}, "echo $HOME; ls | wc"), "echo $HOME; ls | wc");
  EXPECT_EQ(line_of(Words{""}, "echo a\0b c"s), "echo a b c");
  EXPECT_EQ(choose_form({}, BodyKind::list), Form::shell);
}

TEST(Line, OfARangeTakesBounds) {
  const auto command = parsed({"search", "{lo}", "{hi}", "${lo}", "{#}"}, BodyKind::range);
  EXPECT_EQ(command_line(command, {.sequence = 2, .low = "0", .high = "18446744073709551616"}).value_or("error"),
            "search 0 18446744073709551616 ${lo} 2");
}

TEST(ShellForm, RunsTheLineByTheShellGiven) {
  EXPECT_THAT(expand(parsed({"echo"}), {.item = "x;y", .shell = "/bin/bash"}).value_or(Words{}),
              ElementsAre("/bin/bash", "-c", "echo 'x;y'"));
}

TEST(DirectForm, SplitsWordsAtBlanksAndItemsNever) {
  EXPECT_THAT(vector_of({"gzip  -9\t", "{}"}, "a b'c"), ElementsAre("gzip", "-9", "a b'c"));
  EXPECT_THAT(vector_of({" /bin/true "}, ""), ElementsAre("/bin/true", ""));
  EXPECT_THAT(vector_of({"x", "pre{}post"}, "a\0b\0c"s), ElementsAre("x", "prea", "b", "cpost"));
  EXPECT_THAT(vector_of({"x", "{2}", "{1}", "y{2}"}, "a"), ElementsAre("x", "a", "y"));
  EXPECT_THAT(vector_of({"x", "{2}"}, "a\0"s), ElementsAre("x", ""));
}

TEST(DirectForm, ShowsItsLineQuoted) {
  const auto command = parsed({"gzip", "-9", "{}"}, BodyKind::list, Form::direct);
  EXPECT_EQ(command_line(command, {.item = "a b"}).value_or("error"), "gzip -9 'a b'");
}

TEST(ChoosingTheForm, IsDirectWhereNoShellCouldMatter) {
  for (const Words& words : {Words{"/bin/true"}, Words{"gzip -9 {}"}, Words{"cp", "{}", "{.}.bak"}, Words{"sleep", "1"},
                             Words{"dd", "if=/dev/zero", "of={}"}, Words{"  ls ", "-l"}, Words{"convert", "{1}x{2}"}})
    EXPECT_EQ(choose_form(words, BodyKind::list), Form::direct) << words.front();
}

TEST(ChoosingTheForm, IsTheShellWhereAnythingMeansSomething) {
  for (const std::string special :
       {"|", "&", ";", "<", ">", "(", ")", "$", "`",  "\\", "\"",   "'",    "*",        "?",
        "[", "]", "#", "~", "!", "{", "}", "^", "\n", "\r", "\x01", "\x7f", "\xc3\xa9", "{a,b}"})
    EXPECT_EQ(choose_form({"ls", "a" + special}, BodyKind::list), Form::shell) << special;
  for (const std::string word :
       {"echo", "printf", "test",   "true",     "cd",   "exec", "time", "if",   "declare", "kill", "[",
        ":",    ".",      "export", "function", "wait", "A=1",  "=ls",  "ls{}", "{}",      "{1}"})
    EXPECT_EQ(choose_form({word, "x"}, BodyKind::list), Form::shell) << word;
  EXPECT_EQ(choose_form({"ls", "=x"}, BodyKind::list), Form::shell);
  EXPECT_EQ(choose_form({""}, BodyKind::list), Form::shell);
}

TEST(ChoosingTheForm, TrustsPlainPosixShellsOnly) {
  for (const std::string shell : {"/bin/sh", "sh", "/usr/bin/dash", "ash"})
    EXPECT_EQ(choose_form({"ls"}, BodyKind::list, shell), Form::direct) << shell;
  for (const std::string shell : {"/bin/bash", "/usr/bin/fish", "python3", "/bin/"})
    EXPECT_EQ(choose_form({"ls"}, BodyKind::list, shell), shell == "/bin/" ? Form::direct : Form::shell) << shell;
}

struct Single {
  Words words;
  Words expected;
};

TEST(SingleCommand, KeepsItsWordsOrIsOneLine) {
  const Single cases[] = {
      {{"sh", "-c", "exit 7"}, {"sh", "-c", "exit 7"}},
      {{"printer", "a  b", "", "{}", "$HOME"}, {"printer", "a  b", "", "{}", "$HOME"}},
      {{"exit 7"}, {"/bin/sh", "-c", "exit 7"}},
      {{"sleep 1; echo {}"}, {"/bin/sh", "-c", "sleep 1; echo {}"}},
      {{"sleep 1"}, {"sleep", "1"}},
      {{"exit", "7"}, {"/bin/sh", "-c", "exit 7"}},
      {{"echo", "a  b", "it's"}, {"/bin/sh", "-c", R"(echo 'a  b' 'it'"'"'s')"}},
      {{"A=b c", "B=", "env", "C=d e"}, {"/bin/sh", "-c", "A='b c' B='' env 'C=d e'"}},
  };
  for (const auto& [words, expected] : cases) {
    const auto form = choose_form(words, BodyKind::single);
    EXPECT_EQ(expand(parsed(words, BodyKind::single, form), {}).value_or(Words{}), expected) << words.front();
  }
}

TEST(Refusals, AreNamed) {
  const auto error_of = [](const Words& words, BodyKind body) {
    const auto result = parse_template(words, body, Form::shell);
    return result ? "none" : std::string(to_string(result.error()));
  };
  EXPECT_EQ(error_of({"echo", "{=", "s/a/b/", "=}"}, BodyKind::list), "Perl expressions {= =} are not supported");
  EXPECT_EQ(error_of({"echo", "{=1 uc =}"}, BodyKind::list), "Perl expressions {= =} are not supported");
  EXPECT_EQ(error_of({"echo", "{=", "x"}, BodyKind::list), "none");
  EXPECT_EQ(error_of({"echo", "{= =}"}, BodyKind::single), "none");
  EXPECT_EQ(error_of({"echo", "{}", "{lo}"}, BodyKind::range),
            "a range has no items: its command takes {lo} and {hi} instead of {} or {1}");
  EXPECT_EQ(error_of({"search"}, BodyKind::range), "the command of a range must name its bounds, {lo} and {hi}");
  EXPECT_EQ(error_of({"x", "{hi}"}, BodyKind::list), "{lo} and {hi} are the bounds of a range; a list has items, {}");
  EXPECT_EQ(error_of({}, BodyKind::range), "there is no command to run");
  EXPECT_EQ(error_of({" "}, BodyKind::single), "there is no command to run");
  EXPECT_EQ(error_of({"", "a"}, BodyKind::single), "there is no command to run");
  EXPECT_EQ(error_of({"a\0b"s}, BodyKind::list), "a command cannot contain a NUL byte");
  EXPECT_EQ(error_of({std::string(3'000'000, 'a')}, BodyKind::list), "the command is too long");
  std::string many;
  for (int i = 0; i < 20'000; ++i) many += "{1}";
  EXPECT_EQ(error_of({many}, BodyKind::list), "the command is too long");
}

TEST(Bounds, AreTakenAtTheLastByte) {
  const std::string longest(argument_bytes_max, 'a');
  EXPECT_EQ(vector_of({"x", "{}"}, longest), (Words{"x", longest}));
  const auto direct = parsed({"x", "{}"}, BodyKind::list, Form::direct);
  EXPECT_EQ(expand(direct, {.item = longest + "a"}).error(), ExpandError::argument_too_long);
  const auto shell = parsed({"x", "{}"});
  EXPECT_TRUE(expand(shell, {.item = std::string_view(longest).substr(2)}).has_value());
  EXPECT_EQ(expand(shell, {.item = std::string_view(longest).substr(1)}).error(), ExpandError::argument_too_long);
  EXPECT_EQ(expand(parsed(Words{}), {.item = longest + "a"}).error(), ExpandError::argument_too_long);
}

TEST(Bounds, HoldForRepeatedItems) {
  std::string words = "x";
  for (int i = 0; i < 1'000; ++i) words += " {}";
  const std::string item(100'000, 'a');
  const auto direct = parsed({words}, BodyKind::list, Form::direct);
  EXPECT_EQ(expand(direct, {.item = item}).error(), ExpandError::command_too_long);
  EXPECT_EQ(expand(direct, {.item = std::string(100'000, '\0')}).error(), ExpandError::command_too_long);
  EXPECT_EQ(expand(parsed({words}), {.item = item}).error(), ExpandError::argument_too_long);
}

TEST(Bounds, RefuseNulsInWhatHasNoColumns) {
  const auto command = parsed({"x", "{lo}"}, BodyKind::range);
  EXPECT_EQ(expand(command, {.low = "1\0"s, .high = "2"}).error(), ExpandError::has_nul);
  EXPECT_EQ(expand(command, {.node = "a\0"s, .low = "1", .high = "2"}).error(), ExpandError::has_nul);
}

TEST(Pieces, ShowTheBeginningOfTheNext) {
  const RangeSpace by_three{.low = 10, .step = 3, .count = 4};  // 10 13 16 19
  EXPECT_EQ(piece_bounds(by_three, 0, 2), (PieceBounds{"10", "16"}));
  EXPECT_EQ(piece_bounds(by_three, 2, 4), (PieceBounds{"16", "20"}));
  EXPECT_EQ(piece_bounds({.low = 0, .step = 1, .count = 100}, 0, 100), (PieceBounds{"0", "100"}));
  EXPECT_EQ(piece_bounds({.low = 1, .step = 1, .count = 18446744073709551615U}, 5, 18446744073709551615U),
            (PieceBounds{"6", "18446744073709551616"}));
  EXPECT_EQ(piece_bounds({.low = 18446744073709551614U, .step = 1, .count = 2}, 0, 1),
            (PieceBounds{"18446744073709551614", "18446744073709551615"}));
}

}  // namespace
}  // namespace agent::exec
