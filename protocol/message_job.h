#pragma once
// Messages about a job as a whole: its end, orphans, deputies, content, and the pool's own housekeeping.
//
// `job` beside a signed statement names the key that it must verify under; the statement must name the same job.
// Field order is wire order (fields_job.h).

#include <cstdint>
#include <vector>

#include "protocol/ids.h"
#include "protocol/message_branch.h"
#include "protocol/message_peer.h"

namespace protocol {

// Who is root. Takeover and restart of the root take number + 1; compared as written here.
struct Epoch {
  std::uint64_t number = 0;
  NodeId root;
  auto operator<=>(const Epoch&) const = default;
};

struct Ended {
  JobId job;
  Bytes statement;  // the verdict, signed by the job key
  bool operator==(const Ended&) const = default;
};

// A helper without its master, to the next refuge. One that holds more intervals than fit tells it in several messages.
struct Orphan {
  LoopId loop;
  Epoch epoch;  // the newest known to the sender
  NodeId master;
  BranchId branch;  // as that master named it
  Attempt attempt;
  Intervals todo;
  Intervals started;
  Intervals lent;
  Intervals finished;  // results kept, not settled
  MandateShare mandate;
  bool last = true;           // no further part follows
  std::uint64_t opening = 0;  // which instance of an inner loop: a random number from its statement
  bool operator==(const Orphan&) const = default;
};

struct Adopt {
  LoopId loop;
  BranchId former;  // as named in the orphan's message
  BranchId branch;  // the sender's name for it from now on
  Attempt attempt;
  Intervals wanted;   // to be worked on; the rest of todo and started is dropped
  Intervals to_send;  // finished ones whose results are wanted
  Intervals settled;  // finished ones that may be forgotten
  MandateShare mandate;
  std::vector<Refuge> refuges;
  bool operator==(const Adopt&) const = default;
};

// A client at another agent: attach with the set already shown.
struct Follow {
  JobId job;
  std::uint64_t request = 0;  // the sender's number, for the answers
  Bytes statement;            // signed by the user's key
  bool operator==(const Follow&) const = default;
};

// Cancel, pause, resume, retry.
struct Control {
  JobId job;
  std::uint64_t request = 0;
  Bytes statement;  // signed by the user's key
  bool operator==(const Control&) const = default;
};

// To a deputy. The job's secret leaves the root for deputies only.
struct Appoint {
  JobId job;
  Epoch epoch;
  Bytes manifest;
  Bytes32 job_secret_seed{};
  Bytes statement;             // the appointment, signed by the job key
  std::uint64_t sequence = 0;  // of the first journal record that follows
  bool operator==(const Appoint&) const = default;
};

struct Log {
  JobId job;
  Epoch epoch;
  std::uint64_t first = 0;  // sequence of the first record
  std::vector<Bytes> records;
  bool operator==(const Log&) const = default;
};

struct Logged {
  JobId job;
  Epoch epoch;
  std::uint64_t held = 0;  // every record below this sequence is durable at the sender
  bool operator==(const Logged&) const = default;
};

struct Succession {
  JobId job;
  Bytes statement;  // epoch and deputies in order, signed by the job key
  bool operator==(const Succession&) const = default;
};

struct Fetch {
  Digest digest;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;  // bytes wanted from there on, sent as pieces
  bool operator==(const Fetch&) const = default;
};

struct Piece {
  Digest digest;
  std::uint64_t offset = 0;
  std::uint64_t total = 0;  // size of the whole content
  Bytes content;
  bool operator==(const Piece&) const = default;
};

struct Absent {
  Digest digest;
  bool operator==(const Absent&) const = default;
};

// Sent by either side when the digests of `hello` differ; the sets only grow, so both end with the union.
struct Revocations {
  std::vector<Bytes> entries;  // each signed by an admin
  bool operator==(const Revocations&) const = default;
};

struct Renew {
  Bytes request;  // keys and name, signed by the node's key
  bool operator==(const Renew&) const = default;
};

struct Renewed {
  Bytes certificate;
  bool operator==(const Renewed&) const = default;
};

}  // namespace protocol
