#pragma once
// From what launchers and the core say to what clients are told.

#include <functional>
#include <string>

#include "agent/core/action.h"
#include "agent/core/event.h"
#include "agent/exec/launcher.h"
#include "agent/shell/root_job.h"
#include "crypto/manifest.h"
#include "protocol/client.h"

namespace agent::shell {

// Fills in how the task ended, what it used, and, where exit and signal do not say it all, why.
void describe(const exec::TaskExited& exited, const crypto::Manifest& manifest, protocol::client::Result& result);

// Moves the task's outputs into the result: inline, or as a file under the name that `path_of` gives for "out" or
// "err". False: they could not be kept, and the result says why.
[[nodiscard]] bool keep_outputs(exec::Launcher& launcher,
                                const std::function<std::string(const std::string& stream)>& path_of,
                                protocol::client::Result& result);

// Of a guest: what is too long to travel inside a result does not come back. True: there was some, and the result says
// so.
[[nodiscard]] bool refuse_long_outputs(protocol::client::Result& result);

// Whether a task for which there was no room, or no launcher that could set itself up, looks like finding one later.
enum class Hope : std::uint8_t { none, some };

// A task whose outputs could not be kept has failed, whatever its exit code says.
[[nodiscard]] core::Event event_of(core::TaskId task, const exec::TaskExited& exited,
                                   const protocol::client::Result& result, bool outputs_kept, Hope hope = Hope::some);

[[nodiscard]] protocol::client::Counts counts_of(const core::Counts& counts);
[[nodiscard]] protocol::client::Ending ending_of(const core::AnswerVerdict& answer, const crypto::Manifest& manifest);
[[nodiscard]] protocol::client::Verdict verdict_of(const core::AnswerVerdict& answer, const RootJob& job,
                                                   core::Duration elapsed);

}  // namespace agent::shell
