#pragma once
// The names of all fields of events and actions, once for both directions of the notation; those of messages are in
// notation_message_fields.h.
//
// `fields(visit, value)` calls visit(name, member) for each member in order.

#include <array>
#include <string_view>

#include "agent/core/action.h"
#include "agent/core/event.h"
#include "tests/sim/notation_names.h"

namespace sim_test {

inline constexpr std::array event_names{
    "job_submitted"sv, "items_added"sv,      "items_ended"sv,      "mandate_seen"sv, "task_started"sv,
    "task_ended"sv,    "task_lost"sv,        "cancel_requested"sv, "client_left"sv,  "results_full"sv,
    "results_flow"sv,  "loop_forked"sv,      "loop_joined"sv,      "link_up"sv,      "link_down"sv,
    "dial_failed"sv,   "message_received"sv, "addresses_known"sv,  "deadline_passed"sv};
static_assert(event_names.size() == std::variant_size_v<core::Event>);
inline constexpr std::array action_names{
    "sign_mandate"sv, "start_task"sv,  "stop_task"sv,  "extend_deadline"sv, "commit_result"sv, "commit_received"sv,
    "commit_lost"sv,  "keep_result"sv, "drop_result"sv, "drop_batch"sv, "answer_verdict"sv,  "answer_join"sv,   "dial"sv,
    "hang_up"sv,      "send"sv,        "notice"sv};
static_assert(action_names.size() == std::variant_size_v<core::Action>);

// Terms and facts.
template <class V>
void fields(V& v, core::HaltRule& s) {
  v("when", s.when), v("what", s.what), v("amount", s.amount), v("unit", s.unit);
}
template <class V>
void fields(V& v, core::JobTerms& s) {
  v("job", s.job), v("body", s.body), v("size", s.size), v("grain", s.grain), v("retries", s.retries);
  v("slots_max", s.slots_max), v("found", s.found), v("lowest_hit", s.lowest_hit), v("halt", s.halt), v("user", s.user);
  v("branch_number", s.branch_number), v("started_at_most_once", s.started_at_most_once);
}
template <class V>
void fields(V& v, core::LoopTerms& s) {
  v("path", s.path), v("size", s.size), v("branch_number", s.branch_number), v("opener", s.opener),
      v("instance", s.instance);
}
template <class V>
void fields(V& v, core::Peer& s) {
  v("node", s.node), v("instance", s.instance), v("address", s.address);
}
template <class V>
void fields(V& v, core::Epoch& s) {
  v("number", s.number), v("root", s.root);
}
template <class V>
void fields(V& v, core::MandateFact& s) {
  v("job", s.job), v("epoch", s.epoch), v("sequence", s.sequence), v("time_to_live", s.time_to_live), v("age", s.age);
}
template <class V>
void fields(V& v, core::ResultFact& s) {
  v("piece", s.piece), v("attempt", s.attempt), v("outcome", s.outcome), v("ran", s.ran);
}
template <class V>
void fields(V& v, core::BatchFact& s) {
  v("batch", s.batch), v("executor", s.executor), v("size_bytes", s.size_bytes), v("results", s.results);
}
template <class V>
void fields(V& v, core::Proofs& s) {
  v("mandates", s.mandates), v("batches", s.batches), v("records", s.records), v("terms", s.terms), v("loops", s.loops);
}
template <class V>
void fields(V& v, core::LoopId& s) {
  v("job", s.job), v("path", s.path);
}
template <class V>
void fields(V& v, core::Attached& s) {
  v("mandates", s.mandates), v("results", s.results), v("batches", s.batches), v("records", s.records),
      v("loops", s.loops);
}
template <class V>
void fields(V& v, core::Counts& s) {
  v("total", s.total), v("committed", s.committed), v("ok", s.ok), v("failed", s.failed), v("hits", s.hits);
  v("lost", s.lost), v("running", s.running), v("retried", s.retried), v("redone", s.redone);
}

// Events.
template <class V>
void fields(V& v, core::JobSubmitted& s) {
  v("client", s.client), v("terms", s.terms);
}
template <class V>
void fields(V& v, core::ItemsAdded& s) {
  v("job", s.job), v("known", s.known);
}
template <class V>
void fields(V& v, core::ItemsEnded& s) {
  v("job", s.job);
}
template <class V>
void fields(V& v, core::MandateSeen& s) {
  v("job", s.job), v("sequence", s.sequence), v("time_to_live", s.time_to_live), v("age", s.age);
}
template <class V>
void fields(V& v, core::TaskStarted& s) {
  v("task", s.task);
}
template <class V>
void fields(V& v, core::TaskEnded& s) {
  v("task", s.task), v("how", s.how), v("exit", s.exit), v("ran", s.ran);
}
template <class V>
void fields(V& v, core::TaskLost& s) {
  v("task", s.task), v("cause", s.cause);
}
template <class V>
void fields(V& v, core::CancelRequested& s) {
  v("job", s.job), v("how", s.how);
}
template <class V>
void fields(V& v, core::ClientLeft& s) {
  v("client", s.client);
}
template <class V>
void fields(V& v, core::ResultsFull& s) {
  v("job", s.job);
}
template <class V>
void fields(V& v, core::ResultsFlow& s) {
  v("job", s.job);
}
template <class V>
void fields(V& v, core::LoopForked& s) {
  v("task", s.task), v("terms", s.terms);
}
template <class V>
void fields(V& v, core::LoopJoined& s) {
  v("task", s.task), v("ordinal", s.ordinal);
}
template <class V>
void fields(V& v, core::LinkUp& s) {
  v("peer", s.peer), v("dialled", s.dialled), v("roles", s.roles), v("slots", s.slots), v("round_trip", s.round_trip);
}
template <class V>
void fields(V& v, core::LinkDown& s) {
  v("peer", s.peer);
}
template <class V>
void fields(V& v, core::DialFailed& s) {
  v("address", s.address), v("peer", s.peer);
}
template <class V>
void fields(V& v, core::MessageReceived& s) {
  v("from", s.from), v("sequence", s.sequence), v("heard", s.heard), v("message", s.message), v("proofs", s.proofs);
}
template <class V>
void fields(V& v, core::AddressesKnown& s) {
  v("own", s.own), v("seeds", s.seeds);
}
template <class V>
void fields(V&, core::DeadlinePassed&) {}

// Actions.
template <class V>
void fields(V& v, core::SignMandate& s) {
  v("job", s.job), v("sequence", s.sequence), v("time_to_live", s.time_to_live);
}
template <class V>
void fields(V& v, core::StartTask& s) {
  v("task", s.task), v("job", s.job), v("path", s.path), v("piece", s.piece), v("attempt", s.attempt),
      v("slot", s.slot), v("deadline", s.deadline);
}
template <class V>
void fields(V& v, core::StopTask& s) {
  v("task", s.task), v("how", s.how);
}
template <class V>
void fields(V& v, core::ExtendDeadline& s) {
  v("task", s.task), v("deadline", s.deadline);
}
template <class V>
void fields(V& v, core::CommitResult& s) {
  v("task", s.task), v("job", s.job), v("path", s.path), v("opener", s.opener), v("piece", s.piece),
      v("attempt", s.attempt), v("outcome", s.outcome);
}
template <class V>
void fields(V& v, core::CommitReceived& s) {
  v("batch", s.batch), v("index", s.index), v("executor", s.executor), v("job", s.job), v("path", s.path);
  v("opener", s.opener), v("piece", s.piece), v("attempt", s.attempt), v("outcome", s.outcome);
}
template <class V>
void fields(V& v, core::CommitLost& s) {
  v("job", s.job), v("path", s.path), v("opener", s.opener), v("piece", s.piece);
}
template <class V>
void fields(V& v, core::KeepResult& s) {
  v("task", s.task), v("outcome", s.outcome);
}
template <class V>
void fields(V& v, core::DropResult& s) {
  v("task", s.task);
}
template <class V>
void fields(V& v, core::DropBatch& s) {
  v("batch", s.batch);
}
template <class V>
void fields(V& v, core::AnswerVerdict& s) {
  v("job", s.job), v("verdict", s.verdict), v("counts", s.counts), v("decisive", s.decisive);
}
template <class V>
void fields(V& v, core::AnswerJoin& s) {
  v("task", s.task), v("ordinal", s.ordinal), v("verdict", s.verdict);
}
template <class V>
void fields(V& v, core::Dial& s) {
  v("address", s.address), v("peer", s.peer);
}
template <class V>
void fields(V& v, core::HangUp& s) {
  v("peer", s.peer), v("why", s.why);
}
template <class V>
void fields(V& v, core::Send& s) {
  v("to", s.to), v("sequence", s.sequence), v("heard", s.heard), v("message", s.message), v("attached", s.attached);
}
template <class V>
void fields(V& v, core::Notice& s) {
  v("what", s.what), v("job", s.job), v("piece", s.piece), v("peer", s.peer), v("path", s.path);
}

}  // namespace sim_test
