#include "agent/cli/sources.h"

#include <algorithm>
#include <cassert>
#include <limits>
#include <utility>

namespace agent::cli {

Splitter::Splitter(std::string delimiter, std::optional<ColumnSeparator> columns)
    : delimiter_(std::move(delimiter)), columns_(std::move(columns)) {
  assert(!delimiter_.empty() && delimiter_.size() <= delimiter_bytes_max);
}

tl::expected<void, SourceError> Splitter::feed(std::string_view bytes, std::vector<Item>& items) {
  std::string joined;
  if (!pending_.empty()) {
    joined = pending_;
    joined += bytes;
    bytes = joined;
    pending_.clear();
  }
  for (auto end = bytes.find(delimiter_); end != bytes.npos; end = bytes.find(delimiter_)) {
    if (const auto kept = keep(bytes.substr(0, end)); !kept) return kept;
    end_item(items);
    bytes.remove_prefix(end + delimiter_.size());
  }
  // The longest end of the bytes that may turn out to be the beginning of a delimiter waits.
  std::size_t waiting = std::min(bytes.size(), delimiter_.size() - 1);
  while (!delimiter_.starts_with(bytes.substr(bytes.size() - waiting))) --waiting;
  pending_ = bytes.substr(bytes.size() - waiting);
  bytes.remove_suffix(waiting);
  return keep(bytes);
}

void Splitter::finish(std::vector<Item>& items) {
  const auto kept = keep(pending_);
  assert(kept);  // the beginning of a delimiter of several bytes, which holds no NUL
  pending_.clear();
  if (size_bytes_ > 0) end_item(items);
}

tl::expected<void, SourceError> Splitter::keep(std::string_view bytes) {
  if (bytes.find('\0') != bytes.npos) return tl::make_unexpected(SourceError::nul_in_text);
  size_bytes_ += bytes.size();
  if (size_bytes_ <= item_bytes_max) {
    text_ += bytes;
  } else {
    text_ = std::string{};
  }
  return {};
}

void Splitter::end_item(std::vector<Item>& items) {
  ++items_seen_;
  if (size_bytes_ > item_bytes_max) {
    items.emplace_back(TooLong{size_bytes_});
  } else if (columns_) {
    std::string item;
    bool first = true;
    for (const auto column : columns_->split(text_)) {
      if (!first) item += '\0';
      first = false;
      item += column;
    }
    items.emplace_back(std::move(item));
  } else {
    items.emplace_back(std::move(text_));
  }
  text_.clear();
  size_bytes_ = 0;
}

namespace {

std::uint64_t size_of(const Item& item) {
  const auto* text = std::get_if<std::string>(&item);
  return text != nullptr ? text->size() : std::get<TooLong>(item).size_bytes;
}

// Appends columns; what has become too long is known by its length only.
void append_columns(Item& item, const Item& columns) {
  const auto size = size_of(item) + 1 + size_of(columns);
  auto* text = std::get_if<std::string>(&item);
  const auto* more = std::get_if<std::string>(&columns);
  if (text == nullptr || more == nullptr || size > item_bytes_max) {
    item = TooLong{size};
    return;
  }
  *text += '\0';
  *text += *more;
}

}  // namespace

Combiner::Combiner(std::vector<Tie> ties, std::uint64_t rows_per_item)
    : held_(ties.size()), rows_per_item_(rows_per_item) {
  assert(!ties.empty() && ties.front() == Tie::product && rows_per_item >= 1);
  for (std::size_t source = 0; source < ties.size(); ++source) {
    if (ties[source] == Tie::product) {
      groups_.push_back({.first_source = source, .source_count = 1, .position = 0});
    } else {
      ++groups_.back().source_count;
    }
  }
}

void Combiner::hold(std::size_t source, Item item) {
  assert(source >= 1 && source < held_.size() && groups_.front().position == 0);
  held_[source].push_back(std::move(item));
}

std::uint64_t Combiner::length_of(const Group& group) const {
  auto length = std::numeric_limits<std::uint64_t>::max();
  for (std::size_t i = 0; i < group.source_count; ++i) {
    const auto source = group.first_source + i;
    if (source > 0) length = std::min<std::uint64_t>(length, held_[source].size());
  }
  return length;
}

bool Combiner::exhausted() const {
  if (groups_.front().position >= length_of(groups_.front())) return true;
  return std::any_of(groups_.begin() + 1, groups_.end(), [&](const Group& group) { return length_of(group) == 0; });
}

void Combiner::push(Item item) {
  assert(!first_ && !finished_);
  if (exhausted()) return;
  first_ = std::move(item);
  ++groups_.front().position;
}

void Combiner::finish() {
  finished_ = true;
}

// The position of the first group is one ahead of the row that its open item belongs to.
Item Combiner::take_row() {
  const bool last_row = std::all_of(groups_.begin() + 1, groups_.end(),
                                    [&](const Group& group) { return group.position + 1 == length_of(group); });
  Item row = last_row ? std::move(*first_) : *first_;
  for (const auto& group : groups_) {
    for (std::size_t i = 0; i < group.source_count; ++i) {
      const auto source = group.first_source + i;
      if (source > 0) append_columns(row, held_[source][group.position - (group.first_source == 0 ? 1 : 0)]);
    }
  }
  return row;
}

void Combiner::advance() {
  for (auto group = groups_.size() - 1; group > 0; --group) {
    if (++groups_[group].position < length_of(groups_[group])) return;
    groups_[group].position = 0;
  }
  first_.reset();
}

std::optional<Item> Combiner::next() {
  while (first_ && partial_rows_ < rows_per_item_) {
    if (partial_) {
      append_columns(*partial_, take_row());
    } else {
      partial_ = take_row();
    }
    ++partial_rows_;
    advance();
  }
  const bool complete = partial_rows_ == rows_per_item_;
  if (!partial_ || (!complete && !finished_)) return std::nullopt;
  partial_rows_ = 0;
  return std::exchange(partial_, std::nullopt);
}

std::string_view to_string(SourceError error) {
  switch (error) {
    case SourceError::nul_in_text:
      return "the input has a NUL byte, which no argument can contain: is it a list for -0?";
    case SourceError::nul_in_delimiter: return "a delimiter with a NUL byte is that byte alone";
    case SourceError::bad_escape:
      return "after a backslash comes n, t, r, 0, another backslash or x and two hexadecimal digits";
    case SourceError::empty_delimiter: return "a delimiter cannot be empty";
    case SourceError::long_delimiter: return "a delimiter has at most 256 bytes";
    case SourceError::matches_nothing: return "a separator must hold something that is not optional";
    case SourceError::bad_column_class:
      return "a class of characters is [,;] or [a-z] or [^0-9], closed by ] and not empty";
  }
  return "unknown";
}

}  // namespace agent::cli
