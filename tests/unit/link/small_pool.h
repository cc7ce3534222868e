#pragma once
// A pool of a few members whose keys are the same in every run, and two ends of a link between them.

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "agent/link/connection.h"
#include "protocol/codec.h"
#include "tests/unit/crypto/samples.h"

namespace agent::link::test {

namespace samples = crypto::samples;
using namespace std::chrono_literals;

inline constexpr std::int64_t wall_ms = samples::created_ms + crypto::day_ms;

inline crypto::Secret<32> secret(unsigned char value) {
  return crypto::Secret<32>(std::span<const std::byte, 32>(samples::filled<crypto::Bytes32>(value)));
}

// Keys of the `number`-th node of the pool, numbers below 40.
inline crypto::SigningPair node_key(unsigned char number) {
  return samples::pair(static_cast<unsigned char>(0x40 + number));
}
inline crypto::ExchangePair link_key(unsigned char number) {
  return crypto::ExchangePair(secret(static_cast<unsigned char>(0x80 + number)));
}

// Good for a hundred days from `from_ms`.
inline crypto::Certificate certificate_of(unsigned char number, std::int64_t from_ms = samples::created_ms) {
  crypto::Certificate it = samples::certificate();
  it.serial = samples::filled<crypto::Bytes16>(number);
  it.name = "node " + std::to_string(number);
  it.sign_key = node_key(number).public_key();
  it.noise_key = link_key(number).public_key();
  it.not_before_ms = from_ms;
  it.not_after_ms = from_ms + 100 * crypto::day_ms;
  return it;
}

// Under an issuer that is good from then on, too.
inline Bytes chain_of(crypto::Certificate certificate, std::int64_t from_ms = samples::created_ms) {
  crypto::Certificate issuer = samples::issuer_certificate();
  issuer.not_before_ms = from_ms - 100 * crypto::day_ms;
  issuer.not_after_ms = from_ms + 1'000 * crypto::day_ms;
  const crypto::Sealed signed_issuer = crypto::sign_certificate(issuer, samples::root_pair()).value();
  certificate.issuer = signed_issuer.id;
  return crypto::encode_chain(
             {crypto::sign_certificate(certificate, samples::issuer_pair()).value().bytes, signed_issuer.bytes})
      .value();
}

inline Credentials credentials_of(unsigned char number, std::int64_t from_ms = samples::created_ms) {
  Credentials it{.link_key = link_key(number),
                 .chain = chain_of(certificate_of(number, from_ms), from_ms),
                 .network_keys = {},
                 .trust = {samples::pool(), {samples::root_pair().public_key()}},
                 .revoked = {}};
  it.network_keys.push_back(secret(0x70));
  return it;
}

// Two connections and what lies on the wire between them. Bytes are moved by the test, in parts of `cut` at most.
class TwoEnds {
 public:
  struct End {
    Credentials credentials;
    std::unique_ptr<Connection> connection{};
    std::vector<Connection::News> news{};
    std::deque<std::byte> coming{};  // on the way to it
  };

  explicit TwoEnds(Credentials dialler = credentials_of(1), Credentials listener = credentials_of(2))
      : ends{End{std::move(dialler)}, End{std::move(listener)}} {
    for (std::size_t side : {0U, 1U}) connect(side);
  }

  void connect(std::size_t side) {
    protocol::Hello hello{.program_version = "1.0", .slots = static_cast<std::uint32_t>(side + 1)};
    ends[side].connection = std::make_unique<Connection>(
        Connection::Setup{.credentials = ends[side].credentials,
                          .side = side == 0 ? crypto::HandshakeSide::initiator : crypto::HandshakeSide::responder,
                          .make_secret = [this] { return secret(static_cast<unsigned char>(++secrets_)); },
                          .hello = std::move(hello)},
        now);
  }

  // What `side` has to say goes on the way.
  void collect(std::size_t side) {
    for (Bytes out = ends[side].connection->take_output(); !out.empty(); out = ends[side].connection->take_output())
      ends[1 - side].coming.insert(ends[1 - side].coming.end(), out.begin(), out.end());
  }
  // Until nothing is on the way any more.
  void run() {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t side : {0U, 1U}) {
        collect(side);
        std::deque<std::byte>& coming = ends[1 - side].coming;
        while (!coming.empty()) {
          const auto count = static_cast<std::ptrdiff_t>(std::min(cut, coming.size()));
          const Bytes part(coming.begin(), coming.begin() + count);
          coming.erase(coming.begin(), coming.begin() + count);
          ends[1 - side].connection->receive(part, now, ends[1 - side].news);
          moved = true;
        }
      }
    }
  }

  void say(std::size_t side, const protocol::Message& message) {
    const Bytes bytes = protocol::encode({.sequence = 7, .heard = 3, .message = message});
    ends[side].connection->send(protocol::check_of(protocol::kind_of(message)).queue, bytes, ends[side].news);
  }

  template <class Kind>
  std::vector<Kind> all(std::size_t side) const {
    std::vector<Kind> found;
    for (const Connection::News& each : ends[side].news) {
      if (const auto* one = std::get_if<Kind>(&each)) found.push_back(*one);
    }
    return found;
  }
  // Why that end is closed; nothing if it is not.
  std::optional<Closing> closing(std::size_t side) const {
    const auto closed = all<Connection::Closed>(side);
    if (closed.empty()) return std::nullopt;
    return closed.front().why;
  }

  Moment now{.at = core::Instant(1'000s), .wall_ms = wall_ms};
  std::size_t cut = 65'536;
  std::array<End, 2> ends;

 private:
  unsigned secrets_ = 0;
};

}  // namespace agent::link::test
