#pragma once
// Wire order and limits of the structs of message_branch.h. wire.h tells how these functions are used.

#include "protocol/fields_peer.h"
#include "protocol/message_branch.h"
#include "protocol/wire.h"

namespace protocol {

template <class V>
void fields(V& v, Field<V, LoopId> m) {
  v(m.job);
  v.list(m.path, limits::path_depth_max);
}

template <class V>
void fields(V& v, Field<V, History> m) {
  v(m.iteration);
  v(m.tries);
  v.list(m.deaths, limits::deaths_max);
}

template <class V>
void fields(V& v, Field<V, ChunkName> m) {
  v(m.number);
  v(m.digest);
}

template <class V>
void fields(V& v, Field<V, Refuge> m) {
  v(m.role);
  v(m.node);
  v(m.address);
}

template <class V>
void fields(V& v, Field<V, Grant> m) {
  v(m.branch);
  v(m.request);
  v(m.loop);
  v(m.manifest_id);
  v.bytes(m.manifest, limits::manifest_bytes_max);
  v.blobs(m.statements, limits::path_depth_max, limits::statement_bytes_max,
          limits::path_depth_max * limits::statement_bytes_max);
  v(m.mandate);
  v.intervals(m.intervals);
  v(m.attempt);
  v.list(m.histories, limits::histories_max);
  v.intervals(m.pieces);
  v.blobs(m.chunks, limits::grant_chunks_max, limits::signed_chunk_bytes_max, limits::grant_chunk_bytes_max);
  v.list(m.chunk_names, limits::grant_chunk_names_max);
  v.list(m.refuges, limits::refuges_max);
  v(m.copies);
}

template <class V>
void fields(V& v, Field<V, Accept> m) {
  v(m.branch);
}

template <class V>
void fields(V& v, Field<V, Refuse> m) {
  v(m.branch);
  v(m.why);
  v.text(m.reason, limits::reason_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Want> m) {
  v(m.branch);
  v(m.iterations);
}

template <class V>
void fields(V& v, Field<V, Recall> m) {
  v(m.branch);
  v.choice(
      m.what, [](auto& w, auto& count) { w(count); }, [](auto& w, auto& which) { w.intervals(which); });
}

template <class V>
void fields(V& v, Field<V, Returned> m) {
  v(m.branch);
  v.intervals(m.intervals);
  v(m.why);
  v.list(m.still_lent, limits::lent_max);
  v(m.attempt);
}

template <class V>
void fields(V& v, Field<V, Report> m) {
  v(m.branch);
  v(m.number);
  v.blobs(m.batches, limits::batches_per_report_max, limits::batch_bytes_max, limits::report_batch_bytes_max);
  v(m.power_per_megasecond);
  v(m.remaining);
  v.intervals(m.started);
  v.list(m.lent, limits::lent_max);
}

template <class V>
void fields(V& v, Field<V, Received> m) {
  v(m.branch);
  v(m.number);
}

template <class V>
void fields(V& v, Field<V, Settled> m) {
  v(m.loop);
  v.intervals(m.intervals);
}

template <class V>
void fields(V& v, Field<V, Resend> m) {
  v(m.loop);
  v.intervals(m.intervals);
}

template <class V>
void fields(V& v, Field<V, Cancel> m) {
  v(m.branch);
  v.intervals(m.intervals);
  v(m.why);
}

}  // namespace protocol
