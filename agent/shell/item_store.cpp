#include "agent/shell/item_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>

#include "agent/shell/nameless_file.h"

namespace agent::shell {

namespace {

constexpr std::uint64_t release_bytes_min = 1024 * 1024;

}  // namespace

tl::expected<ItemStore, Problem> ItemStore::open(const std::string& directory, const crypto::Bytes16& job,
                                                 const crypto::PublicKey& job_key) {
  auto file = open_nameless_file(directory);
  if (!file) return tl::unexpected(file.error());
  ItemStore store;
  store.job_ = job;
  store.job_key_ = job_key;
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
  auto found = decoded(place_of(index));
  if (!found) return tl::unexpected(found.error());
  return (*found)->items[index - (*found)->first];
}

const ItemStore::Place& ItemStore::place_of(std::uint64_t index) const {
  assert(index < count_);
  const auto after = std::ranges::upper_bound(places_, index, {}, &Place::first);
  assert(after != places_.begin());
  return *(after - 1);
}

void ItemStore::release_below(std::uint64_t index) {
  while (places_.size() > 1 && places_[1].first <= index) places_.pop_front();
  if (places_.empty() || places_.front().offset < released_ + release_bytes_min) return;
  const auto begin = static_cast<off_t>(released_);
  released_ = places_.front().offset;
  // Where the file system can not do that, the space stays taken until the job ends.
  (void)fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin,
                  static_cast<off_t>(released_) - begin);
}

std::uint64_t ItemStore::bytes_from(std::uint64_t index) const {
  return index >= count_ ? 0 : end_ - place_of(std::max(index, places_.front().first)).offset;
}

tl::expected<const ItemStore::Decoded*, Problem> ItemStore::decoded(const Place& place) {
  const auto known = std::ranges::find(recent_, place.first, &Decoded::first);
  if (known != recent_.end()) {
    recent_.splice(recent_.begin(), recent_, known);
    return &recent_.front();
  }
  auto bytes = read_at(file_.get(), place.offset, place.size_bytes);
  if (!bytes) return tl::unexpected(bytes.error());
  auto opened = crypto::open_chunk(*bytes, job_, job_key_);
  if (!opened || opened->chunk.first_index != place.first) {
    return tl::unexpected(Problem{.message = "the disk gave back other arguments than were written to it", .hint = ""});
  }
  recent_.push_front({.first = place.first, .items = std::move(opened->chunk.items)});
  if (recent_.size() > decoded_max) recent_.pop_back();
  return &recent_.front();
}

}  // namespace agent::shell
