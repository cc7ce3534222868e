#pragma once
// Wire order and limits of the structs of message_job.h. wire.h tells how these functions are used.

#include "protocol/fields_branch.h"
#include "protocol/fields_peer.h"
#include "protocol/message_job.h"
#include "protocol/wire.h"

namespace protocol {

template <class V>
void fields(V& v, Field<V, Epoch> m) {
  v(m.number);
  v(m.root);
}

template <class V>
void fields(V& v, Field<V, Ended> m) {
  v(m.job);
  v.bytes(m.statement, limits::statement_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Orphan> m) {
  v(m.loop);
  v(m.epoch);
  v(m.master);
  v(m.branch);
  v(m.attempt);
  v.intervals(m.todo);
  v.intervals(m.started);
  v.intervals(m.lent);
  v.intervals(m.finished);
  v(m.mandate);
  v(m.last);
  v(m.opening);
}

template <class V>
void fields(V& v, Field<V, Adopt> m) {
  v(m.loop);
  v(m.former);
  v(m.branch);
  v(m.attempt);
  v.intervals(m.wanted);
  v.intervals(m.to_send);
  v.intervals(m.settled);
  v(m.mandate);
  v.list(m.refuges, limits::refuges_max);
}

template <class V>
void fields(V& v, Field<V, Follow> m) {
  v(m.job);
  v(m.request);
  v.bytes(m.statement, limits::request_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Control> m) {
  v(m.job);
  v(m.request);
  v.bytes(m.statement, limits::request_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Appoint> m) {
  v(m.job);
  v(m.epoch);
  v.bytes(m.manifest, limits::manifest_bytes_max);
  v(m.job_secret_seed);
  v.bytes(m.statement, limits::statement_bytes_max);
  v(m.sequence);
}

template <class V>
void fields(V& v, Field<V, Log> m) {
  v(m.job);
  v(m.epoch);
  v(m.first);
  v.blobs(m.records, limits::journal_records_max, limits::journal_record_bytes_max, limits::journal_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Logged> m) {
  v(m.job);
  v(m.epoch);
  v(m.held);
}

template <class V>
void fields(V& v, Field<V, Succession> m) {
  v(m.job);
  v.bytes(m.statement, limits::statement_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Fetch> m) {
  v(m.digest);
  v(m.offset);
  v(m.size);
}

template <class V>
void fields(V& v, Field<V, Piece> m) {
  v(m.digest);
  v(m.offset);
  v(m.total);
  v.bytes(m.content, limits::piece_bytes_max);
  v.require(m.offset <= m.total && m.content.size() <= m.total - m.offset);
}

template <class V>
void fields(V& v, Field<V, Absent> m) {
  v(m.digest);
}

template <class V>
void fields(V& v, Field<V, Revocations> m) {
  v.blobs(m.entries, limits::revocations_max, limits::revocation_bytes_max,
          limits::revocations_max * limits::revocation_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Renew> m) {
  v.bytes(m.request, limits::request_bytes_max);
}

template <class V>
void fields(V& v, Field<V, Renewed> m) {
  v.bytes(m.certificate, limits::certificate_bytes_max);
}

}  // namespace protocol
