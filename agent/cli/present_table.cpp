#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>

#include "agent/cli/present.h"
#include "agent/shell/pool_files.h"
#include "agent/shell/socket_address.h"
#include "agent/shell/system.h"

namespace agent::cli {
namespace {

using protocol::client::Counts;
using protocol::client::JobRow;
using protocol::client::PeerRow;
using protocol::client::PoolState;

constexpr std::size_t short_id_digits_min = 4;

// Iterations, of a list and of a range alike.
std::string done_of_total(const Counts& counts) {
  return counts.total ? fmt::format("{}/{}", counts.committed, *counts.total) : fmt::format("{}/?", counts.committed);
}

// "3 failed", or "3 pieces failed" where results are of pieces.
std::string counted(std::uint64_t number, RunMode mode, std::string_view how) {
  if (mode != RunMode::range) return fmt::format("{} {}", number, how);
  return fmt::format("{} {} {}", number, number == 1 ? "piece" : "pieces", how);
}

// What is left at the pace so far; nothing while that is unknown.
std::optional<std::chrono::nanoseconds> time_left(const ProgressState& state) {
  const auto& counts = state.counts;
  if (!counts.total || counts.committed == 0 || counts.committed >= *counts.total) return std::nullopt;
  const auto left = static_cast<double>(*counts.total - counts.committed);
  const auto estimate = static_cast<double>(state.elapsed.count()) * left / static_cast<double>(counts.committed);
  constexpr double longest = 3.6e12 * 24 * 1000;
  if (estimate > longest) return std::nullopt;
  return std::chrono::nanoseconds{static_cast<std::int64_t>(estimate)};
}

std::chrono::nanoseconds whole_ns(std::uint64_t ns) {
  return std::chrono::nanoseconds{static_cast<std::int64_t>(std::min<std::uint64_t>(ns, INT64_MAX))};
}

using Row = std::array<std::string, 8>;

// Columns as wide as their widest cell, two blanks between; the last one is not padded.
std::string aligned(const std::vector<Row>& rows) {
  std::array<std::size_t, std::tuple_size_v<Row>> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) text += fmt::format("{:<{}}  ", row[i], widths[i]);
    text += row.back() + "\n";
  }
  return text;
}

}  // namespace

std::string_view state_of(const JobRow& job) {
  if (job.state == protocol::client::JobState::running && job.counts.running == 0) return "waiting";
  return to_string(job.state);
}

std::string full_id(const protocol::JobId& job) {
  std::string text;
  for (const auto byte : job.value()) text += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return text;
}

std::vector<std::string> short_ids(const std::vector<JobRow>& jobs) {
  std::vector<std::string> ids, sorted;
  for (const auto& job : jobs) ids.push_back(full_id(job.job));
  sorted = ids;
  std::ranges::sort(sorted);
  const auto common = [](const std::string& a, const std::string& b) {
    return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  };
  for (auto& id : ids) {
    const auto place = std::ranges::lower_bound(sorted, id);
    auto digits = short_id_digits_min;
    if (place != sorted.begin()) digits = std::max(digits, common(*(place - 1), id) + 1);
    if (place + 1 != sorted.end()) digits = std::max(digits, common(*(place + 1), id) + 1);
    id.resize(std::min(digits, id.size()));
  }
  return ids;
}

std::string job_table(const std::vector<JobRow>& jobs) {
  if (jobs.empty()) return "no jobs\n";
  const auto ids = short_ids(jobs);
  std::vector<Row> rows = {{"JOB", "ID", "STATE", "DONE", "FAILED", "RUNNING", "TIME", "NAME"}};
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    const auto& job = jobs[i];
    rows.push_back(
        {fmt::format("%{}", job.number), ids[i], std::string(job.ending ? to_string(*job.ending) : state_of(job)),
         done_of_total(job.counts), std::to_string(job.counts.failed), std::to_string(job.counts.running),
         human_duration(
             std::chrono::nanoseconds{static_cast<std::int64_t>(std::min<std::uint64_t>(job.elapsed_ns, INT64_MAX))}),
         printable_item(job.name, 60)});
  }
  return aligned(rows);
}

std::string job_ids(const std::vector<JobRow>& jobs) {
  std::string text;
  for (const auto& id : short_ids(jobs)) text += id + "\n";
  return text;
}

std::string called(const PoolState& pool) {
  return "the pool of " + printable(pool.name) + " (" + shell::short_id(pool.pool) + ")";
}

std::optional<std::string> end_warning(const PoolState& pool, std::int64_t now_wall_ms) {
  constexpr std::int64_t told_days = 60;
  if (now_wall_ms >= pool.not_after_ms) return "this node's certificate has ended: join again with a new invitation";
  const std::int64_t days = (pool.not_after_ms - now_wall_ms) / crypto::day_ms;
  if (days > told_days) return std::nullopt;
  return fmt::format("this node's certificate ends in {} day{}: then join again with a new invitation", days,
                     days == 1 ? "" : "s");
}

std::string role_names(std::uint32_t roles) {
  constexpr std::array<std::string_view, 5> names = {"member", "run", "submit", "admin", "issue"};
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if ((roles >> i & 1U) == 0) continue;
    if (!text.empty()) text += '+';
    text += names[i];
  }
  return text;
}

