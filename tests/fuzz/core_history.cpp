// A history of one agent: what happens on its machine, and what five peers say that may be liars (history/speaker.h).
//
// After each step the agent's own invariants are checked, and its promises:
//   - never more running tasks than slots, no slot twice, no task whose deadline has passed already
//   - messages only on links that are up, within the limits of the codec, answers bounded
//   - results and batches are committed or dropped once, and are there while they are named
//   - an iteration of our own jobs is committed once, inside of its loop; no helper beyond the branch number
//   - of a list every iteration is a piece of its own; what starts at most once is not started twice here
//   - what is kept for peers is bounded

#include <algorithm>
#include <cassert>
#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <set>

#include "agent/core/agent.h"
#include "protocol/codec.h"
#include "tests/fuzz/history/speaker.h"

namespace agent::core::fuzz {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t steps_max = 600;  // of one history
// Messages of one step, beside parts of one thing that are not the last: so many, and so many of each branch.
constexpr std::size_t sends_max = 64;
constexpr std::size_t sends_per_branch_max = 4;

class History {
 public:
  explicit History(Input& input) : in_(input), options_(read_options(input)), agent_(options_) {}

  void run() {
    while (!in_.done() && steps_ < steps_max) happen();
  }

 private:
  struct OwnJob {
    JobTerms terms;
    IntervalSet committed;
    IntervalSet begun;  // here, of the root loop, for all that is known
  };

  static Options read_options(Input& in) {
    Options options{.slots = static_cast<std::uint32_t>(1 + in.below(4)),
                    .node = node_named(0),
                    .instance = {},
                    .address = address_named(0),
                    .seeds = {},
                    .random_seed = in.byte()};
    for (std::uint64_t count = in.below(3); count > 0; --count)
      options.seeds.push_back(address_named(static_cast<std::uint8_t>(1 + in.below(peer_count + 2))));
    return options;
  }

  void step(const Event& event) {
    events_.push_back(event);
    while (!events_.empty()) {
      const Event next = events_.front();
      events_.pop_front();
      ++steps_;
      std::vector<Action> actions;
      sends_left_ = sends_max + sends_per_branch_max * agent_.sizes().branches;
      agent_.step(now_, next, actions);
      agent_.check_invariants();
      for (const Action& action : actions) std::visit([this](const auto& wanted) { carry_out(wanted); }, action);
      check_promises();
    }
  }

  void check_promises() {
    const auto running = std::ranges::count_if(tasks_, [&](const auto& each) { return !parked_.contains(each.first); });
    assert(static_cast<std::uint32_t>(running) <= options_.slots);
    const Agent::Sizes sizes = agent_.sizes();
    assert(sizes.contacts <= peer_count);
    assert(sizes.branches <= job_count + peer_count * Agent::branches_per_peer_max);
    assert(sizes.errands <= 16 && sizes.kept_requests <= 16);
    if (const auto due = agent_.next_deadline()) assert(due->at >= Instant{});
  }

  void happen();
  void happen_to_links();
  void happen_to_tasks();
  void happen_to_clients();
  void pass(Duration by);
  void end(TaskId task);

  void carry_out(const SignMandate& order) {
    if (!in_.one_in(16))
      events_.push_back(
          MandateSeen{.job = order.job, .sequence = order.sequence, .time_to_live = order.time_to_live, .age = {}});
  }
  void carry_out(const StartTask& order) {
    assert(order.deadline > now_ && order.slot >= 1 && order.slot <= options_.slots);
    for (const auto& [id, other] : tasks_) assert(parked_.contains(id) || other.slot != order.slot);
    assert(order.piece.begin < order.piece.end);
    if (OwnJob* job = own_root(order.job, order.path)) {
      check_piece(*job, order.piece);
      if (job->terms.started_at_most_once) assert(!job->begun.intersects(order.piece));
      job->begun.insert(order.piece);
    }
    const bool added = tasks_.emplace(order.task, order).second;
    assert(added);
  }
  void carry_out(const StopTask& order) { assert(tasks_.contains(order.task)); }
  void carry_out(const ExtendDeadline& order) { assert(tasks_.contains(order.task)); }
  void carry_out(const CommitResult& order) {
    drop_result(order.task);
    commit({.job = order.job, .path = order.path}, order.piece);
  }
  void carry_out(const CommitReceived& order) {
    const auto batch = batches_.find(order.batch);
    assert(batch != batches_.end() && order.index < batch->second);
    commit({.job = order.job, .path = order.path}, order.piece);
  }
  void carry_out(const CommitLost& order) { commit({.job = order.job, .path = order.path}, order.piece); }
  void carry_out(const KeepResult& order) { assert(results_.contains(order.task)); }
  void carry_out(const DropResult& order) { drop_result(order.task); }
  void carry_out(const DropBatch& order) {
    const auto dropped = batches_.erase(order.batch);
    assert(dropped == 1);
  }
  void carry_out(const AnswerVerdict& answer) {
    const auto job = own_.find(answer.job);
    assert(job != own_.end() && answer.counts.committed == job->second.committed.count());
    own_.erase(job);
  }
  void carry_out(const AnswerJoin& answer) { parked_.erase(answer.task); }
  void carry_out(const Dial& order) { dialled_.push_back(order.address); }
  void carry_out(const HangUp& order) { assert(heard_.at(number_of(order.peer)).up); }
  void carry_out(const Send& order);
  void carry_out(const Notice&) {}

