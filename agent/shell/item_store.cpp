#include "agent/shell/item_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "agent/shell/nameless_file.h"
#include "crypto/signed.h"

namespace agent::shell {

tl::expected<ItemStore, Problem> ItemStore::open(const std::string& directory) {
  auto file = open_nameless_file(directory);
  if (!file) return tl::unexpected(file.error());
  ItemStore store;
  store.file_ = *std::move(file);
  return store;
}

tl::expected<void, Problem> ItemStore::append(const crypto::ArgumentChunk& chunk, const crypto::Sealed& sealed) {
  assert(chunk.first_index == count_);
  if (chunk.items.empty()) return {};
  if (auto written = write_at(file_.get(), sealed.bytes, end_); !written) return tl::unexpected(written.error());
  places_.push_back({.first = count_, .offset = end_, .size_bytes = static_cast<std::uint32_t>(sealed.bytes.size())});
  end_ += sealed.bytes.size();
  count_ += chunk.items.size();
  return {};
}

tl::expected<crypto::Item, Problem> ItemStore::item(std::uint64_t index) {
  assert(index < count_);
  const auto after = std::ranges::upper_bound(places_, index, {}, &Place::first);
  auto found = decoded(*(after - 1));
  if (!found) return tl::unexpected(found.error());
  return (*found)->items[index - (*found)->first];
}

tl::expected<const ItemStore::Decoded*, Problem> ItemStore::decoded(const Place& place) {
  const auto known = std::ranges::find(recent_, place.first, &Decoded::first);
  if (known != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, known);
    return &recent_.front();
  }
  auto bytes = read_at(file_.get(), place.offset, place.size_bytes);
  if (!bytes) return tl::unexpected(bytes.error());
  auto statement = crypto::decode_signed(*bytes, crypto::chunk_signed_bytes_max);
  auto chunk = statement ? crypto::decode_chunk_body(statement->body)
                         : tl::expected<crypto::ArgumentChunk, crypto::StatementError>(
                               tl::unexpect, crypto::StatementError::malformed);
  if (!chunk || chunk->first_index != place.first) {
    return tl::unexpected(Problem{.message = "the disk gave back other arguments than were written to it", .hint = ""});
  }
  recent_.push_front({.first = place.first, .items = std::move(chunk->items)});
  if (recent_.size() > decoded_max) recent_.pop_back();
  return &recent_.front();
}

}  // namespace agent::shell
