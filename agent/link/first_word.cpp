#include "agent/link/first_word.h"

#include <algorithm>

namespace agent::link {

namespace {

std::span<const std::byte> bytes_of(std::string_view word) {
  return std::as_bytes(std::span(word));
}

bool may_be(std::span<const std::byte> begun, std::string_view word) {
  const std::size_t count = std::min(begun.size(), word.size());
  return std::ranges::equal(begun.first(count), bytes_of(word).first(count));
}

}  // namespace

FirstWord read_first_word(std::span<const std::byte> begun) {
  const bool link = may_be(begun, link_word);
  const bool join = may_be(begun, join_word);
  if (!link && !join) return Neither{};
  if (begun.size() < link_word.size()) return MoreNeeded{};
  if (link) return LinkComes{};
  if (begun.size() < join_word_bytes) return MoreNeeded{};
  JoinComes comes;
  std::ranges::copy(begun.subspan(join_word.size(), comes.token.bytes.size()), comes.token.bytes.begin());
  return comes;
}

std::vector<std::byte> write_link_word() {
  const auto word = bytes_of(link_word);
  return {word.begin(), word.end()};
}

std::vector<std::byte> write_join_word(const crypto::TokenId& token) {
  std::vector<std::byte> bytes(join_word_bytes);
  const auto behind = std::ranges::copy(bytes_of(join_word), bytes.begin()).out;
  std::ranges::copy(token.bytes, behind);
  return bytes;
}

}  // namespace agent::link
