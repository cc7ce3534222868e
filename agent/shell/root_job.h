#pragma once
// What the shell keeps of a job that was launched here: everything that has bytes. The core decides about indices.
//
// It is made from a submission whose manifest was checked (signature, user, dates, job key), takes the items as chunks,
// signs them, and delivers the results that count to the client, wherever they were made.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "agent/core/action.h"
#include "agent/core/event.h"
#include "agent/core/interval_set.h"
#include "agent/shell/delivery.h"
#include "agent/shell/job_items.h"
#include "agent/shell/job_tasks.h"
#include "agent/shell/problem.h"
#include "crypto/chunk.h"
#include "crypto/keys.h"
#include "crypto/manifest.h"
#include "protocol/client.h"

namespace agent::shell {

struct Refusal {
  protocol::client::RefusalCode code = protocol::client::RefusalCode::bad_manifest;
  Problem problem;
};

class RootJob {
 public:
  // `pool`: that the node is a member of, or zeros. `surroundings` and `items` outlive it.
  [[nodiscard]] static tl::expected<std::unique_ptr<RootJob>, Refusal> open(const protocol::client::Submit& submission,
                                                                            const crypto::Bytes32& pool,
                                                                            const Surroundings& surroundings,
                                                                            JobItems& items);

  ~RootJob();
  RootJob(const RootJob&) = delete;
  RootJob& operator=(const RootJob&) = delete;

  [[nodiscard]] core::JobTerms terms() const;
  [[nodiscard]] protocol::JobId id() const { return tasks_.id(); }
  [[nodiscard]] const crypto::Manifest& manifest() const { return tasks_.manifest(); }
  [[nodiscard]] const crypto::SigningPair& job_key() const { return job_key_; }
  [[nodiscard]] const JobTasks& tasks() const { return tasks_; }

  // The next chunk of an open loop's items. Returns how many items are known now.
  [[nodiscard]] tl::expected<std::uint64_t, Refusal> append_items(protocol::client::Items chunk);
  [[nodiscard]] bool items_ended() const { return chain_.ended(); }
  // How much of the items waits on disk, given that nothing below `committed_below` starts again. Of these, those that
  // are `lost` are kept until they are committed as such: a result carries its item.
  [[nodiscard]] std::uint64_t items_bytes_ahead(std::uint64_t committed_below, const core::IntervalSet& lost);

  // The core's word about a result that somebody brought: it counts, and this is what it is.
  void commit(protocol::client::Result result, core::Outcome outcome);
  // Of one that starts at most once: nobody knows how the piece ended.
  void commit_lost(protocol::Interval piece);

  [[nodiscard]] Delivery& delivery() { return delivery_; }
  [[nodiscard]] const Delivery& delivery() const { return delivery_; }
  [[nodiscard]] std::uint64_t task_time_ns() const { return task_time_ns_; }
  // What each node did, most first.
  [[nodiscard]] std::vector<protocol::client::NodeShare> shares() const;
  // How the first failed iteration ended.
  struct Ended {
    std::int32_t exit = 0;
    std::int32_t signal = 0;
  };
  [[nodiscard]] const std::optional<Ended>& first_failure() const { return first_failure_; }

 private:
  RootJob(JobTasks tasks, crypto::SigningPair job_key, const protocol::client::Submit& submission,
          const Surroundings& surroundings, JobItems& items);

  // Nothing where results do not carry their items.
  [[nodiscard]] protocol::Bytes label_of(std::uint64_t index) const;
  [[nodiscard]] protocol::client::NodeShare& share_of(const std::string& node);

  const JobTasks tasks_;
  const crypto::SigningPair job_key_;
  JobItems& all_items_;
  ItemStore* items_ = nullptr;  // of an open loop, from its first chunk on
  const bool keep_order_;
  const bool want_items_;
  crypto::ChunkChain chain_;
  std::map<std::uint64_t, protocol::Bytes> labels_of_lost_;  // their items may be gone from the disk
  Delivery delivery_;
  std::uint64_t task_time_ns_ = 0;
  std::map<std::string, protocol::client::NodeShare> shares_;  // by node; the empty one holds what had no room
  std::optional<Ended> first_failure_;
};

}  // namespace agent::shell
