#pragma once
// The items of all open loops that are known here, by job: of those launched here, and of those that came with grants.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/link/signed_notary.h"
#include "agent/shell/item_store.h"
#include "agent/shell/problem.h"
#include "crypto/keys.h"
#include "crypto/manifest.h"

namespace agent::shell {

class JobItems : public link::ItemChunks {
 public:
  // Files are kept in `directory`.
  explicit JobItems(std::string directory) : directory_(std::move(directory)) {}

  // The job's store, which is made if there is none.
  [[nodiscard]] tl::expected<ItemStore*, Problem> open(const crypto::Manifest& manifest);
  // Nothing: there is none.
  [[nodiscard]] ItemStore* find(const core::JobId& job);
  void forget(const core::JobId& job) { stores_.erase(job); }
  // Those of other jobs are forgotten.
  void retain(const std::function<bool(const core::JobId&)>& job) {
    std::erase_if(stores_, [&](const auto& each) { return !job(each.first); });
  }

  [[nodiscard]] std::vector<link::ChunkPlace> chunks_of(const core::JobId& job,
                                                        const protocol::Intervals& intervals) override;
  [[nodiscard]] link::Bytes chunk(const core::JobId& job, const link::ChunkPlace& place) override;
  void keep_chunk(const crypto::Manifest& manifest, const crypto::OpenedChunk& chunk,
                  std::span<const std::byte> bytes) override;

 private:
  std::string directory_;
  std::map<core::JobId, std::unique_ptr<ItemStore>> stores_;
};

}  // namespace agent::shell
