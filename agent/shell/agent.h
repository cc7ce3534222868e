#pragma once
// The driver of the deciding core on this machine: it feeds the core what happens and carries out what it wants.
//
//   clients (ClientSession) --\                                  /--> launchers (TaskPool)
//   launchers (TaskPool) ------+--> post(event) --> core::step --+--> results (OwnTasks), jobs' bytes (RootJob)
//   peers (PoolMember) -------/                                  \--> peers (PoolMember), clients
//
// A node that is in no pool has no PoolMember: it hears of nobody, and its core asks nobody.
//
// Nothing is decided here. Events are queued and the queue is emptied before post() returns to whoever was outermost,
// so the core is never entered from within itself and its actions are carried out in order. There is one timer: it is
// set anew after every pump to the core's next deadline (or sooner, if something must be looked after).

#include <uv.h>

#include <array>
#include <cassert>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/core/agent.h"
#include "agent/shell/event_record.h"
#include "agent/shell/job_items.h"
#include "agent/shell/job_list.h"
#include "agent/shell/job_tasks.h"
#include "agent/shell/own_tasks.h"
#include "agent/shell/pool_member.h"
#include "agent/shell/problem.h"
#include "agent/shell/root_job.h"
#include "agent/shell/state_dir.h"
#include "agent/shell/task_pool.h"
#include "agent/shell/task_results.h"
#include "agent/shell/uv_handle.h"
#include "crypto/keys.h"

namespace agent::shell {

class ClientSession;

struct AgentOptions {
  std::uint32_t slots = 1;
  std::string program;  // path of this program
  std::string version;
  crypto::PublicKey trusted_user;   // whose jobs may run here
  bool note_jobs = false;           // on disk, so that the next agent can say what this one took along
  bool allow_weak_sandbox = false;  // jobs of every user of the pool run here, without a sandbox
  PoolMember::Places places{};      // in a pool
  std::function<void(const std::string& line)> on_event{};  // of the event record, of all jobs; none: nobody reads it
  std::function<void()> on_ended;  // the agent was shut down, by whoever; it must not be destroyed in this call
};

class Agent {
 public:
  static constexpr std::size_t jobs_max = 1'000;  // with those whose results wait for their client
  static constexpr std::size_t clients_max = 256;
  // Below the state directory: without them no task can be started.
  static constexpr std::array task_directories{"scratch", "output"};
  // So far a client may feed items ahead of the work; further chunks are kept, but acknowledged only when it caught up.
  static constexpr std::uint64_t items_ahead_bytes_max = 256 * 1024 * 1024;

  // `state` is locked by this process, and outlives the agent. Removes what a dead predecessor left of processes and
  // scratch directories. The problem is a state directory that does not work.
  [[nodiscard]] static tl::expected<std::unique_ptr<Agent>, Problem> start(uv_loop_t* loop, StateDir& state,
                                                                           const AgentOptions& options);
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // From now on the node is a member of its pool, as its state directory has it; peers are expected at these addresses
  // (port 0: any) and looked for at `seeds`. REQUIRES: it is not one yet. The problem leaves it as it was.
  [[nodiscard]] tl::expected<void, Problem> enter_pool(Pool pool, const std::vector<protocol::Address>& listen,
                                                       const std::vector<protocol::Address>& seeds);

  // The same as its state directory and AgentOptions::places have it, if the state directory has a membership.
  [[nodiscard]] tl::expected<void, Problem> take_up_membership();
  // Where peers are expected. REQUIRES: in a pool.
  [[nodiscard]] const std::vector<protocol::Address>& listening() const { return member_->listening(); }

  // Waits for clients at the state directory's socket.
  [[nodiscard]] tl::expected<void, Problem> listen();
  // Serves the client at the other end of this socket.
  void serve(int socket);

  // Cancels all jobs and ends; AgentOptions::on_ended comes when nothing of it runs any more. May be asked again, to
  // kill what was only terminated.
  void shut_down(core::StopHow how);

  // --- for ClientSession -------------------------------------------------------------------------------------------
  [[nodiscard]] tl::expected<protocol::client::Accepted, Refusal> submit(ClientSession& session,
                                                                         const protocol::client::Submit& submission);
  [[nodiscard]] tl::expected<void, Refusal> append_items(ClientSession& session, protocol::client::Items items);
  [[nodiscard]] bool shown(ClientSession& session, const protocol::client::Shown& shown);
  [[nodiscard]] tl::expected<std::string, Refusal> cancel(const std::string& selector, core::StopHow how);
  [[nodiscard]] std::optional<protocol::client::Progress> progress(protocol::JobId job) const;
  [[nodiscard]] protocol::client::Welcome welcome() const;
  [[nodiscard]] protocol::client::Status status() const;
  [[nodiscard]] protocol::client::Jobs jobs(bool ended_too) const;
  // Ends the agent for a client, which gets its answer before; refused while jobs run, unless it is to be now.
  [[nodiscard]] tl::expected<void, Refusal> stop(ClientSession& session, protocol::client::Haste how);
  [[nodiscard]] tl::expected<protocol::client::Invitation, Refusal> invite(ClientSession& session,
                                                                           const protocol::client::Invite& wanted);
  [[nodiscard]] tl::expected<std::string, Refusal> enter_pool();
  [[nodiscard]] tl::expected<std::string, Refusal> leave_pool(protocol::client::Haste how);
  [[nodiscard]] protocol::client::Peers peers() const;
  void client_left(ClientSession& session);

