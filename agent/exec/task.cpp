#include "agent/exec/task.h"

#include <cassert>
#include <cerrno>

namespace agent::exec {

bool is_want_of_room(int error_number) {
  return error_number == EAGAIN || error_number == ENOMEM || error_number == EMFILE || error_number == ENFILE ||
         error_number == ENOSPC || error_number == EDQUOT;
}

std::string_view to_string(EndReason reason) {
  switch (reason) {
    case EndReason::ended: return "ended";
    case EndReason::timed_out: return "timed out";
    case EndReason::deadline_passed: return "deadline passed";
    case EndReason::stopped: return "stopped";
    case EndReason::could_not_start: return "could not start";
  }
  assert(false);
  return {};
}

std::string_view to_string(StartFailureKind kind) {
  switch (kind) {
    case StartFailureKind::not_found: return "command not found";
    case StartFailureKind::not_executable: return "not executable";
    case StartFailureKind::bad_interpreter: return "its interpreter does not exist";
    case StartFailureKind::bad_directory: return "cannot enter the working directory";
    case StartFailureKind::too_long: return "arguments and environment too long";
    case StartFailureKind::no_resources: return "no process or memory to be had";
    case StartFailureKind::set_up_failed: return "isolation could not be set up";
  }
  assert(false);
  return {};
}

std::string_view to_string(SetUpStep step) {
  switch (step) {
    case SetUpStep::launcher: return "launcher";
    case SetUpStep::order: return "order";
    case SetUpStep::scratch: return "scratch directory";
    case SetUpStep::fork: return "fork";
    case SetUpStep::parent_death: return "parent death signal";
    case SetUpStep::session: return "session";
    case SetUpStep::limits: return "limits";
    case SetUpStep::priority: return "priority";
    case SetUpStep::directory: return "working directory";
    case SetUpStep::descriptors: return "descriptors";
    case SetUpStep::signals: return "signals";
    case SetUpStep::execute: return "execute";
  }
  assert(false);
  return {};
}

}  // namespace agent::exec
