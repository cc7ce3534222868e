#pragma once
// Messages by which agents meet, keep a link alive and find each other.
//
// Plain values. Times are durations with their unit in the name, measured by the sender; the only absolute time is
// `Hello::wall_time_ms`. Signed things are opaque bytes, as received. Field order is wire order (fields_peer.h).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/ids.h"

namespace protocol {

using Bytes = std::vector<std::byte>;
// Sorted and disjoint; neighbours may touch (the bounds of pieces matter), and each has begin < end.
using Intervals = std::vector<Interval>;

// An enumeration on the wire runs from 0 to its last value, which is named here for the decoder.
template <class Enum>
struct LastOf;

struct Address {
  Bytes16 ip{};  // IPv4 as ::ffff:a.b.c.d
  std::uint16_t port = 0;
  auto operator<=>(const Address&) const = default;
};

// Where a peer may be found: a hint, proved at first contact.
struct Hint {
  std::uint64_t node_prefix = 0;  // first 8 bytes of its NodeId, big-endian
  Address address;
  bool operator==(const Hint&) const = default;
};

// A job's licence on its way down the tree (README, "Two clocks of trust").
struct MandateShare {
  Bytes mandate;             // signed by the job key
  std::uint64_t age_ns = 0;  // spent at and between the agents it came through
  bool operator==(const MandateShare&) const = default;
};

// Which of the two ends of a branch the sender is: branch ids are the master's, so both are needed to name one.
enum class Side : std::uint8_t { master, helper };
template <>
struct LastOf<Side> {
  static constexpr auto value = Side::helper;
};

struct BranchRef {
  Side sender_is = Side::master;
  BranchId branch;
  auto operator<=>(const BranchRef&) const = default;
};

// What a helper of the sender holds of a branch.
struct Lent {
  NodeId helper;
  Attempt attempt;
  Intervals what;
  bool operator==(const Lent&) const = default;
};

struct RevocationDigest {
  std::uint64_t entries = 0;
  Digest set;
  bool operator==(const RevocationDigest&) const = default;
};

inline constexpr std::uint32_t link_version = 1;

// First message on a link, the responder's before the initiator's.
struct Hello {
  std::uint32_t version = link_version;
  std::uint32_t version_least = link_version;  // the oldest that the sender still speaks
  std::string program_version;
  InstanceKey instance;  // a newer instance of a node fences the older link
  std::uint64_t wall_time_ms = 0;
  std::uint32_t roles = 0;  // as certified: bit i is Role i
  std::uint32_t slots = 0;
  RevocationDigest revocations;
  std::uint16_t port = 0;  // where it listens, at the address that the other end sees; 0: nowhere
  bool operator==(const Hello&) const = default;
};

struct BranchDigest {
  BranchRef branch;
  std::uint64_t digest = 0;          // of the branch as the sender sees it; two that differ twice running start `holds`
  std::uint64_t reports_stored = 0;  // its master: reports with numbers below this are stored; its helper: 0
  bool operator==(const BranchDigest&) const = default;
};

// Each second on a link that carries a branch or a deputyship. What does not fit rides on the next one.
struct Beat {
  std::uint64_t stall_ns = 0;  // longest turn of the sender's loop since its last beat
  std::vector<MandateShare> mandates;
  std::vector<BranchDigest> branches;
  bool operator==(const Beat&) const = default;
};

// A branch as the sender sees it. One of more intervals than fit is told in several messages.
struct Holds {
  BranchRef branch;
  Attempt attempt;
  Intervals todo;
  Intervals started;
  std::vector<Lent> lent;
  Intervals unsettled;  // finished, not settled
  bool last = true;     // no further part follows
  bool operator==(const Holds&) const = default;
};

enum class ByeReason : std::uint8_t {
  leaving,
  version,
  revoked,
  newer_instance,
  second_link,
  idle,
  too_slow,
  malformed,
  certificate,  // not one that counts, as the sender sees it: the text says why
};
template <>
struct LastOf<ByeReason> {
  static constexpr auto value = ByeReason::certificate;
};

struct Bye {
  ByeReason why = ByeReason::leaving;
  std::string reason;
  bool operator==(const Bye&) const = default;
};

struct Shuffle {
  std::vector<Bytes> records;  // peer records, each signed by its node
  bool operator==(const Shuffle&) const = default;
};

struct Shuffled {
  std::vector<Bytes> records;
  bool operator==(const Shuffled&) const = default;
};

// A newcomer's record on its way to random peers.
struct Walk {
  Bytes record;
  std::uint8_t hops_left = 0;
  bool operator==(const Walk&) const = default;
};

// "Free or busy?" `request` is the seeker's number for this question, repeated in every answer.
struct Probe {
  std::uint64_t request = 0;
  JobId job;
  UserId user;
  LoopPath path;
  std::uint8_t priority = 0;  // 0 first
  std::uint64_t iterations = 0;
  std::uint64_t round_trip_ns = 0;
  bool operator==(const Probe&) const = default;
};

// "Free": held for the seeker meanwhile. Also sent later, when a kept request is called back.
struct Offer {
  std::uint64_t request = 0;
  std::uint64_t held_ns = 0;
  std::uint8_t power_class = 0;
  std::uint32_t slots = 0;
  bool operator==(const Offer&) const = default;
};

// Answer to a probe or an ask.
struct Busy {
  std::uint64_t request = 0;
  std::vector<Hint> free;
  std::vector<Hint> others;
  bool kept = false;  // the sender will call back when it is free
  bool operator==(const Busy&) const = default;
};

// The offer is not needed.
struct Release {
  std::uint64_t request = 0;
  bool operator==(const Release&) const = default;
};

// "I am free": a hint for the receiver.
struct Note {
  std::uint8_t power_class = 0;
  std::uint32_t slots = 0;
  bool operator==(const Note&) const = default;
};

// "May I have work?" A grant in answer names `request`.
struct Ask {
  std::uint64_t request = 0;
  std::uint8_t sandbox_level = 0;
  std::uint32_t slots = 0;
  std::vector<std::string> tags;
  std::uint8_t hops_left = 0;  // how often it may still be referred
  bool operator==(const Ask&) const = default;
};

struct Refer {
  std::uint64_t request = 0;
  Hint better;
  std::uint8_t hops_left = 0;
  bool operator==(const Refer&) const = default;
};

}  // namespace protocol
