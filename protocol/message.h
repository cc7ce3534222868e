#pragma once
// One message between agents: the variant of all kinds, and the envelope in which it travels on a link.

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <variant>

#include "protocol/kind.h"
#include "protocol/message_branch.h"
#include "protocol/message_job.h"
#include "protocol/message_peer.h"

namespace protocol {

// In the order of `Kind`.
using AnyMessage =
    std::variant<Hello, Beat, Holds, Bye,                                                                   //
                 Shuffle, Shuffled, Walk,                                                                   //
                 Probe, Offer, Busy, Release, Note, Ask, Refer,                                             //
                 Grant, Accept, Refuse, Want, Recall, Returned, Report, Received, Settled, Resend, Cancel,  //
                 Ended, Orphan, Adopt, Follow, Control, Appoint, Log, Logged, Succession,                   //
                 Fetch, Piece, Absent,                                                                      //
                 Revocations, Renew, Renewed>;
static_assert(std::variant_size_v<AnyMessage> == kind_count);

// Is such a variant, and is used as one. What copies, moves, compares and ends forty kinds is made once, in
// message.cpp, and not in everything that holds a message.
class Message : public AnyMessage {
 public:
  using AnyMessage::AnyMessage;
  Message();
  Message(const Message&);
  Message(Message&&) noexcept;
  Message& operator=(const Message&);
  Message& operator=(Message&&) noexcept;
  ~Message();
  bool operator==(const Message& other) const;
};

}  // namespace protocol

// What is generic over variants takes it for one.
template <>
struct std::variant_size<protocol::Message> : std::variant_size<protocol::AnyMessage> {};
template <std::size_t index>
struct std::variant_alternative<index, protocol::Message> : std::variant_alternative<index, protocol::AnyMessage> {};

namespace protocol {

template <Kind kind>
using MessageOf = std::variant_alternative_t<static_cast<std::size_t>(kind), Message>;
static_assert(std::is_same_v<MessageOf<Kind::hello>, Hello> && std::is_same_v<MessageOf<Kind::refer>, Refer> &&
              std::is_same_v<MessageOf<Kind::grant>, Grant> && std::is_same_v<MessageOf<Kind::cancel>, Cancel> &&
              std::is_same_v<MessageOf<Kind::succession>, Succession> &&
              std::is_same_v<MessageOf<Kind::absent>, Absent> && std::is_same_v<MessageOf<Kind::renewed>, Renewed>);

[[nodiscard]] inline Kind kind_of(const Message& message) {
  return static_cast<Kind>(message.index());
}

// `sequence` counts the sender's control messages on this link from 1. `heard` is the highest of the other side's that
// the sender had taken in when it sent this: the lease lives on it. Both are 0 in what travels as a datagram.
struct Envelope {
  std::uint64_t sequence = 0;
  std::uint64_t heard = 0;
  Message message;
  bool operator==(const Envelope&) const = default;
};

}  // namespace protocol
