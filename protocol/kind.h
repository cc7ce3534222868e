#pragma once
// The kinds of messages between agents, and for each what link and shell must have established before the core sees
// one.
//
// The table is the one place to look up who may send a kind, what must be verified inside it, how it travels and how
// large it may be. protocol/README.md is the same table for people; a unit test holds the two together. A kind's number
// on the wire is its place here: numbers are never reused, a new kind goes at the end.

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocol/limits.h"

namespace protocol {

enum class Kind : std::uint8_t {
  hello,
  beat,
  holds,
  bye,
  shuffle,
  shuffled,
  walk,
  probe,
  offer,
  busy,
  release,
  note,
  ask,
  refer,
  grant,
  accept,
  refuse,
  want,
  recall,
  returned,
  report,
  received,
  settled,
  resend,
  cancel,
  ended,
  orphan,
  adopt,
  follow,
  control,
  appoint,
  log,
  logged,
  succession,
  fetch,
  piece,
  absent,
  revocations,
  renew,
  renewed,
};
inline constexpr std::size_t kind_count = static_cast<std::size_t>(Kind::renewed) + 1;

// What the sender's certificate must say, valid now and not revoked.
enum class Role : std::uint8_t { member, run, submit, admin, issue };

// What the sender must be to us.
enum class Standing : std::uint8_t {
  any,
  asked,          // an answer: a question of ours to this sender is open, or the message is dropped
  branch_end,     // the helper of a live grant of ours, or whoever asks about one of its own: it may have been lost
  branch_helper,  // the helper of a live grant of ours
  branch_master,  // the master of a branch that we hold
  loop_granter,   // holds `run`, or is the root of the job
  loop_master,    // the master of some branch of that loop that we hold
  loop_ancestor,  // an ancestor of the branch that we held, or the root, or a deputy
  job_root,       // root of the job in this epoch or a lower one
  job_deputy,     // a deputy that we appointed
};

// What is signed or hashed inside and must have been verified.
enum class Proof : std::uint8_t {
  none,
  peer_records,  // each record by its node
  grant,    // manifest by a user with `submit`, mandate by the job key, statements by their openers, chunks by chain
  mandate,  // by the job key, still good
  batches,  // each by its executor, which holds `run`
  job_key,
  user_key,     // the job's user, or one with `admin`
  admin_key,    // each entry
  node_key,     // the sender's own
  certificate,  // a chain up to the pool's root
  content,      // against the digest, once the last byte is there
};

enum class Queue : std::uint8_t { control, bulk };
// Whether a kind may also travel as a datagram, at most `limits::datagram_message_bytes_max`.
enum class Carrier : std::uint8_t { link, link_or_datagram };

struct Check {
  Role role;
  Standing standing;
  Proof proof;
  Queue queue;
  Carrier carrier;
  std::size_t bytes_max;  // of the encoded message with its envelope; a larger one is refused
};

[[nodiscard]] std::string_view name_of(Kind kind);
[[nodiscard]] std::string_view to_string(Role role);
[[nodiscard]] std::string_view to_string(Standing standing);
[[nodiscard]] std::string_view to_string(Proof proof);

struct KindRow {
  Kind kind;
  std::string_view name;
  Check check;
};

// clang-format off
inline constexpr std::array<KindRow, kind_count> kind_table = [] {
  using enum Kind;
  using limits::kib;
  constexpr auto control_queue = Queue::control;
  constexpr auto on_link = Carrier::link;
  constexpr auto on_both = Carrier::link_or_datagram;
  constexpr std::size_t datagram = limits::datagram_message_bytes_max;
  constexpr std::size_t small = 2 * kib;
  constexpr std::size_t list = limits::intervals_per_message_max * 18 + small;
  constexpr std::size_t large = limits::message_bytes_max;
  return std::array<KindRow, kind_count>{{
    {hello,       "hello",       {Role::member, Standing::any,           Proof::none,         control_queue, on_link, small}},
    {beat,        "beat",        {Role::member, Standing::any,           Proof::mandate,      control_queue, on_link, 128 * kib}},
    {holds,       "holds",       {Role::member, Standing::branch_end,    Proof::none,         control_queue, on_link, list + 64 * kib}},
    {bye,         "bye",         {Role::member, Standing::any,           Proof::none,         control_queue, on_link, small}},
    {shuffle,     "shuffle",     {Role::member, Standing::any,           Proof::peer_records, control_queue, on_both, datagram}},
    {shuffled,    "shuffled",    {Role::member, Standing::asked,         Proof::peer_records, control_queue, on_both, datagram}},
    {walk,        "walk",        {Role::member, Standing::any,           Proof::peer_records, control_queue, on_both, datagram}},
    {probe,       "probe",       {Role::member, Standing::any,           Proof::none,         control_queue, on_both, datagram}},
    {offer,       "offer",       {Role::run,    Standing::asked,         Proof::none,         control_queue, on_both, datagram}},
    {busy,        "busy",        {Role::member, Standing::asked,         Proof::none,         control_queue, on_both, datagram}},
    {release,     "release",     {Role::member, Standing::any,           Proof::none,         control_queue, on_both, datagram}},
    {note,        "note",        {Role::run,    Standing::any,           Proof::none,         control_queue, on_both, datagram}},
    {ask,         "ask",         {Role::run,    Standing::any,           Proof::none,         control_queue, on_both, datagram}},
    {refer,       "refer",       {Role::member, Standing::asked,         Proof::none,         control_queue, on_both, datagram}},
    {grant,       "grant",       {Role::member, Standing::loop_granter,  Proof::grant,        control_queue, on_link, large}},
    {accept,      "accept",      {Role::run,    Standing::branch_helper, Proof::none,         control_queue, on_link, small}},
    {refuse,      "refuse",      {Role::run,    Standing::branch_helper, Proof::none,         control_queue, on_link, small}},
    {want,        "want",        {Role::run,    Standing::branch_helper, Proof::none,         control_queue, on_link, small}},
    {recall,      "recall",      {Role::member, Standing::branch_master, Proof::none,         control_queue, on_link, list}},
    {returned,    "returned",    {Role::run,    Standing::branch_helper, Proof::none,         control_queue, on_link, list + 64 * kib}},
    {report,      "report",      {Role::run,    Standing::branch_helper, Proof::batches,      control_queue, on_link, large}},
    {received,    "received",    {Role::member, Standing::branch_master, Proof::none,         control_queue, on_link, small}},
    {settled,     "settled",     {Role::member, Standing::loop_master,   Proof::none,         control_queue, on_link, list}},
    {resend,      "resend",      {Role::member, Standing::loop_master,   Proof::none,         control_queue, on_link, list}},
    {cancel,      "cancel",      {Role::member, Standing::branch_master, Proof::none,         control_queue, on_link, list}},
    {ended,       "ended",       {Role::member, Standing::any,           Proof::job_key,      control_queue, on_link, small}},
    {orphan,      "orphan",      {Role::run,    Standing::any,           Proof::mandate,      control_queue, on_link, list}},
    {adopt,       "adopt",       {Role::member, Standing::loop_ancestor, Proof::mandate,      control_queue, on_link, list}},
    {follow,      "follow",      {Role::member, Standing::any,           Proof::user_key,     control_queue, on_link, 20 * kib}},
    {control,     "control",     {Role::member, Standing::any,           Proof::user_key,     control_queue, on_link, 20 * kib}},
    {appoint,     "appoint",     {Role::member, Standing::job_root,      Proof::job_key,      control_queue, on_link, 272 * kib}},
    {log,         "log",         {Role::member, Standing::job_root,      Proof::none,         control_queue, on_link, large}},
    {logged,      "logged",      {Role::run,    Standing::job_deputy,    Proof::none,         control_queue, on_link, small}},
    {succession,  "succession",  {Role::member, Standing::any,           Proof::job_key,      control_queue, on_link, small}},
    {fetch,       "fetch",       {Role::member, Standing::any,           Proof::none,         control_queue, on_link, small}},
    {piece,       "piece",       {Role::member, Standing::asked,         Proof::content,      Queue::bulk,   on_link, 68 * kib}},
    {absent,      "absent",      {Role::member, Standing::asked,         Proof::none,         control_queue, on_link, small}},
    {revocations, "revocations", {Role::member, Standing::any,           Proof::admin_key,    control_queue, on_link, 272 * kib}},
    {renew,       "renew",       {Role::member, Standing::any,           Proof::node_key,     control_queue, on_link, 20 * kib}},
    {renewed,     "renewed",     {Role::issue,  Standing::asked,         Proof::certificate,  control_queue, on_link, 8 * kib}},
  }};
}();
// clang-format on

static_assert(
    [] {
      for (std::size_t i = 0; i < kind_count; ++i) {
        const KindRow& row = kind_table[i];
        if (row.kind != static_cast<Kind>(i) || row.check.bytes_max > limits::message_bytes_max) return false;
        if (row.check.carrier == Carrier::link_or_datagram &&
            row.check.bytes_max > limits::datagram_message_bytes_max) {
          return false;
        }
      }
      return true;
    }(),
    "every kind has its row, in order, and no row breaks a limit");

[[nodiscard]] constexpr const Check& check_of(Kind kind) {
  return kind_table[static_cast<std::size_t>(kind)].check;
}

}  // namespace protocol
