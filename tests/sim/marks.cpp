#include "tests/sim/marks.h"

#include <algorithm>
#include <variant>

namespace sim_test {

namespace core = agent::core;
namespace sim = agent::sim;

namespace {

constexpr std::array<std::string_view, mark_count> names{
    "a task lost without a verdict",
    "a piece given up",
    "own stall recognised",
    "a suspicion",
    "a suspect heard again",
    "a lease ended, for the master",
    "lease lapsed, for the helper",
    "an iteration redone",
    "an iteration copied",
    "a third copy",
    "an overlap of pieces",
    "a late result",
    "a steal",
    "a steal from the middle of a nested loop",
    "an orphan",
    "an orphan's adoption",
    "a holds that mended something",
    "a refusal",
    "a referral",
    "a kept request called back",
    "an inner loop lent",
    "a batch passed on",
    "a hint of a free peer",
    "a job cancelled",
    "a search that hit",
    "a search for the lowest hit that hit",
    "a job halted by its rule",
    "an iteration lost",
    "a helper recalls all, as it was asked to",
};

std::optional<Mark> mark_of(core::Notice::What what) {
  using enum core::Notice::What;
  switch (what) {
    case task_lost: return Mark::task_lost;
    case piece_given_up: return Mark::piece_given_up;
    case stalled: return Mark::own_stall;
    case suspected: return Mark::suspicion;
    case heard_again: return Mark::heard_again;
    case lease_ended: return Mark::lease_ended;
    case lease_lapsed: return Mark::lease_lapsed;
    case copied: return Mark::copied;
    case overlapped: return Mark::overlap;
    case late_result: return Mark::late_result;
    case stolen: return Mark::stolen;
    case orphaned: return Mark::orphaned;
    case adopted: return Mark::adopted;
    case mended: return Mark::mended;
    case refused: return Mark::refused;
    case referred: return Mark::referred;
    case called_back: return Mark::called_back;
    case no_room:
    case cannot_start:
    case returned_to_todo:
    case redone:
    case recalled:
    case strange: return std::nullopt;
    case lost: return Mark::lost;
  }
  return std::nullopt;
}

bool recalls_all(const core::Message& message) {
  const auto* recall = std::get_if<protocol::Recall>(&message);
  return recall != nullptr && recall->what == decltype(recall->what)(protocol::recall_all);
}

}  // namespace

std::string_view name_of(Mark mark) {
  return names[static_cast<std::size_t>(mark)];
}

void Marks::on_notice(const core::Notice& notice) {
  if (const auto mark = mark_of(notice.what)) hit(*mark);
  if (notice.what == core::Notice::What::stolen && !notice.path.empty()) hit(Mark::nested_steal);
}

void Marks::on_step(const sim::StepSeen& seen) {
  const auto* received = std::get_if<core::MessageReceived>(&seen.event);
  const bool recalled = received != nullptr && recalls_all(received->message);
  for (const core::Action& action : seen.actions) {
    const auto* send = std::get_if<core::Send>(&action);
    if (recalled && send != nullptr && recalls_all(send->message)) hit(Mark::recalled_on);
    if (const auto* notice = std::get_if<core::Notice>(&action)) on_notice(*notice);
    const auto* answer = std::get_if<core::AnswerVerdict>(&action);
    if (answer == nullptr) continue;
    if (answer->verdict == core::Verdict::hit) hit(Mark::verdict_hit);
    if (answer->verdict == core::Verdict::hit && world_.workload().plan(answer->job).terms.lowest_hit)
      hit(Mark::lowest_hit);
    if (answer->verdict == core::Verdict::halted) hit(Mark::halted);
    if (answer->verdict == core::Verdict::cancelled) hit(Mark::job_cancelled);
  }
}

void Marks::on_sent(const sim::SendSeen& seen) {
  const core::Message& message = seen.send.message;
  if (const auto* grant = std::get_if<protocol::Grant>(&message); grant != nullptr && !grant->loop.path.empty())
    hit(Mark::inner_loop_lent);
  if (const auto* busy = std::get_if<protocol::Busy>(&message); busy != nullptr && !busy->free.empty())
    hit(Mark::hint_given);
  if (!seen.send.attached.batches.empty()) hit(Mark::forwarded_batch);
}

void Marks::on_task_began(const sim::TaskSeen& seen) {
  if (seen.order.attempt.value() > 0) hit(Mark::redone);
  if (!seen.order.path.empty()) return;
  auto& running = running_[seen.order.job];
  const auto copies = std::ranges::count_if(running, [&](core::Interval each) {
    return each.begin < seen.order.piece.end && seen.order.piece.begin < each.end;
  });
  if (copies == 2) hit(Mark::third_copy);
  running.push_back(seen.order.piece);
}

void Marks::on_task_gone(const sim::TaskSeen& seen, sim::TaskEnding) {
  if (!seen.order.path.empty()) return;
  auto& running = running_[seen.order.job];
  if (const auto at = std::ranges::find(running, seen.order.piece); at != running.end()) running.erase(at);
}

}  // namespace sim_test
