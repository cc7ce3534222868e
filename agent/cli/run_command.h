#pragma once
// `gibbon run`: one job from its launch to its exit code.
//
//   find an agent, or bring one -> hello -> submit -> feed items, write results, show progress -> verdict -> summary
//
// It is a client like any other; the agent it brings along sits on the same loop at the other end of a socket pair.
// Ctrl-C: the first asks the tasks to end, the second kills them, the third leaves at once (launchers then kill what is
// below them). TERM and HUP are a polite cancel. Nothing is lost on the way out: what was committed is written first.

#include <uv.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/cli/job_record.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/item_feeder.h"
#include "agent/cli/launch.h"
#include "agent/cli/options.h"
#include "agent/cli/output_writer.h"
#include "agent/cli/private_agent.h"
#include "agent/cli/run_report.h"
#include "agent/shell/message_stream.h"
#include "agent/shell/uv_handle.h"
#include "protocol/client.h"

namespace agent::cli {

struct RunContext {
  std::optional<std::string> state_directory;  // where an agent may live
  std::string private_parent;                  // where a private one may make its directory
  std::string private_parent_hint;             // what to do where it can not
  Verbosity verbosity = Verbosity::normal;
  LaunchSurroundings surroundings;
  std::string program;  // path of this program
  std::string version;
};

class RunCommand {
 public:
  RunCommand(const RunOptions& options, const RunContext& context);
  ~RunCommand();
  RunCommand(const RunCommand&) = delete;
  RunCommand& operator=(const RunCommand&) = delete;

  // The exit code.
  [[nodiscard]] int execute();

 private:
  [[nodiscard]] bool launch();
  [[nodiscard]] bool open_record();
  void warn_of_missing_variables();
  [[nodiscard]] std::optional<int> connect();
  [[nodiscard]] std::optional<int> bring_agent();
  void watch_signals();
  void on_signal(int signal);
  void received(protocol::client::ClientMessage message);
  void on(const protocol::client::Welcome& message);
  void on(const protocol::client::Refused& message);
  void on(const protocol::client::Accepted& message);
  void on(const protocol::client::Stored& message);
  void on(protocol::client::Results message);
  void on(const protocol::client::Progress& message);
  void on(const protocol::client::Verdict& message);
  void on(const protocol::client::Warning& message);
  void on(const protocol::client::Events& message) { record_.add(message); }
  template <class Other>
  void on(const Other&) {}
  void hung_up(const std::string& why);
  void cancel(protocol::client::Haste how);
  void write_failed(int error);
  // Ends, once the conversation is over and all is written.
  void end_when_done();
  void give_up();
  void arm_progress();
  void fail(const LaunchProblem& problem);
  [[nodiscard]] RunEnd run_end() const;

  const RunOptions& options_;
  const RunContext& context_;
  RunReport report_;
  uv_loop_t loop_{};
  std::unique_ptr<PrivateAgent> private_agent_;
  std::unique_ptr<shell::MessageStream> stream_;
  std::unique_ptr<ItemFeeder> feeder_;
  std::unique_ptr<OutputWriter> writer_;
  std::vector<shell::UvHandle<uv_signal_t>> signals_;
  shell::UvHandle<uv_timer_t> progress_timer_;

  JobRecord record_;
  std::optional<crypto::Manifest> manifest_;
  std::optional<shell::StateDir> state_;  // of the agent that runs here, if one does
  std::optional<crypto::SigningPair> user_;
  std::optional<protocol::JobId> job_;
  std::uint32_t slots_ = 0;
  std::optional<protocol::client::Verdict> verdict_;
  std::optional<int> own_exit_;  // our own failure, or the signal that ended us
  int interrupts_ = 0;
  bool terminated_ = false;
  bool cancel_wanted_ = false;  // before the job was accepted
  bool over_ = false;           // no verdict will come any more
  bool closed_ = false;         // the closing text of a JSON list is written
  bool ended_ = false;
};

}  // namespace agent::cli
