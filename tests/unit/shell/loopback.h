#pragma once
// Addresses of this machine itself.

#include "protocol/message_peer.h"

namespace agent::shell {

// 127.0.0.1; port 0: any.
inline protocol::Address loopback(std::uint16_t port = 0) {
  protocol::Address address{.port = port};
  address.ip[10] = address.ip[11] = std::byte{0xff};
  address.ip[12] = std::byte{127};
  address.ip[15] = std::byte{1};
  return address;
}

}  // namespace agent::shell
