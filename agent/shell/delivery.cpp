#include "agent/shell/delivery.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <iterator>
#include <utility>

#include "agent/shell/nameless_file.h"
#include "protocol/framing.h"
#include "protocol/limits.h"

namespace agent::shell {

namespace client = protocol::client;

namespace {

std::size_t cost_of(const client::Result& result) {
  return sizeof(client::Result) + client::encoded_size_bound(result);
}

void append_files(const client::Result& result, std::vector<std::string>& files) {
  for (const client::Output* output : {&result.out, &result.err}) {
    if (const auto* file = std::get_if<client::File>(output)) files.push_back(file->path);
  }
}

bool has_files(const client::Result& result) {
  return std::holds_alternative<client::File>(result.out) || std::holds_alternative<client::File>(result.err);
}

// Running tasks write to the same disk: it must not be filled to the last byte by what waits.
bool leaves_room(int file) {
  constexpr std::uint64_t reserve_bytes_max = 256 * 1024 * 1024;
  struct statvfs disk {};
  if (fstatvfs(file, &disk) != 0) return true;
  return disk.f_bavail * disk.f_frsize >= std::min(disk.f_blocks * disk.f_frsize / 16, reserve_bytes_max);
}

void remove_files(const std::vector<std::string>& files) {
  for (const std::string& file : files) (void)unlink(file.c_str());
}

}  // namespace

void remove_output_files(const client::Result& result) {
  std::vector<std::string> files;
  append_files(result, files);
  remove_files(files);
}

Delivery::Delivery(protocol::JobId job, Order order, std::string directory)
    : job_(job), order_(order), directory_(std::move(directory)) {}

Delivery::~Delivery() {
  drop_all();
}

void Delivery::add(client::Result result) {
  const std::uint64_t key = order_ == Order::of_index ? result.covers.begin : arrivals_++;
  assert(!waiting_.contains(key));
  if (memory_bytes_ + cost_of(result) > memory_bytes_max && spill(key, result)) return;
  keep(key, std::move(result));
}

void Delivery::keep(std::uint64_t key, client::Result result) {
  memory_bytes_ += cost_of(result);
  waiting_.emplace(key, std::make_unique<client::Result>(std::move(result)));
}

bool Delivery::spill(std::uint64_t key, const client::Result& result) {
  if (!spill_file_) {
    auto file = open_nameless_file(directory_);
    if (file) spill_file_ = *std::move(file);
  }
  std::vector<std::byte> bytes;
  protocol::append_framed(bytes, client::encode(client::Results{.job = job_, .sequence = 0, .results = {result}}));
  if (!spill_file_ || !leaves_room(spill_file_.get()) || !write_at(spill_file_.get(), bytes, spill_end_)) {
    full_ = true;
    return false;
  }
  Run& run = run_for(key, bytes.size());
  run.next_key = order_ == Order::of_index ? result.covers.end : key + 1;
  run.size_bytes += static_cast<std::uint32_t>(bytes.size());
  run.has_files = run.has_files || has_files(result);
  ++run.count;
  spill_end_ += bytes.size();
  return true;
}

// The latest run if this result continues it, else a new one at the end of the file.
Delivery::Run& Delivery::run_for(std::uint64_t key, std::size_t size_bytes) {
  if (const auto at = waiting_.find(latest_run_); at != waiting_.end()) {
    Run* run = std::get_if<Run>(&at->second);
    if (run != nullptr && run->next_key == key && run->offset + run->size_bytes == spill_end_ &&
        run->size_bytes + size_bytes <= run_bytes_max)
      return *run;
  }
  ++runs_;
  latest_run_ = key;
  return std::get<Run>(waiting_.emplace(key, Run{.offset = spill_end_}).first->second);
}

void Delivery::unpack(WaitingMap::iterator at) {
  const std::uint64_t key = at->first;
  const Run run = std::get<Run>(at->second);
  waiting_.erase(at);
  std::vector<client::Result> results = read(key, run);
  free_space(run);
  if (results.empty()) lost_results_ += run.count;
  std::uint64_t arrival = key;
  for (client::Result& result : results) {
    keep(order_ == Order::of_index ? result.covers.begin : arrival++, std::move(result));
  }
}

// Empty if the disk gives back anything else than was written.
std::vector<client::Result> Delivery::read(std::uint64_t key, const Run& run) const {
  const auto bytes = read_at(spill_file_.get(), run.offset, run.size_bytes);
  if (!bytes) return {};
  protocol::MessageReader reader;
  reader.feed(*bytes);
  std::vector<client::Result> results;
  std::uint64_t expected = key;
  while (results.size() < run.count) {
    auto message = reader.next();
    if (!message || !*message) return {};
    auto decoded = client::decode_client(**message);
    auto* batch = decoded ? std::get_if<client::Results>(&*decoded) : nullptr;
    if (batch == nullptr || batch->job != job_ || batch->results.size() != 1) return {};
    client::Result& result = batch->results.front();
    if (order_ == Order::of_index && result.covers.begin != expected) return {};
    expected = order_ == Order::of_index ? result.covers.end : expected + 1;
    results.push_back(std::move(result));
  }
  if (expected != run.next_key) results.clear();
  return results;
}

void Delivery::free_space(const Run& run) {
  if (--runs_ == 0) {
    spill_end_ = 0;
    (void)!ftruncate(spill_file_.get(), 0);
  } else {
    // Where the file system can not do that, the space comes back with the last run.
    (void)fallocate(spill_file_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(run.offset),
                    run.size_bytes);
  }
}

client::Result Delivery::take(WaitingMap::iterator at) {
  client::Result result = std::move(*std::get<std::unique_ptr<client::Result>>(at->second));
  waiting_.erase(at);
  memory_bytes_ -= cost_of(result);
  if (memory_bytes_ < memory_bytes_max / 2) full_ = false;
  return result;
}

bool Delivery::first_may_go() const {
  if (waiting_.empty()) return false;
  return order_ == Order::of_arrival || ended_ || waiting_.begin()->first <= next_index_;
}

std::optional<client::Results> Delivery::next_batch() {
  if (under_way_.size() >= batches_under_way || !first_may_go()) return std::nullopt;
  client::Results batch{.job = job_, .sequence = next_sequence_, .results = {}};
  std::vector<std::string> files;
  std::size_t bytes = client::results_overhead_bytes;
  while (first_may_go() && batch.results.size() < protocol::limits::results_per_message_max &&
         bytes < batch_bytes_max) {
    if (std::holds_alternative<Run>(waiting_.begin()->second)) {
      unpack(waiting_.begin());
      continue;
    }
    client::Result result = take(waiting_.begin());
    if (order_ == Order::of_index) next_index_ = std::max(next_index_, result.covers.end);
    bytes += client::encoded_size_bound(result);
    append_files(result, files);
    batch.results.push_back(std::move(result));
  }
  if (batch.results.empty()) return std::nullopt;
  under_way_.push_back({.sequence = next_sequence_++, .files = std::move(files)});
  return batch;
}

bool Delivery::shown(std::uint64_t sequence) {
  if (sequence >= next_sequence_) return false;
  while (!under_way_.empty() && under_way_.front().sequence <= sequence) {
    remove_files(under_way_.front().files);
    under_way_.pop_front();
  }
  return true;
}

void Delivery::end() {
  ended_ = true;
}

void Delivery::drop_from(std::uint64_t index) {
  assert(order_ == Order::of_index);
  while (!waiting_.empty()) {
    const auto last = std::prev(waiting_.end());
    const auto* run = std::get_if<Run>(&last->second);
    if ((run == nullptr ? last->first + 1 : run->next_key) <= index) return;
    if (run != nullptr) {
      unpack(last);
    } else {
      remove_output_files(take(last));
    }
  }
}

void Delivery::drop_all() {
  while (!waiting_.empty()) {
    const auto first = waiting_.begin();
    const auto* run = std::get_if<Run>(&first->second);
    if (run == nullptr) {
      remove_output_files(take(first));
    } else if (run->has_files) {
      unpack(first);
    } else {
      free_space(*run);
      waiting_.erase(first);
    }
  }
  for (const Batch& batch : under_way_) remove_files(batch.files);
  under_way_.clear();
}

}  // namespace agent::shell
