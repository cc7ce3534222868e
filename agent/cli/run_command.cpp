#include "agent/cli/run_command.h"

#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "agent/cli/agent_connection.h"
#include "agent/cli/present_json.h"
#include "agent/shell/state_dir.h"

namespace agent::cli {

namespace client = protocol::client;

namespace {

constexpr std::uint64_t bar_period_ms = 200;
constexpr std::uint64_t bar_delay_ms = 2'000;  // a run that is over by then needs none
constexpr std::uint64_t plain_period_ms = 30'000;

}  // namespace

RunCommand::RunCommand(const RunOptions& options, const RunContext& context)
    : options_(options), context_(context), report_(options, context.verbosity) {
  const int initialised = uv_loop_init(&loop_);
  assert(initialised == 0);
}

RunCommand::~RunCommand() {
  // An impatient Ctrl-C must not end the program in the middle of its clearing up.
  for (const auto& watch : signals_) watch->data = nullptr;
  progress_timer_.reset();
  feeder_.reset();
  stream_.reset();
  writer_.reset();
  private_agent_.reset();
  uv_run(&loop_, UV_RUN_DEFAULT);
  signals_.clear();
  uv_run(&loop_, UV_RUN_DEFAULT);
  const int closed = uv_loop_close(&loop_);
  assert(closed == 0);
}

int RunCommand::execute() {
  if (!launch()) return *own_exit_;
  watch_signals();
  uv_run(&loop_, UV_RUN_DEFAULT);
  return own_exit_ ? *own_exit_ : exit_code_of(run_end());
}

// --- the launch ------------------------------------------------------------------------------------------------------

bool RunCommand::launch() {
  auto manifest = manifest_for(options_, context_.surroundings);
  if (!manifest) return fail(manifest.error()), false;
  if (auto missing = missing_program(*manifest)) return fail(*missing), false;
  warn_of_missing_variables();
  manifest_ = *std::move(manifest);
  feeder_ =
      std::make_unique<ItemFeeder>(&loop_, options_,
                                   ItemFeeder::Callbacks{.on_chunk =
                                                             [this](const client::Items& chunk) {
                                                               if (stream_) stream_->send(chunk);
                                                             },
                                                         .on_problem =
                                                             [this](const std::string& problem) {
                                                               fail({.problem = {.message = problem, .hint = ""}});
                                                               if (job_) cancel(client::Haste::polite);
                                                             }});
  if (!feeder_->open_sources() || !open_record()) return false;
  writer_ = std::make_unique<OutputWriter>(
      &loop_, options_,
      OutputWriter::Callbacks{.on_written =
                                  [this](std::uint64_t sequence) {
                                    if (stream_) stream_->send(client::Shown{.job = *job_, .sequence = sequence});
                                  },
                              .on_failed = [this](int error) { write_failed(error); },
                              .on_drained = [this] { end_when_done(); }});
  const std::optional<int> socket = connect();
  if (!socket) return false;
  stream_ = std::make_unique<shell::MessageStream>(
      &loop_, *socket,
      shell::MessageStream::Callbacks{
          .on_message = [this](client::ClientMessage message) { received(std::move(message)); },
          .on_closed = [this](const std::string& why) { hung_up(why); }});
  stream_->send(client::Hello{.program_version = context_.version});
  return true;
}

bool RunCommand::open_record() {
  auto record = JobRecord::open(options_);
  if (!record) return fail({.problem = record.error()}), false;
  record_ = *std::move(record);
  return true;
}

void RunCommand::warn_of_missing_variables() {
  if (context_.verbosity == Verbosity::quiet) return;
  for (const std::string& name : options_.environment_names) {
    if (name != "_" && !context_.surroundings.environment(name))
      report_.say("gibbon: --env " + printable(name) + ": no such variable is exported here\n");
  }
}

std::optional<int> RunCommand::connect() {
  if (!context_.state_directory) return bring_agent();
  auto socket = connect_to_agent(*context_.state_directory);
  if (!socket) return fail({.problem = socket.error()}), std::nullopt;
  if (!*socket) return bring_agent();
  auto state = shell::StateDir::open(*context_.state_directory);
  if (!state) return fail({.problem = state.error()}), std::nullopt;
  auto seed = state->secret("user.key");
  if (!seed) return fail({.problem = seed.error()}), std::nullopt;
  user_.emplace(*seed);
  state_ = *std::move(state);
  return (*socket)->release();
}

std::optional<int> RunCommand::bring_agent() {
  std::uint32_t slots = options_.slots.value_or(context_.surroundings.cores);
  if (!options_.slots) {
    // What -j asks for, so that more tasks than cores can run at once.
    if (const std::uint32_t wanted = manifest_->policy.slots_max; wanted > 0) slots = wanted;
  }
  auto agent = PrivateAgent::start(&loop_, {.parent = context_.private_parent,
                                            .parent_hint = context_.private_parent_hint,
                                            .slots = slots,
                                            .program = context_.program,
                                            .version = context_.version,
                                            .on_ended = [this] { uv_stop(&loop_); }});
  if (!agent) return fail({.problem = agent.error()}), std::nullopt;
  private_agent_ = *std::move(agent);
  auto socket = private_agent_->connect();
  if (!socket) return fail({.problem = socket.error()}), std::nullopt;
  return *socket;
}

// --- the conversation ------------------------------------------------------------------------------------------------

void RunCommand::received(client::ClientMessage message) {
  std::visit([this](auto&& said) { on(std::forward<decltype(said)>(said)); }, std::move(message));
}

void RunCommand::on(const client::Welcome& message) {
  slots_ = message.slots;
  if (options_.slots && !private_agent_ && *options_.slots != message.slots) {
    report_.say("gibbon: the agent that runs here has " + std::to_string(message.slots) +
                " slots; --slots is for one that is started\n");
  }
  if (!private_agent_ && manifest_->policy.slots_max > message.slots) {
    report_.say("gibbon: the agent that runs here lends " + std::to_string(message.slots) + " slots, so no more than " +
                std::to_string(message.slots) + " tasks run at once\n");
  }
  if (state_) {
    if (const auto problem = address_to_pool(*manifest_, *state_, message)) return fail(*problem), give_up();
  }
  auto submission = sign_submission(*manifest_, options_, private_agent_ ? private_agent_->user() : *user_);
  if (!submission) return fail(submission.error()), give_up();
  stream_->send(*submission);
}

void RunCommand::on(const client::Refused& message) {
  // One that is refused after another only follows from it, as chunks of items do that were on their way.
  if (!own_exit_) fail({.problem = {.message = message.message, .hint = message.hint}});
  feeder_->stop();
  if (!job_) give_up();
}

void RunCommand::on(const client::Accepted& message) {
  job_ = message.job;
  if (context_.verbosity == Verbosity::verbose) report_.say("gibbon: job " + full_id(message.job).substr(0, 8) + "\n");
  if (options_.format == OutputFormat::json) writer_->write_text(json_run_opening());
  if (cancel_wanted_) return cancel(client::Haste::polite);
  if (options_.mode == RunMode::list) feeder_->start(message.job);
  arm_progress();
}

void RunCommand::on(const client::Stored& message) {
  feeder_->stored(message.chunk);
}

void RunCommand::on(client::Results message) {
  for (const client::Result& result : message.results) {
    report_.note(result);
    record_.add(result);
  }
  report_.hide_progress();
  writer_->write(std::move(message));
}

void RunCommand::on(const client::Progress& message) {
  if (!verdict_ && !ended_) report_.show_progress(message);
}

void RunCommand::on(const client::Verdict& message) {
  verdict_ = message;
  if (message.ending == client::Ending::failed) fail({.problem = {.message = message.reason, .hint = ""}});
  feeder_->stop();
  end_when_done();
}

void RunCommand::on(const client::Warning& message) {
  if (context_.verbosity != Verbosity::quiet) report_.say("gibbon: " + printable(message.text) + "\n");
}

void RunCommand::hung_up(const std::string& why) {
  stream_.reset();
  feeder_->stop();
  if (!verdict_ && !own_exit_ && !ended_) {
    fail({.problem = {
              .message = "the agent went away" + (why.empty() ? "" : " (" + why + ")") + "; its jobs ended with it",
              .hint = private_agent_ ? "" : "gibbon up starts it again; then launch the job anew"}});
  }
  give_up();
}

// --- signals ---------------------------------------------------------------------------------------------------------

void RunCommand::watch_signals() {
  for (int number : {SIGINT, SIGTERM, SIGHUP}) {
    shell::UvHandle<uv_signal_t> watch(new uv_signal_t{});
    uv_signal_init(&loop_, watch.get());
    watch->data = this;
    auto on_number = [](uv_signal_t* handle, int signal) noexcept {
      if (auto* self = shell::self_of<RunCommand>(handle)) self->on_signal(signal);
    };
    uv_signal_start(watch.get(), on_number, number);
    uv_unref(reinterpret_cast<uv_handle_t*>(watch.get()));
    signals_.push_back(std::move(watch));
  }
}

void RunCommand::on_signal(int signal) {
  if (signal != SIGINT) {
    terminated_ = true;
    return cancel(client::Haste::polite);
  }
  ++interrupts_;
  if (interrupts_ == 1) {
    report_.say("gibbon: stopping; press Ctrl-C again to kill what runs\n");
    return cancel(client::Haste::polite);
  }
  if (interrupts_ == 2) {
    report_.say("gibbon: killing\n");
    return cancel(client::Haste::now);
  }
  if (private_agent_) private_agent_->abandon();
  std::_Exit(exit_interrupted);
}

void RunCommand::cancel(client::Haste how) {
  feeder_->stop();
  cancel_wanted_ = true;
  if (stream_ && job_ && !verdict_) stream_->send(client::CancelJob{.selector = full_id(*job_), .how = how});
}

void RunCommand::write_failed(int error) {
  if (!own_exit_) {
    if (error == EPIPE) {
      own_exit_ = exit_broken_pipe;
    } else {
      fail({.problem = {.message = std::string("cannot write the results: ") + std::strerror(error), .hint = ""}});
    }
  }
  cancel(client::Haste::polite);
}

// --- the end ---------------------------------------------------------------------------------------------------------

void RunCommand::give_up() {
  over_ = true;
  end_when_done();
}

void RunCommand::end_when_done() {
  if (ended_ || !(verdict_ || over_) || writer_->busy()) return;
  report_.hide_progress();
  if (verdict_ && !std::exchange(closed_, true) && options_.format != OutputFormat::text) {
    const int exit_code = own_exit_ ? *own_exit_ : exit_code_of(run_end());
    return writer_->write_text(options_.format == OutputFormat::jsonl ? json_verdict(*verdict_, exit_code)
                                                                      : json_run_closing(*verdict_, exit_code));
  }
  ended_ = true;
  if (auto kept = record_.finish(); !kept) fail({.problem = kept.error()});
  // Where it is our failure that nothing was done, that has been said.
  const bool came_to_nothing = own_exit_ && verdict_ && verdict_->counts.committed == 0;
  if (verdict_ && !came_to_nothing) report_.summarise(*verdict_, slots_, private_agent_ != nullptr);
  progress_timer_.reset();
  feeder_->stop();
  if (stream_) stream_->finish();
  if (private_agent_) return private_agent_->shut_down(core::StopHow::terminate);
  uv_stop(&loop_);
}

RunEnd RunCommand::run_end() const {
  RunEnd end;
  if (!verdict_) {
    end.ending = RunEnding::own_failure;
    return end;
  }
  const bool search = options_.found_code.has_value();
  switch (verdict_->ending) {
    case client::Ending::done: end.ending = RunEnding::complete; break;
    case client::Ending::hit: end.ending = RunEnding::hit; break;
    case client::Ending::not_found: end.ending = RunEnding::not_found; break;
    case client::Ending::stopped:
      end.ending = search && verdict_->counts.hits > 0 ? RunEnding::hit : RunEnding::halted;
      break;
    case client::Ending::cancelled:
      end.ending = interrupts_ > 0 ? RunEnding::interrupted : RunEnding::terminated;
      break;
    case client::Ending::failed: end.ending = RunEnding::own_failure; break;
  }
  end.failed = verdict_->counts.failed + verdict_->counts.lost;
  if (options_.mode == RunMode::single) end.single = report_.single();
  if (options_.halt.event == HaltEvent::success) {
    end.decisive = TaskEnd{};
  } else if (options_.halt.threshold == 1 && options_.halt.unit == Halt::Unit::tasks) {
    end.decisive = task_end_of(verdict_->first_failure_exit, verdict_->first_failure_signal,
                               end.failed > 0 ? client::Outcome::failed : client::Outcome::ok);
  }
  return end;
}

// --- for people ------------------------------------------------------------------------------------------------------

void RunCommand::arm_progress() {
  const ProgressStyle style = report_.progress_style();
  if (style == ProgressStyle::none) return;
  const bool asked = options_.progress == ProgressStyle::bar;
  const std::uint64_t period = style == ProgressStyle::bar ? bar_period_ms : plain_period_ms;
  const std::uint64_t first = style == ProgressStyle::plain ? plain_period_ms : (asked ? bar_period_ms : bar_delay_ms);
  progress_timer_.reset(new uv_timer_t{});
  uv_timer_init(&loop_, progress_timer_.get());
  progress_timer_->data = this;
  auto ask = [](uv_timer_t* timer) noexcept {
    auto* self = shell::self_of<RunCommand>(timer);
    if (self != nullptr && self->stream_ && !self->verdict_)
      self->stream_->send(client::GetProgress{.job = *self->job_});
  };
  uv_timer_start(progress_timer_.get(), ask, first, period);
  uv_unref(reinterpret_cast<uv_handle_t*>(progress_timer_.get()));
}

void RunCommand::fail(const LaunchProblem& problem) {
  if (!own_exit_) own_exit_ = problem.exit_code;
  if (options_.format == OutputFormat::text)
    return report_.say(error_text(problem.problem.message, problem.problem.hint));
  const std::string json = json_error("run", problem.problem.message, problem.problem.hint);
  // Before the results begin, the error stands in their place.
  if (job_) return report_.say(json);
  (void)std::fwrite(json.data(), 1, json.size(), stdout);
  (void)std::fflush(stdout);
}

}  // namespace agent::cli
