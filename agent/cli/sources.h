#pragma once
// From bytes to items: splits lists, takes lines apart into columns, and forms products and links of several sources.
// Reads nothing itself; bytes are fed in cuts of any size.
//
// An item is text whose columns are joined by NUL (exec/command.h), or TooLong where it would not fit in one argument.

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

namespace agent::cli {

inline constexpr std::size_t item_bytes_max = 131'071;
inline constexpr std::size_t delimiter_bytes_max = 256;

// An item over item_bytes_max: only its length is known, its bytes were not kept.
struct TooLong {
  std::uint64_t size_bytes = 0;
  bool operator==(const TooLong&) const = default;
};
using Item = std::variant<std::string, TooLong>;

enum class SourceError {
  nul_in_text,       // a NUL byte in a list that is not split at NUL
  nul_in_delimiter,  // and not alone
  bad_escape,        // of -d and --colsep
  empty_delimiter,
  long_delimiter,    // over delimiter_bytes_max
  matches_nothing,   // --colsep that could be empty, as [,]* could
  bad_column_class,  // [ without ], an empty or reversed class
};
[[nodiscard]] std::string_view to_string(SourceError error);

// The value of -d: literal text with \n \t \r \0 \\ \xHH.
[[nodiscard]] tl::expected<std::string, SourceError> parse_delimiter(std::string_view text);

// What stands between columns: a sequence of characters and classes, each of which may be repeated.
//
// The part of regular expressions that column separators are written in: literal text, \t \n \r \s \\ and any escaped
// punctuation, classes [,;] [^0-9] [a-z], and behind any of them + for one or more or * for any number. Everything else
// stands for itself, the `|` and the `.` too. Matching is leftmost, greedy and linear: what is repeated never gives
// back.
class ColumnSeparator {
 public:
  [[nodiscard]] static tl::expected<ColumnSeparator, SourceError> parse(std::string_view text);

  // The columns of a line, at least one, each without white space at its ends.
  [[nodiscard]] std::vector<std::string_view> split(std::string_view line) const;

  bool operator==(const ColumnSeparator&) const = default;

 private:
  enum class Repeat { once, one_or_more, any_number };
  struct Element {
    std::bitset<256> bytes;
    Repeat repeat = Repeat::once;
    bool operator==(const Element&) const = default;
  };
  // Where an element's last run was seen: starts only grow, so no byte is looked at twice per element.
  struct Run {
    std::size_t begin = 0, end = 0;
  };
  [[nodiscard]] std::optional<std::size_t> match_end(std::string_view line, std::size_t begin,
                                                     std::vector<Run>& runs) const;
  std::vector<Element> elements_;
};

// Cuts a stream of bytes into items.
//
// Rules: the delimiter ends an item; text behind the last one is an item too, nothing behind it is none. Empty items
// count. A carriage return is kept. Holds at most one item of item_bytes_max and a delimiter.
class Splitter {
 public:
  // `delimiter` is as parse_delimiter gives it.
  explicit Splitter(std::string delimiter = "\n", std::optional<ColumnSeparator> columns = std::nullopt);

  // Appends the items completed by `bytes`. After an error nothing more may be fed.
  [[nodiscard]] tl::expected<void, SourceError> feed(std::string_view bytes, std::vector<Item>& items);
  // The end of the stream: appends the last item if there is one.
  void finish(std::vector<Item>& items);

  [[nodiscard]] std::uint64_t items_seen() const { return items_seen_; }

 private:
  [[nodiscard]] tl::expected<void, SourceError> keep(std::string_view bytes);
  void end_item(std::vector<Item>& items);

  std::string delimiter_;
  std::optional<ColumnSeparator> columns_;
  std::string text_;              // the open item, at most item_bytes_max + 1 bytes of it
  std::string pending_;           // the beginning of what may become a delimiter
  std::uint64_t size_bytes_ = 0;  // of the open item
  std::uint64_t items_seen_ = 0;
};

// How a source is tied to the one before it. The first source's tie is product.
enum class Tie {
  product,  // every item with every combination of the sources before (`:::`, `::::`, `-a`)
  linked,   // item by item with the source before (`:::+`, `::::+`); the shortest ends the link
};

// Forms rows from several sources, and items from rows.
//
// Order is that of nested loops: the first source varies slowest. So the first one may be a stream of any length, while
// the others are held in memory: hold them all, then push the first item by item, and after each push take everything
// with next(). Each row's columns are those of its sources in order; `rows_per_item` rows (-N) make one item, whose
// columns are theirs in order; the last may have fewer.
class Combiner {
 public:
  // `ties` has one entry per source, at least one. `rows_per_item` >= 1.
  Combiner(std::vector<Tie> ties, std::uint64_t rows_per_item);

  // An item of source 1, 2, ...; only before the first push.
  void hold(std::size_t source, Item item);
  // The next item of source 0. REQUIRES that next() has returned nothing since the last push.
  void push(Item item);
  // Source 0 has ended: an incomplete last item may come out.
  void finish();
  // The next item that what was pushed allows.
  [[nodiscard]] std::optional<Item> next();
  // Whether further items of source 0 can make no difference (a linked source is used up, or another one is empty).
  [[nodiscard]] bool exhausted() const;

 private:
  // Sources tied together, and the row of them that comes next. The position of the first group counts what was pushed.
  struct Group {
    std::size_t first_source = 0, source_count = 1;
    std::uint64_t position = 0;
  };
  [[nodiscard]] std::uint64_t length_of(const Group& group) const;
  [[nodiscard]] Item take_row();
  void advance();

  std::vector<Group> groups_;
  std::vector<std::vector<Item>> held_;  // by source; of source 0 always empty
  std::uint64_t rows_per_item_;
  std::optional<Item> first_;    // of source 0, while rows with it are left
  std::optional<Item> partial_;  // the rows gathered for the next item
  std::uint64_t partial_rows_ = 0;
  bool finished_ = false;
};

}  // namespace agent::cli
