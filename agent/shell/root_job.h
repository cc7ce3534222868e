#pragma once
// What the shell keeps of a job that was launched here: everything that has bytes. The core decides about indices.
//
// It is made from a submission whose manifest was checked (signature, user, dates, job key), takes the items as chunks,
// signs them, turns a StartTask of the core into the order for a launcher, holds what a task brought until the core
// says whether it counts, and delivers what counts to the client.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "agent/core/action.h"
#include "agent/core/event.h"
#include "agent/core/interval_set.h"
#include "agent/exec/command.h"
#include "agent/exec/task.h"
#include "agent/shell/delivery.h"
#include "agent/shell/item_store.h"
#include "agent/shell/problem.h"
#include "crypto/chunk.h"
#include "crypto/keys.h"
#include "crypto/manifest.h"
#include "protocol/client.h"

namespace agent::shell {

// What every job here is told about this agent.
struct Surroundings {
  std::string node;                // name of this machine
  std::string mark;                // GIBBON_AGENT of everything that runs here
  std::string program;             // path of this program (GIBBON_BIN)
  std::string output_directory;    // where outputs and items wait
  crypto::PublicKey trusted_user;  // whose jobs may run here
  crypto::KeyId node_id;
};

struct Refusal {
  protocol::client::RefusalCode code = protocol::client::RefusalCode::bad_manifest;
  Problem problem;
};

class RootJob {
 public:
  [[nodiscard]] static tl::expected<std::unique_ptr<RootJob>, Refusal> open(const protocol::client::Submit& submission,
                                                                            const Surroundings& surroundings);

  ~RootJob();
  RootJob(const RootJob&) = delete;
  RootJob& operator=(const RootJob&) = delete;

  [[nodiscard]] core::JobTerms terms() const;
  [[nodiscard]] protocol::JobId id() const { return protocol::JobId(manifest().job); }
  [[nodiscard]] const crypto::Manifest& manifest() const { return opened_.manifest; }
  [[nodiscard]] const crypto::SigningPair& job_key() const { return job_key_; }

  // The next chunk of an open loop's items. Returns how many items are known now.
  [[nodiscard]] tl::expected<std::uint64_t, Refusal> append_items(protocol::client::Items chunk);
  [[nodiscard]] bool items_ended() const { return chain_.ended(); }
  // How much of the items waits on disk, given that nothing below `committed_below` starts again. Of these, those that
  // are `lost` are kept until they are committed as such: a result carries its item.
  [[nodiscard]] std::uint64_t items_bytes_ahead(std::uint64_t committed_below, const core::IntervalSet& lost);

  // The order for a task, to run in `scratch`; or why there is none (a fault of the arguments).
  [[nodiscard]] tl::expected<exec::TaskOrder, std::string> order(const core::StartTask& start,
                                                                 const std::string& scratch);

  // The blank result of a task about to start; whoever knows more fills it in.
  [[nodiscard]] protocol::client::Result& result_of(const core::StartTask& start);
  [[nodiscard]] protocol::client::Result* find_result(core::TaskId task);
  // The core's word about a task's result. `size` is how many iterations were committed with it.
  void commit(const core::CommitResult& committed);
  // Of one that starts at most once: nobody knows how the piece ended.
  void commit_lost(protocol::Interval piece);
  void drop(core::TaskId task);

  [[nodiscard]] Delivery& delivery() { return delivery_; }
  [[nodiscard]] const Delivery& delivery() const { return delivery_; }
  [[nodiscard]] std::uint64_t task_time_ns() const { return task_time_ns_; }
  // How the first failed iteration ended.
  struct Ended {
    std::int32_t exit = 0;
    std::int32_t signal = 0;
  };
  [[nodiscard]] const std::optional<Ended>& first_failure() const { return first_failure_; }
  // A name for the `stream` output of a task that is too long to be sent inline.
  [[nodiscard]] std::string output_path(core::TaskId task, const std::string& stream) const;

 private:
  RootJob(crypto::OpenedManifest opened, crypto::SigningPair job_key, exec::Template command,
          const protocol::client::Submit& submission, const Surroundings& surroundings);

  // First and last value of a range piece.
  void set_values(protocol::client::Result& result) const;
  [[nodiscard]] tl::expected<std::string, std::string> item_text(std::uint64_t index);
  // Nothing where results do not carry their items.
  [[nodiscard]] protocol::Bytes label_of(std::uint64_t index);
  [[nodiscard]] std::vector<std::string> environment(const core::StartTask& start, const std::string& scratch,
                                                     const std::string& item) const;

  const crypto::OpenedManifest opened_;
  const crypto::SigningPair job_key_;
  const exec::Template command_;
  const Surroundings& surroundings_;
  const bool keep_order_;
  const bool want_items_;
  crypto::ChunkChain chain_;
  std::optional<ItemStore> items_;                           // of an open loop, from its first item on
  std::map<std::uint64_t, protocol::Bytes> labels_of_lost_;  // their items may be gone from the disk
  std::map<core::TaskId, protocol::client::Result> results_;
  Delivery delivery_;
  std::uint64_t task_time_ns_ = 0;
  std::optional<Ended> first_failure_;
};

// The first value of a piece of a range and one past its last, in decimal (the latter may be 2^64 or more).
struct PieceValues {
  std::string low;
  std::string high;
};
[[nodiscard]] PieceValues values_of(const crypto::ValueRange& range, protocol::Interval piece);

}  // namespace agent::shell
