#pragma once
// Results on their way to the client of a job.
//
// Committed results are added as they come and sent in batches, in order of arrival or of their indices. At most
// `batches_under_way` batches are sent ahead of the client's word that it has shown them; so a lone result leaves at
// once, and a flood makes large batches. What waits is kept in memory up to `memory_bytes_max` and beyond that in a
// nameless file, where neighbours in the order lie together as runs: a reader that is slow, or stopped, costs disk, and
// memory for one entry per run. Space of runs that were taken is given back. When that disk is full, or nearly so (the
// tasks need some of it), `full()` says that no more should be produced until something was taken.
//
// Outputs that are files of their own are removed when they were shown, and at the end in any case.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/exec/descriptor.h"
#include "protocol/client.h"

namespace agent::shell {

// Removes the files that hold outputs of this result, if there are any.
void remove_output_files(const protocol::client::Result& result);

class Delivery {
 public:
  enum class Order { of_arrival, of_index };
  static constexpr std::size_t memory_bytes_max = 4 * 1024 * 1024;
  static constexpr std::size_t batch_bytes_max = 512 * 1024;
  static constexpr std::size_t batches_under_way = 2;
  static constexpr std::size_t run_bytes_max = 64 * 1024;

  // What does not fit into memory goes to a file in `directory`.
  Delivery(protocol::JobId job, Order order, std::string directory);
  ~Delivery();
  Delivery(const Delivery&) = delete;
  Delivery& operator=(const Delivery&) = delete;

  void add(protocol::client::Result result);
  // The next batch, if one may be sent now.
  [[nodiscard]] std::optional<protocol::client::Results> next_batch();
  // The client has shown every batch up to this one. False: it was never sent.
  [[nodiscard]] bool shown(std::uint64_t sequence);

  // The job has ended: gaps in the order will not be filled any more.
  void end();
  // Nobody wants what begins at `index` or above.
  void drop_from(std::uint64_t index);
  // Nobody wants anything: the client has gone.
  void drop_all();

  [[nodiscard]] bool all_sent() const { return waiting_.empty(); }
  [[nodiscard]] bool all_shown() const { return all_sent() && under_way_.empty(); }
  [[nodiscard]] bool full() const { return full_; }
  [[nodiscard]] std::size_t memory_bytes() const { return memory_bytes_; }
  // Results that the disk did not give back; they are missing in what is sent.
  [[nodiscard]] std::uint64_t lost_results() const { return lost_results_; }

 private:
  // Results that lie one behind the other in the file and follow each other in the order.
  struct Run {
    std::uint64_t offset = 0;
    std::uint64_t next_key = 0;  // of the result that would follow
    std::uint32_t size_bytes = 0;
    std::uint32_t count = 0;
    bool has_files = false;
  };
  using Waiting = std::variant<std::unique_ptr<protocol::client::Result>, Run>;
  using WaitingMap = std::map<std::uint64_t, Waiting>;  // by first index, or by order of arrival
  struct Batch {
    std::uint64_t sequence = 0;
    std::vector<std::string> files;
  };

  void keep(std::uint64_t key, protocol::client::Result result);
  [[nodiscard]] bool spill(std::uint64_t key, const protocol::client::Result& result);
  [[nodiscard]] Run& run_for(std::uint64_t key, std::size_t size_bytes);
  // Replaces a run by its results.
  void unpack(WaitingMap::iterator at);
  [[nodiscard]] std::vector<protocol::client::Result> read(std::uint64_t key, const Run& run) const;
  void free_space(const Run& run);
  // REQUIRES: not a run.
  [[nodiscard]] protocol::client::Result take(WaitingMap::iterator at);
  [[nodiscard]] bool first_may_go() const;

  const protocol::JobId job_;
  const Order order_;
  const std::string directory_;
  WaitingMap waiting_;
  std::uint64_t arrivals_ = 0;
  std::uint64_t next_index_ = 0;  // of_index: everything below has been sent
  bool ended_ = false;
  bool full_ = false;
  std::size_t memory_bytes_ = 0;
  exec::Descriptor spill_file_;
  std::uint64_t spill_end_ = 0;
  std::size_t runs_ = 0;
  std::uint64_t latest_run_ = 0;  // its key, if it still waits
  std::uint64_t lost_results_ = 0;
  std::uint64_t next_sequence_ = 0;
  std::deque<Batch> under_way_;
};

}  // namespace agent::shell
