#pragma once
// Who may begin a handshake with us: what strangers cost is bounded, whoever and however many they are.
//
//   accepted --admit--> stranger --knows the network key--> proved
//                          \--closed, timed out--> gone
//
// Bounded are strangers at once, those of one network (the /24 of an IPv4 address, the /64 of an IPv6 one; not on this
// machine itself), and handshakes a second. Who has shown that it knows the network key counts no more: a whole
// laboratory behind one address comes in one after the other. Nothing here concerns the links that we dial.
//
// Invariants: `strangers()` is the sum over all networks; no network without a stranger is kept.
//
// Source: security page, denial of service before authentication.

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>

#include "agent/core/names.h"
#include "agent/core/time.h"

namespace agent::link {

class Admission {
 public:
  static constexpr std::size_t strangers_max = 64;
  static constexpr std::size_t strangers_per_network_max = 8;
  static constexpr std::int64_t handshakes_at_once = 100;
  static constexpr core::Duration handshake_period = std::chrono::milliseconds(10);  // after which one more is begun

  // Of an accepted connection: whether it is kept. `now` never goes back.
  [[nodiscard]] bool admit(core::Instant now, const protocol::Address& from);
  // It is no stranger any more, or it is gone. Once for each that was admitted.
  void release(const protocol::Address& from);
  [[nodiscard]] std::size_t strangers() const { return strangers_; }

 private:
  using Network = std::array<std::byte, 8>;
  [[nodiscard]] static Network network_of(const protocol::Address& address);
  [[nodiscard]] static bool is_loopback(const protocol::Address& address);
  [[nodiscard]] bool spend(core::Instant now);

  std::map<Network, std::size_t> networks_;
  std::size_t strangers_ = 0;
  core::Duration saved_ = handshakes_at_once * handshake_period;
  core::Instant since_;
};

// Two links to one node are one too many: both ends must keep the same one, without asking each other.
//
// A newer run of an agent fences the older. Of two links of one run that came up at about the same time, since both
// dialled, the one that the smaller node id dialled stays. A link that comes up long after the other replaces it: who
// dials anew has lost the one before, even if we have not noticed.
struct Rival {
  protocol::InstanceKey instance;  // of the other end
  bool dialled_by_us = false;
  core::Instant opened;
};
enum class Kept : std::uint8_t { older, newer };
inline constexpr core::Duration crossing_window = std::chrono::seconds(5);
// `older` is up, `newer` has just come up.
[[nodiscard]] Kept which_stays(const Rival& older, const Rival& newer, const protocol::NodeId& self,
                               const protocol::NodeId& peer);

}  // namespace agent::link
