#pragma once
// A file that Perfetto and chrome://tracing open (Trace Event Format, JSON object form), record by record.
//
// A process is a machine, a thread one of its slots or the row of what it says; slices lie on threads and arrows lead
// from slice to slice. Nothing may follow `end`.
//
// Callers see to it that slices of one thread do not overlap. What is said (`word`) is moved back where it would. No
// thread has the number 0: Perfetto takes that for the one that has its process's number.

#include <chrono>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "agent/core/time.h"

namespace agent::sim {

class TraceWriter {
 public:
  using Process = std::uint32_t;
  using Thread = std::uint32_t;
  static constexpr Thread messages_thread = 1'000'000;  // slots are numbered from 1

  // A place on a slice, times being counted from the beginning of the trace.
  struct Point {
    Process process = 0;
    Thread thread = 0;
    core::Duration at{};
  };

  // `out` must outlive this.
  explicit TraceWriter(std::ostream& out);

  // Once for each; shown in the order of their numbers.
  void process(Process process, std::string_view name);
  void slice(Process process, Thread thread, core::Duration from, core::Duration to, std::string_view name,
             std::string_view category);
  void instant(Process process, core::Duration at, std::string_view name);
  // A short slice in the row of messages; its middle.
  Point word(Process process, core::Duration at, std::string_view name);
  void arrow(std::string_view name, const Point& from, const Point& to);
  void end();

 private:
  void begin_record();
  void name_thread(Process process, Thread thread);

  std::ostream& out_;
  bool first_ = true;
  std::set<std::pair<Process, Thread>> threads_;  // that have their name
  std::map<Process, core::Duration> said_until_;
  std::uint64_t next_arrow_ = 1;
};

}  // namespace agent::sim
