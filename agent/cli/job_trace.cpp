#include "agent/cli/job_trace.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "agent/sim/trace_writer.h"

namespace agent::cli {

namespace client = protocol::client;

namespace {

using Json = nlohmann::json;
using core_duration = std::chrono::nanoseconds;

// Of "2026-11-22T03:00:00.123Z".
std::optional<std::int64_t> wall_ms_of(const std::string& text) {
  std::tm parts{};
  int milliseconds = 0;
  if (std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d.%dZ", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
                  &parts.tm_min, &parts.tm_sec, &milliseconds) != 7)
    return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(parts.tm_year),
                                         std::chrono::month(static_cast<unsigned>(parts.tm_mon)),
                                         std::chrono::day(static_cast<unsigned>(parts.tm_mday))};
  if (!date.ok()) return std::nullopt;
  const auto time = std::chrono::sys_days(date) + std::chrono::hours(parts.tm_hour) +
                    std::chrono::minutes(parts.tm_min) + std::chrono::seconds(parts.tm_sec) +
                    std::chrono::milliseconds(milliseconds);
  return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// Empty where there is no such text.
std::string text_of(const Json& json, const char* name) {
  if (!json.is_object()) return {};
  const auto field = json.find(name);
  return field != json.end() && field->is_string() ? field->get<std::string>() : std::string();
}

std::vector<protocol::Interval> intervals_of(const Json& json) {
  std::vector<protocol::Interval> intervals;
  const auto field = json.find("intervals");
  if (field == json.end() || !field->is_array()) return intervals;
  for (const Json& each : *field) {
    const bool good =
        each.is_array() && each.size() == 2 && each[0].is_number_unsigned() && each[1].is_number_unsigned();
    if (good) intervals.push_back({.begin = each[0].get<std::uint64_t>(), .end = each[1].get<std::uint64_t>()});
  }
  return intervals;
}

// What is worth an instant in the picture.
bool is_shown(const std::string& what) {
  static constexpr std::array shown{"redo",     "copy",    "silent",     "heard_again", "lease_ended", "lease_lapsed",
                                    "orphaned", "adopted", "taken_back", "recall",      "returned",    "cancel",
                                    "stolen",   "refuse",  "lost",       "verdict"};
  return std::ranges::find(shown, what) != shown.end();
}

const char* category_of(client::Outcome outcome) {
  switch (outcome) {
    case client::Outcome::ok: return "done";
    case client::Outcome::hit: return "hit";
    case client::Outcome::failed:
    case client::Outcome::killed: return "failed";
    case client::Outcome::lost:
    case client::Outcome::skipped: return "lost";
  }
  return "";
}

}  // namespace

std::uint32_t JobTrace::number_of(const std::string& node) {
  return nodes_.try_emplace(node, static_cast<std::uint32_t>(nodes_.size() + 1)).first->second;
}

void JobTrace::add(const client::Result& result) {
  if (result.start_wall_ms == 0) return;  // it never ran
  if (runs_.size() >= results_max) {
    ++left_out_;
    return;
  }
  runs_.push_back({.start_ms = result.start_wall_ms,
                   .duration_ns = result.duration_ns,
                   .covers = result.covers,
                   .attempt = result.attempt,
                   .node = number_of(result.node),
                   .outcome = result.outcome});
}

void JobTrace::add(std::string_view lines) {
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size());
    add_line(lines.substr(0, end));
    lines.remove_prefix(std::min(end + 1, lines.size()));
  }
}

void JobTrace::add_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
  const std::string what = text_of(json, "what");
  if (what != "grant" && !is_shown(what)) return;
  const auto at = wall_ms_of(text_of(json, "at"));
  if (!at) return;
  if (events_.size() >= events_max) {
    ++left_out_;
    return;
  }
  const std::string peer = text_of(json, "peer");
  Event event{.at_ms = *at, .node = number_of(text_of(json, "node")), .name = what, .peer = 0, .intervals = {}};
  if (!peer.empty()) event.name += what == "grant" ? " to " + peer : ": " + peer;
  if (what == "grant" && !peer.empty()) {
    event.peer = number_of(peer);
    event.intervals = intervals_of(json);
  }
  events_.push_back(std::move(event));
}

// Times become distances from the earliest of them.
struct JobTrace::Drawing {
  std::int64_t start_ms = 0;
  sim::TraceWriter out;
  std::map<std::uint32_t, std::vector<core_duration>> free_at{};  // by node: of each row
  std::map<std::uint32_t, std::vector<std::pair<protocol::Interval, sim::TraceWriter::Point>>> drawn{};

  [[nodiscard]] core_duration at(std::int64_t wall_ms) const { return std::chrono::milliseconds(wall_ms - start_ms); }

  void draw(const Run& run) {
    const core_duration from = at(run.start_ms);
    const core_duration to = from + core_duration(std::max<std::uint64_t>(run.duration_ns, 1));
    std::vector<core_duration>& rows = free_at[run.node];
    auto row = std::ranges::find_if(rows, [&](core_duration free) { return free <= from; });
    if (row == rows.end()) row = rows.insert(rows.end(), core_duration{});
    *row = to;
    const auto thread = static_cast<std::uint32_t>(row - rows.begin() + 1);
    std::string name = std::to_string(run.covers.begin);
    if (run.covers.count() > 1) name += ".." + std::to_string(run.covers.end);
    if (run.attempt > 0) name += " attempt " + std::to_string(run.attempt);
    out.slice(run.node, thread, from, to, name, category_of(run.outcome));
    drawn[run.node].push_back({run.covers, {.process = run.node, .thread = thread, .at = from}});
  }

  void draw(const Event& event) {
    if (event.peer == 0) return out.instant(event.node, at(event.at_ms), event.name);
    const auto said = out.word(event.node, at(event.at_ms), event.name);
    const auto granted = [&](const auto& each) {
      return std::ranges::any_of(event.intervals, [&](const protocol::Interval& interval) {
        return interval.begin <= each.first.begin && each.first.begin < interval.end;
      });
    };
    const auto& theirs = drawn[event.peer];
    if (const auto first = std::ranges::find_if(theirs, granted); first != theirs.end())
      out.arrow("grant", said, first->second);
  }
};

void JobTrace::write(std::ostream& out) const {
  Drawing drawing{.start_ms = std::numeric_limits<std::int64_t>::max(), .out = sim::TraceWriter(out)};
  for (const Run& run : runs_) drawing.start_ms = std::min(drawing.start_ms, run.start_ms);
  for (const Event& event : events_) drawing.start_ms = std::min(drawing.start_ms, event.at_ms);
  for (const auto& [name, number] : nodes_) drawing.out.process(number, name);
  std::vector<Run> runs = runs_;
  std::ranges::stable_sort(runs, {}, &Run::start_ms);
  for (const Run& run : runs) drawing.draw(run);
  std::vector<Event> events = events_;
  std::ranges::stable_sort(events, {}, &Event::at_ms);
  for (const Event& event : events) drawing.draw(event);
  if (left_out_ > 0 && !nodes_.empty())
    drawing.out.instant(1, core_duration{}, std::to_string(left_out_) + " more are not shown");
  drawing.out.end();
}

}  // namespace agent::cli
