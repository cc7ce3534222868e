#pragma once
// The handshake that opens a link: the Noise protocol framework (revision 34) as a machine without input or output.
//
// Bytes of whole messages go in and come out; the random part, one ephemeral key, is handed in. Patterns and hashes are
// tables, so that everybody's vectors run through the code that links use. Links use one suite only, `link_suite`, and
// nothing is negotiated: what both ends must agree on stands in the prologue.
//
// The two ends take turns, the initiator first. A machine is told what to write with `write`, and what came with
// `read`; when `finished`, `take_session` gives the keys of the transport. The first error ends it: all its secrets
// are zeros then, every further call repeats the error, and the link must be closed without a word. Errors are for our
// own log: a peer learns nothing but that we are gone.
//
// What the pre-shared key of psk0 gives: who does not know it fails at the tag of the first message, before we have
// computed anything with our keys, and without an answer. It is known to every member: who the other end is, says only
// its static key, with the certificate that it shows. Where an old and a new key are good for a while, the responder
// makes a machine for each and keeps the one that can read the first message.
//
// The initiator does not know that its last message was accepted before the responder's first transport message has
// come: the responder speaks first on a link.
//
// Invariants: `message_` counts what was written and read together; it is our turn to write when that is even and we
// are the initiator, or odd and we are not.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/bytes.h"
#include "crypto/keys.h"
#include "crypto/noise_pattern.h"
#include "crypto/noise_state.h"
#include "crypto/secret.h"

namespace crypto {

// Before anybody has proved anything, nobody makes us read more than this.
inline constexpr std::size_t first_handshake_message_bytes_max = 256;
inline constexpr std::size_t handshake_message_bytes_max = 4'096;

inline constexpr std::size_t noise_psks_max = 2;

// Noise_XXpsk0_25519_ChaChaPoly_SHA512
inline constexpr NoiseSuite link_suite{NoisePattern::xx_psk0, NoiseHash::sha512};
// What the ends of a link must agree on before they can understand each other. A joining handshake has another one
// (token.h).
inline constexpr std::string_view link_prologue = "gibbon-link-v1";

enum class HandshakeSide : std::uint8_t { initiator, responder };

enum class HandshakeError : std::uint8_t {
  truncated,      // shorter than its keys and tags
  too_long,       // longer than a message of a handshake may be: read, or with this payload written
  bad_tag,        // other keys, another prologue, or changed on the way
  low_order_key,  // a key that makes the shared secret known to everybody
};
[[nodiscard]] std::string_view to_string(HandshakeError error);

// What a finished handshake leaves. `hash` names this very session: signing it binds a signature to the link.
struct Session {
  Secret<32> send;
  Secret<32> receive;
  std::vector<std::byte> hash;  // 64 bytes with SHA-512 and BLAKE2b, 32 with SHA-256
  ExchangeKey remote;           // the static key that the other end has proved to hold
};

class Handshake {
 public:
  struct Setup {
    NoiseSuite suite = link_suite;
    HandshakeSide side = HandshakeSide::initiator;
    std::span<const std::byte> prologue;
    const ExchangePair& own;            // static; copied, and wiped after its last use
    std::span<const Secret<32>> psks;   // as many as the pattern has, in its order; copied likewise
    std::optional<ExchangeKey> remote;  // an initiator's where the pattern wants it known, else nothing
  };
  // REQUIRES: `ephemeral` is random and used for this handshake only. Its public half is computed when it is sent: who
  // fails at the first message costs no curve at all.
  Handshake(const Setup& setup, Secret<32> ephemeral);

  [[nodiscard]] bool to_write() const;
  [[nodiscard]] bool finished() const;
  [[nodiscard]] std::optional<HandshakeError> error() const { return error_; }

  // The next message, with `payload` in it. REQUIRES: after an error, or it is our turn.
  [[nodiscard]] tl::expected<std::vector<std::byte>, HandshakeError> write(std::span<const std::byte> payload);
  // The payload of a message that came. REQUIRES: after an error, or it is not our turn, and there is one to come.
  [[nodiscard]] tl::expected<std::vector<std::byte>, HandshakeError> read(std::span<const std::byte> message);
  // The longest payload that the next message has room for.
  [[nodiscard]] std::size_t payload_bytes_max() const;

  // Of the other end, from the message on in which it came. Proven only once that message's payload was read.
  [[nodiscard]] const std::optional<ExchangeKey>& remote() const { return remote_static_; }
  // Once. REQUIRES: finished.
  [[nodiscard]] Session take_session();

 private:
  using Fault = std::optional<HandshakeError>;

  [[nodiscard]] const NoisePatternRow& row() const { return noise_pattern_row(suite_.pattern); }
  [[nodiscard]] bool initiator() const { return side_ == HandshakeSide::initiator; }
  [[nodiscard]] std::size_t message_bytes_max() const;
  // One step of the message at hand; what is written is appended, what is read is taken from the front.
  [[nodiscard]] Fault write_step(NoiseStep step, std::vector<std::byte>& message);
  [[nodiscard]] Fault read_step(NoiseStep step, std::span<const std::byte>& left);
  [[nodiscard]] Fault mix_step(NoiseStep step);
  [[nodiscard]] Fault mix_shared(const Secret<32>& ours, const std::optional<ExchangeKey>& theirs);
  void mix_ephemeral(const ExchangeKey& key);
  HandshakeError fail(HandshakeError error);
  void forget_keys();

  NoiseSuite suite_;
  HandshakeSide side_;
  NoiseState state_;
  Secret<32> static_;
  ExchangeKey static_public_;
  Secret<32> ephemeral_seed_;  // until it is sent
  std::optional<ExchangePair> ephemeral_;
  std::array<Secret<32>, noise_psks_max> psks_;
  std::size_t psks_used_ = 0;
  std::optional<ExchangeKey> remote_static_;
  std::optional<ExchangeKey> remote_ephemeral_;
  std::size_t message_ = 0;
  std::optional<HandshakeError> error_;
  bool taken_ = false;
};

}  // namespace crypto
