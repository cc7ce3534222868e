#pragma once
// Wire order and limits of the structs of client.h. wire.h tells how these functions are used.

#include <cstddef>

#include "protocol/client.h"
#include "protocol/fields_peer.h"
#include "protocol/wire.h"

namespace protocol::client {

// At most limits::chunk_bytes_max of item texts, unless one item is there alone; not empty unless it is the last.
[[nodiscard]] bool is_well_sized(const Items& chunk);

template <class V>
void fields(V& v, Field<V, TooLong> m) {
  v(m.size_bytes);
}

template <class V>
void fields(V& v, Field<V, Item> m) {
  v.choice(
      m, [](auto& w, auto& text) { w.bytes(text, limits::item_bytes_max); }, [](auto& w, auto& size) { w(size); });
}

template <class V>
void fields(V& v, Field<V, File> m) {
  v.exact(m.path, limits::path_bytes_max);
  v(m.size_bytes);
}

template <class V>
void fields(V& v, Field<V, Output> m) {
  v.choice(
      m, [](auto& w, auto& content) { w.bytes(content, limits::inline_output_bytes_max); },
      [](auto& w, auto& file) { w(file); });
}

template <class V>
void fields(V& v, Field<V, Result> m) {
  v(m.covers);
  v(m.attempt);
  v(m.outcome);
  v(m.exit);
  v(m.signal);
  v.text(m.reason, limits::reason_bytes_max);
  v(m.start_wall_ms);
  v(m.duration_ns);
  v(m.user_ns);
  v(m.system_ns);
  v(m.peak_kib);
  v.bytes(m.label, limits::item_bytes_max);
  v.exact(m.low, limits::decimal_bytes_max);
  v.exact(m.high, limits::decimal_bytes_max);
  v.text(m.node, limits::name_bytes_max);
  v(m.out);
  v(m.err);
}

template <class V>
void fields(V& v, Field<V, Counts> m) {
  v(m.total);
  v(m.committed);
  v(m.ok);
  v(m.failed);
  v(m.lost);
  v(m.hits);
  v(m.running);
  v(m.retried);
  v(m.redone);
}

template <class V>
void fields(V& v, Field<V, JobRow> m) {
  v(m.job);
  v(m.number);
  v.text(m.name, limits::name_bytes_max);
  v(m.state);
  v(m.ending);
  v(m.counts);
  v(m.start_wall_ms);
  v(m.elapsed_ns);
}

template <class V>
void fields(V& v, Field<V, PoolState> m) {
  v(m.pool);
  v.text(m.name, limits::name_bytes_max);
  v.text(m.node, limits::name_bytes_max);
  v.list(m.reachable, limits::own_addresses_max);
  v(m.links);
  v(m.not_after_ms);
  v.text(m.why_no_help, limits::reason_bytes_max);
}

template <class V>
void fields(V& v, Field<V, PeerRow> m) {
  v(m.node);
  v.text(m.name, limits::name_bytes_max);
  v(m.address);
  v(m.dialled);
  v(m.linked_ns);
  v(m.round_trip_ns);
  v(m.slots);
  v(m.roles);
  v.text(m.program_version, limits::name_bytes_max);
  v.text(m.refusal, limits::reason_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Hello> m) {
  v(m.version);
  v.text(m.program_version, limits::name_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Submit> m) {
  v.bytes(m.manifest, limits::manifest_bytes_max);
  v(m.job_secret_seed);
  v(m.keep_order);
  v(m.want_items);
  v(m.want_events);
}

template <class V>
void fields(V& v, Field<V, Items> m) {
  v(m.job);
  v(m.chunk);
  v(m.first);
  v.list(m.items, limits::chunk_items_max);
  v(m.last);
  v.require(is_well_sized(m));
}

template <class V>
void fields(V& v, Field<V, Shown> m) {
  v(m.job);
  v(m.sequence);
}

template <class V>
void fields(V& v, Field<V, CancelJob> m) {
  v.text(m.selector, limits::name_bytes_max);
  v(m.how);
}

template <class V>
void fields(V&, Field<V, GetStatus>) {}

template <class V>
void fields(V& v, Field<V, ListJobs> m) {
  v(m.all);
}

template <class V>
void fields(V& v, Field<V, GetProgress> m) {
  v(m.job);
}

template <class V>
void fields(V& v, Field<V, StopAgent> m) {
  v(m.how);
}

template <class V>
void fields(V& v, Field<V, Welcome> m) {
  v(m.version);
  v.text(m.program_version, limits::name_bytes_max);
  v.text(m.node, limits::name_bytes_max);
  v(m.slots);
  v(m.node_id);
  v(m.pid);
  v(m.pool);
}

template <class V>
void fields(V& v, Field<V, Refused> m) {
  v(m.code);
  v.text(m.message, limits::reason_bytes_max);
  v.text(m.hint, limits::reason_bytes_max);
  v(m.job);
}

template <class V>
void fields(V& v, Field<V, Accepted> m) {
  v(m.job);
  v(m.number);
}

template <class V>
void fields(V& v, Field<V, Stored> m) {
  v(m.job);
  v(m.chunk);
}

template <class V>
void fields(V& v, Field<V, Results> m) {
  v(m.job);
  v(m.sequence);
  v.list(m.results, limits::results_per_message_max);
}

template <class V>
void fields(V& v, Field<V, Progress> m) {
  v(m.job);
  v(m.counts);
  v(m.helpers);
}

template <class V>
void fields(V& v, Field<V, NodeShare> m) {
  v.text(m.node, limits::name_bytes_max);
  v(m.results);
  v(m.task_time_ns);
}

template <class V>
void fields(V& v, Field<V, Verdict> m) {
  v(m.job);
  v(m.ending);
  v(m.counts);
  v(m.wall_ns);
  v(m.task_time_ns);
  v(m.first_failure_exit);
  v(m.first_failure_signal);
  v.text(m.reason, limits::reason_bytes_max);
  v.list(m.nodes, limits::node_shares_max);
}

template <class V>
void fields(V& v, Field<V, Status> m) {
  v.text(m.node, limits::name_bytes_max);
  v.text(m.program_version, limits::name_bytes_max);
  v(m.slots);
  v(m.running);
  v(m.jobs);
  v(m.uptime_ns);
  v.exact(m.state_directory, limits::path_bytes_max);
  v.texts(m.notes, limits::notes_max, limits::reason_bytes_max);
  v(m.pool);
}

template <class V>
void fields(V& v, Field<V, Jobs> m) {
  v.list(m.rows, limits::jobs_per_message_max);
}

template <class V>
void fields(V& v, Field<V, Done> m) {
  v.text(m.text, limits::reason_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Warning> m) {
  v.text(m.text, limits::reason_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Events> m) {
  v(m.job);
  v.exact(m.lines, limits::event_lines_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Invite> m) {
  v(m.life_ms);
  v(m.uses);
  v.text(m.name, limits::name_bytes_max);
  v(m.watch);
}

template <class V>
void fields(V&, Field<V, EnterPool>) {}

template <class V>
void fields(V& v, Field<V, LeavePool> m) {
  v(m.how);
}

template <class V>
void fields(V&, Field<V, ListPeers>) {}

template <class V>
void fields(V& v, Field<V, Invitation> m) {
  v.exact(m.token, limits::token_bytes_max);
  v(m.not_after_ms);
  v(m.uses);
  v(m.pool);
  v.exact(m.root_key, limits::path_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Joined> m) {
  v(m.node);
  v.text(m.name, limits::name_bytes_max);
  v(m.address);
  v(m.slots);
}

template <class V>
void fields(V& v, Field<V, Peers> m) {
  v(m.pool);
  v.list(m.rows, limits::peers_per_message_max);
}

}  // namespace protocol::client
