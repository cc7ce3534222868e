#include "agent/link/admission.h"

#include <algorithm>
#include <cassert>
#include <span>

namespace agent::link {

namespace {

constexpr std::size_t mapped_prefix_bytes = 12;  // of an IPv4 address in its IPv6 form, RFC 4291, 2.5.5.2

bool is_ipv4(const protocol::Address& address) {
  const auto zeros = std::span(address.ip).first(10);
  return std::ranges::all_of(zeros, [](std::byte b) { return b == std::byte{0}; }) &&
         address.ip[10] == std::byte{0xff} && address.ip[11] == std::byte{0xff};
}

}  // namespace

bool Admission::is_loopback(const protocol::Address& address) {
  if (is_ipv4(address)) return address.ip[mapped_prefix_bytes] == std::byte{127};
  const auto front = std::span(address.ip).first(15);
  return std::ranges::all_of(front, [](std::byte b) { return b == std::byte{0}; }) && address.ip[15] == std::byte{1};
}

// Of an IPv4 address the first three bytes of four, behind what no IPv6 network begins with.
Admission::Network Admission::network_of(const protocol::Address& address) {
  Network network{};
  if (is_ipv4(address)) {
    std::ranges::copy(std::span(address.ip).subspan(mapped_prefix_bytes, 3), network.begin() + 5);
  } else {
    std::ranges::copy(std::span(address.ip).first(network.size()), network.begin());
  }
  return network;
}

bool Admission::spend(core::Instant now) {
  saved_ = std::min(handshakes_at_once * handshake_period, saved_ + (now - since_));
  since_ = now;
  if (saved_ < handshake_period) return false;
  saved_ -= handshake_period;
  return true;
}

bool Admission::admit(core::Instant now, const protocol::Address& from) {
  if (strangers_ >= strangers_max) return false;
  const auto known = networks_.find(network_of(from));
  const std::size_t here = known == networks_.end() ? 0 : known->second;
  if (here >= strangers_per_network_max && !is_loopback(from)) return false;
  if (!spend(now)) return false;
  ++networks_[network_of(from)];
  ++strangers_;
  return true;
}

void Admission::release(const protocol::Address& from) {
  const auto network = networks_.find(network_of(from));
  assert(network != networks_.end() && strangers_ > 0);
  --strangers_;
  if (--network->second == 0) networks_.erase(network);
}

Kept which_stays(const Rival& older, const Rival& newer, const protocol::NodeId& self, const protocol::NodeId& peer) {
  if (older.instance != newer.instance || older.dialled_by_us == newer.dialled_by_us) return Kept::newer;
  if (newer.opened - older.opened >= crossing_window) return Kept::newer;
  const bool ours_stays = self < peer;
  return older.dialled_by_us == ours_stays ? Kept::older : Kept::newer;
}

}  // namespace agent::link
