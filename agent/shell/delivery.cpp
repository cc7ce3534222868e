#include "agent/shell/delivery.h"

#include <unistd.h>

#include <cassert>
#include <utility>

#include "agent/shell/nameless_file.h"
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
  Waiting& place = waiting_[key];
  const std::size_t cost = cost_of(result);
  if (memory_bytes_ + cost > memory_bytes_max && spill(result, place)) return;
  memory_bytes_ += cost;
  place = std::move(result);
}

bool Delivery::spill(const client::Result& result, Waiting& place) {
  if (!spill_file_) {
    auto file = open_nameless_file(directory_);
    if (file) spill_file_ = *std::move(file);
  }
  const std::vector<std::byte> bytes = client::encode(client::Results{.job = job_, .sequence = 0, .results = {result}});
  if (!spill_file_ || !write_at(spill_file_.get(), bytes, spill_end_)) {
    full_ = true;
    return false;
  }
  place = Spilled{.offset = spill_end_, .size_bytes = static_cast<std::uint32_t>(bytes.size())};
  spill_end_ += bytes.size();
  ++spilled_;
  return true;
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
    std::optional<client::Result> result = take_first();
    if (!result) continue;
    bytes += client::encoded_size_bound(*result);
    append_files(*result, files);
    batch.results.push_back(*std::move(result));
  }
  if (batch.results.empty()) return std::nullopt;
  under_way_.push_back({.sequence = next_sequence_++, .files = std::move(files)});
  return batch;
}

std::optional<client::Result> Delivery::take_first() {
  Waiting waiting = std::move(waiting_.begin()->second);
  waiting_.erase(waiting_.begin());
  std::optional<client::Result> result;
  if (const auto* spilled = std::get_if<Spilled>(&waiting)) {
    if (const auto bytes = read_at(spill_file_.get(), spilled->offset, spilled->size_bytes)) {
      auto decoded = client::decode_client(*bytes);
      if (decoded) result = std::move(std::get<client::Results>(*decoded).results.front());
    }
  }
  forget(waiting);
  if (auto* kept = std::get_if<client::Result>(&waiting)) result = std::move(*kept);
  if (result && order_ == Order::of_index) next_index_ = std::max(next_index_, result->covers.end);
  return result;
}

// Takes what was kept for an entry off the books; its bytes are the caller's.
void Delivery::forget(const Waiting& waiting) {
  if (const auto* kept = std::get_if<client::Result>(&waiting)) {
    memory_bytes_ -= cost_of(*kept);
  } else if (--spilled_ == 0) {
    spill_end_ = 0;
    (void)!ftruncate(spill_file_.get(), 0);
  }
  if (memory_bytes_ < memory_bytes_max / 2) full_ = false;
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
  while (!waiting_.empty() && waiting_.rbegin()->first >= index) {
    auto last = std::prev(waiting_.end());
    if (const auto* kept = std::get_if<client::Result>(&last->second)) remove_output_files(*kept);
    forget(last->second);
    waiting_.erase(last);
  }
}

void Delivery::drop_all() {
  std::vector<std::string> files;
  while (!waiting_.empty()) {
    if (const std::optional<client::Result> result = take_first()) append_files(*result, files);
  }
  for (const Batch& batch : under_way_) files.insert(files.end(), batch.files.begin(), batch.files.end());
  under_way_.clear();
  remove_files(files);
}

}  // namespace agent::shell
