#pragma once
// One agent (node 0) among peers that a test plays.
//
// Mandates that are to be signed are seen at once; every message of a peer says that all of ours were heard; the
// agent's own invariants are checked after each step. While time passes, peers in `live` say an empty beat twice a
// second, and they answer shuffles. What the agent does is kept, with the time, since the last `forget`.

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "agent/core/agent.h"
#include "tests/unit/core/driver.h"

namespace agent::core {

inline NodeId peer_named(unsigned number) {
  protocol::Bytes32 bytes{};
  bytes[7] = std::byte(number & 0xffU);
  return NodeId(bytes);
}

inline Address address_named(unsigned number) {
  Address address{.port = 4'747};
  address.ip[15] = std::byte(number & 0xffU);
  return address;
}

inline Peer record_named(unsigned number) {
  return {.node = peer_named(number), .instance = {}, .address = address_named(number)};
}

inline std::vector<Interval> single(std::uint64_t begin, std::uint64_t end) {
  return {{.begin = begin, .end = end}};
}

// `count` iterations with gaps between them: 0, 2, 4 ...
inline std::vector<Interval> scattered(std::uint64_t count) {
  std::vector<Interval> all;
  for (std::uint64_t i = 0; i < count; ++i) all.push_back({.begin = 2 * i, .end = 2 * i + 1});
  return all;
}

class PlayedPeers : public testing::Test {
 protected:
  explicit PlayedPeers(std::uint32_t slots = 1, std::vector<Address> seeds = {})
      : agent({.slots = slots,
               .node = peer_named(0),
               .instance = {},
               .address = address_named(0),
               .seeds = std::move(seeds),
               .random_seed = 1}) {}

  void step(const Event& event) {
    events_.push_back(event);
    while (!events_.empty()) {
      const Event next = events_.front();
      events_.pop_front();
      std::vector<Action> actions;
      agent.step(now, next, actions);
      if (checks_each_step) agent.check_invariants();
      EXPECT_GE(agent.next_deadline().value_or(Deadline{.at = now}).at, now);
      for (const Action& action : actions) take(action);
    }
  }

  // --- peers
  struct Up {
    std::uint32_t slots = 1;
    Duration round_trip = std::chrono::milliseconds(1);
    InstanceKey instance{};
    bool dialled = true;  // by the agent: so it knows where the peer is found
  };
  // From now on the peer is up, and says a beat now and then.
  void link(unsigned number) { link(number, Up{}); }
  void link(unsigned number, const Up& up) {
    const NodeId node = peer_named(number);
    sequences_[node] = heard_[node] = 0;
    live.insert(number);
    step(LinkUp{.peer = {.node = node, .instance = up.instance, .address = address_named(number)},
                .dialled = up.dialled,
                .roles = 7,
                .slots = up.slots,
                .round_trip = up.round_trip});
  }
  // Its record comes by a walk that ends here: it is in the agent's view.
  void introduce(unsigned number) {
    Proofs proofs;
    proofs.records.push_back(record_named(number));
    say(number, protocol::Walk{.record = {}, .hops_left = 1}, proofs);
  }
  void unlink(unsigned number) {
    live.erase(number);
    step(LinkDown{.peer = peer_named(number)});
  }
  void say(unsigned number, Message message, Proofs proofs = {}) {
    const NodeId from = peer_named(number);
    step(MessageReceived{.from = from,
                         .sequence = ++sequences_[from],
                         .heard = heard_[from],
                         .message = std::move(message),
                         .proofs = std::move(proofs)});
  }
  // What it said when it had heard no more of ours than that.
  std::uint64_t heard_by(unsigned number) const { return heard_.at(peer_named(number)); }
  void say_before(std::uint64_t heard, unsigned number, Message message) {
    const NodeId from = peer_named(number);
    step(MessageReceived{
        .from = from, .sequence = ++sequences_[from], .heard = heard, .message = std::move(message), .proofs = {}});
  }
  // It has something of ours to echo, and so we have a lease to it.
  void earn_lease(unsigned number) {
    say(number, protocol::Probe{.request = 999, .path = {}});
    say(number, protocol::Release{.request = 999});
  }

  // Steps of the agent when they are due, beats of live peers in between.
  void advance(Duration by) {
    const Instant until = now + by;
    while (true) {
      const std::optional<Deadline> due = agent.next_deadline();
      Instant at = due ? due->at : Instant::max();
      const bool beat = !live.empty() && beat_at_ <= at;
      if (beat) at = beat_at_;
      if (at > until) break;
      now = std::max(now, at);
      if (!beat) {
        step(DeadlinePassed{});
        continue;
      }
      beat_at_ = now + std::chrono::milliseconds(500);
      for (unsigned number : std::set(live)) say(number, protocol::Beat{});
    }
    now = until;
  }

  // --- jobs
  // Ours.
  JobTerms terms_of(std::uint64_t size, unsigned job = 1) const { return {.job = job_named(job), .size = size}; }
  void submit(const JobTerms& terms) { step(JobSubmitted{.client = ClientId(1), .terms = terms}); }
  // A peer asks and takes what it gets.
  protocol::Grant lend_to(unsigned number) {
    const std::size_t before = told<protocol::Grant>(number).size();
    say(number, protocol::Ask{.request = 100, .slots = 1, .tags = {}});
    const auto grants = told<protocol::Grant>(number);
    EXPECT_EQ(grants.size(), before + 1);
    if (grants.empty()) return {};
    say(number, protocol::Accept{.branch = grants.back().branch});
    return grants.back();
  }
  // Somebody else's, of which a peer grants us some.
  Proofs proofs_of(std::uint64_t size, unsigned job = 1) {
    Proofs proofs;
    proofs.terms = terms_of(size, job);
    proofs.mandates.push_back(
        {.job = job_named(job), .epoch = {}, .sequence = ++mandate_, .time_to_live = std::chrono::hours(10)});
    return proofs;
  }
  void grant(unsigned number, std::vector<Interval> intervals, std::uint64_t size = 1'000'000, unsigned branch = 1,
             std::vector<protocol::Refuge> refuges = {}) {
    say(number,
        protocol::Grant{.branch = BranchId(branch),
                        .loop = {.job = job_named(1), .path = {}},
                        .intervals = std::move(intervals),
                        .refuges = std::move(refuges)},
        proofs_of(size));
  }
  // One batch with results of these, as `number` computed them: one by one, as of a list, or of whole pieces.
  bool runs_pieces = false;
  Proofs batch_of(unsigned number, const std::vector<Interval>& pieces, Attempt attempt = {},
                  Duration ran = std::chrono::milliseconds(1)) {
    BatchFact batch{.batch = BatchId(++batches_), .executor = peer_named(number), .size_bytes = 100, .results = {}};
    for (Interval piece : pieces) {
      const std::uint64_t step = runs_pieces ? piece.count() : 1;
      for (std::uint64_t at = piece.begin; at < piece.end; at += step)
        batch.results.push_back({.piece = {.begin = at, .end = at + step}, .attempt = attempt, .ran = ran});
    }
    Proofs proofs;
    proofs.batches.push_back(std::move(batch));
    return proofs;
  }
  void report(unsigned number, BranchId branch, const std::vector<Interval>& pieces,
              std::vector<Interval> started = {}) {
    say(number, protocol::Report{.branch = branch, .number = ++reports_, .batches = {}, .started = std::move(started)},
        batch_of(number, pieces));
  }

  // --- tasks
  void exit_with(TaskId task, int code, Duration ran = std::chrono::milliseconds(1)) {
    tasks.erase(task);
    step(TaskEnded{.task = task, .how = TaskEnded::How::exited, .exit = code, .ran = ran, .size_bytes = 10});
  }
  void obey(TaskId task) {
    tasks.erase(task);
    step(TaskEnded{.task = task, .how = TaskEnded::How::stopped});
  }
  TaskId task_at(std::uint64_t begin) const {
    for (const auto& [id, start] : tasks) {
      if (start.piece.begin == begin) return id;
    }
    ADD_FAILURE() << "no running task begins at " << begin;
    return TaskId{};
  }

  // --- what the agent did
  void forget() { all.clear(); }
  template <class Kind>
  std::vector<Kind> done() const {
    std::vector<Kind> found;
    for (const auto& [at, action] : all) {
      if (const auto* each = std::get_if<Kind>(&action)) found.push_back(*each);
    }
    return found;
  }
  template <class Kind>
  std::vector<Kind> told(unsigned number) const {
    std::vector<Kind> found;
    for (const Send& send : done<Send>()) {
      const auto* message = std::get_if<Kind>(&send.message);
      if (message != nullptr && send.to == peer_named(number)) found.push_back(*message);
    }
    return found;
  }
  // With what the shell puts into them.
  template <class Kind>
  std::vector<Attached> attached(unsigned number) const {
    std::vector<Attached> found;
    for (const Send& send : done<Send>()) {
      if (std::holds_alternative<Kind>(send.message) && send.to == peer_named(number)) found.push_back(send.attached);
    }
    return found;
  }
  template <class Kind>
  std::vector<Instant> times_of(unsigned number) const {
    std::vector<Instant> found;
    for (const auto& [at, action] : all) {
      const auto* send = std::get_if<Send>(&action);
      if (send != nullptr && send->to == peer_named(number) && std::holds_alternative<Kind>(send->message))
        found.push_back(at);
    }
    return found;
  }
  template <class Kind>
  std::size_t told_all() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        done<Send>(), [](const Send& send) { return std::holds_alternative<Kind>(send.message); }));
  }
  std::vector<Instant> times_of(Notice::What what) const {
    std::vector<Instant> found;
    for (const auto& [at, action] : all) {
      const auto* notice = std::get_if<Notice>(&action);
      if (notice != nullptr && notice->what == what) found.push_back(at);
    }
    return found;
  }
  std::size_t notices(Notice::What what) const { return times_of(what).size(); }
  // All that messages of one kind say of one of their lists.
  template <class Kind>
  IntervalSet sum(unsigned number, std::vector<Interval> Kind::*list) const {
    IntervalSet set;
    for (const Kind& message : told<Kind>(number)) set.insert(IntervalSet(message.*list));
    return set;
  }

  bool checks_each_step = true;  // not while thousands of gaps are made, each of which would be walked at each step
  Instant now{std::chrono::seconds(1'000)};
  Agent agent;
  std::set<unsigned> live;
  std::map<TaskId, StartTask> tasks;  // started and not ended
  std::map<TaskId, StopHow> stops;
  std::vector<std::pair<Instant, Action>> all;

 private:
  void take(const Action& action) {
    all.emplace_back(now, action);
    if (const auto* sign = std::get_if<SignMandate>(&action)) {
      events_.push_back(
          MandateSeen{.job = sign->job, .sequence = sign->sequence, .time_to_live = sign->time_to_live, .age = {}});
    } else if (const auto* start = std::get_if<StartTask>(&action)) {
      tasks.emplace(start->task, *start);
    } else if (const auto* stop = std::get_if<StopTask>(&action)) {
      stops[stop->task] = stop->how;
    } else if (const auto* send = std::get_if<Send>(&action)) {
      heard_[send->to] = send->sequence;
      if (std::holds_alternative<protocol::Shuffle>(send->message)) answer_shuffle(send->to);
    }
  }

  // With its own record, so that it stays in the agent's view.
  void answer_shuffle(NodeId node) {
    const auto number = std::ranges::find(live, node, peer_named);
    if (number == live.end()) return;
    Proofs proofs;
    proofs.records.push_back(record_named(*number));
    events_.push_back(MessageReceived{.from = node,
                                      .sequence = ++sequences_[node],
                                      .heard = heard_[node],
                                      .message = protocol::Shuffled{},
                                      .proofs = std::move(proofs)});
  }

  std::deque<Event> events_;
  std::map<NodeId, std::uint64_t> sequences_;
  std::map<NodeId, std::uint64_t> heard_;
  Instant beat_at_;
  std::uint64_t mandate_ = 0;
  std::uint64_t batches_ = 0;
  std::uint64_t reports_ = 0;
};

}  // namespace agent::core
