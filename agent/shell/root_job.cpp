#include "agent/shell/root_job.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <limits>
#include <map>
#include <utility>

#include "agent/link/job_terms.h"
#include "agent/shell/system.h"

namespace agent::shell {

namespace client = protocol::client;
using client::RefusalCode;

namespace {

// Clocks of client and agent are the same one; this only forgives a step of it in between.
constexpr std::int64_t clock_tolerance_ms = 600'000;

constexpr std::string_view why_lost = "it was started, and nobody knows how it ended";
constexpr std::string_view shell_variable = "GIBBON_SHELL";
// Those that not every task has.
constexpr std::array per_task_variables = {"GIBBON_LO", "GIBBON_HI", "GIBBON_ITEM"};

Refusal bad_manifest(std::string message, std::string hint = {}) {
  return {.code = RefusalCode::bad_manifest, .problem = {.message = std::move(message), .hint = std::move(hint)}};
}

exec::BodyKind body_of(const crypto::Manifest& manifest) {
  if (manifest.range) return exec::BodyKind::range;
  return std::holds_alternative<crypto::OpenSpace>(manifest.space) ? exec::BodyKind::list : exec::BodyKind::single;
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

PieceValues values_of(const crypto::ValueRange& range, protocol::Interval piece) {
  const std::uint64_t last = (range.high - range.low) / range.step;  // index; at most 2^64-2
  exec::PieceBounds bounds =
      exec::piece_bounds({.low = range.low, .step = range.step, .count = last + 1}, piece.begin, piece.end);
  return {.low = std::move(bounds.low), .high = std::move(bounds.high)};
}

tl::expected<std::unique_ptr<RootJob>, Refusal> RootJob::open(const client::Submit& submission,
                                                              const Surroundings& surroundings) {
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
  if (auto refusal = unsupported(*opened)) return tl::unexpected(*refusal);
  crypto::SigningPair job_key{crypto::Seed(submission.job_secret_seed)};
  if (job_key.public_key() != manifest.job_key) {
    return tl::unexpected(bad_manifest("the job's secret does not belong to the key in its manifest"));
  }
  const exec::Form form = manifest.through_shell ? exec::Form::shell : exec::Form::direct;
  auto command = exec::parse_template(manifest.command, body_of(manifest), form);
  if (!command) {
    return tl::unexpected(bad_manifest("the job's command was refused: " + std::string(to_string(command.error()))));
  }
  return std::unique_ptr<RootJob>(
      new RootJob(*std::move(opened), std::move(job_key), *std::move(command), submission, surroundings));
}

RootJob::RootJob(crypto::OpenedManifest opened, crypto::SigningPair job_key, exec::Template command,
                 const client::Submit& submission, const Surroundings& surroundings)
    : opened_(std::move(opened)),
      job_key_(std::move(job_key)),
      command_(std::move(command)),
      surroundings_(surroundings),
      keep_order_(submission.keep_order),
      want_items_(submission.want_items),
      chain_(opened_.id),
      delivery_(protocol::JobId(opened_.manifest.job),
                keep_order_ ? Delivery::Order::of_index : Delivery::Order::of_arrival, surroundings.output_directory) {}

RootJob::~RootJob() {
  for (const auto& [task, result] : results_) remove_output_files(result);
}

core::JobTerms RootJob::terms() const {
  auto terms = link::terms_of(manifest(), opened_.user);
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
  if (!items_) {
    auto store = ItemStore::open(surroundings_.output_directory, manifest().job, manifest().job_key);
    if (!store) return refuse(RefusalCode::disk, store.error());
    items_ = *std::move(store);
  }
  if (auto kept = items_->append(chunk, *sealed); !kept) return refuse(RefusalCode::disk, kept.error());
  chain_ = extended;
  return items_->count();
}

std::uint64_t RootJob::items_bytes_ahead(std::uint64_t committed_below, const core::IntervalSet& lost) {
  if (!items_) return 0;
  for (const protocol::Interval& interval : lost.intervals()) {
    for (std::uint64_t index = interval.begin; index < std::min(interval.end, committed_below); ++index) {
      if (!labels_of_lost_.contains(index)) labels_of_lost_[index] = label_of(index);
    }
  }
  items_->release_below(committed_below);
  return items_->bytes_from(committed_below);
}

tl::expected<std::string, std::string> RootJob::item_text(std::uint64_t index) {
  if (body_of(manifest()) != exec::BodyKind::list) return std::string();
  assert(items_ && index < items_->count());
  auto item = items_->item(index);
  if (!item) return tl::unexpected(item.error().message);
  if (const auto* too_long = std::get_if<crypto::TooLong>(&*item)) {
    return tl::unexpected("the argument is " + std::to_string(too_long->size_bytes) +
                          " bytes long; the system takes at most " + std::to_string(crypto::item_bytes_max));
  }
  const auto& bytes = std::get<std::vector<std::byte>>(*item);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

protocol::Bytes RootJob::label_of(std::uint64_t index) {
  if (!want_items_ || !items_ || index >= items_->count()) return {};
  const auto item = item_text(index);
  return item ? bytes_of(*item) : protocol::Bytes();
}

tl::expected<exec::TaskOrder, std::string> RootJob::order(const core::StartTask& start, const std::string& scratch) {
  client::Result& result = result_of(start);
  auto item = item_text(start.piece.begin);
  if (!item) return tl::unexpected(item.error());
  if (want_items_) result.label = bytes_of(*item);
  const crypto::Manifest& from = manifest();
  exec::Bindings bindings{.item = *item,
                          .sequence = start.piece.begin + 1,
                          .slot = start.slot,
                          .node = surroundings_.node,
                          .low = result.low,
                          .high = result.high};
  if (auto shell = from.environment.find(std::string(shell_variable));
      shell != from.environment.end() && !shell->second.empty()) {
    bindings.shell = shell->second;
  }
  auto argv = exec::expand(command_, bindings);
  if (!argv) return tl::unexpected(std::string(to_string(argv.error())));
  exec::TaskOrder order;
  order.task = start.task.value();
  order.argv = *std::move(argv);
  order.environment = environment(start, scratch, *item);
  order.directory = from.directory;
  order.umask = from.umask;
  order.limits = {.memory_bytes = from.limits.memory_bytes, .file_bytes = from.limits.file_bytes};
  order.time_limit_ns = static_cast<std::int64_t>(std::min<std::uint64_t>(from.limits.time_ns, INT64_MAX));
  order.deadline_ns = start.deadline.time_since_epoch().count();
  return order;
}

std::vector<std::string> RootJob::environment(const core::StartTask& start, const std::string& scratch,
                                              const std::string& item) const {
  std::map<std::string, std::string> variables = manifest().environment;
  // A job launched by a task may bring that task's along, and must not be told its numbers.
  for (const char* name : per_task_variables) variables.erase(name);
  variables["GIBBON_JOB_ID"] = to_hex(manifest().job);
  variables["GIBBON_SEQ"] = std::to_string(start.piece.begin + 1);
  variables["GIBBON_BRANCH"] = std::to_string(start.piece.begin);
  variables["GIBBON_ATTEMPT"] = std::to_string(start.attempt.value());
  variables["GIBBON_SLOT"] = std::to_string(start.slot);
  variables["GIBBON_CPUS"] = "1";
  variables["GIBBON_NODE"] = surroundings_.node;
  variables["GIBBON_ROOT_NODE"] = surroundings_.node;
  variables["GIBBON_BIN"] = surroundings_.program;
  variables[std::string(exec::scratch_variable)] = scratch;
  variables[std::string(exec::marker_variable)] = surroundings_.mark;
  if (manifest().range) {
    PieceValues values = values_of(*manifest().range, start.piece);
    variables["GIBBON_LO"] = std::move(values.low);
    variables["GIBBON_HI"] = std::move(values.high);
  } else if (body_of(manifest()) == exec::BodyKind::list) {
    variables["GIBBON_ITEM"] = item;
  }
  std::vector<std::string> list;
  for (const auto& [name, value] : variables) {
    // What execve(2) would refuse is left out: an item of full length, or one of several columns.
    if (name.size() + 1 + value.size() > exec::argument_bytes_max || value.find('\0') != value.npos) continue;
    list.push_back(name + "=" + value);
  }
  return list;
}

client::Result& RootJob::result_of(const core::StartTask& start) {
  client::Result& result = results_[start.task];
  result.covers = start.piece;
  result.attempt = start.attempt.value();
  set_values(result);
  return result;
}

void RootJob::set_values(client::Result& result) const {
  if (!manifest().range) return;
  PieceValues values = values_of(*manifest().range, result.covers);
  result.low = std::move(values.low);
  result.high = std::move(values.high);
}

client::Result* RootJob::find_result(core::TaskId task) {
  auto at = results_.find(task);
  return at == results_.end() ? nullptr : &at->second;
}

void RootJob::commit(const core::CommitResult& committed) {
  auto at = results_.find(committed.task);
  assert(at != results_.end());
  client::Result result = std::move(at->second);
  results_.erase(at);
  switch (committed.outcome) {
    case core::Outcome::ok: result.outcome = client::Outcome::ok; break;
    case core::Outcome::hit: result.outcome = client::Outcome::hit; break;
    case core::Outcome::failed:
      result.outcome = result.signal == 0 ? client::Outcome::failed : client::Outcome::killed;
      if (!first_failure_) first_failure_ = Ended{.exit = result.exit, .signal = result.signal};
      break;
    case core::Outcome::lost:
      result.outcome = client::Outcome::lost;
      if (result.reason.empty()) result.reason = why_lost;
      break;
  }
  task_time_ns_ += result.duration_ns;
  delivery_.add(std::move(result));
}

void RootJob::commit_lost(protocol::Interval piece) {
  client::Result result{.covers = piece, .outcome = client::Outcome::lost, .reason = std::string(why_lost)};
  set_values(result);
  if (const auto label = labels_of_lost_.extract(piece.begin)) {
    result.label = std::move(label.mapped());
  } else {
    result.label = label_of(piece.begin);
  }
  delivery_.add(std::move(result));
}

void RootJob::drop(core::TaskId task) {
  const auto at = results_.find(task);
  if (at == results_.end()) return;
  remove_output_files(at->second);
  results_.erase(at);
}

std::string RootJob::output_path(core::TaskId task, const std::string& stream) const {
  return surroundings_.output_directory + "/" + to_hex(manifest().job) + "-" + std::to_string(task.value()) + "." +
         stream;
}

}  // namespace agent::shell
