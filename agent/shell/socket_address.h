#pragma once
// Addresses as the messages have them (IPv4 in its IPv6 form, RFC 4291 2.5.5.2) and as the system and people do.

#include <sys/socket.h>

#include <string>

#include "protocol/message_peer.h"

namespace agent::shell {

// REQUIRES: of IPv4 or IPv6.
[[nodiscard]] protocol::Address address_from(const sockaddr_storage& storage);
[[nodiscard]] sockaddr_storage sockaddr_from(const protocol::Address& address);
// "192.0.2.1:4747", "[2001:db8::1]:4747".
[[nodiscard]] std::string text_of(const protocol::Address& address);

}  // namespace agent::shell
