#pragma once
// Where an agent listens or another one is to be found, as people write it.
//
//   192.0.2.1:4422   [2001:db8::1]:4422   alpha.example.org:4422   *:4422 (all addresses; to listen at)
//
// Without a port the usual one is meant. An IPv6 address stands in brackets, since its colons would pass for a port's.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "protocol/message_peer.h"

namespace agent::shell {

inline constexpr std::uint16_t usual_port = 4'422;

// Invariant: `address` has the same port, and is there exactly if `host` is an address and no name.
struct Endpoint {
  std::string host;  // a name of the DNS, an address without brackets, or `*`
  std::uint16_t port = 0;
  std::optional<protocol::Address> address;
  bool operator==(const Endpoint&) const = default;
};

enum class EndpointError : std::uint8_t {
  empty,
  bad_host,     // neither a name nor an address
  bad_port,     // no number from 0 to 65535
  no_brackets,  // an IPv6 address without them
};
[[nodiscard]] std::string_view to_string(EndpointError error);

[[nodiscard]] tl::expected<Endpoint, EndpointError> parse_endpoint(std::string_view text);

// Nothing, or why an endpoint cannot serve so: somebody else is found nowhere in particular, and at no port 0.
enum class EndpointUse : std::uint8_t { listen, seed };
[[nodiscard]] std::optional<std::string_view> why_no_use(const Endpoint& endpoint, EndpointUse use);
// As parse_endpoint reads it.
[[nodiscard]] std::string text_of(const Endpoint& endpoint);

// `*`, 0.0.0.0 and [::]: wherever this machine can be reached.
[[nodiscard]] bool is_any(const protocol::Address& address);
// Of this machine alone: 127.0.0.0/8 and ::1.
[[nodiscard]] bool is_loopback(const protocol::Address& address);
[[nodiscard]] bool is_ipv4(const protocol::Address& address);
// All addresses of IPv4, and of IPv6.
[[nodiscard]] protocol::Address any_ipv4(std::uint16_t port);
[[nodiscard]] protocol::Address any_ipv6(std::uint16_t port);

}  // namespace agent::shell
