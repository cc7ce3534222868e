#include "agent/shell/task_results.h"

#include <unistd.h>

#include <csignal>
#include <cstring>
#include <utility>

#include "agent/shell/task_pool.h"
#include "crypto/batch.h"

namespace agent::shell {

namespace client = protocol::client;

namespace {

constexpr int exit_not_executable = 126;
constexpr int exit_not_found = 127;

std::uint64_t not_negative(std::int64_t value) {
  return value < 0 ? 0 : static_cast<std::uint64_t>(value);
}

int exit_of(exec::StartFailureKind kind) {
  switch (kind) {
    case exec::StartFailureKind::not_found:
    case exec::StartFailureKind::bad_interpreter: return exit_not_found;
    case exec::StartFailureKind::not_executable:
    case exec::StartFailureKind::bad_directory:
    case exec::StartFailureKind::too_long:
    case exec::StartFailureKind::no_resources:
    case exec::StartFailureKind::set_up_failed: return exit_not_executable;
  }
  return exit_not_executable;
}

// The node's trouble, not the task's: it is tried again.
bool for_want_of_room(const exec::TaskExited& exited) {
  if (!exited.failure) return false;
  return exited.failure->kind == exec::StartFailureKind::no_resources || is_launchers_fault(*exited.failure);
}

std::string program_of(const crypto::Manifest& manifest) {
  if (manifest.through_shell || manifest.command.empty()) return "the shell";
  const std::string& word = manifest.command.front();
  return word.substr(0, word.find(' '));
}

std::string start_failure(const exec::StartFailure& failure, const crypto::Manifest& manifest) {
  const std::string why = std::strerror(failure.error_number);
  switch (failure.kind) {
    case exec::StartFailureKind::not_found: return program_of(manifest) + ": command not found";
    case exec::StartFailureKind::not_executable: return program_of(manifest) + ": cannot be executed: " + why;
    case exec::StartFailureKind::bad_interpreter: return program_of(manifest) + ": its interpreter does not exist";
    case exec::StartFailureKind::bad_directory: return "cannot enter " + manifest.directory + ": " + why;
    case exec::StartFailureKind::too_long: return "the arguments are longer than the system accepts";
    case exec::StartFailureKind::no_resources: return "no room for another process: " + why;
    case exec::StartFailureKind::set_up_failed:
      return "the task's surroundings could not be set up (" + std::string(to_string(failure.step)) + "): " + why;
  }
  return why;
}

std::string why(const exec::TaskExited& exited, const crypto::Manifest& manifest) {
  switch (exited.reason) {
    case exec::EndReason::could_not_start: return start_failure(*exited.failure, manifest);
    case exec::EndReason::timed_out: return "timed out";
    case exec::EndReason::ended:
      return exited.status.signal == SIGKILL ? "killed by SIGKILL, perhaps by the kernel because memory ran out" : "";
    case exec::EndReason::deadline_passed:
    case exec::EndReason::stopped: return "";
  }
  return "";
}

client::Output moved(exec::Output& output, const std::string& path, std::string& problem) {
  if (!output.file) return std::move(output.bytes);
  const auto size = output.file->size();
  auto linked = output.file->link_to(path);
  if (!size || !linked) {
    problem = "its output could not be kept: " + std::string(to_string(linked ? size.error() : linked.error()));
    return protocol::Bytes();
  }
  return client::File{.path = path, .size_bytes = *size};
}

}  // namespace

void describe(const exec::TaskExited& exited, const crypto::Manifest& manifest, client::Result& result) {
  result.exit = exited.failure ? exit_of(exited.failure->kind) : exited.status.code;
  result.signal = exited.failure ? 0 : exited.status.signal;
  result.reason = why(exited, manifest);
  result.duration_ns = not_negative(exited.duration_ns);
  result.user_ns = not_negative(exited.user_ns);
  result.system_ns = not_negative(exited.system_ns);
  result.peak_kib = not_negative(exited.peak_kib);
}

bool keep_outputs(exec::Launcher& launcher, const std::function<std::string(const std::string& stream)>& path_of,
                  client::Result& result) {
  auto outputs = launcher.take_outputs();
  if (!outputs) {
    result.reason = "its output could not be read: " + std::string(to_string(outputs.error()));
    return false;
  }
  std::string problem;
  result.out = moved(outputs->standard_output, path_of("out"), problem);
  result.err = moved(outputs->standard_error, path_of("err"), problem);
  if (problem.empty()) return true;
  result.reason = problem;
  return false;
}

namespace {

// As far as they travel inside the result.
std::uint64_t inline_bytes(const client::Result& result) {
  std::uint64_t bytes = result.reason.size();
  for (const client::Output* output : {&result.out, &result.err}) {
    if (const auto* inside = std::get_if<protocol::Bytes>(output)) bytes += inside->size();
  }
  return bytes;
}

}  // namespace

bool refuse_long_outputs(client::Result& result) {
  bool refused = false;
  for (client::Output* output : {&result.out, &result.err}) {
    const auto* file = std::get_if<client::File>(output);
    if (file == nullptr) continue;
    result.reason = "it printed " + std::to_string(file->size_bytes) + " bytes on another machine, and no more than " +
                    std::to_string(crypto::inline_output_bytes_max) + " travel yet: --local";
    (void)unlink(file->path.c_str());
    *output = protocol::Bytes();
    refused = true;
  }
  return refused;
}

core::Event event_of(core::TaskId task, const exec::TaskExited& exited, const client::Result& result, bool outputs_kept,
                     Hope hope) {
  using How = core::TaskEnded::How;
  core::TaskEnded ended{.task = task,
                        .how = How::exited,
                        .exit = result.exit,
                        .ran = core::Duration(exited.duration_ns),
                        .size_bytes = inline_bytes(result)};
  switch (exited.reason) {
    case exec::EndReason::deadline_passed:
      return core::TaskLost{.task = task, .cause = core::TaskLost::Cause::deadline_passed};
    case exec::EndReason::could_not_start:
      if (for_want_of_room(exited)) {
        return core::TaskLost{
            .task = task,
            .cause = hope == Hope::some ? core::TaskLost::Cause::no_room : core::TaskLost::Cause::cannot_start};
      }
      ended.how = How::could_not_start;
      break;
    case exec::EndReason::timed_out: ended.how = How::timed_out; break;
    case exec::EndReason::stopped: ended.how = How::stopped; break;
    case exec::EndReason::ended: ended.how = exited.status.signal != 0 ? How::killed : How::exited; break;
  }
  if (ended.how == How::exited && !outputs_kept) ended.how = How::killed;
  return ended;
}

client::Counts counts_of(const core::Counts& counts) {
  return {.total = counts.total,
          .committed = counts.committed,
          .ok = counts.ok,
          .failed = counts.failed,
          .lost = counts.lost,
          .hits = counts.hits,
          .running = counts.running,
          .retried = counts.retried,
          .redone = counts.redone};
}

client::Ending ending_of(const core::AnswerVerdict& answer, const crypto::Manifest& manifest) {
  switch (answer.verdict) {
    case core::Verdict::done:
      return manifest.policy.found && answer.counts.hits == 0 ? client::Ending::not_found : client::Ending::done;
    case core::Verdict::hit: return client::Ending::hit;
    case core::Verdict::halted: return client::Ending::stopped;
    case core::Verdict::cancelled: return client::Ending::cancelled;
  }
  return client::Ending::failed;
}

client::Verdict verdict_of(const core::AnswerVerdict& answer, const RootJob& job, core::Duration elapsed) {
  client::Verdict verdict{.job = answer.job,
                          .ending = ending_of(answer, job.manifest()),
                          .counts = counts_of(answer.counts),
                          .wall_ns = not_negative(elapsed.count()),
                          .task_time_ns = job.task_time_ns(),
                          .first_failure_exit = 0,
                          .first_failure_signal = 0,
                          .reason = "",
                          .nodes = job.shares()};
  if (const auto& failure = job.first_failure()) {
    verdict.first_failure_exit = failure->exit;
    verdict.first_failure_signal = failure->signal;
  }
  if (const std::uint64_t lost = job.delivery().lost_results(); lost > 0) {
    verdict.ending = client::Ending::failed;
    verdict.reason = "the disk did not give back " + std::to_string(lost) + (lost == 1 ? " result" : " results") +
                     " that had been written to it";
  }
  return verdict;
}

}  // namespace agent::shell
