#include "agent/shell/item_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <iterator>

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

tl::expected<void, Problem> ItemStore::add(const crypto::ArgumentChunk& chunk, std::span<const std::byte> bytes) {
  if (chunk.items.empty() || place_of(chunk.first_index) != nullptr) return {};
  if (auto written = write_at(file_.get(), bytes, end_); !written) return tl::unexpected(written.error());
  places_[chunk.first_index] = {.number = chunk.number,
                                .first = chunk.first_index,
                                .count = chunk.items.size(),
                                .offset = end_,
                                .size_bytes = static_cast<std::uint32_t>(bytes.size())};
  end_ += bytes.size();
  count_ = std::max(count_, chunk.first_index + chunk.items.size());
  return {};
}

tl::expected<crypto::Item, Problem> ItemStore::item(std::uint64_t index) {
  const Place* place = place_of(index);
  assert(place != nullptr);
  auto found = decoded(*place);
  if (!found) return tl::unexpected(found.error());
  return (*found)->items[index - (*found)->first];
}

const ItemStore::Place* ItemStore::place_of(std::uint64_t index) const {
  const auto after = places_.upper_bound(index);
  if (after == places_.begin()) return nullptr;
  const Place& place = std::prev(after)->second;
  return index - place.first < place.count ? &place : nullptr;
}

std::vector<link::ChunkPlace> ItemStore::chunks_of(const protocol::Intervals& intervals) const {
  std::vector<link::ChunkPlace> chunks;
  for (const protocol::Interval& interval : intervals) {
    auto at = places_.upper_bound(interval.begin);
    if (at != places_.begin()) --at;
    for (; at != places_.end() && at->first < interval.end; ++at) {
      const Place& place = at->second;
      const link::ChunkPlace chunk{.number = place.number, .first_index = place.first};
      if (place.first + place.count > interval.begin && (chunks.empty() || chunks.back() < chunk))
        chunks.push_back(chunk);
    }
  }
  return chunks;
}

link::Bytes ItemStore::chunk(const link::ChunkPlace& place) const {
  const auto at = places_.find(place.first_index);
  if (at == places_.end()) return {};
  auto bytes = read_at(file_.get(), at->second.offset, at->second.size_bytes);
  return bytes ? *std::move(bytes) : link::Bytes();
}

void ItemStore::release_below(std::uint64_t index) {
  while (places_.size() > 1 && std::next(places_.begin())->first <= index) places_.erase(places_.begin());
  if (places_.empty() || places_.begin()->second.offset < released_ + release_bytes_min) return;
  const auto begin = static_cast<off_t>(released_);
  released_ = places_.begin()->second.offset;
  // Where the file system can not do that, the space stays taken until the job ends.
  (void)fallocate(file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, begin,
                  static_cast<off_t>(released_) - begin);
}

std::uint64_t ItemStore::bytes_from(std::uint64_t index) const {
  if (index >= count_) return 0;
  const Place* place = place_of(std::max(index, places_.begin()->first));
  assert(place != nullptr);
  return end_ - place->offset;
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
