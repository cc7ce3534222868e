#pragma once
// When a run stops early (--halt), and how many tasks run at once (-j), with the meanings of GNU parallel.

#include <cstdint>
#include <optional>
#include <string_view>
#include <tl/expected.hpp>

namespace agent::cli {

enum class HaltWhen { never, soon, now };      // soon: start nothing more; now: end what runs too
enum class HaltEvent { fail, success, done };  // what is counted; done counts both

// `never`, or WHEN,EVENT=N (N tasks, from 1) or WHEN,EVENT=N% (of all tasks, 1 to 100; judged once the end of the
// list is known).
struct Halt {
  HaltWhen when = HaltWhen::never;
  HaltEvent event = HaltEvent::fail;
  std::uint64_t threshold = 0;
  enum class Unit { tasks, percent } unit = Unit::tasks;
  bool operator==(const Halt&) const = default;
};

enum class HaltError { bad_when, bad_event, no_threshold, bad_threshold };

// never | now,EVENT=N[%] | soon,EVENT=N[%], EVENT one of fail, success, done; and parallel's short 0, 1, 2 for never,
// soon,fail=1 and now,fail=1.
[[nodiscard]] tl::expected<Halt, HaltError> parse_halt(std::string_view text);

// How many tasks at once: N, N% of the cores, cores + N, cores - N, or 0 for as many as there are slots.
struct TasksAtOnce {
  enum class Kind { count, percent, more_than_cores, fewer_than_cores, all_slots } kind = Kind::all_slots;
  std::uint32_t amount = 0;
  bool operator==(const TasksAtOnce&) const = default;
};

enum class TasksAtOnceError { bad_number, too_many, too_few };

// N | N% | +N | -N | 0; at most 65,536 (percent and N alike). 0% is too_few.
[[nodiscard]] tl::expected<TasksAtOnce, TasksAtOnceError> parse_tasks_at_once(std::string_view text);

// The number for a machine with `cores` (>= 1): absent for all_slots, rounded to the nearest for a percentage (at least
// 1 unless it is 0 %), too_few if nothing could run.
[[nodiscard]] tl::expected<std::optional<std::uint32_t>, TasksAtOnceError> resolve(const TasksAtOnce& wanted,
                                                                                   std::uint32_t cores);

[[nodiscard]] std::string_view to_string(HaltError error);
[[nodiscard]] std::string_view to_string(TasksAtOnceError error);

}  // namespace agent::cli
