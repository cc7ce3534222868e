#include "agent/cli/exit_code.h"

#include <cassert>

namespace agent::cli {
namespace {

int code_of_count(std::uint64_t failed) {
  return failed > static_cast<std::uint64_t>(exit_failed_max) ? exit_many_failed : static_cast<int>(failed);
}

}  // namespace

int exit_code_of(const TaskEnd& task) {
  switch (task.start) {
    case TaskEnd::Start::started: break;
    case TaskEnd::Start::not_executable: return exit_not_executable;
    case TaskEnd::Start::not_found: return exit_not_found;
    case TaskEnd::Start::failed: return exit_gibbon;
  }
  if (task.limit == TaskEnd::Limit::time_limit) return exit_time_limit;
  return task.signal != 0 ? 128 + task.signal : task.exit;
}

int exit_code_of(const RunEnd& run) {
  switch (run.ending) {
    case RunEnding::complete: return run.single ? exit_code_of(*run.single) : code_of_count(run.failed);
    case RunEnding::halted: return run.decisive ? exit_code_of(*run.decisive) : code_of_count(run.failed);
    case RunEnding::hit: return exit_ok;
    case RunEnding::not_found: return run.failed > 0 ? exit_many_failed : exit_failed;
    case RunEnding::interrupted: return exit_interrupted;
    case RunEnding::terminated: return exit_terminated;
    case RunEnding::time_limit: return exit_time_limit;
    case RunEnding::own_failure: return exit_gibbon;
  }
  assert(false);
  return exit_gibbon;
}

}  // namespace agent::cli
