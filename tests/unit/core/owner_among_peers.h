#pragma once
// A fixture: one agent with one slot (node 0), the owner of job 1, and peers 1, 2 ... that say what a test wants.
//
// Mandates that are to be signed are seen at once; every message of a peer says that all of ours were heard; after each
// step the agent's own invariants are checked. What the agent wanted done is kept in `all`.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "agent/core/agent.h"
#include "tests/unit/core/driver.h"

namespace agent::core {

inline NodeId node_numbered(unsigned number) {
  protocol::Bytes32 bytes{};
  bytes[0] = std::byte(number);
  return NodeId(bytes);
}

class OwnerAmongPeers : public testing::Test {
 protected:
  void step(const Event& event) {
    std::vector<Action> actions;
    agent.step(now, event, actions);
    agent.check_invariants();
    std::vector<SignMandate> mandates;
    for (const Action& action : actions) {
      if (const auto* send = std::get_if<Send>(&action)) received[send->to] = send->sequence;
      if (const auto* sign = std::get_if<SignMandate>(&action)) mandates.push_back(*sign);
      all.push_back(action);
    }
    for (const SignMandate& sign : mandates)
      step(MandateSeen{.job = sign.job, .sequence = sign.sequence, .time_to_live = sign.time_to_live, .age = {}});
  }

  void advance(Duration by, const std::vector<unsigned>& alive = {}) {
    const Instant until = now + by;
    Instant beat = now;
    while (now < until) {
      beat += std::chrono::milliseconds(500);
      while (auto deadline = agent.next_deadline()) {
        if (deadline->at > beat) break;
        now = std::max(now, deadline->at);
        step(DeadlinePassed{});
      }
      now = beat;
      for (unsigned peer : alive) say(peer, protocol::Beat{});
    }
  }

  void link(unsigned number, std::uint32_t slots = 2, std::byte instance = {}) {
    sent[node_numbered(number)] = received[node_numbered(number)] = 0;
    protocol::Bytes32 key{};
    key[0] = instance;
    step(LinkUp{.peer = {.node = node_numbered(number), .instance = InstanceKey(key), .address = {}},
                .dialled = false,
                .roles = 7,
                .slots = slots,
                .round_trip = std::chrono::milliseconds(1)});
  }

  void say(unsigned number, Message message, Proofs proofs = {}) {
    const NodeId from = node_numbered(number);
    step(MessageReceived{.from = from,
                         .sequence = ++sent[from],
                         .heard = received[from],
                         .message = std::move(message),
                         .proofs = std::move(proofs)});
  }

  template <class Kind>
  std::vector<Kind> told(unsigned number) {
    std::vector<Kind> found;
    for (const Action& action : all) {
      const auto* send = std::get_if<Send>(&action);
      if (send == nullptr || send->to != node_numbered(number)) continue;
      if (const auto* message = std::get_if<Kind>(&send->message)) found.push_back(*message);
    }
    return found;
  }

  template <class Kind>
  std::vector<Kind> done() {
    std::vector<Kind> found;
    for (const Action& action : all) {
      if (const auto* each = std::get_if<Kind>(&action)) found.push_back(*each);
    }
    return found;
  }

  std::vector<Interval> lost() {
    std::vector<Interval> found;
    for (const CommitLost& each : done<CommitLost>()) found.push_back(each.piece);
    return found;
  }

  void submit(std::uint64_t size) {
    terms.size = size;
    step(JobSubmitted{.client = ClientId(1), .terms = terms});
  }

  // The peer asks with so many free slots, and takes what it gets.
  protocol::Grant lend_to(unsigned number, std::uint32_t slots = 2) {
    link(number, slots);
    say(number, protocol::Ask{.request = 1, .slots = slots, .tags = {}});
    const auto grants = told<protocol::Grant>(number);
    EXPECT_FALSE(grants.empty());
    say(number, protocol::Accept{.branch = grants.back().branch});
    return grants.back();
  }

  void report(unsigned number, BranchId branch, Interval piece, Outcome outcome = Outcome::ok) {
    Proofs proofs;
    proofs.batches.push_back({.batch = BatchId(++batch),
                              .executor = node_numbered(number),
                              .results = {{.piece = piece, .outcome = outcome}}});
    say(number, protocol::Report{.branch = branch, .number = batch, .batches = {}}, std::move(proofs));
  }

  // Whatever runs here ends well, until nothing is started any more.
  void run_dry() {
    for (std::size_t ended = 0; ended < done<StartTask>().size(); ++ended) {
      const TaskId task = done<StartTask>()[ended].task;
      step(TaskStarted{.task = task});
      step(TaskEnded{.task = task, .ran = std::chrono::milliseconds(1)});
    }
  }

  protocol::Holds nothing_held(BranchId branch) {
    return {.branch = {.sender_is = protocol::Side::helper, .branch = branch},
            .todo = {},
            .started = {},
            .lent = {},
            .unsettled = {}};
  }

  JobTerms terms{.job = job_named(1)};
  Instant now{std::chrono::seconds(1'000)};
  Agent agent{Options{.slots = 1, .node = node_numbered(0), .instance = {}, .address = {}}};
  std::vector<Action> all;
  std::map<NodeId, std::uint64_t> sent, received;
  std::uint64_t batch = 0;
};

}  // namespace agent::core
