#include "agent/shell/agent.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <csignal>
#include <utility>

#include "agent/exec/orphans.h"
#include "agent/shell/client_session.h"
#include "agent/shell/log.h"
#include "agent/shell/system.h"
#include "agent/shell/task_results.h"
#include "crypto/mandate.h"

namespace agent::shell {

namespace client = protocol::client;

namespace {

// Nobody takes over from a root yet, and a job does not outlive it.
core::Epoch epoch_of(const Surroundings& surroundings) {
  return {.number = 1, .root = protocol::NodeId(surroundings.node_id.bytes)};
}

std::uint64_t random_number() {
  std::array<std::byte, sizeof(std::uint64_t)> bytes{};
  fill_random(bytes);
  return std::bit_cast<std::uint64_t>(bytes);
}

constexpr auto no_room_period = std::chrono::seconds(30);
constexpr auto orphan_check_period = std::chrono::milliseconds(50);

core::Duration to_core(std::int64_t nanoseconds) {
  return core::Duration(nanoseconds);
}

}  // namespace

tl::expected<std::unique_ptr<Agent>, Problem> Agent::start(uv_loop_t* loop, StateDir& state,
                                                           const AgentOptions& options) {
  auto node = state.secret("node.key");
  if (!node) return tl::unexpected(node.error());
  for (const char* name : task_directories) {
    if (auto made = state.make_subdirectory(name); !made) return tl::unexpected(made.error());
  }
  (void)std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is a full disk to us, not the end
  exec::become_subreaper();
  if (const auto mark = state.read_mark()) (void)exec::sweep_processes(*mark);
  (void)exec::sweep_scratch(state.file("scratch"));
  state.clear_subdirectory("output");
  std::unique_ptr<Agent> agent(new Agent(loop, state, options, crypto::SigningPair(*node)));
  if (auto written = state.write_mark(agent->surroundings_.mark); !written) return tl::unexpected(written.error());
  agent->note_lost_jobs();
  return agent;
}

// Jobs that an agent before this one took along.
void Agent::note_lost_jobs() {
  const std::vector<JobNote> jobs = state_.noted_jobs();
  for (const JobNote& job : jobs) {
    const std::string name = job.name.empty() ? "" : " (" + job.name + ")";
    const std::string note = "job " + job.id.substr(0, 8) + name + " ended unfinished with the agent before this one";
    log(LogLevel::warning, note);
    if (notes_.size() + 1 < protocol::limits::notes_max) notes_.push_back(note);
    state_.forget_job(job.id);
  }
  if (jobs.size() > notes_.size())
    notes_.push_back("and " + std::to_string(jobs.size() - notes_.size()) + " more jobs did");
}

Agent::Agent(uv_loop_t* loop, StateDir& state, const AgentOptions& options, crypto::SigningPair node)
    : loop_(loop),
      state_(state),
      options_(options),
      node_(std::move(node)),
      instance_(random_seed()),
      surroundings_{.node = node_name(),
                    .mark = to_hex(random_bytes16()),
                    .program = options.program,
                    .output_directory = state.file("output"),
                    .trusted_user = options.trusted_user,
                    .node_id = crypto::key_id(crypto::node_domain, node_.public_key())},
      core_({.slots = options.slots,
             .node = protocol::NodeId(surroundings_.node_id.bytes),
             .instance = protocol::InstanceKey(instance_.public_key().bytes),
             .address = {},
             .seeds = {},
             .random_seed = random_number()}),
      items_(surroundings_.output_directory),
      record_({.node = [this] { return surroundings_.node; },
               .name_of = [this](const core::NodeId& peer) { return member_ ? member_->name_of(peer) : std::string(); },
               .helpers_of = [this](const core::JobId& job) { return core_.helpers_of({.job = job, .path = {}}); },
               .write = [this](const auto& job, const std::string& line) { record(job, line); }}),
      started_(boot_now()) {
  exec::LauncherOptions launchers{.scratch_parent = state.file("scratch"),
                                  .output_directory = surroundings_.output_directory,
                                  .marker = surroundings_.mark};
  pool_ = std::make_unique<TaskPool>(
      loop, launchers,
      TaskPool::Callbacks{
          .on_started = [this](core::TaskId task, const exec::TaskStarted& started) { task_started(task, started); },
          .on_exited =
              [this](core::TaskId task, const exec::TaskExited& exited, exec::Launcher& launcher) {
                // What ends with us has no result.
                if (!pool_finishing_) task_exited(task, exited, launcher);
              },
          .on_lost =
              [this](core::TaskId task) {
                if (!pool_finishing_) task_lost(task);
              },
          .on_finished = [this] { options_.on_ended(); }});
  timer_.reset(new uv_timer_t{});
  uv_timer_init(loop, timer_.get());
  timer_->data = this;
}

Agent::~Agent() = default;

// --- the pump --------------------------------------------------------------------------------------------------------

void Agent::post(core::Event event) {
  events_.push_back(std::move(event));
  if (!pumping_) pump();
}

void Agent::pump() {
  pumping_ = true;
  do {
    handle_events();
    for (auto& [job, held] : held_) {
      acknowledge_items(held);
      deliver_events(held);
      deliver(held);
    }
  } while (!events_.empty());
  forget_finished_jobs();
  forget_guests();
  pumping_ = false;
  arm_timer();
  end_when_idle();
}

void Agent::handle_events() {
  std::vector<core::Action> actions;
  while (!events_.empty()) {
    const core::Event event = std::move(events_.front());
    events_.pop_front();
    actions.clear();
    core_.step(boot_now(), event, actions);
    if (recording()) record_.on_step(wall_now_ms(), event, actions);
    for (const core::Action& action : actions) {
      std::visit([this](const auto& wanted) { carry_out(wanted); }, action);
    }
  }
}

void Agent::arm_timer() {
  std::optional<core::Duration> wait;
  const core::Instant now = boot_now();
  if (const auto deadline = core_.next_deadline()) wait = std::max(deadline->at - now, core::Duration::zero());
  if (pool_->orphans_left()) wait = std::min(wait.value_or(orphan_check_period), core::Duration(orphan_check_period));
  if (!dead_sessions_.empty()) wait = core::Duration::zero();
  if (!wait) {
    uv_timer_stop(timer_.get());
    return;
  }
  auto on_timeout = [](uv_timer_t* timer) noexcept {
    auto* self = self_of<Agent>(timer);
    if (self == nullptr) return;
    self->bury_sessions();
    if (self->pool_->orphans_left()) self->pool_->reap_orphans();
    self->post(core::DeadlinePassed{});
  };
  // Rounded up: a timer that fires early would only be set again.
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(*wait).count();
  uv_update_time(loop_);
  uv_timer_start(timer_.get(), on_timeout, static_cast<std::uint64_t>(milliseconds), 0);
}

// --- actions ---------------------------------------------------------------------------------------------------------

void Agent::carry_out(const core::SignMandate& wanted) {
  Held* held = find(wanted.job);
  assert(held != nullptr);
  const core::MandateFact fact{.job = wanted.job,
                               .epoch = epoch_of(surroundings_),
                               .sequence = wanted.sequence,
                               .time_to_live = wanted.time_to_live,
                               .age = {}};
  protocol::Bytes mandate = link::SignedNotary::sign_mandate(fact, held->job->job_key());
  // The root is the first reader of its own mandate, by the way that every node takes.
  const auto opened = crypto::open_mandate(mandate, wanted.job.value(), held->job->manifest().job_key);
  assert(opened && opened->sequence == wanted.sequence);
  if (member_) member_->exchange().on_signed(fact, std::move(mandate), boot_now());
  post(core::MandateSeen{.job = wanted.job,
                         .sequence = opened->sequence,
                         .time_to_live = std::chrono::milliseconds(opened->time_to_live_ms),
                         .age = {}});
}

void Agent::carry_out(const core::StopTask& stop) {
  pool_->stop(stop.task, stop.how == core::StopHow::kill ? exec::StopHow::kill : exec::StopHow::terminate);
}

void Agent::carry_out(const core::ExtendDeadline& extended) {
  pool_->extend_deadline(extended.task, extended.deadline);
}

void Agent::carry_out(const core::CommitResult& committed) {
  client::Result result = tasks_.take(committed.task);
  result.node = surroundings_.node;
  commit(committed.job, std::move(result), committed.outcome);
}

void Agent::commit(core::JobId job, client::Result result, core::Outcome outcome) {
  Held* held = find(job);
  assert(held != nullptr);
  held->job->commit(std::move(result), outcome);
  if (held->client == nullptr) held->job->delivery().drop_all();
  check_room(*held);
}

void Agent::carry_out(const core::CommitLost& lost) {
  Held* held = find(lost.job);
  assert(held != nullptr);
  held->job->commit_lost(lost.piece);
  if (held->client == nullptr) held->job->delivery().drop_all();
  check_room(*held);
}

void Agent::carry_out(const core::AnswerVerdict& answer) {
  Held* held = find(answer.job);
  assert(held != nullptr);
  held->verdict = answer;
  if (member_) member_->notary().sign_ending(answer.job, epoch_of(surroundings_), answer.verdict, held->job->job_key());
  Delivery& delivery = held->job->delivery();
  if (answer.verdict == core::Verdict::hit && held->job->terms().lowest_hit && answer.decisive) {
    delivery.drop_from(answer.decisive->end);
  }
  delivery.end();
  const std::uint64_t elapsed =
      static_cast<std::uint64_t>((boot_now().time_since_epoch() - to_core(held->start_boot_ns)).count());
  list_.end(answer.job, ending_of(answer, held->job->manifest()), counts_of(answer.counts), elapsed);
  if (options_.note_jobs) state_.forget_job(to_hex(answer.job.value()));
  log(LogLevel::info, "job=" + to_hex(answer.job.value()).substr(0, 8) +
                          " ended: " + std::string(to_string(ending_of(answer, held->job->manifest()))));
}

void Agent::carry_out(const core::Notice& notice) {
  using What = core::Notice::What;
  Held* held = find(notice.job);
  const std::string task = "task " + std::to_string(notice.piece.begin + 1);
  if (notice.what == What::task_lost) warn(held, task + " was lost with its launcher");
  if (notice.what == What::lost) warn(held, task + " was lost, and is not started again");
  if (notice.what == What::piece_given_up) warn(held, task + " is given up: it was lost too often");
  if (notice.what == What::no_room)
    warn_of_no_room(held, "no room for another process here: fewer tasks run at once than could");
  if (notice.what == What::cannot_start) warn_of_no_room(held, why_no_start_);
  if (notice.what == What::refused && !notice.reason.empty()) warn_of_refusal(held, notice);
}

// Every try is refused while the machine is full; saying so now and then is enough.
void Agent::warn_of_no_room(Held* held, const std::string& text) {
  if (held == nullptr || (held->no_room_told && boot_now() < *held->no_room_told + no_room_period)) return;
  held->no_room_told = boot_now();
  warn(held, text);
}

void Agent::warn(Held* held, const std::string& text) {
  log(LogLevel::warning, text);
  if (held != nullptr && held->client != nullptr) held->client->send(client::Warning{.text = text});
}

// --- results ---------------------------------------------------------------------------------------------------------

void Agent::deliver(Held& held) {
  if (held.client == nullptr || held.verdict_sent) return;
  Delivery& delivery = held.job->delivery();
  while (held.client != nullptr) {
    auto batch = delivery.next_batch();
    if (!batch) break;
    held.client->send(*batch);
  }
  check_room(held);
  if (held.verdict && delivery.all_sent()) send_verdict(held);
}

bool Agent::recording() const {
  return options_.on_event || std::ranges::any_of(held_, [](const auto& each) { return each.second.wants_events; });
}

void Agent::record(const std::optional<core::JobId>& job, const std::string& line) {
  constexpr std::size_t waiting_max = 1024 * 1024;  // of a client that does not read
  if (options_.on_event) options_.on_event(line);
  for (auto& [id, held] : held_) {
    if (!held.wants_events || held.client == nullptr || (job && *job != id)) continue;
    if (held.events.size() + line.size() > waiting_max) {
      ++held.events_left_out;
    } else {
      held.events += line + "\n";
    }
  }
}

void Agent::deliver_events(Held& held) {
  if (held.client == nullptr || held.events.empty() || held.client->is_behind()) return;
  if (held.events_left_out > 0) {
    held.events += "{\"v\":1,\"what\":\"left_out\",\"lines\":" + std::to_string(held.events_left_out) + "}\n";
    held.events_left_out = 0;
  }
  std::string lines = std::exchange(held.events, {});
  for (std::size_t begin = 0; begin < lines.size();) {
    std::size_t end = std::min(lines.size(), begin + protocol::limits::event_lines_bytes_max);
    if (end < lines.size()) end = lines.rfind('\n', end - 1) + 1;
    held.client->send(client::Events{.job = held.job->id(), .lines = lines.substr(begin, end - begin)});
    begin = end;
  }
}

// The core is told when results can not be kept, and when they can again.
void Agent::check_room(Held& held) {
  bool& told = full_[held.job->id()];
  const bool full = held.job->delivery().full();
  if (full == told) return;
  told = full;
  if (full) {
    warn(&held, "the disk of " + state_.path() + " is full: nothing more is started until results were taken");
    return post(core::ResultsFull{.job = held.job->id()});
  }
  post(core::ResultsFlow{.job = held.job->id()});
}

void Agent::acknowledge_items(Held& held) {
  if (!held.chunk_to_acknowledge || held.client == nullptr) return;
  const protocol::JobId job = held.job->id();
  if (!held.verdict &&
      held.job->items_bytes_ahead(core_.committed_below(job), core_.lost(job)) > items_ahead_bytes_max) {
    return;
  }
  held.client->send(client::Stored{.job = job, .chunk = *std::exchange(held.chunk_to_acknowledge, std::nullopt)});
}

void Agent::send_verdict(Held& held) {
  held.verdict_sent = true;
  if (held.client == nullptr) return;
  held.client->send(verdict_of(*held.verdict, *held.job, boot_now().time_since_epoch() - to_core(held.start_boot_ns)));
}

void Agent::forget_finished_jobs() {
  std::erase_if(held_, [this](const auto& entry) {
    const Held& held = entry.second;
    const bool done =
        held.verdict && (held.client == nullptr || (held.verdict_sent && held.job->delivery().all_shown()));
    if (done) full_.erase(entry.first);
    if (done) record_.forget(entry.first);
    return done;
  });
}

Agent::Held* Agent::find(protocol::JobId job) {
  const auto at = held_.find(job);
  return at == held_.end() ? nullptr : &at->second;
}

// --- the end ---------------------------------------------------------------------------------------------------------

void Agent::shut_down(core::StopHow how) {
  shutting_down_ = true;
  listener_.reset();
  std::vector<protocol::JobId> jobs;
  for (const auto& [job, held] : held_) {
    if (!held.verdict) jobs.push_back(job);
  }
  for (protocol::JobId job : jobs) post(core::CancelRequested{.job = job, .how = how});
  end_when_idle();
}

// Ends when nothing runs that was launched here; what runs for others is theirs to start again. Clients that have not
// taken everything yet are given up: they see the end of the stream.
void Agent::end_when_idle() {
  if (!shutting_down_ || pool_finishing_ || core_.own_job_count() > 0 || pumping_) return;
  pool_finishing_ = true;
  part(PoolMember::Leaving::for_now);
  for (auto& [id, session] : sessions_) session->finish();
  pool_->finish();
}

}  // namespace agent::shell
