#pragma once
// What passes over the SOCK_SEQPACKET pair between an agent and one of its launchers. Both ends are the same program on
// the same machine, so plain structures travel as they are: one message, one structure.
//
// An order is followed by its strings: the working directory, the arguments, the environment, each ended by a byte 0.
// They come in the same message, or, if they are longer than `inline_string_bytes_max`, in a memfd. Descriptors that
// come along (SCM_RIGHTS) are in this order: new standard output, new standard error, memfd of the strings; each only
// if announced.

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "agent/exec/task.h"

namespace agent::exec::wire {

inline constexpr const char* launcher_name = "gibbon-launcher";
// The launcher finds its end of the pair under this number.
inline constexpr int socket_number = 3;
inline constexpr std::size_t inline_string_bytes_max = std::size_t{32} << 10;
inline constexpr std::size_t descriptors_max = 3;

enum class Word : std::uint32_t { order = 1, stop, extend };

struct Order {
  Word word = Word::order;
  Priority priority = Priority::normal;
  bool new_standard_output = false;
  bool new_standard_error = false;
  bool strings_apart = false;
  std::uint32_t umask = 0;
  std::uint64_t task = 0;
  TaskLimits limits;
  std::int64_t time_limit_ns = 0;
  std::int64_t deadline_ns = 0;
  std::int64_t grace_ns = 0;
  std::uint64_t argument_count = 0;
  std::uint64_t variable_count = 0;
  std::uint64_t string_bytes = 0;
};

struct Stop {
  Word word = Word::stop;
  StopHow how = StopHow::terminate;
  std::uint64_t task = 0;
};

struct Extend {
  Word word = Word::extend;
  std::uint64_t task = 0;
  std::int64_t deadline_ns = 0;
};

// The only message upwards. A start and an end that are told together cost the agent one wake-up instead of two. One
// with neither answers a stop or an extension: it was heard.
struct Report {
  bool has_started = false;
  bool has_exited = false;
  TaskStarted started;
  TaskExited exited;
};

inline constexpr std::size_t message_bytes_max = sizeof(Order) + inline_string_bytes_max;

static_assert(std::is_trivially_copyable_v<Order> && std::is_trivially_copyable_v<Stop>);
static_assert(std::is_trivially_copyable_v<Extend> && std::is_trivially_copyable_v<Report>);
static_assert(sizeof(Stop) < sizeof(Order) && sizeof(Extend) < sizeof(Order));

}  // namespace agent::exec::wire
