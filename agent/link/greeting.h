#pragma once
// The beginning of a link between two members: three handshake messages (Noise XXpsk0), in which both show their
// certificates, each inside of what is encrypted for the other.
//
//   initiator                                responder
//     1: -                        -->         fails here, before any curve, who does not know the network key
//                                 <--         2: its certificates
//     3: its certificates         -->
//
// The initiator shows its certificates only to somebody whose own have convinced it. Nobody is asked who it wants to
// reach: whoever answers is whoever its certificate says.
//
// A responder that is not convinced still has a session, over which the other end can be told why. An initiator has
// none, and hangs up.
//
// Sources: Noise protocol framework, revision 34, 7.5 (XX) and 9 (psk0).

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "agent/link/closing.h"
#include "agent/link/credentials.h"
#include "crypto/noise.h"

namespace agent::link {

using Bytes = std::vector<std::byte>;
// 32 random bytes, each time others.
using MakeSecret = std::function<crypto::Secret<32>()>;

class Greeting {
 public:
  // `credentials` outlives it.
  Greeting(const Credentials& credentials, crypto::HandshakeSide side, const MakeSecret& make_secret);

  // The initiator's first message. Once, before anything is read.
  [[nodiscard]] Bytes begin();
  // What is to be sent now, if anything, in answer to the next message. After an error it is over.
  [[nodiscard]] tl::expected<Bytes, Closing> on_message(std::span<const std::byte> message, std::int64_t wall_ms);
  // The longest that the next message may be.
  [[nodiscard]] std::size_t message_bytes_max() const;
  [[nodiscard]] bool finished() const { return handshakes_.front().finished(); }

  // Once. REQUIRES: finished.
  struct Met {
    crypto::Session session;
    tl::expected<crypto::Membership, Closing> member;  // who it is, or why it is nobody to us
  };
  [[nodiscard]] Met take();

 private:
  [[nodiscard]] tl::expected<crypto::Membership, Closing> judge(std::span<const std::byte> chain,
                                                                std::int64_t wall_ms) const;
  [[nodiscard]] tl::expected<Bytes, Closing> read(std::span<const std::byte> message);

  const Credentials& credentials_;
  bool initiator_;
  // A responder's: one for each network key, until the first message tells which.
  std::vector<crypto::Handshake> handshakes_;
  std::size_t messages_ = 0;  // written and read
  std::optional<tl::expected<crypto::Membership, Closing>> member_;
};

}  // namespace agent::link
