#include "agent/cli/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace agent::cli {
namespace {

using std::string_literals::operator""s;
using ::testing::ElementsAre;
using Texts = std::vector<std::string>;

// Items as text; columns are separated by "|", too long ones shown as their size.
Texts shown(const std::vector<Item>& items) {
  Texts texts;
  for (const auto& item : items) {
    if (const auto* text = std::get_if<std::string>(&item)) {
      texts.push_back(*text);
      std::ranges::replace(texts.back(), '\0', '|');
    } else {
      texts.push_back("<" + std::to_string(std::get<TooLong>(item).size_bytes) + ">");
    }
  }
  return texts;
}

Texts split(const std::string& input, std::size_t cut, const std::string& delimiter = "\n",
            const std::optional<ColumnSeparator>& columns = std::nullopt) {
  Splitter splitter(delimiter, columns);
  std::vector<Item> items;
  for (std::size_t i = 0; i < input.size(); i += cut)
    if (const auto fed = splitter.feed(std::string_view(input).substr(i, cut), items); !fed)
      return {std::string(to_string(fed.error()))};
  splitter.finish(items);
  EXPECT_EQ(splitter.items_seen(), items.size());
  return shown(items);
}

TEST(Splitting, CountsEmptyLinesAndALastLineWithoutNewline) {
  for (const std::size_t cut : {1U, 2U, 3U, 100U}) {
    EXPECT_EQ(split("", cut), Texts{});
    EXPECT_EQ(split("\n", cut), Texts{""});
    EXPECT_EQ(split("a\n\nb\r\nc", cut), (Texts{"a", "", "b\r", "c"}));
    EXPECT_EQ(split("a\n\n\n", cut), (Texts{"a", "", ""}));
    EXPECT_EQ(split(" a \n", cut), Texts{" a "});
  }
}

TEST(Splitting, TakesOtherDelimiters) {
  for (const std::size_t cut : {1U, 2U, 3U, 100U}) {
    EXPECT_EQ(split("a\0b\n\0"s, cut, "\0"s), (Texts{"a", "b\n"}));
    EXPECT_EQ(split("a,b,,c\n", cut, ","), (Texts{"a", "b", "", "c\n"}));
    EXPECT_EQ(split("aXYbXcXYX", cut, "XY"), (Texts{"a", "bXc", "X"}));
    EXPECT_EQ(split("aaabaaab", cut, "aab"), (Texts{"a", "a"}));
    EXPECT_EQ(split("xabababac", cut, "ababac"), Texts{"xab"});
    EXPECT_EQ(split("a--", cut, "---"), Texts{"a--"});
  }
}

TEST(Splitting, RefusesNulInText) {
  const Texts refused = {"the input has a NUL byte, which no argument can contain: is it a list for -0?"};
  for (const std::size_t cut : {1U, 2U, 100U}) {
    EXPECT_EQ(split("a\nb\0c\n"s, cut), refused);
    EXPECT_EQ(split("a\0"s, cut, "XY"), refused);
  }
}

TEST(Splitting, KnowsOnlyTheLengthOfWhatIsTooLong) {
  const std::string longest(item_bytes_max, 'a');
  EXPECT_EQ(split(longest + "\nb", 4096), (Texts{longest, "b"}));
  EXPECT_EQ(split(longest + "a\nb", 4096), (Texts{"<131072>", "b"}));
  EXPECT_EQ(split(longest + "aa", 1'000'000), Texts{"<131073>"});
}

TEST(Delimiters, HaveEscapes) {
  EXPECT_EQ(parse_delimiter(",").value_or(""), ",");
  EXPECT_EQ(parse_delimiter(R"(a\n\t\r\\\x41)").value_or(""), "a\n\t\r\\A");
  EXPECT_EQ(parse_delimiter(R"(\0)").value_or(""), "\0"s);
  EXPECT_EQ(parse_delimiter("").error(), SourceError::empty_delimiter);
  EXPECT_EQ(parse_delimiter(R"(\q)").error(), SourceError::bad_escape);
  EXPECT_EQ(parse_delimiter(R"(\)").error(), SourceError::bad_escape);
  EXPECT_EQ(parse_delimiter(R"(\x4)").error(), SourceError::bad_escape);
  EXPECT_EQ(parse_delimiter(R"(a\0)").error(), SourceError::nul_in_delimiter);
  EXPECT_EQ(parse_delimiter(std::string(257, 'a')).error(), SourceError::long_delimiter);
}

Texts columns(std::string_view separator, std::string_view line) {
  const auto parsed = ColumnSeparator::parse(separator);
  if (!parsed) return {std::string(to_string(parsed.error()))};
  const auto views = parsed->split(line);
  return {views.begin(), views.end()};
}

TEST(Columns, AreTrimmed) {
  EXPECT_THAT(columns(",", " a , b,c \r"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(columns(",", "1,,3"), ElementsAre("1", "", "3"));
  EXPECT_THAT(columns(",", ""), ElementsAre(""));
  EXPECT_THAT(columns(" ", "a  b"), ElementsAre("a", "", "b"));
  EXPECT_THAT(columns(",", ","), ElementsAre("", ""));
}

TEST(Columns, TakeThePartOfRegularExpressionsThatSeparatorsNeed) {
  EXPECT_THAT(columns("\\t", "a b\tc"), ElementsAre("a b", "c"));
  EXPECT_THAT(columns("\\s+", "a  b\t c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(columns("\\s*,\\s*", "a , b,c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(columns("[,;]", "a;b,c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(columns("[^a-c]+", "a12b--c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(columns("[]-]", "a]b-c"), ElementsAre("a", "b", "c"));
  EXPECT_THAT(columns("\\|", "a|b"), ElementsAre("a", "b"));
  EXPECT_THAT(columns("|", "a|b"), ElementsAre("a", "b"));
  EXPECT_THAT(columns(".", "a.b"), ElementsAre("a", "b"));
  EXPECT_THAT(columns("::", "a::b:c"), ElementsAre("a", "b:c"));
  EXPECT_THAT(columns("+", "1+2"), ElementsAre("1", "2"));
  EXPECT_THAT(columns("ab*c", "1ac2abbbc3abb"), ElementsAre("1", "2", "3abb"));
}

TEST(Columns, RefuseWhatTheyCannotRead) {
  EXPECT_EQ(ColumnSeparator::parse("").error(), SourceError::empty_delimiter);
  EXPECT_EQ(ColumnSeparator::parse("[ab").error(), SourceError::bad_column_class);
  EXPECT_EQ(ColumnSeparator::parse("[b-a]").error(), SourceError::bad_column_class);
  EXPECT_EQ(ColumnSeparator::parse("[]").error(), SourceError::bad_column_class);
  EXPECT_EQ(ColumnSeparator::parse("\\s*").error(), SourceError::matches_nothing);
  EXPECT_EQ(ColumnSeparator::parse("\\d").error(), SourceError::bad_escape);
  EXPECT_EQ(ColumnSeparator::parse(std::string(300, 'a')).error(), SourceError::long_delimiter);
}

TEST(Columns, TakeLinearTimeOnLongLines) {
  const std::string line(item_bytes_max, 'a');
  EXPECT_EQ(columns("a+b", line), Texts{line});
  EXPECT_EQ(columns("[ac]a+a+b", line), Texts{line});
}

TEST(Splitting, MakesColumns) {
  EXPECT_EQ(split("a , b\n\nc", 2, "\n", *ColumnSeparator::parse(",")), (Texts{"a|b", "", "c"}));
}

Texts combine(std::vector<Tie> ties, std::uint64_t rows_per_item, const std::vector<Texts>& sources) {
  Combiner combiner(std::move(ties), rows_per_item);
  for (std::size_t source = 1; source < sources.size(); ++source)
    for (const auto& item : sources[source]) combiner.hold(source, item);
  std::vector<Item> items;
  const auto drain = [&] {
    while (auto item = combiner.next()) items.push_back(std::move(*item));
  };
  for (const auto& item : sources.front()) {
    if (combiner.exhausted()) break;
    combiner.push(item);
    drain();
  }
  combiner.finish();
  drain();
  return shown(items);
}

constexpr auto by = Tie::product;
constexpr auto with = Tie::linked;

TEST(Combining, PassesASingleSourceThrough) {
  EXPECT_EQ(combine({by}, 1, {{"a", "", "b"}}), (Texts{"a", "", "b"}));
}

TEST(Combining, VariesTheLastSourceFastest) {
  EXPECT_EQ(combine({by, by}, 1, {{"a", "b"}, {"1", "2"}}), (Texts{"a|1", "a|2", "b|1", "b|2"}));
  EXPECT_EQ(combine({by, by, by}, 1, {{"a", "b"}, {"1"}, {"x", "y"}}), (Texts{"a|1|x", "a|1|y", "b|1|x", "b|1|y"}));
  EXPECT_EQ(combine({by, by}, 1, {{"a", "b"}, {}}), Texts{});
  EXPECT_EQ(combine({by, by}, 1, {{}, {"1"}}), Texts{});
}

TEST(Combining, LinksUpToTheShortest) {
  EXPECT_EQ(combine({by, with}, 1, {{"a", "b", "c"}, {"1", "2"}}), (Texts{"a|1", "b|2"}));
  EXPECT_EQ(combine({by, with}, 1, {{"a", "b"}, {"1", "2", "3"}}), (Texts{"a|1", "b|2"}));
  EXPECT_EQ(combine({by, with, by}, 1, {{"a", "b"}, {"1", "2"}, {"x", "y"}}),
            (Texts{"a|1|x", "a|1|y", "b|2|x", "b|2|y"}));
  EXPECT_EQ(combine({by, by, with}, 1, {{"a", "b"}, {"x", "y"}, {"1", "2"}}),
            (Texts{"a|x|1", "a|y|2", "b|x|1", "b|y|2"}));
}

TEST(Combining, StopsReadingWhenALinkIsUsedUp) {
  Combiner combiner({by, with}, 1);
  combiner.hold(1, "1");
  EXPECT_FALSE(combiner.exhausted());
  combiner.push("a");
  EXPECT_EQ(combiner.next(), Item("a\0001"s));
  EXPECT_TRUE(combiner.exhausted());
  combiner.push("b");
  EXPECT_EQ(combiner.next(), std::nullopt);
}

TEST(Combining, PutsRowsTogether) {
  EXPECT_EQ(combine({by}, 2, {{"a", "b", "c"}}), (Texts{"a|b", "c"}));
  EXPECT_EQ(combine({by, by}, 2, {{"a", "b"}, {"x", "y"}}), (Texts{"a|x|a|y", "b|x|b|y"}));
  EXPECT_EQ(combine({by}, 3, {{"a", "b", "c"}}), Texts{"a|b|c"});
}

TEST(Combining, KeepsCountOfWhatIsTooLong) {
  const std::string half(item_bytes_max / 2, 'a');  // 65,535: two and a NUL are the longest item
  EXPECT_EQ(combine({by}, 2, {{half, half}}), Texts{half + "|" + half});
  EXPECT_EQ(combine({by}, 2, {{half, half + "a"}}), Texts{"<131072>"});
  Combiner combiner({by, by}, 1);
  combiner.hold(1, TooLong{500'000});
  combiner.push("abc");
  EXPECT_EQ(combiner.next(), Item(TooLong{500'004}));
}

}  // namespace
}  // namespace agent::cli