  void drop_result(TaskId task) {
    const auto dropped = results_.erase(task);
    assert(dropped == 1);
  }
  void commit(const LoopId& loop, Interval piece) {
    OwnJob* job = own_root(loop.job, loop.path);
    if (job == nullptr) return;
    assert(!job->committed.intersects(piece));
    assert(!job->terms.size || piece.end <= *job->terms.size);
    job->committed.insert(piece);
  }
  OwnJob* own_root(JobId job, const LoopPath& path) {
    const auto at = own_.find(job);
    return path.empty() && at != own_.end() ? &at->second : nullptr;
  }
  static void check_piece(const OwnJob& job, Interval piece) {
    assert(job.terms.body == Body::command_per_piece || piece.count() == 1);
  }
  void note_grant(Heard& peer, NodeId to, const protocol::Grant& grant) {
    assert(!grant.intervals.empty());
    peer.granted.push_back(grant.branch);
    peer.loops.push_back(grant.loop);
    const auto job = own_.find(grant.loop.job);
    if (job == own_.end() || !grant.loop.path.empty()) return;
    assert(agent_.helpers_of(grant.loop) <= job->second.terms.branch_number);
    assert(to != options_.node);
  }
  static std::uint8_t number_of(NodeId node) {
    for (std::uint8_t number = 0; number <= peer_count; ++number) {
      if (node_named(number) == node) return number;
    }
    assert(false);
    return 0;
  }

