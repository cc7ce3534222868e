#include "agent/shell/job_items.h"

#include <utility>

#include "agent/shell/log.h"

namespace agent::shell {

tl::expected<ItemStore*, Problem> JobItems::open(const crypto::Manifest& manifest) {
  std::unique_ptr<ItemStore>& known = stores_[core::JobId(manifest.job)];
  if (known) return known.get();
  auto store = ItemStore::open(directory_, manifest.job, manifest.job_key);
  if (!store) {
    stores_.erase(core::JobId(manifest.job));
    return tl::unexpected(store.error());
  }
  known = std::make_unique<ItemStore>(*std::move(store));
  return known.get();
}

ItemStore* JobItems::find(const core::JobId& job) {
  const auto at = stores_.find(job);
  return at == stores_.end() ? nullptr : at->second.get();
}

std::vector<link::ChunkPlace> JobItems::chunks_of(const core::JobId& job, const protocol::Intervals& intervals) {
  const ItemStore* store = find(job);
  return store == nullptr ? std::vector<link::ChunkPlace>() : store->chunks_of(intervals);
}

link::Bytes JobItems::chunk(const core::JobId& job, const link::ChunkPlace& place) {
  const ItemStore* store = find(job);
  return store == nullptr ? link::Bytes() : store->chunk(place);
}

void JobItems::keep_chunk(const crypto::Manifest& manifest, const crypto::OpenedChunk& chunk,
                          std::span<const std::byte> bytes) {
  auto store = open(manifest);
  auto kept = store ? (*store)->add(chunk.chunk, bytes) : tl::expected<void, Problem>(tl::unexpected(store.error()));
  if (!kept) log(LogLevel::warning, "arguments that came with work could not be kept: " + kept.error().message);
}

}  // namespace agent::shell
