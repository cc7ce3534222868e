#pragma once
// The local client socket: what a `gibbon` command and the agent of the same machine say to each other.
//
// Same encoding and framing as between agents, without envelope: the array is [kind, version, fields in order ...].
// A conversation starts with `hello` / `welcome`. The agent knows who the client is from the socket (SO_PEERCRED), so
// nothing here is signed but the manifest. Flow control of `results`: the agent sends ahead of the client's `shown` at
// most `limits::credit_results_max` results and `limits::credit_bytes_max` bytes. README, "The client socket".

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "protocol/client_values.h"
#include "protocol/decode_error.h"
#include "protocol/ids.h"
#include "protocol/limits.h"
#include "protocol/message_peer.h"

namespace protocol::client {

// ---- client to agent ----------------------------------------------------------------------------------------------

inline constexpr std::uint32_t socket_version = 1;

struct Hello {
  std::uint32_t version = socket_version;
  std::string program_version;
  bool operator==(const Hello&) const = default;
};

struct Submit {
  Bytes manifest;             // signed by the user's key; names the job
  Bytes32 job_secret_seed{};  // Ed25519 seed of the job key whose public half stands in the manifest
  bool keep_order = false;
  bool want_items = false;  // results carry their item's text
  bool want_events = false;
  bool operator==(const Submit&) const = default;
};

// A chunk of the argument stream. Numbered from 0; kept by the client until `stored`.
struct Items {
  JobId job;
  std::uint64_t chunk = 0;
  std::uint64_t first = 0;  // index of items[0]
  std::vector<Item> items;
  bool last = false;  // the end of the input; such a chunk may be empty
  bool operator==(const Items&) const = default;
};

// Everything up to this `Results::sequence` is printed.
struct Shown {
  JobId job;
  std::uint64_t sequence = 0;
  bool operator==(const Shown&) const = default;
};

struct CancelJob {
  std::string selector;  // `all`, `last`, %N, a prefix of an id in hexadecimal, or a name
  Haste how = Haste::polite;
  bool operator==(const CancelJob&) const = default;
};

struct GetStatus {
  bool operator==(const GetStatus&) const = default;
};

struct ListJobs {
  bool all = false;  // ended ones too
  bool operator==(const ListJobs&) const = default;
};

// Answered by `progress`, while the job has not ended.
struct GetProgress {
  JobId job;
  bool operator==(const GetProgress&) const = default;
};

struct StopAgent {
  Haste how = Haste::polite;  // polite: refused while jobs run; now: they end
  bool operator==(const StopAgent&) const = default;
};

// A token that lets others in. The first one founds the pool, where the node is in none. Answered by `invitation`, and
// if `watch`, by a `joined` whenever something became of it.
struct Invite {
  std::uint64_t life_ms = 3'600'000;
  std::uint32_t uses = 1;
  std::string name;  // of this node, in a pool that is founded; empty: that of the machine
  bool watch = false;
  bool operator==(const Invite&) const = default;
};

// The state directory has a membership that the agent does not know yet.
struct EnterPool {
  bool operator==(const EnterPool&) const = default;
};

struct LeavePool {
  Haste how = Haste::polite;  // polite: refused while jobs run; now: they end
  bool operator==(const LeavePool&) const = default;
};

struct ListPeers {
  bool operator==(const ListPeers&) const = default;
};

// ---- agent to client ----------------------------------------------------------------------------------------------

struct Welcome {
  std::uint32_t version = socket_version;
  std::string program_version;
  std::string node;  // its name
  std::uint32_t slots = 0;
  NodeId node_id;
  std::uint64_t pid = 0;
  Bytes32 pool{};  // that jobs have to be for; zeros: none
  bool operator==(const Welcome&) const = default;
};

struct Refused {
  RefusalCode code = RefusalCode::bad_message;
  std::string message;
  std::string hint;          // what to type next; may be empty
  std::optional<JobId> job;  // the job that it is about, if any
  bool operator==(const Refused&) const = default;
};

struct Accepted {
  JobId job;
  std::uint64_t number = 0;  // %N of this agent
  bool operator==(const Accepted&) const = default;
};

struct Stored {
  JobId job;
  std::uint64_t chunk = 0;  // this one and all before it
  bool operator==(const Stored&) const = default;
};

struct Results {
  JobId job;
  std::uint64_t sequence = 0;  // counts up from 0 per job
  std::vector<Result> results;
  bool operator==(const Results&) const = default;
};

// What the agent did for the job and heard about it (agent/shell/event_record.h). What a slow client does not take is
// left out, and told of.
struct Events {
  JobId job;
  std::string lines;  // of JSON, each with its newline
  bool operator==(const Events&) const = default;
};

struct Progress {
  JobId job;
  Counts counts;
  std::uint32_t helpers = 0;  // of this node, in the job's outermost loop
  bool operator==(const Progress&) const = default;
};

// What one node did of a job.
struct NodeShare {
  std::string node;  // its name; empty: all that are not listed by themselves
  std::uint64_t results = 0;
  std::uint64_t task_time_ns = 0;  // sum of the durations of these tasks
  bool operator==(const NodeShare&) const = default;
};

// After the last result of the job.
struct Verdict {
  JobId job;
  Ending ending = Ending::done;
  Counts counts;
  std::uint64_t wall_ns = 0;
  std::uint64_t task_time_ns = 0;  // sum of the durations of all tasks
  // How the first iteration that failed ended, if one did.
  std::int32_t first_failure_exit = 0;
  std::int32_t first_failure_signal = 0;
  std::string reason;  // for people; empty if the ending says it all
  std::vector<NodeShare> nodes;  // those with the most results first
  bool operator==(const Verdict&) const = default;
};

struct Status {
  std::string node;
  std::string program_version;
  std::uint32_t slots = 0;
  std::uint32_t running = 0;  // slots in use
  std::uint64_t jobs = 0;     // not ended
  std::uint64_t uptime_ns = 0;
  std::string state_directory;
  std::vector<std::string> notes;  // sentences
  std::optional<PoolState> pool;
  bool operator==(const Status&) const = default;
};

// Newest first; of more than fit, the newest.
struct Jobs {
  std::vector<JobRow> rows;
  bool operator==(const Jobs&) const = default;
};

// A request without other answer was carried out.
struct Done {
  std::string text;
  bool operator==(const Done&) const = default;
};

struct Warning {
  std::string text;
  bool operator==(const Warning&) const = default;
};

struct Invitation {
  std::string token;  // a secret
  std::int64_t not_after_ms = 0;
  std::uint32_t uses = 1;
  PoolState pool;
  std::string root_key;  // the file of the root key, if the pool was founded just now; else empty
  bool operator==(const Invitation&) const = default;
};

// Somebody was let in; with `slots`, it is linked now.
struct Joined {
  NodeId node;
  std::string name;
  Address address;
  std::optional<std::uint32_t> slots;
  bool operator==(const Joined&) const = default;
};

struct Peers {
  std::optional<PoolState> pool;  // nothing: the node is in none
  std::vector<PeerRow> rows;      // by name
  bool operator==(const Peers&) const = default;
};

// ---- the whole ----------------------------------------------------------------------------------------------------

// In the order of `Kind`. Numbers are never reused: a new kind goes at the end.
using ClientMessage =
    std::variant<Hello, Submit, Items, Shown, CancelJob, GetStatus, ListJobs, GetProgress, StopAgent,  //
                 Welcome, Refused, Accepted, Stored, Results, Progress, Verdict, Status, Jobs, Done, Warning, Invite,
                 EnterPool, LeavePool, ListPeers,  //
                 Invitation, Joined, Peers, Events>;
enum class Kind : std::uint8_t {
  hello,
  submit,
  items,
  shown,
  cancel_job,
  get_status,
  list_jobs,
  get_progress,
  stop_agent,
  welcome,
  refused,
  accepted,
  stored,
  results,
  progress,
  verdict,
  status,
  jobs,
  done,
  warning,
  invite,
  enter_pool,
  leave_pool,
  list_peers,
  invitation,
  joined,
  peers,
  events,
};
inline constexpr std::size_t kind_count = static_cast<std::size_t>(Kind::events) + 1;
static_assert(std::variant_size_v<ClientMessage> == kind_count);

enum class Sender : std::uint8_t { client, agent };

[[nodiscard]] inline Kind kind_of(const ClientMessage& message) {
  return static_cast<Kind>(message.index());
}
[[nodiscard]] std::string_view name_of(Kind kind);
// Who may send it; the other one's is a `bad_message`.
[[nodiscard]] constexpr Sender sender_of(Kind kind) {
  const bool asks = kind < Kind::welcome || (kind >= Kind::invite && kind <= Kind::list_peers);
  return asks ? Sender::client : Sender::agent;
}

[[nodiscard]] std::string_view to_string(Outcome outcome);
[[nodiscard]] std::string_view to_string(Ending ending);
[[nodiscard]] std::string_view to_string(JobState state);
[[nodiscard]] std::string_view to_string(RefusalCode code);

// REQUIRES: as protocol::encode.
[[nodiscard]] std::vector<std::byte> encode(const ClientMessage& message);
[[nodiscard]] tl::expected<ClientMessage, DecodeError> decode_client(std::span<const std::byte> input);

// What one result takes of a message at most; the sum over a `Results` plus `results_overhead_bytes` must not pass
// `limits::message_bytes_max`, nor their number `limits::results_per_message_max`.
[[nodiscard]] std::size_t encoded_size_bound(const Result& result);
inline constexpr std::size_t results_overhead_bytes = 64;

}  // namespace protocol::client

namespace protocol {
template <>
struct LastOf<client::Outcome> {
  static constexpr auto value = client::Outcome::skipped;
};
template <>
struct LastOf<client::Ending> {
  static constexpr auto value = client::Ending::failed;
};
template <>
struct LastOf<client::JobState> {
  static constexpr auto value = client::JobState::ended;
};
template <>
struct LastOf<client::Haste> {
  static constexpr auto value = client::Haste::now;
};
template <>
struct LastOf<client::RefusalCode> {
  static constexpr auto value = client::RefusalCode::pool;
};
}  // namespace protocol
