#include "agent/shell/root_job.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "agent/link/job_terms.h"
#include "agent/shell/own_tasks.h"
#include "agent/shell/system.h"

namespace agent::shell {

namespace client = protocol::client;
using client::RefusalCode;

namespace {

// Clocks of client and agent are the same one; this only forgives a step of it in between.
constexpr std::int64_t clock_tolerance_ms = 600'000;

constexpr std::string_view why_lost = "it was started, and nobody knows how it ended";

Refusal bad_manifest(std::string message, std::string hint = {}) {
  return {.code = RefusalCode::bad_manifest, .problem = {.message = std::move(message), .hint = std::move(hint)}};
}

// What this version runs: a command on this machine, at level 0.
std::optional<Refusal> unsupported(const crypto::OpenedManifest& opened) {
  const crypto::Manifest& manifest = opened.manifest;
  if (manifest.least_sandbox > 0 || !manifest.output_rules.empty() ||
      std::holds_alternative<crypto::BlobProgram>(manifest.program) || !link::terms_of(manifest, opened.user)) {
    return bad_manifest("the job asks for something that this agent cannot do",
                        "use the same version of gibbon as the agent");
  }
  return std::nullopt;
}

crypto::ArgumentChunk chunk_from(client::Items&& items, const crypto::Digest& previous) {
  crypto::ArgumentChunk chunk{.job = items.job.value(),
                              .number = items.chunk,
                              .first_index = items.first,
                              .items = {},
                              .last = items.last,
                              .previous = previous};
  chunk.items.reserve(items.items.size());
  for (client::Item& item : items.items) {
    if (auto* text = std::get_if<protocol::Bytes>(&item)) {
      chunk.items.emplace_back(std::move(*text));
    } else {
      chunk.items.emplace_back(crypto::TooLong{.size_bytes = std::get<client::TooLong>(item).size_bytes});
    }
  }
  return chunk;
}

protocol::Bytes bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

tl::expected<std::unique_ptr<RootJob>, Refusal> RootJob::open(const client::Submit& submission,
                                                              const crypto::Bytes32& pool,
                                                              const Surroundings& surroundings, JobItems& items) {
  auto opened = crypto::open_manifest(submission.manifest, wall_now_ms(), clock_tolerance_ms);
  if (!opened) {
    return tl::unexpected(bad_manifest("the job's manifest was refused: " + std::string(to_string(opened.error()))));
  }
  const crypto::Manifest& manifest = opened->manifest;
  if (manifest.user_key != surroundings.trusted_user) {
    return tl::unexpected(Refusal{.code = RefusalCode::not_owner,
                                  .problem = {.message = "the job is signed with another user's key than this agent's",
                                              .hint = "use the state directory of this agent: --state DIR"}});
  }
  if (manifest.pool != pool) {
    return tl::unexpected(bad_manifest("the job is for another pool than this agent is in now", "launch it again"));
  }
  if (auto refusal = unsupported(*opened)) return tl::unexpected(*refusal);
  crypto::SigningPair job_key{crypto::Seed(submission.job_secret_seed)};
  if (job_key.public_key() != manifest.job_key) {
    return tl::unexpected(bad_manifest("the job's secret does not belong to the key in its manifest"));
  }
  auto tasks = JobTasks::of(*std::move(opened), JobTasks::Place::launched_here, surroundings, items);
  if (!tasks) return tl::unexpected(bad_manifest(tasks.error()));
  return std::unique_ptr<RootJob>(new RootJob(*std::move(tasks), std::move(job_key), submission, surroundings, items));
}

RootJob::RootJob(JobTasks tasks, crypto::SigningPair job_key, const client::Submit& submission,
                 const Surroundings& surroundings, JobItems& items)
    : tasks_(std::move(tasks)),
      job_key_(std::move(job_key)),
      all_items_(items),
      keep_order_(submission.keep_order),
      want_items_(submission.want_items),
      chain_(tasks_.opened().id),
      delivery_(tasks_.id(), keep_order_ ? Delivery::Order::of_index : Delivery::Order::of_arrival,
                surroundings.output_directory) {}

RootJob::~RootJob() {
  all_items_.forget(id());
}

core::JobTerms RootJob::terms() const {
  auto terms = link::terms_of(manifest(), tasks_.opened().user);
  assert(terms);  // else it had been refused
  terms->lowest_hit = keep_order_;
  return *terms;
}

tl::expected<std::uint64_t, Refusal> RootJob::append_items(client::Items items) {
  auto refuse = [](RefusalCode code, Problem problem) {
    return tl::unexpected(Refusal{.code = code, .problem = std::move(problem)});
  };
  if (!std::holds_alternative<crypto::OpenSpace>(manifest().space)) {
    return refuse(RefusalCode::bad_items, {.message = "this job takes no arguments", .hint = ""});
  }
  const crypto::ArgumentChunk chunk = chunk_from(std::move(items), chain_.tip());
  auto sealed = crypto::sign_chunk(chunk, job_key_);
  if (!sealed) {
    return refuse(RefusalCode::bad_items,
                  {.message = "a chunk of arguments is " + std::string(to_string(sealed.error())), .hint = ""});
  }
  crypto::ChunkChain extended = chain_;
  if (auto next = extended.extend({.chunk = chunk, .id = sealed->id}); !next) {
    return refuse(RefusalCode::bad_items, {.message = "a chunk of arguments does not follow the one before: " +
                                                      std::string(to_string(next.error())),
                                           .hint = ""});
  }
  if (items_ == nullptr) {
    auto store = all_items_.open(manifest());
    if (!store) return refuse(RefusalCode::disk, store.error());
    items_ = *store;
  }
  if (auto kept = items_->add(chunk, sealed->bytes); !kept) return refuse(RefusalCode::disk, kept.error());
  chain_ = extended;
  return items_->count();
}

std::uint64_t RootJob::items_bytes_ahead(std::uint64_t committed_below, const core::IntervalSet& lost) {
  if (items_ == nullptr) return 0;
  for (const protocol::Interval& interval : lost.intervals()) {
    for (std::uint64_t index = interval.begin; index < std::min(interval.end, committed_below); ++index) {
      if (!labels_of_lost_.contains(index)) labels_of_lost_[index] = label_of(index);
    }
  }
  items_->release_below(committed_below);
  return items_->bytes_from(committed_below);
}

protocol::Bytes RootJob::label_of(std::uint64_t index) const {
  if (!want_items_ || items_ == nullptr || !items_->has(index)) return {};
  const auto item = tasks_.item_text(index);
  return item ? bytes_of(*item) : protocol::Bytes();
}

void RootJob::commit(client::Result result, core::Outcome outcome) {
  result.outcome = outcome_of(outcome, result.signal);
  if (outcome == core::Outcome::failed && !first_failure_)
    first_failure_ = Ended{.exit = result.exit, .signal = result.signal};
  if (outcome == core::Outcome::lost && result.reason.empty()) result.reason = why_lost;
  tasks_.set_values(result);
  result.label = label_of(result.covers.begin);
  task_time_ns_ += result.duration_ns;
  client::NodeShare& share = share_of(result.node);
  ++share.results;
  share.task_time_ns += result.duration_ns;
  delivery_.add(std::move(result));
}

client::NodeShare& RootJob::share_of(const std::string& node) {
  const bool room = shares_.size() + 1 < protocol::limits::node_shares_max;
  const std::string& name = room || shares_.contains(node) ? node : std::string();
  return shares_.try_emplace(name, client::NodeShare{.node = name}).first->second;
}

std::vector<client::NodeShare> RootJob::shares() const {
  std::vector<client::NodeShare> all;
  for (const auto& [node, share] : shares_) all.push_back(share);
  std::ranges::stable_sort(all, std::greater{}, &client::NodeShare::results);
  return all;
}

void RootJob::commit_lost(protocol::Interval piece) {
  client::Result result{.covers = piece, .outcome = client::Outcome::lost, .reason = std::string(why_lost)};
  tasks_.set_values(result);
  if (const auto label = labels_of_lost_.extract(piece.begin)) {
    result.label = std::move(label.mapped());
  } else {
    result.label = label_of(piece.begin);
  }
  delivery_.add(std::move(result));
}

}  // namespace agent::shell
