#pragma once
// Why a connection is over. For our own log, for `status` and for whoever waits at a terminal; the other end learns no
// more of it than a `bye` says.

#include <cstdint>
#include <optional>
#include <string>

#include "crypto/certificate.h"
#include "protocol/message_peer.h"

namespace agent::link {

enum class CloseReason : std::uint8_t {
  stranger,     // it does not know the pool's network key, or speaks another protocol
  timed_out,    // it has not introduced itself in time
  certificate,  // its certificates do not make it a member: `certificate` says why
  not_its_key,  // its certificate names another link key than the one that it proved to hold
  not_a_node,   // its certificate is a person's, or an issuer's
  ourselves,    // it has our own key
  version,      // it speaks no version of the messages that we do
  malformed,    // what it says is no message, or no message yet
  too_long,     // a frame or message longer than it may be, or more than a stranger may send
  too_slow,     // it does not read what we have to say
  worn_out,     // so much was said that a new handshake is due
  bye,          // it said so: `said` tells why
  lost,         // the stream ended without a word
  ours,         // we hung up: `said` is what we told it
};

struct Closing {
  CloseReason why = CloseReason::lost;
  std::optional<crypto::CertificateError> certificate{};
  std::optional<protocol::Bye> said{};
  bool operator==(const Closing&) const = default;
};

// One line without a name in front, as "its certificate has expired".
[[nodiscard]] std::string to_text(const Closing& closing);

}  // namespace agent::link
