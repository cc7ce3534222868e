// What clients ask of the agent: the other half of agent.cpp.

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/shell/agent.h"
#include "agent/shell/client_session.h"
#include "agent/shell/log.h"
#include "agent/shell/system.h"
#include "agent/shell/task_results.h"

namespace agent::shell {

namespace client = protocol::client;
using client::RefusalCode;

namespace {

tl::unexpected<Refusal> refused(RefusalCode code, std::string message, std::string hint = {}) {
  return tl::unexpected(Refusal{.code = code, .problem = {.message = std::move(message), .hint = std::move(hint)}});
}

// Only this user talks to this agent, whatever the socket's directory permits.
bool is_our_user(uv_pipe_t* pipe) {
  uv_os_fd_t fd = -1;
  ucred peer{};
  socklen_t length = sizeof(peer);
  return uv_fileno(reinterpret_cast<uv_handle_t*>(pipe), &fd) == 0 &&
         getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 && peer.uid == geteuid();
}

// "%3 7f3a1c02 (render), %1 (ended)": as many as a message has room for.
std::string listed(const std::vector<client::JobRow>& jobs) {
  constexpr std::size_t listed_max = 4, name_bytes = 16;
  std::string text;
  for (std::size_t i = 0; i < std::min(jobs.size(), listed_max); ++i) {
    text += (i == 0 ? "%" : ", %") + std::to_string(jobs[i].number);
    if (jobs[i].ending) {
      text += " (ended)";
    } else {
      text += " " + to_hex(jobs[i].job.value()).substr(0, 8) + " (" + jobs[i].name.substr(0, name_bytes) + ")";
    }
  }
  if (jobs.size() > listed_max) text += " and " + std::to_string(jobs.size() - listed_max) + " more";
  return text;
}

}  // namespace

tl::expected<void, Problem> Agent::listen() {
  const std::string path = state_.socket_path();
  (void)unlink(path.c_str());  // of a dead agent: the lock is ours
  listener_.reset(new uv_pipe_t{});
  uv_pipe_init(loop_, listener_.get(), 0);
  listener_->data = this;
  auto on_connection = [](uv_stream_t* server, int status) noexcept {
    auto* self = self_of<Agent>(server);
    if (self == nullptr || status < 0) return;
    UvHandle<uv_pipe_t> pipe(new uv_pipe_t{});
    uv_pipe_init(self->loop_, pipe.get(), 0);
    if (uv_accept(server, reinterpret_cast<uv_stream_t*>(pipe.get())) != 0) return;
    if (!is_our_user(pipe.get())) return log(LogLevel::warning, "a client of another user was turned away");
    if (self->sessions_.size() >= clients_max) return log(LogLevel::warning, "too many clients: one was turned away");
    const core::ClientId id(self->next_client_++);
    self->sessions_.emplace(id, std::make_unique<ClientSession>(*self, id, std::move(pipe)));
  };
  int error = uv_pipe_bind(listener_.get(), path.c_str());
  if (error == 0) error = uv_listen(reinterpret_cast<uv_stream_t*>(listener_.get()), 64, on_connection);
  if (error == 0) return {};
  listener_.reset();
  return tl::unexpected(Problem{.message = "cannot listen at " + state_.file("agent.sock") + ": " + uv_strerror(error),
                                .hint = "choose a directory on a local disk: --state DIR"});
}

void Agent::serve(int socket) {
  const core::ClientId id(next_client_++);
  sessions_.emplace(id, std::make_unique<ClientSession>(*this, id, loop_, socket));
}

tl::expected<client::Accepted, Refusal> Agent::submit(ClientSession& session, const client::Submit& submission) {
  if (shutting_down_) return refused(RefusalCode::shutting_down, "the agent is stopping", "start it again: gibbon up");
  if (held_.size() >= jobs_max) {
    return refused(RefusalCode::limit, "there are " + std::to_string(jobs_max) + " jobs here already",
                   "wait for some: gibbon ps");
  }
  (void)restore_directories();
  const crypto::Bytes32 pool = member_ ? member_->pool().credentials.trust.pool : crypto::Bytes32{};
  auto opened = RootJob::open(submission, pool, surroundings_, items_);
  if (!opened) return tl::unexpected(opened.error());
  const protocol::JobId job = (*opened)->id();
  if (list_.knows(job)) return refused(RefusalCode::bad_manifest, "this job was launched before");
  if (member_) {
    if (const auto judged = member_->notary().judge_manifest(submission.manifest); !judged) {
      return refused(RefusalCode::bad_manifest,
                     "the pool would refuse this job: " + std::string(to_string(judged.error())));
    }
    member_->exchange().on_submitted(job, submission.manifest);
  }
  const std::string& name = (*opened)->manifest().policy.name;
  if (options_.note_jobs) {
    if (auto noted = state_.note_job({.id = to_hex(job.value()), .name = name}); !noted) {
      return tl::unexpected(Refusal{.code = RefusalCode::disk, .problem = noted.error()});
    }
  }
  const core::JobTerms terms = (*opened)->terms();
  held_[job] = Held{.job = *std::move(opened),
                    .client = &session,
                    .start_boot_ns = boot_now().time_since_epoch().count(),
                    .verdict = {},
                    .wants_events = submission.want_events};
  const client::Accepted accepted{.job = job, .number = list_.add(job, name, wall_now_ms())};
  log(LogLevel::info, "job=" + to_hex(job.value()).substr(0, 8) + " accepted: " + name);
  session.send(accepted);
  post(core::JobSubmitted{.client = session.id(), .terms = terms});
  // The client may have hung up on the answer already.
  if (Held* held = find(job); held != nullptr && held->client == nullptr)
    post(core::ClientLeft{.client = session.id()});
  return accepted;
}

tl::expected<void, Refusal> Agent::append_items(ClientSession& session, client::Items items) {
  const protocol::JobId job = items.job;
  const std::uint64_t chunk = items.chunk;
  Held* held = find(job);
  if (held == nullptr && list_.knows(job)) return {};  // it has ended: what still comes is not wanted
  if (held == nullptr || held->client != &session)
    return refused(RefusalCode::no_such_job, "this client has no such job");
  if (held->verdict) return {};
  auto known = held->job->append_items(std::move(items));
  if (!known) {
    // Said before the verdict, which it explains and which ends the conversation.
    const Refusal& refusal = known.error();
    session.send(client::Refused{
        .code = refusal.code, .message = refusal.problem.message, .hint = refusal.problem.hint, .job = job});
    post(core::CancelRequested{.job = job, .how = core::StopHow::terminate});
    return {};
  }
  const bool ended = held->job->items_ended();
  held->chunk_to_acknowledge = chunk;
  post(core::ItemsAdded{.job = job, .known = *known});
  if (ended) post(core::ItemsEnded{.job = job});
  return {};
}

bool Agent::shown(ClientSession& session, const client::Shown& shown) {
  Held* held = find(shown.job);
  if (held == nullptr) return list_.knows(shown.job);
  if (held->client != &session) return false;
  if (!held->job->delivery().shown(shown.sequence)) return false;
  if (!pumping_) pump();
  return true;
}

tl::expected<std::string, Refusal> Agent::cancel(const std::string& selector, core::StopHow how) {
  auto selected = list_.select(selector);
  if (!selected) {
    switch (selected.error()) {
      case JobList::SelectError::nothing_such:
        return refused(RefusalCode::no_such_job, "no running job is called '" + selector + "' on " + surroundings_.node,
                       "gibbon ps lists them");
      case JobList::SelectError::number_without_percent:
        return refused(
            RefusalCode::no_such_job,
            "no id begins with '" + selector + "'; the job of that number is " + listed(list_.candidates(selector)),
            "gibbon cancel %" + selector);
      case JobList::SelectError::ambiguous:
        return refused(RefusalCode::ambiguous_job,
                       "'" + selector + "' may mean several jobs: " + listed(list_.candidates(selector)),
                       "name it by %N, or type more of its id");
      case JobList::SelectError::has_ended:
        return refused(RefusalCode::job_ended,
                       (selector == "last" ? "the last job" : "job '" + selector + "'") + " has ended already",
                       "gibbon ps -a tells how");
    }
  }
  for (protocol::JobId job : *selected) post(core::CancelRequested{.job = job, .how = how});
  return std::to_string(selected->size()) + (selected->size() == 1 ? " job" : " jobs") + " cancelled";
}

std::optional<client::Progress> Agent::progress(protocol::JobId job) const {
  const auto counts = core_.counts(job);
  if (!counts) return std::nullopt;
  return client::Progress{
      .job = job, .counts = counts_of(*counts), .helpers = core_.helpers_of({.job = job, .path = {}})};
}

client::Welcome Agent::welcome() const {
  return {.program_version = options_.version,
          .node = surroundings_.node,
          .slots = options_.slots,
          .node_id = protocol::NodeId(surroundings_.node_id.bytes),
          .pid = static_cast<std::uint64_t>(getpid()),
          .pool = member_ ? member_->pool().credentials.trust.pool : protocol::Bytes32{}};
}

client::Status Agent::status() const {
  return {.node = surroundings_.node,
          .program_version = options_.version,
          .slots = options_.slots,
          .running = static_cast<std::uint32_t>(core_.running_count()),
          .jobs = core_.job_count(),
          .uptime_ns = static_cast<std::uint64_t>((boot_now() - started_).count()),
          .state_directory = state_.path(),
          .notes = notes_,
          .pool = pool_state()};
}

client::JobRow Agent::filled(client::JobRow row) const {
  const auto at = held_.find(row.job);
  if (at == held_.end()) return row;
  if (const auto counts = core_.counts(row.job)) row.counts = counts_of(*counts);
  row.elapsed_ns = static_cast<std::uint64_t>(boot_now().time_since_epoch().count() - at->second.start_boot_ns);
  return row;
}

client::Jobs Agent::jobs(bool ended_too) const {
  client::Jobs jobs;
  for (const client::JobRow& row : list_.running()) jobs.rows.push_back(filled(row));
  if (ended_too) jobs.rows.insert(jobs.rows.end(), list_.ended().begin(), list_.ended().end());
  if (jobs.rows.size() > protocol::limits::jobs_per_message_max)
    jobs.rows.resize(protocol::limits::jobs_per_message_max);
  return jobs;
}

tl::expected<void, Refusal> Agent::stop(ClientSession& session, client::Haste how) {
  if (how == client::Haste::polite && core_.own_job_count() > 0) {
    const std::size_t count = core_.own_job_count();
    return refused(RefusalCode::limit,
                   std::to_string(count) + (count == 1 ? " job is" : " jobs are") + " running on " + surroundings_.node,
                   "wait for the end, gibbon cancel all, or gibbon down --now");
  }
  session.send(client::Done{.text = "stopping"});
  shut_down(core::StopHow::terminate);
  return {};
}

void Agent::client_left(ClientSession& session) {
  for (auto& [job, held] : held_) {
    if (held.client != &session) continue;
    held.client = nullptr;
    held.job->delivery().drop_all();
  }
  std::erase(watchers_, session.id());
  dead_sessions_.push_back(session.id());
  post(core::ClientLeft{.client = session.id()});
}

void Agent::bury_sessions() {
  for (core::ClientId id : dead_sessions_) sessions_.erase(id);
  dead_sessions_.clear();
}

}  // namespace agent::shell
