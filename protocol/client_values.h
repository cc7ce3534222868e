#pragma once
// The values that the messages of the client socket are made of (client.h).

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/ids.h"
#include "protocol/limits.h"
#include "protocol/message_peer.h"

namespace protocol::client {

// An item too long for any command line: only its length travels, and the iteration fails.
struct TooLong {
  std::uint64_t size_bytes = 0;
  bool operator==(const TooLong&) const = default;
};
using Item = std::variant<Bytes, TooLong>;

// More output than travels inline: a file of the agent's state directory that the client reads.
struct File {
  std::string path;
  std::uint64_t size_bytes = 0;
  bool operator==(const File&) const = default;
};
using Output = std::variant<Bytes, File>;

enum class Outcome : std::uint8_t {
  ok,
  hit,      // exited with the code that the search looks for
  failed,   // exited with another code than 0, or could not be started
  killed,   // by a signal, a limit or a cancel
  lost,     // started at most once, and nobody knows how it ended
  skipped,  // never started: the job ended before
};

// The final result of an iteration, or of a piece of a range.
struct Result {
  Interval covers;  // indices
  std::uint32_t attempt = 0;
  Outcome outcome = Outcome::ok;
  std::int32_t exit = 0;           // exit code; meaningful if `signal` is 0
  std::int32_t signal = 0;         // 0: ended by itself
  std::string reason;              // why it failed or was killed, for people; empty if exit or signal say it all
  std::int64_t start_wall_ms = 0;  // Unix time
  std::uint64_t duration_ns = 0;
  std::uint64_t user_ns = 0;    // CPU
  std::uint64_t system_ns = 0;  // CPU
  std::uint64_t peak_kib = 0;   // largest resident set
  Bytes label;                  // the item's text, if `Submit::want_items`; empty for a range
  std::string low;              // first value of a range piece, decimal; empty for a list
  std::string high;             // one past its last value, decimal: may be 2^64 or more
  std::string node;             // that ran it; empty: none did
  Output out;
  Output err;
  bool operator==(const Result&) const = default;
};

// `total` and `committed` are iterations, in a range its values; the others are results, which are of pieces there. A
// list has one result for each iteration.
struct Counts {
  std::optional<std::uint64_t> total;  // nothing: the end of the input is not known yet
  std::uint64_t committed = 0;         // have their result; all of them if it equals `total`
  std::uint64_t ok = 0;
  std::uint64_t failed = 0;
  std::uint64_t lost = 0;
  std::uint64_t hits = 0;
  std::uint64_t running = 0;
  std::uint64_t retried = 0;  // failed and started again
  std::uint64_t redone = 0;   // started again through no fault of their own
  bool operator==(const Counts&) const = default;
};

enum class Ending : std::uint8_t { done, hit, not_found, stopped, cancelled, failed };
enum class JobState : std::uint8_t { queued, running, ending, ended };
enum class Haste : std::uint8_t { polite, now };
enum class RefusalCode : std::uint8_t {
  bad_message,
  version,
  not_owner,
  bad_manifest,
  bad_items,
  no_such_job,
  ambiguous_job,
  job_ended,
  limit,
  shutting_down,
  disk,
  pool,  // of membership
};

struct JobRow {
  JobId job;
  std::uint64_t number = 0;  // %N of this agent
  std::string name;
  JobState state = JobState::queued;
  std::optional<Ending> ending;  // if ended
  Counts counts;
  std::int64_t start_wall_ms = 0;  // Unix time of the submission
  std::uint64_t elapsed_ns = 0;    // until now, or until its end
  bool operator==(const JobRow&) const = default;
};

// The pool that the node is a member of.
struct PoolState {
  Bytes32 pool{};
  std::string name;                // of who founded it
  std::string node;                // as this node's certificate calls it
  std::vector<Address> reachable;  // where this node can be reached; none: it only dials
  std::uint32_t links = 0;
  std::int64_t not_after_ms = 0;  // of this node's certificate; Unix time
  std::string why_no_help;        // a sentence for people, if nobody helps here and it is known why
  bool operator==(const PoolState&) const = default;
};

struct PeerRow {
  NodeId node;
  std::string name;      // as its certificate calls it
  Address address;       // port 0: it cannot be dialled
  bool dialled = false;  // by us
  std::uint64_t linked_ns = 0;
  std::uint64_t round_trip_ns = 0;
  std::uint32_t slots = 0;
  std::uint32_t roles = 0;  // bits of protocol::Role
  std::string program_version;
  std::string refusal;  // the latest of ours that it refused, and why; may be empty
  bool operator==(const PeerRow&) const = default;
};

}  // namespace protocol::client
