#pragma once
// The names of enumerators in the notation, in the order of their enumerations.

#include <array>
#include <string_view>

#include "agent/core/action.h"
#include "agent/core/event.h"

namespace sim_test {

namespace core = agent::core;

template <class Enum>
struct Names;  // std::string_view all[], in the order of the enumerators

#define SIM_NAMES(Enum, ...)                         \
  template <>                                        \
  struct Names<Enum> {                               \
    static constexpr std::array all = {__VA_ARGS__}; \
  }
using namespace std::string_view_literals;
SIM_NAMES(core::Outcome, "ok"sv, "hit"sv, "failed"sv, "lost"sv);
SIM_NAMES(core::Body, "command_per_iteration"sv, "command_per_piece"sv);
SIM_NAMES(core::HaltRule::When, "never"sv, "soon"sv, "now"sv);
SIM_NAMES(core::HaltRule::What, "failed"sv, "succeeded"sv, "done"sv);
SIM_NAMES(core::HaltRule::Unit, "count"sv, "percent"sv);
SIM_NAMES(core::TaskEnded::How, "exited"sv, "killed"sv, "timed_out"sv, "stopped"sv, "could_not_start"sv);
SIM_NAMES(core::TaskLost::Cause, "launcher_died"sv, "deadline_passed"sv, "no_room"sv, "cannot_start"sv);
SIM_NAMES(core::StopHow, "terminate"sv, "kill"sv);
SIM_NAMES(core::Verdict, "done"sv, "hit"sv, "halted"sv, "cancelled"sv);
SIM_NAMES(core::Notice::What, "task_lost"sv, "piece_given_up"sv, "no_room"sv, "cannot_start"sv, "stalled"sv,
          "suspected"sv, "heard_again"sv, "lease_ended"sv, "lease_lapsed"sv, "returned_to_todo"sv, "redone"sv,
          "copied"sv, "overlapped"sv, "late_result"sv, "stolen"sv, "orphaned"sv, "adopted"sv, "mended"sv, "refused"sv,
          "referred"sv, "called_back"sv, "recalled"sv, "strange"sv, "lost"sv);
SIM_NAMES(protocol::Side, "master"sv, "helper"sv);
SIM_NAMES(protocol::ByeReason, "leaving"sv, "version"sv, "revoked"sv, "newer_instance"sv, "second_link"sv, "idle"sv,
          "too_slow"sv, "malformed"sv);
SIM_NAMES(protocol::RefugeRole, "ancestor"sv, "root"sv, "deputy"sv);
SIM_NAMES(protocol::RefuseReason, "no_slot"sv, "owner"sv, "draining"sv, "sandbox_level"sv, "program_missing"sv,
          "content_missing"sv, "not_permitted"sv, "job_ended"sv, "no_mandate"sv, "too_deep"sv, "malformed"sv);
SIM_NAMES(protocol::ReturnReason, "recalled"sv, "owner"sv, "draining"sv, "asleep"sv, "adopted_elsewhere"sv,
          "no_slot"sv);
SIM_NAMES(protocol::CancelReason, "won_elsewhere"sv, "stopped"sv, "user"sv, "expired"sv, "not_accepted"sv);
#undef SIM_NAMES

}  // namespace sim_test
