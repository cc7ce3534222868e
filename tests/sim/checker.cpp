#include "tests/sim/checker.h"

#include <algorithm>
#include <cassert>
#include <utility>
#include <variant>

#include "protocol/kind.h"

namespace sim_test {

namespace core = agent::core;
namespace sim = agent::sim;

namespace {

constexpr std::array<std::string_view, invariant_count> names{
    "S1 commit once", "S3 branch bound", "S3 copies",       "S4 coverage", "S6 attempts",
    "S7 lease",       "S7 mandate",      "R3 state",        "R5 messages", "R6 re-execution",
    "P1 linked",      "P2 standing",     "E1 nothing left", "L1 verdict",  "S1 origin",
    "S2 settled",     "S7 true lease",   "S started once",  "S9 curfew"};

constexpr std::size_t violations_max = 50;
constexpr std::uint64_t copies_max = 3;
// Clocks may differ by 1 %, and each rule has a second to be obeyed.
constexpr Duration lease_bound = std::chrono::milliseconds(11'100);
constexpr Duration mandate_bound = std::chrono::milliseconds(61'600);
constexpr Duration window = std::chrono::seconds(10);
constexpr std::uint64_t messages_per_link = 40;     // in a window: beats both ways, reports and their answers
constexpr std::uint64_t messages_per_task = 20;     // in a window
constexpr std::uint64_t messages_of_an_idle = 400;  // in a window: probes, asks and dials of one that seeks

std::string text_of(core::Interval piece) {
  return std::to_string(piece.begin) + ".." + std::to_string(piece.end);
}

bool overlap(core::Interval a, core::Interval b) {
  return a.begin < b.end && b.begin < a.end;
}

}  // namespace

std::string_view name_of(Invariant invariant) {
  return names[static_cast<std::size_t>(invariant)];
}

Checker::Checker(const sim::World& world, const CheckerOptions& options)
    : world_(world), options_(options), nodes_(world.node_count()), window_ends_(WorldTime(window)) {}

void Checker::expect(Invariant invariant, bool holds, const std::string& what) {
  ++checks_[static_cast<std::size_t>(invariant)];
  if (!holds && violations_.size() < violations_max)
    violations_.push_back({.invariant = invariant, .at = now_, .what = what});
}

void Checker::on_step(const sim::StepSeen& seen) {
  now_ = seen.at;
  if (options_.liars.contains(seen.node)) return;
  if (const auto* received = std::get_if<core::MessageReceived>(&seen.event)) on_received(seen.node, *received);
  if (const auto* up = std::get_if<core::LinkUp>(&seen.event)) on_linked(nodes_[seen.node], up->peer);
  if (const auto* forked = std::get_if<core::LoopForked>(&seen.event)) on_forked(seen.node, *forked);
  for (const core::Action& action : seen.actions) {
    if (const auto* own = std::get_if<core::CommitResult>(&action)) {
      on_committed(seen.node, *own);
    } else if (const auto* come = std::get_if<core::CommitReceived>(&action)) {
      on_committed(seen.node, *come);
    } else if (const auto* lost = std::get_if<core::CommitLost>(&action)) {
      on_committed(seen.node, *lost);
    } else if (const auto* answer = std::get_if<core::AnswerVerdict>(&action)) {
      on_answered(*answer);
    } else if (const auto* joined = std::get_if<core::AnswerJoin>(&action)) {
      on_joined(seen.node, *joined);
    } else if (const auto* notice = std::get_if<core::Notice>(&action)) {
      const auto peer = notice->peer ? sim::index_of(*notice->peer) : std::nullopt;
      if (peer && notice->what == core::Notice::What::lease_ended) nodes_[seen.node].given.erase(*peer);
      if (notice->what == core::Notice::What::copied) jobs_[notice->job].copied.insert(notice->piece);
    }
  }
}

// What a peer held went down with the instance that held it.
void Checker::on_linked(NodeSeen& node, const core::Peer& peer) {
  const auto index = sim::index_of(peer.node);
  assert(index);
  const auto [known, first] = node.instances.try_emplace(*index, peer.instance);
  if (first || known->second == peer.instance) return;
  known->second = peer.instance;
  node.given.erase(*index);
}

template <class Commit>
void Checker::on_committed(NodeIndex node, const Commit& commit) {
  core::IntervalSet* committed = &jobs_[commit.job].committed;
  std::uint64_t size = *world_.workload().plan(commit.job).terms.size;
  if (!commit.path.empty()) {
    const auto loop = nodes_[node].inner.find({commit.opener, commit.path.back().ordinal});
    if (loop == nodes_[node].inner.end()) return;  // its opener is gone, and the agent will hear of it
    committed = &loop->second.committed;
    size = loop->second.size;
  }
  expect(Invariant::s1_commit_once, !committed->intersects(commit.piece), "committed twice: " + text_of(commit.piece));
  expect(Invariant::s1_commit_once, commit.piece.end <= size, "outside of the loop: " + text_of(commit.piece));
  committed->insert(commit.piece);
}

void Checker::on_forked(NodeIndex node, const core::LoopForked& forked) {
  nodes_[node].inner.try_emplace({forked.task, forked.terms.path.back().ordinal},
                                 InnerLoop{.size = forked.terms.size, .committed = {}});
}

void Checker::on_joined(NodeIndex node, const core::AnswerJoin& answer) {
  const auto loop = nodes_[node].inner.find({answer.task, answer.ordinal});
  if (loop == nodes_[node].inner.end()) return;
  expect(Invariant::s4_coverage,
         answer.verdict == core::Verdict::done && loop->second.committed.count() == loop->second.size,
         "a join was answered with " + std::to_string(loop->second.committed.count()) + " of " +
             std::to_string(loop->second.size) + " committed");
}

void Checker::on_answered(const core::AnswerVerdict& answer) {
  const JobSeen& job = jobs_[answer.job];
  expect(Invariant::s4_coverage, answer.counts.committed == job.committed.count(),
         "the verdict counts " + std::to_string(answer.counts.committed) + " of " +
             std::to_string(job.committed.count()) + " committed");
  if (answer.verdict != core::Verdict::done) return;
  const std::uint64_t size = *world_.workload().plan(answer.job).terms.size;
  expect(Invariant::s4_coverage, job.committed.count() == size,
         "done with " + std::to_string(job.committed.count()) + " of " + std::to_string(size) + " committed");
}

void Checker::on_received(NodeIndex node, const core::MessageReceived& received) {
  const auto from = sim::index_of(received.from);
  assert(from);
  NodeSeen& seen = nodes_[node];
  seen.heard[*from] = now_;
  if (const auto* grant = std::get_if<protocol::Grant>(&received.message)) {
    seen.masters[grant->loop.job].insert(*from);
  } else if (const auto* adopt = std::get_if<protocol::Adopt>(&received.message)) {
    seen.masters[adopt->loop.job].insert(*from);
  } else if (const auto* refuse = std::get_if<protocol::Refuse>(&received.message)) {
    const auto given = seen.given[*from].find(refuse->branch);
    if (given == seen.given[*from].end()) return;
    const std::vector<core::Interval> latest = std::exchange(given->second.latest, {});
    never_started(node, given->second.loop, latest);
    take_back(node, *from, refuse->branch, latest);
  } else if (const auto* returned = std::get_if<protocol::Returned>(&received.message)) {
    const auto given = seen.given[*from].find(returned->branch);
    if (given != seen.given[*from].end()) never_started(node, given->second.loop, returned->intervals);
    take_back(node, *from, returned->branch, returned->intervals);
  } else if (const auto* holds = std::get_if<protocol::Holds>(&received.message)) {
    if (holds->branch.sender_is == protocol::Side::helper) on_held(node, *from, *holds);
  } else if (const auto* report = std::get_if<protocol::Report>(&received.message)) {
    std::vector<core::Interval> finished;
    for (const core::BatchFact& batch : received.proofs.batches) {
      for (const core::ResultFact& result : batch.results) finished.push_back(result.piece);
    }
    take_back(node, *from, report->branch, finished);
    ++seen.allowed;  // it is answered
  }
}

// A helper's own word about what it has: the rest is not with it.
void Checker::on_held(NodeIndex master, NodeIndex helper, const protocol::Holds& holds) {
  NodeSeen& seen = nodes_[master];
  auto& branches = seen.given[helper];
  const auto at = branches.find(holds.branch.branch);
  core::IntervalSet& told = seen.told[{helper, holds.branch.branch}];
  told.insert(core::IntervalSet(holds.todo));
  for (const core::Interval piece : holds.started) {
    // A liar's piece that it was given in part only is nobody's.
    const bool nonsense = options_.liars.contains(helper) && (at == branches.end() || !at->second.held.contains(piece));
    if (!nonsense) told.insert(piece);
  }
  for (const protocol::Lent& lent : holds.lent) told.insert(core::IntervalSet(lent.what));
  if (!holds.last) return;
  const core::IntervalSet all = told;
  seen.told.erase({helper, holds.branch.branch});
  if (at == branches.end()) return;
  at->second.held = at->second.held.both(all);
}

// They may be issued again under the same attempt.
void Checker::never_started(NodeIndex master, const core::LoopId& loop, const std::vector<core::Interval>& what) {
  if (!loop.path.empty() || world_.workload().plan(loop.job).root != master) return;
  for (const core::Interval piece : what) jobs_[loop.job].issued.erase(piece);
}

void Checker::take_back(NodeIndex master, NodeIndex helper, core::BranchId branch,
                        const std::vector<core::Interval>& what) {
  auto& branches = nodes_[master].given[helper];
  const auto at = branches.find(branch);
  if (at == branches.end()) return;
  for (const core::Interval piece : what) at->second.held.erase(piece);
}

std::uint32_t Checker::branch_number(const core::LoopId& loop) const {
  const sim::JobPlan& plan = world_.workload().plan(loop.job);
  return loop.path.empty() ? plan.terms.branch_number : plan.nesting.branch_number;
}

void Checker::on_grant(NodeIndex master, NodeIndex helper, const protocol::Grant& grant) {
  saw_grants_ = true;
  NodeSeen& seen = nodes_[master];
  const auto helps = [&](const auto& branches) {
    return std::ranges::any_of(
        branches, [&](const auto& each) { return each.second.loop == grant.loop && !each.second.held.empty(); });
  };
  const bool known = helps(seen.given[helper]);
  std::uint64_t helpers = 0;
  std::string helping;
  for (const auto& [node, branches] : seen.given) {
    if (!helps(branches)) continue;
    ++helpers;
    helping += " " + std::to_string(node);
  }
  if (grant.loop.path.empty() && world_.workload().plan(grant.loop.job).root == master) {
    for (const core::Interval piece : grant.intervals) on_issued(jobs_[grant.loop.job], piece, grant.attempt);
  }
  const std::uint32_t bound = branch_number(grant.loop);
  expect(Invariant::s3_branch_bound, known || helpers < bound,
         "node " + std::to_string(master) + " recruits " + std::to_string(helper) + ", one more than " +
             std::to_string(bound) + " (it has" + helping + ")");
  Given& given = seen.given[helper].try_emplace(grant.branch, Given{.loop = grant.loop}).first->second;
  given.latest = grant.intervals;
  given.held.insert(core::IntervalSet(grant.intervals));
}

void Checker::on_sent(const sim::SendSeen& seen) {
  now_ = seen.at;
  if (options_.liars.contains(seen.from)) return;
  expect(Invariant::p1_linked, seen.linked, "node " + std::to_string(seen.from) + " sends without a link");
  const auto to = sim::index_of(seen.to);
  assert(to);
  NodeSeen& sender = nodes_[seen.from];
  ++sender.sent;
  if (const auto* grant = std::get_if<protocol::Grant>(&seen.send.message)) {
    on_grant(seen.from, *to, *grant);
  } else if (const auto* cancel = std::get_if<protocol::Cancel>(&seen.send.message)) {
    if (cancel->intervals.empty()) {
      sender.given[*to].erase(cancel->branch);
    } else {
      take_back(seen.from, *to, cancel->branch, cancel->intervals);
    }
  }
  const bool carries_work = !seen.send.attached.results.empty() || !seen.send.attached.batches.empty() ||
                            std::holds_alternative<protocol::Grant>(seen.send.message) ||
                            std::holds_alternative<protocol::Settled>(seen.send.message);
  if (carries_work) ++sender.allowed;
}

void Checker::on_task_began(const sim::TaskSeen& seen) {
  now_ = seen.at;
  const core::StartTask& order = seen.order;
  if (options_.liars.contains(seen.node)) return;
  if (world_.workload().plan(order.job).terms.started_at_most_once) {
    core::IntervalSet& once = jobs_[order.job].started_once[order.path];
    expect(Invariant::s_started_once, !once.intersects(order.piece),
           "starts again: " + text_of(order.piece) + " of a loop of depth " + std::to_string(order.path.size()));
    once.insert(order.piece);
  }
  if (!order.path.empty()) return;
  JobSeen& job = jobs_[order.job];
  const auto copies =
      std::ranges::count_if(job.running, [&](const Running& r) { return overlap(r.piece, order.piece); });
  if (options_.stable) {
    expect(Invariant::s3_copies, static_cast<std::uint64_t>(copies) < copies_max,
           "a fourth live copy of " + text_of(order.piece));
    if (!job.failed_once)
      expect(Invariant::r6_reexecution,
             copies > 0 || !job.started.intersects(order.piece) || job.copied.contains(order.piece),
             "runs again without a fault: " + text_of(order.piece));
  }
  if (world_.workload().plan(order.job).root == seen.node) on_issued(job, order.piece, order.attempt);
  job.started.insert(order.piece);
  job.running.push_back({.node = seen.node, .task = order.task, .piece = order.piece});
}

void Checker::on_issued(JobSeen& job, core::Interval piece, core::Attempt attempt) {
  if (job.root_died) return;
  const std::uint32_t mark = attempt.value() + 1;
  expect(Invariant::s6_attempts, job.issued.max_within(piece) < mark,
         "its root issues " + text_of(piece) + " again under attempt " + std::to_string(attempt.value()));
  job.issued.assign(piece, mark);
}

void Checker::on_task_gone(const sim::TaskSeen& seen, sim::TaskEnding ending) {
  std::erase_if(nodes_[seen.node].inner, [&](const auto& each) { return each.first.first == seen.order.task; });
  if (!seen.order.path.empty()) return;
  JobSeen& job = jobs_[seen.order.job];
  std::erase(job.running, Running{.node = seen.node, .task = seen.order.task, .piece = seen.order.piece});
  if (ending == sim::TaskEnding::failed || ending == sim::TaskEnding::lost) job.failed_once = true;
}

void Checker::on_node_died(NodeIndex node, WorldTime) {
  nodes_[node] = NodeSeen{};
  for (auto& [id, job] : jobs_) job.root_died = job.root_died || world_.workload().plan(id).root == node;
}

void Checker::on_turn(WorldTime at) {
  now_ = at;
  if (at >= window_ends_) close_window(at);
  if (++turns_ % options_.walk_every == 0) walk(at);
}

void Checker::close_window(WorldTime at) {
  // A quiet world may pass several windows in one turn.
  while (window_ends_ <= at) window_ends_ += window;
  for (NodeIndex index = 0; index < nodes_.size(); ++index) {
    NodeSeen& seen = nodes_[index];
    const sim::Node& node = world_.node(index);
    const std::uint64_t bound = messages_of_an_idle + messages_per_link * node.links().size() +
                                messages_per_task * node.options().slots + 4 * seen.allowed;
    if (node.up() && !options_.liars.contains(index))
      expect(Invariant::r5_messages, seen.sent <= bound,
             "node " + std::to_string(index) + " sent " + std::to_string(seen.sent) + " in 10 s, more than " +
                 std::to_string(bound));
    seen.sent = seen.allowed = 0;
  }
}

void Checker::walk(WorldTime at) {
  for (NodeIndex index = 0; index < nodes_.size(); ++index) {
    const sim::Node& node = world_.node(index);
    if (!node.up() || options_.liars.contains(index)) continue;
    node.brain().check_invariants();
    ++checks_[static_cast<std::size_t>(Invariant::s4_coverage)];
    const sim::Brain::Sizes sizes = node.brain().sizes();
    expect(Invariant::r3_state, sizes.jobs <= world_.workload().plans().size(),
           "node " + std::to_string(index) + " knows more jobs than there are");
    expect(Invariant::r3_state, sizes.running <= std::size_t{node.options().slots} * 33,
           "node " + std::to_string(index) + " has more tasks than slots and parked ones allow");
    walk_tasks(index, at);
  }
}

void Checker::walk_tasks(NodeIndex index, WorldTime at) {
  const sim::Node& node = world_.node(index);
  if (node.asleep()) return;
  const NodeSeen& seen = nodes_[index];
  std::set<core::JobId> jobs;
  for (const auto& [id, run] : node.tasks()) jobs.insert(run.order().job);
  for (const core::JobId& job : jobs) {
    const sim::JobEnding& ending = world_.ending(sim::number_of(job));
    if (ending.how != sim::JobEnding::How::open)
      expect(Invariant::s7_mandate, at - ending.at <= mandate_bound + options_.mandate_slack,
             "node " + std::to_string(index) + " still works for a job that is over");
    if (world_.workload().plan(job).root == index) continue;
    const auto masters = seen.masters.find(job);
    const bool heard = masters != seen.masters.end() && std::ranges::any_of(masters->second, [&](NodeIndex master) {
                         const auto last = seen.heard.find(master);
                         return last != seen.heard.end() && at - last->second <= lease_bound;
                       });
    expect(Invariant::s7_lease, heard, "node " + std::to_string(index) + " works for masters that it does not hear");
  }
}

void Checker::expect_verdicts_by_now() {
  for (std::uint32_t job = 1; job <= world_.workload().plans().size(); ++job) {
    expect(Invariant::l1_verdict, world_.ending(job).how != sim::JobEnding::How::open,
           "job " + std::to_string(job) + " has no verdict, " +
               std::to_string(jobs_[sim::job_id(job)].committed.count()) + " committed");
  }
}

void Checker::check_end() {
  walk(now_);
  for (NodeIndex index = 0; index < nodes_.size(); ++index) {
    const sim::Node& node = world_.node(index);
    if (!node.up() || options_.liars.contains(index)) continue;
    const std::string who = "node " + std::to_string(index) + " keeps ";
    const auto none = [&](std::size_t left, std::string_view of) {
      expect(Invariant::e1_nothing_left, left == 0, who + std::to_string(left) + " " + std::string(of));
    };
    none(node.brain().sizes().jobs, "jobs");
    none(node.brain().sizes().running, "tasks in its agent");
    none(node.tasks().size(), "processes");
    none(node.notary().result_count(), "results");
    none(node.exchange().batch_count(), "batches");
    if (!options_.stable) continue;
    const auto& stale = node.exchange().stale();
    for (std::size_t kind = 0; kind < stale.size(); ++kind)
      expect(Invariant::p2_standing, stale[kind] == 0,
             who + "count of " + std::to_string(stale[kind]) + " stale messages, `" +
                 std::string(protocol::name_of(static_cast<protocol::Kind>(kind))) + "`");
  }
}

}  // namespace sim_test
