#pragma once
// A client of an agent on the same loop, and the agent with all that it needs.

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/exec/orphans.h"
#include "agent/shell/agent.h"
#include "agent/shell/message_stream.h"
#include "agent/shell/state_dir.h"
#include "agent/shell/system.h"
#include "tests/unit/shell/event_loop.h"
#include "tests/unit/shell/sample_job.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {

namespace client = protocol::client;

// Records everything that the agent says, and acknowledges results unless told not to.
class AgentClient {
 public:
  AgentClient(uv_loop_t* loop, int socket)
      : stream_(std::make_unique<MessageStream>(
            loop, socket,
            MessageStream::Callbacks{.on_message = [this](client::ClientMessage message) { received(message); },
                                     .on_closed = [this](const std::string&) { closed = true; }})) {}

  void say(const client::ClientMessage& message) { stream_->send(message); }
  void leave() { stream_.reset(); }

  // The messages of one kind, in order.
  template <class Kind>
  [[nodiscard]] std::vector<Kind> heard() const {
    std::vector<Kind> found;
    for (const client::ClientMessage& message : messages) {
      if (const auto* one = std::get_if<Kind>(&message)) found.push_back(*one);
    }
    return found;
  }
  template <class Kind>
  [[nodiscard]] std::size_t count() const {
    return heard<Kind>().size();
  }
  // First indices of the results so far.
  [[nodiscard]] std::vector<std::uint64_t> indices() const {
    std::vector<std::uint64_t> found;
    for (const client::Result& result : results) found.push_back(result.covers.begin);
    return found;
  }

  std::vector<client::ClientMessage> messages;
  std::vector<client::Result> results;
  bool acknowledging = true;
  bool closed = false;

 private:
  void received(const client::ClientMessage& message) {
    messages.push_back(message);
    const auto* batch = std::get_if<client::Results>(&message);
    if (batch == nullptr) return;
    results.insert(results.end(), batch->results.begin(), batch->results.end());
    if (acknowledging) say(client::Shown{.job = batch->job, .sequence = batch->sequence});
  }

  std::unique_ptr<MessageStream> stream_;
};

class AgentTest : public testing::Test {
 protected:
  explicit AgentTest(const std::string& parent = "/tmp")
      : directory(parent), state(*StateDir::open(directory.file("state"))) {
    EXPECT_TRUE(state.lock());
  }
  ~AgentTest() override {
    clients.clear();
    agent.reset();
    (void)loop.run_until([] { return exec::reap_orphans({}).left == 0; });
  }

  void start_agent(std::uint32_t slots, bool note_jobs = false) {
    auto started = Agent::start(loop.get(), state,
                                {.slots = slots,
                                 .program = "/opt/gibbon",
                                 .version = "9.9",
                                 .trusted_user = user.public_key(),
                                 .note_jobs = note_jobs,
                                 .on_ended = [this] { ++ended; }});
    ASSERT_TRUE(started) << started.error().message;
    agent = *std::move(started);
  }
  // The client's end of a socket pair that the agent serves.
  [[nodiscard]] int socket() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    agent->serve(ends[0]);
    return ends[1];
  }
  // One that has said hello.
  [[nodiscard]] AgentClient& greeted() {
    AgentClient& made = *clients.emplace_back(std::make_unique<AgentClient>(loop.get(), socket()));
    made.say(client::Hello{.program_version = "9.9"});
    EXPECT_TRUE(wait_for([&] { return made.count<client::Welcome>() == 1; }));
    return made;
  }
  // Launches `job` with these items; returns when it is accepted.
  void launch(AgentClient& by, const SampleJob& job, const std::vector<std::string>& items) {
    const std::size_t before = by.count<client::Accepted>();
    by.say(job.submit(user));
    by.say(items_of(job.id(), 0, 0, items));
    ASSERT_TRUE(wait_for([&] { return by.count<client::Accepted>() > before; }));
  }
  [[nodiscard]] bool wait_for(std::function<bool()> condition) { return loop.run_until(std::move(condition)); }
  [[nodiscard]] bool wait_for_verdict(const AgentClient& of, std::size_t verdicts = 1) {
    return wait_for([&, verdicts] { return of.count<client::Verdict>() >= verdicts; });
  }
  // Runs a list of one item through, so the agent is alive and well.
  void expect_service() {
    AgentClient& fresh = greeted();
    launch(fresh, SampleJob({"echo", "{}"}), {"well"});
    ASSERT_TRUE(wait_for_verdict(fresh));
    ASSERT_EQ(fresh.results.size(), 1U);
    EXPECT_EQ(std::get<protocol::Bytes>(fresh.results[0].out), bytes_of("well\n"));
  }
  [[nodiscard]] bool wait_for_rest() {
    return wait_for([this] { return agent->status().jobs == 0 && agent->status().running == 0; });
  }
  [[nodiscard]] std::size_t output_file_count() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(state.file("output")), {}));
  }

  TemporaryDirectory directory;
  StateDir state;
  EventLoop loop;
  const crypto::SigningPair user{random_seed()};
  std::unique_ptr<Agent> agent;
  std::vector<std::unique_ptr<AgentClient>> clients;
  int ended = 0;
};

}  // namespace agent::shell
