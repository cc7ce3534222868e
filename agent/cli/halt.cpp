#include "agent/cli/halt.h"

#include <algorithm>
#include <cassert>
#include <charconv>

namespace agent::cli {
namespace {

constexpr std::uint32_t tasks_at_once_max = 65'536;

// All of `text` as a decimal number of digits only.
template <class Number>
std::optional<Number> whole_number(std::string_view text) {
  if (text.empty() || text.front() < '0' || text.front() > '9') return std::nullopt;
  Number number{};
  const auto* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end) return std::nullopt;
  return number;
}

std::optional<HaltEvent> event_named(std::string_view name) {
  if (name == "fail") return HaltEvent::fail;
  if (name == "success") return HaltEvent::success;
  if (name == "done") return HaltEvent::done;
  return std::nullopt;
}

}  // namespace

tl::expected<Halt, HaltError> parse_halt(std::string_view text) {
  const Halt on_first_failure{.when = HaltWhen::soon, .event = HaltEvent::fail, .threshold = 1};
  if (text == "never" || text == "0") return Halt{};
  if (text == "1") return on_first_failure;
  auto halt = on_first_failure;
  halt.when = HaltWhen::now;
  if (text == "2") return halt;

  const auto comma = text.find(',');
  if (comma == text.npos) return tl::make_unexpected(HaltError::bad_when);
  const auto when = text.substr(0, comma), condition = text.substr(comma + 1);
  if (when != "now" && when != "soon") return tl::make_unexpected(HaltError::bad_when);
  halt.when = when == "now" ? HaltWhen::now : HaltWhen::soon;

  const auto equals = condition.find('=');
  const auto event = event_named(condition.substr(0, equals));
  if (!event) return tl::make_unexpected(HaltError::bad_event);
  halt.event = *event;
  if (equals == condition.npos) return tl::make_unexpected(HaltError::no_threshold);
  auto threshold = condition.substr(equals + 1);
  if (threshold.ends_with('%')) {
    halt.unit = Halt::Unit::percent;
    threshold.remove_suffix(1);
  }
  const auto number = whole_number<std::uint64_t>(threshold);
  if (!number || *number == 0 || (halt.unit == Halt::Unit::percent && *number > 100))
    return tl::make_unexpected(HaltError::bad_threshold);
  halt.threshold = *number;
  return halt;
}

tl::expected<TasksAtOnce, TasksAtOnceError> parse_tasks_at_once(std::string_view text) {
  using Kind = TasksAtOnce::Kind;
  auto kind = Kind::count;
  if (text.starts_with('+') || text.starts_with('-')) {
    kind = text.front() == '+' ? Kind::more_than_cores : Kind::fewer_than_cores;
    text.remove_prefix(1);
  } else if (text.ends_with('%')) {
    kind = Kind::percent;
    text.remove_suffix(1);
  }
  const auto number = whole_number<std::uint32_t>(text);
  if (!number) return tl::make_unexpected(TasksAtOnceError::bad_number);
  if (*number > tasks_at_once_max) return tl::make_unexpected(TasksAtOnceError::too_many);
  if (kind == Kind::percent && *number == 0) return tl::make_unexpected(TasksAtOnceError::too_few);
  if (kind == Kind::count && *number == 0) return TasksAtOnce{};
  return TasksAtOnce{.kind = kind, .amount = *number};
}

tl::expected<std::optional<std::uint32_t>, TasksAtOnceError> resolve(const TasksAtOnce& wanted, std::uint32_t cores) {
  assert(cores >= 1);
  using Kind = TasksAtOnce::Kind;
  const std::uint64_t amount = wanted.amount;
  std::uint64_t number = 0;
  switch (wanted.kind) {
    case Kind::all_slots: return std::nullopt;
    case Kind::count: number = amount; break;
    case Kind::percent: number = std::max<std::uint64_t>(1, (cores * amount + 50) / 100); break;
    case Kind::more_than_cores: number = cores + amount; break;
    case Kind::fewer_than_cores:
      if (amount >= cores) return tl::make_unexpected(TasksAtOnceError::too_few);
      number = cores - amount;
      break;
  }
  if (number > tasks_at_once_max) return tl::make_unexpected(TasksAtOnceError::too_many);
  return static_cast<std::uint32_t>(number);
}

std::string_view to_string(HaltError error) {
  switch (error) {
    case HaltError::bad_when: return "--halt takes never, or WHEN,EVENT=N where WHEN is now or soon, as in now,fail=1";
    case HaltError::bad_event: return "the event of --halt is fail, success or done, as in now,fail=1";
    case HaltError::no_threshold:
      return "=N is missing: how many tasks, as in now,fail=1, or per cent, as in now,fail=10%";
    case HaltError::bad_threshold:
      return "--halt counts tasks from 1, as in soon,fail=3, or per cent from 1 to 100, as in soon,fail=10%";
  }
  return "unknown";
}

std::string_view to_string(TasksAtOnceError error) {
  switch (error) {
    case TasksAtOnceError::bad_number:
      return "-j takes a number of tasks (4), a share of the cores (50%), cores and some more (+2), all cores but some "
             "(-1), or 0 for as many as there are slots";
    case TasksAtOnceError::too_many: return "-j takes at most 65536";
    case TasksAtOnceError::too_few: return "-j leaves no core to run a task on";
  }
  return "unknown";
}

}  // namespace agent::cli
