#pragma once
// A finished run as a picture (--trace), for ui.perfetto.dev: each machine is a track with its slots, each result that
// counts is a slice where and when its task ran, and what the launching agent lent, took back and began again is in its
// row of messages, with arrows from a grant to the first task that came of it.
//
// Times are those of the machines' own clocks. The slots are told from the times alone: a task lies in the first row
// that is free. What does not fit into memory (`results_max`) is left out, and said.

#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/client.h"

namespace agent::cli {

class JobTrace {
 public:
  static constexpr std::size_t results_max = 500'000;
  static constexpr std::size_t events_max = 500'000;

  void add(const protocol::client::Result& result);
  // Lines of the event record.
  void add(std::string_view lines);
  void write(std::ostream& out) const;

 private:
  struct Run {
    std::int64_t start_ms = 0;
    std::uint64_t duration_ns = 0;
    protocol::Interval covers;
    std::uint32_t attempt = 0;
    std::uint32_t node = 0;
    protocol::client::Outcome outcome{};
  };
  struct Event {
    std::int64_t at_ms = 0;
    std::uint32_t node = 0;  // whose record it is
    std::string name;
    std::uint32_t peer = 0;                     // of a grant
    std::vector<protocol::Interval> intervals;  // the same
  };
  struct Drawing;

  [[nodiscard]] std::uint32_t number_of(const std::string& node);
  void add_line(std::string_view line);

  std::map<std::string, std::uint32_t> nodes_;  // numbered from 1
  std::vector<Run> runs_;
  std::vector<Event> events_;
  std::uint64_t left_out_ = 0;
};

}  // namespace agent::cli