std::string peer_table(const std::vector<PeerRow>& peers) {
  if (peers.empty()) return "no peers\n";
  std::vector<Row> rows = {{"NAME", "ID", "ADDRESS", "LINKED", "RTT", "SLOTS", "ROLES", "VERSION"}};
  for (const PeerRow& peer : peers) {
    rows.push_back({printable(peer.name, 40), shell::short_id(peer.node.value()),
                    peer.address.port == 0 ? "(only dials)" : shell::text_of(peer.address),
                    human_duration(whole_ns(peer.linked_ns)),
                    fmt::format("{:.1f} ms", static_cast<double>(peer.round_trip_ns) / 1e6), std::to_string(peer.slots),
                    role_names(peer.roles), printable(peer.program_version, 20)});
  }
  std::string text = aligned(rows);
  for (const PeerRow& peer : peers) {
    if (!peer.refusal.empty()) text += printable(peer.name, 40) + " refused: " + printable(peer.refusal, 400) + "\n";
  }
  return text;
}

std::string peer_columns(const std::vector<PeerRow>& peers) {
  const auto one_word = [](std::string text) {
    std::ranges::replace(text, ' ', '_');
    return text.empty() ? std::string("-") : text;
  };
  std::string text;
  for (const PeerRow& peer : peers) {
    text += fmt::format("{} {} {} {} {:.3f} {} {} {}\n", shell::to_hex(peer.node.value()),
                        one_word(printable(peer.name)), peer.address.port == 0 ? "-" : shell::text_of(peer.address),
                        peer.linked_ns / 1'000'000'000, static_cast<double>(peer.round_trip_ns) / 1e6, peer.slots,
                        one_word(role_names(peer.roles)), one_word(printable(peer.program_version)));
  }
  return text;
}

namespace {

std::string pool_lines(const PoolState& pool, std::int64_t now_wall_ms) {
  auto text = fmt::format("pool    {}, as {}\n", called(pool), printable(pool.node));
  std::string at;
  for (const auto& address : pool.reachable) at += (at.empty() ? "" : ", ") + shell::text_of(address);
  text += fmt::format("at      {}\n", at.empty() ? "no address: it only dials" : at);
  text += fmt::format("linked  with {} peer{}\n", pool.links, pool.links == 1 ? "" : "s");
  if (!pool.why_no_help.empty()) text += fmt::format("help    none: {}\n", printable(pool.why_no_help, 400));
  if (const auto warning = end_warning(pool, now_wall_ms)) text += fmt::format("note    {}\n", *warning);
  return text;
}

}  // namespace

std::string status_table(const protocol::client::Status& status, std::uint64_t pid, std::int64_t now_wall_ms) {
  const auto uptime =
      std::chrono::nanoseconds{static_cast<std::int64_t>(std::min<std::uint64_t>(status.uptime_ns, INT64_MAX))};
  auto text = fmt::format("node    {}\n", printable(status.node));
  text +=
      fmt::format("agent   gibbon {}, pid {}, up {}\n", printable(status.program_version), pid, human_duration(uptime));
  text += fmt::format("slots   {} of {} in use\n", status.running, status.slots);
  text += fmt::format("jobs    {}\n", status.jobs);
  text += fmt::format("state   {}\n", printable(status.state_directory, 4096));
  if (status.pool) text += pool_lines(*status.pool, now_wall_ms);
  for (const auto& note : status.notes) text += fmt::format("note    {}\n", printable(note, 400));
  return text;
}

std::string progress_bar(const ProgressState& state, std::uint32_t columns) {
  constexpr std::size_t bar_cells = 20;
  const auto& counts = state.counts;
  std::string bar;
  if (counts.total) {
    // 0 of 0 is all of it. The division comes first where the product would not fit.
    const auto done = std::min(counts.committed, *counts.total);
    const auto share = *counts.total == 0 ? 1.0 : static_cast<double>(done) / static_cast<double>(*counts.total);
    const auto full = static_cast<std::size_t>(share * static_cast<double>(bar_cells));
    bar = "[" + std::string(full, '#') + std::string(bar_cells - full, '-') + "] ";
  }
  auto rest = fmt::format("{} done", done_of_total(counts));
  if (counts.failed > 0) rest += "  " + counted(counts.failed, state.mode, "failed");
  if (counts.lost > 0) rest += "  " + counted(counts.lost, state.mode, "lost");
  rest += "  " + counted(counts.running, state.mode, "running");
  if (state.helpers > 0) rest += fmt::format(" here and at {} {}", state.helpers, state.helpers == 1 ? "helper" : "helpers");
  if (const auto left = time_left(state)) rest += "  ETA " + human_duration(*left);
  // The figures say more than the bar does.
  auto line = bar.size() + rest.size() <= columns ? bar + rest : rest;
  line.resize(std::min<std::size_t>(line.size(), columns));
  return line;
}

std::string progress_line(const ProgressState& state) {
  const auto& counts = state.counts;
  auto text = counts.total ? fmt::format("gibbon: {} of {} done", counts.committed, *counts.total)
                           : fmt::format("gibbon: {} done", counts.committed);
  text += ", " + counted(counts.failed, state.mode, "failed");
  if (counts.lost > 0) text += ", " + counted(counts.lost, state.mode, "lost");
  text += ", " + counted(counts.running, state.mode, "running");
  if (state.helpers > 0) text += fmt::format(" here and at {} {}", state.helpers, state.helpers == 1 ? "helper" : "helpers");
  return text + ", " + human_duration(state.elapsed) + "\n";
}

}  // namespace agent::cli
