#pragma once
// Wire order and limits of the structs of message_peer.h. wire.h tells how these functions are used.

#include "protocol/message_peer.h"
#include "protocol/wire.h"

namespace protocol {

template <class V>
void fields(V& v, Field<V, PathStep> m) {
  v(m.iteration);
  v(m.ordinal);
}

template <class V>
void fields(V& v, Field<V, Interval> m) {
  v(m.begin);
  v(m.end);
  v.require(m.begin < m.end);
}

template <class V>
void fields(V& v, Field<V, Address> m) {
  v(m.ip);
  v(m.port);
}

template <class V>
void fields(V& v, Field<V, Hint> m) {
  v(m.node_prefix);
  v(m.address);
}

template <class V>
void fields(V& v, Field<V, MandateShare> m) {
  v.bytes(m.mandate, limits::mandate_bytes_max);
  v(m.age_ns);
}

template <class V>
void fields(V& v, Field<V, BranchRef> m) {
  v(m.sender_is);
  v(m.branch);
}

template <class V>
void fields(V& v, Field<V, Lent> m) {
  v(m.helper);
  v(m.attempt);
  v.intervals(m.what);
}

template <class V>
void fields(V& v, Field<V, RevocationDigest> m) {
  v(m.entries);
  v(m.set);
}

template <class V>
void fields(V& v, Field<V, BranchDigest> m) {
  v(m.branch);
  v(m.digest);
  v(m.reports_stored);
}

template <class V>
void fields(V& v, Field<V, Hello> m) {
  v(m.version);
  v(m.version_least);
  v.text(m.program_version, limits::name_bytes_max);
  v(m.instance);
  v(m.wall_time_ms);
  v(m.roles);
  v(m.slots);
  v(m.revocations);
  v(m.port);
}

template <class V>
void fields(V& v, Field<V, Beat> m) {
  v(m.stall_ns);
  v.list(m.mandates, limits::mandates_per_beat_max);
  v.list(m.branches, limits::branches_per_beat_max);
}

template <class V>
void fields(V& v, Field<V, Holds> m) {
  v(m.branch);
  v(m.attempt);
  v.intervals(m.todo);
  v.intervals(m.started);
  v.list(m.lent, limits::lent_max);
  v.intervals(m.unsettled);
  v(m.last);
}

template <class V>
void fields(V& v, Field<V, Bye> m) {
  v(m.why);
  v.text(m.reason, limits::reason_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Shuffle> m) {
  v.blobs(m.records, limits::records_max, limits::record_bytes_max, limits::records_max * limits::record_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Shuffled> m) {
  v.blobs(m.records, limits::records_max, limits::record_bytes_max, limits::records_max * limits::record_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Walk> m) {
  v.bytes(m.record, limits::record_bytes_max);
  v(m.hops_left);
  v.require(m.hops_left <= limits::walk_hops_max);
}

template <class V>
void fields(V& v, Field<V, Probe> m) {
  v(m.request);
  v(m.job);
  v(m.user);
  v.list(m.path, limits::path_depth_max);
  v(m.priority);
  v(m.iterations);
  v(m.round_trip_ns);
}

template <class V>
void fields(V& v, Field<V, Offer> m) {
  v(m.request);
  v(m.held_ns);
  v(m.power_class);
  v(m.slots);
}

template <class V>
void fields(V& v, Field<V, Busy> m) {
  v(m.request);
  v.list(m.free, limits::hints_max);
  v.list(m.others, limits::addresses_max);
  v(m.kept);
}

template <class V>
void fields(V& v, Field<V, Release> m) {
  v(m.request);
}

template <class V>
void fields(V& v, Field<V, Note> m) {
  v(m.power_class);
  v(m.slots);
}

template <class V>
void fields(V& v, Field<V, Ask> m) {
  v(m.request);
  v(m.sandbox_level);
  v(m.slots);
  v.texts(m.tags, limits::tags_max, limits::tag_bytes_max);
  v(m.hops_left);
  v.require(m.hops_left <= limits::refer_hops_max);
}

template <class V>
void fields(V& v, Field<V, Refer> m) {
  v(m.request);
  v(m.better);
  v(m.hops_left);
  v.require(m.hops_left <= limits::refer_hops_max);
}

}  // namespace protocol