 private:
  struct Held {
    std::unique_ptr<RootJob> job;
    ClientSession* client = nullptr;  // null once it has gone
    std::int64_t start_boot_ns = 0;
    std::optional<core::AnswerVerdict> verdict;
    bool verdict_sent = false;
    std::optional<std::uint64_t> chunk_to_acknowledge;
    std::optional<core::Instant> no_room_told;
    std::set<core::NodeId> unwilling{};  // told to the client
    bool wants_events = false;
    std::string events{};  // lines that wait for the client
    std::uint64_t events_left_out = 0;
  };

  Agent(uv_loop_t* loop, StateDir& state, const AgentOptions& options, crypto::SigningPair node);

  [[nodiscard]] tl::expected<void, Problem> enter(Pool pool, const PoolMember::Places& places);
  // Founds one, with this name for the node. Returns the file of the root key.
  [[nodiscard]] tl::expected<std::string, Problem> found(const std::string& name);
  void part(PoolMember::Leaving how);
  void tell_watchers(const protocol::client::Joined& joined);
  [[nodiscard]] std::optional<protocol::client::PoolState> pool_state() const;
  void note_lost_jobs();
  void post(core::Event event);
  void pump();
  void handle_events();
  void arm_timer();
  void carry_out(const core::SignMandate& wanted);
  void carry_out(const core::StartTask& start);
  void carry_out(const core::StopTask& stop);
  void carry_out(const core::ExtendDeadline& extended);
  void carry_out(const core::CommitResult& committed);
  void carry_out(const core::CommitLost& lost);
  void carry_out(const core::KeepResult& kept) { tasks_.keep(kept); }
  void carry_out(const core::DropResult& dropped) { tasks_.drop(dropped.task); }
  void carry_out(const core::AnswerVerdict& answer);
  void carry_out(const core::Notice& notice);
  void carry_out(const core::CommitReceived& committed);
  void carry_out(const core::DropBatch& dropped);
  void carry_out(const core::Dial& order);
  void carry_out(const core::HangUp& order);
  void carry_out(const core::Send& order);
  // No task tells us of a loop.
  void carry_out(const core::AnswerJoin&) { assert(false); }
  [[nodiscard]] std::optional<core::Veto> veto(const crypto::OpenedManifest& opened) const;
  // What is known of how tasks of this job are made; nothing: neither launched here, nor granted to us.
  [[nodiscard]] const JobTasks* tasks_of(core::JobId job);
  void forget_guests();
  // Somebody reads the event record.
  [[nodiscard]] bool recording() const;
  void record(const std::optional<core::JobId>& job, const std::string& line);
  void deliver_events(Held& held);
  void commit(core::JobId job, protocol::client::Result result, core::Outcome outcome);
  // Makes the directories that tasks need again where somebody removed them. True if some were missing.
  bool restore_directories();
  [[nodiscard]] Hope hope_after(const exec::StartFailure& failure);
  [[nodiscard]] tl::expected<exec::Launcher*, exec::LaunchFailure> launcher_for_task();
  // There is no process for this task. It is tried again later, unless this machine seems to have none for any.
  void refuse_start(const core::StartTask& start, int error_number, const std::string& why);
  // A task that can not be started, by its own fault or because none can.
  void fail_start(const core::StartTask& start, int exit, const std::string& reason);

  void task_started(core::TaskId task, const exec::TaskStarted& started);
  void task_exited(core::TaskId task, const exec::TaskExited& exited, exec::Launcher& launcher);
  void task_lost(core::TaskId task);
  // A name for the `stream` output of a task that is too long to be sent inline.
  [[nodiscard]] std::string output_path(const OwnTasks::Task& task, core::TaskId id, const std::string& stream) const;

  void deliver(Held& held);
  void check_room(Held& held);
  void acknowledge_items(Held& held);
  void send_verdict(Held& held);
  void forget_finished_jobs();
  void bury_sessions();
  [[nodiscard]] Held* find(protocol::JobId job);
  [[nodiscard]] protocol::client::JobRow filled(protocol::client::JobRow row) const;
  void warn(Held* held, const std::string& text);
  void warn_of_refusal(Held* held, const core::Notice& notice);
  void warn_of_no_room(Held* held, const std::string& text);
  void end_when_idle();

  uv_loop_t* loop_;
  StateDir& state_;
  const AgentOptions options_;
  const crypto::SigningPair node_;
  const crypto::ExchangePair instance_;  // of this run
  Surroundings surroundings_;
  core::Agent core_;
  std::unique_ptr<TaskPool> pool_;
  JobItems items_;
  OwnTasks tasks_;
  std::map<protocol::JobId, JobTasks> guests_;  // jobs of others, of which we run something
  std::unique_ptr<PoolMember> member_;          // nothing: in no pool
  EventRecord record_;
  std::vector<std::unique_ptr<PoolMember>> parted_;  // whose last words are on their way
  UvHandle<uv_timer_t> farewell_timer_;
  std::vector<core::ClientId> watchers_;  // of who joins
  UvHandle<uv_timer_t> timer_;
  UvHandle<uv_pipe_t> listener_;
  std::deque<core::Event> events_;
  bool pumping_ = false;
  std::map<protocol::JobId, Held> held_;
  std::map<protocol::JobId, bool> full_;  // jobs whose core was told that results can not be kept
  JobList list_;
  std::map<core::ClientId, std::unique_ptr<ClientSession>> sessions_;
  std::vector<core::ClientId> dead_sessions_;
  std::uint64_t next_client_ = 1;
  core::Instant started_;
  std::vector<std::string> notes_;  // of what an earlier agent took along
  // Times in a row that no task could be started and no want of room was the reason, which might pass; and the reason.
  std::string why_no_start_;  // the latest reason why no process can be started here
  bool shutting_down_ = false;
  bool pool_finishing_ = false;
};

}  // namespace agent::shell
