#pragma once
// The names of all fields of messages, once for both directions of the notation (notation_fields.h): what the core
// reads or writes of them. Opaque fields are empty there.

#include "protocol/message.h"
#include "tests/sim/notation_names.h"

namespace sim_test {

template <class V>
void fields(V& v, protocol::Hint& s) {
  v("node_prefix", s.node_prefix), v("address", s.address);
}
template <class V>
void fields(V& v, protocol::BranchRef& s) {
  v("sender_is", s.sender_is), v("branch", s.branch);
}
template <class V>
void fields(V& v, protocol::BranchDigest& s) {
  v("branch", s.branch), v("digest", s.digest), v("reports_stored", s.reports_stored);
}
template <class V>
void fields(V& v, protocol::Lent& s) {
  v("helper", s.helper), v("attempt", s.attempt), v("what", s.what);
}
template <class V>
void fields(V& v, protocol::History& s) {
  v("iteration", s.iteration), v("tries", s.tries), v("deaths", s.deaths);
}
template <class V>
void fields(V& v, protocol::Refuge& s) {
  v("role", s.role), v("node", s.node), v("address", s.address);
}
template <class V>
void fields(V& v, protocol::Beat& s) {
  v("stall_ns", s.stall_ns), v("branches", s.branches);
}
template <class V>
void fields(V& v, protocol::Holds& s) {
  v("branch", s.branch), v("attempt", s.attempt), v("todo", s.todo), v("started", s.started), v("lent", s.lent),
      v("unsettled", s.unsettled), v("last", s.last);
}
template <class V>
void fields(V& v, protocol::Bye& s) {
  v("why", s.why);
}
template <class V>
void fields(V& v, protocol::Walk& s) {
  v("hops_left", s.hops_left);
}
template <class V>
void fields(V& v, protocol::Probe& s) {
  v("request", s.request), v("job", s.job), v("user", s.user), v("path", s.path), v("priority", s.priority),
      v("iterations", s.iterations), v("round_trip_ns", s.round_trip_ns);
}
template <class V>
void fields(V& v, protocol::Offer& s) {
  v("request", s.request), v("held_ns", s.held_ns), v("power_class", s.power_class), v("slots", s.slots);
}
template <class V>
void fields(V& v, protocol::Busy& s) {
  v("request", s.request), v("free", s.free), v("others", s.others), v("kept", s.kept);
}
template <class V>
void fields(V& v, protocol::Release& s) {
  v("request", s.request);
}
template <class V>
void fields(V& v, protocol::Note& s) {
  v("power_class", s.power_class), v("slots", s.slots);
}
template <class V>
void fields(V& v, protocol::Ask& s) {
  v("request", s.request), v("sandbox_level", s.sandbox_level), v("slots", s.slots), v("hops_left", s.hops_left);
}
template <class V>
void fields(V& v, protocol::Refer& s) {
  v("request", s.request), v("better", s.better), v("hops_left", s.hops_left);
}
template <class V>
void fields(V& v, protocol::Grant& s) {
  v("branch", s.branch), v("request", s.request), v("loop", s.loop), v("intervals", s.intervals),
      v("attempt", s.attempt);
  v("histories", s.histories), v("pieces", s.pieces), v("copies", s.copies), v("refuges", s.refuges);
}
template <class V>
void fields(V& v, protocol::Accept& s) {
  v("branch", s.branch);
}
template <class V>
void fields(V& v, protocol::Refuse& s) {
  v("branch", s.branch), v("why", s.why);
}
template <class V>
void fields(V& v, protocol::Want& s) {
  v("branch", s.branch), v("iterations", s.iterations);
}
template <class V>
void fields(V& v, protocol::Recall& s) {
  v("branch", s.branch), v("what", s.what);
}
template <class V>
void fields(V& v, protocol::Returned& s) {
  v("branch", s.branch), v("intervals", s.intervals), v("why", s.why), v("still_lent", s.still_lent),
      v("attempt", s.attempt);
}
template <class V>
void fields(V& v, protocol::Report& s) {
  v("branch", s.branch), v("number", s.number), v("power_per_megasecond", s.power_per_megasecond),
      v("remaining", s.remaining), v("started", s.started), v("lent", s.lent);
}
template <class V>
void fields(V& v, protocol::Received& s) {
  v("branch", s.branch), v("number", s.number);
}
template <class V>
void fields(V& v, protocol::Settled& s) {
  v("loop", s.loop), v("intervals", s.intervals);
}
template <class V>
void fields(V& v, protocol::Resend& s) {
  v("loop", s.loop), v("intervals", s.intervals);
}
template <class V>
void fields(V& v, protocol::Cancel& s) {
  v("branch", s.branch), v("intervals", s.intervals), v("why", s.why);
}
template <class V>
void fields(V& v, protocol::Ended& s) {
  v("job", s.job);
}
template <class V>
void fields(V& v, protocol::Orphan& s) {
  v("loop", s.loop), v("epoch", s.epoch), v("master", s.master), v("branch", s.branch), v("attempt", s.attempt);
  v("todo", s.todo), v("started", s.started), v("lent", s.lent), v("finished", s.finished), v("last", s.last);
  v("opening", s.opening);
}
template <class V>
void fields(V& v, protocol::Adopt& s) {
  v("loop", s.loop), v("former", s.former), v("branch", s.branch), v("attempt", s.attempt), v("wanted", s.wanted);
  v("to_send", s.to_send), v("settled", s.settled), v("refuges", s.refuges);
}
// The rest has no field that the core knows, or is not the core's yet.
template <class V>
void fields(V&, protocol::Hello&) {}
template <class V>
void fields(V&, protocol::Shuffle&) {}
template <class V>
void fields(V&, protocol::Shuffled&) {}
template <class V>
void fields(V& v, protocol::Follow& s) {
  v("job", s.job), v("request", s.request);
}
template <class V>
void fields(V& v, protocol::Control& s) {
  v("job", s.job), v("request", s.request);
}
template <class V>
void fields(V& v, protocol::Appoint& s) {
  v("job", s.job), v("epoch", s.epoch), v("sequence", s.sequence);
}
template <class V>
void fields(V& v, protocol::Log& s) {
  v("job", s.job), v("epoch", s.epoch), v("first", s.first);
}
template <class V>
void fields(V& v, protocol::Logged& s) {
  v("job", s.job), v("epoch", s.epoch), v("held", s.held);
}
template <class V>
void fields(V& v, protocol::Succession& s) {
  v("job", s.job);
}
template <class V>
void fields(V& v, protocol::Fetch& s) {
  v("offset", s.offset), v("size", s.size);
}
template <class V>
void fields(V& v, protocol::Piece& s) {
  v("offset", s.offset), v("total", s.total);
}
template <class V>
void fields(V&, protocol::Absent&) {}
template <class V>
void fields(V&, protocol::Revocations&) {}
template <class V>
void fields(V&, protocol::Renew&) {}
template <class V>
void fields(V&, protocol::Renewed&) {}

}  // namespace sim_test