  Input& in_;
  Options options_;
  Agent agent_;
  Instant now_{1'000s};
  std::deque<Event> events_;
  std::size_t steps_ = 0;
  std::size_t sends_left_ = 0;
  std::map<TaskId, StartTask> tasks_;
  std::set<TaskId> parked_;
  std::set<TaskId> running_;  // of those that their launcher has told of
  std::set<TaskId> results_;
  std::map<BatchId, std::size_t> batches_;
  std::set<NodeId> records_{node_named(0)};
  std::map<JobId, OwnJob> own_;
  std::array<Heard, peer_count + 1> heard_;
  std::array<std::uint8_t, peer_count + 1> instances_{};
  std::vector<Address> dialled_;
  std::uint64_t next_batch_ = 1;
};

void History::carry_out(const Send& order) {
  Heard& peer = heard_.at(number_of(order.to));
  assert(peer.up && order.sequence == peer.received + 1 && order.heard <= peer.heard_most);
  peer.received = order.sequence;
  // What is told in parts, of which there may be many, is counted by its parts' room.
  const auto* holds = std::get_if<protocol::Holds>(&order.message);
  if (holds == nullptr || holds->last) {
    assert(sends_left_ > 0);
    --sends_left_;
  }
  (void)protocol::encode({.sequence = order.sequence, .heard = order.heard, .message = order.message});
  for (TaskId task : order.attached.results) assert(results_.contains(task));
  for (BatchId batch : order.attached.batches) assert(batches_.contains(batch));
  for (NodeId node : order.attached.records) assert(records_.contains(node));
  assert(order.attached.records.size() <= protocol::limits::records_max);
  if (const auto* grant = std::get_if<protocol::Grant>(&order.message)) note_grant(peer, order.to, *grant);
  if (const auto* probe = std::get_if<protocol::Probe>(&order.message)) peer.asked.push_back(probe->request);
  if (const auto* ask = std::get_if<protocol::Ask>(&order.message)) peer.asked.push_back(ask->request);
}

void History::end(TaskId task) {
  const std::uint8_t shape = in_.byte();
  const StartTask start = tasks_.at(task);
  tasks_.erase(task);
  parked_.erase(task);
  results_.insert(task);
  const Duration ran = shape < 200 ? Duration(1ms) : std::max(Duration{}, in_.duration());
  if (shape % 8 == 7) {
    const auto cause = static_cast<TaskLost::Cause>(shape / 8 % 4);
    OwnJob* job = own_root(start.job, start.path);
    const bool began = running_.contains(task) || cause == TaskLost::Cause::deadline_passed;
    if (job != nullptr && !began) job->begun.erase(start.piece);
    return step(TaskLost{.task = task, .cause = cause});
  }
  const auto how = shape % 8 == 6 ? static_cast<TaskEnded::How>(shape / 8 % 5) : TaskEnded::How::exited;
  step(TaskEnded{.task = task, .how = how, .exit = shape % 8 == 5 ? shape / 8 % 5 : 0, .ran = ran});
}

void History::happen_to_tasks() {
  if (tasks_.empty()) return pass(1ms);
  auto at = tasks_.begin();
  std::advance(at, in_.byte() % tasks_.size());
  const TaskId task = at->first;
  const std::uint64_t what = in_.below(8);
  if (what == 0) {
    running_.insert(task);
    return step(TaskStarted{.task = task});
  }
  if (what == 1) {
    LoopPath path = at->second.path;
    if (path.size() == protocol::limits::path_depth_max) return end(task);
    path.push_back({.iteration = at->second.piece.begin, .ordinal = 0});
    step(LoopForked{.task = task,
                    .terms = {.path = path, .size = in_.below(20), .branch_number = 2, .opener = options_.node}});
    if (!in_.one_in(2) || !tasks_.contains(task)) return;
    parked_.insert(task);
    return step(LoopJoined{.task = task, .ordinal = 0});
  }
  end(task);
}

void History::happen_to_clients() {
  const JobId job = job_named(static_cast<std::uint8_t>(in_.below(2)));
  switch (in_.below(8)) {
    case 0: return step(ItemsAdded{.job = job, .known = in_.number()});
    case 1: return step(ItemsEnded{.job = job});
    case 2: return step(CancelRequested{.job = job, .how = static_cast<StopHow>(in_.below(2))});
    case 3: return step(ClientLeft{.client = ClientId(in_.below(3))});
    case 4: return step(ResultsFull{.job = job});
    case 5: return step(ResultsFlow{.job = job});
    default: break;
  }
  const JobTerms terms = read_terms(in_, job);
  // Ids are random: nobody has seen one before its job is submitted, and none comes twice.
  if (agent_.knows(job)) return;
  own_[job] = {.terms = terms, .committed = {}, .begun = {}};
  step(JobSubmitted{.client = ClientId(1), .terms = terms});
}

void History::happen_to_links() {
  const auto number = static_cast<std::uint8_t>(1 + in_.below(peer_count));
  Heard& peer = heard_.at(number);
  const std::uint8_t shape = in_.byte();
  if (peer.up) {
    peer = {.granted = peer.granted, .asked = peer.asked, .loops = peer.loops};
    step(LinkDown{.peer = node_named(number)});
    if (shape % 2 == 0) return;
  } else if (shape % 8 == 7 && !dialled_.empty()) {
    const Address address = dialled_.back();
    dialled_.pop_back();
    return step(DialFailed{.address = address, .peer = {}});
  }
  if (shape % 4 == 3) ++instances_.at(number);
  protocol::Bytes32 instance{};
  instance[0] = std::byte{instances_.at(number)};
  peer.up = true;
  step(LinkUp{.peer = {.node = node_named(number), .instance = InstanceKey(instance), .address = address_named(number)},
              .dialled = shape % 16 >= 8,
              .roles = 7,
              .slots = shape == 255 ? ~0U : shape % 5U,
              .round_trip = std::chrono::microseconds(in_.byte() * 100)});
}

void History::pass(Duration by) {
  const Instant until = now_ + by;
  for (int deadlines = 0; deadlines < 40; ++deadlines) {
    const auto due = agent_.next_deadline();
    if (!due || due->at > until) break;
    now_ = std::max(now_, due->at);
    step(DeadlinePassed{});
  }
  now_ = until;
}

void History::happen() {
  const std::uint8_t what = in_.byte();
  if (what < 24) return pass(std::chrono::milliseconds(in_.byte() * 10));
  if (what < 28) return pass(std::chrono::seconds(in_.byte()));
  if (what < 30) {
    now_ += std::chrono::milliseconds(in_.byte() * 100);  // a stall
    return step(DeadlinePassed{});
  }
  if (what < 70) return happen_to_tasks();
  if (what < 90) return happen_to_clients();
  if (what < 110) return happen_to_links();
  const auto number = static_cast<std::uint8_t>(1 + what % peer_count);
  Heard& peer = heard_.at(number);
  if (!peer.up) {
    peer.up = true;
    step(LinkUp{.peer = {.node = node_named(number), .instance = {}, .address = address_named(number)},
                .dialled = false,
                .roles = 7,
                .slots = 1,
                .round_trip = 1ms});
  }
  MessageReceived said = Speaker(in_, peer, number).say(next_batch_);
  peer.heard_most = std::max(peer.heard_most, said.sequence);
  for (const BatchFact& batch : said.proofs.batches) batches_.emplace(batch.batch, batch.results.size());
  for (const Peer& record : said.proofs.records) records_.insert(record.node);
  step(said);
}

}  // namespace
}  // namespace agent::core::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  agent::core::fuzz::Input input(std::span(bytes, size));
  agent::core::fuzz::History(input).run();
  return 0;
}
