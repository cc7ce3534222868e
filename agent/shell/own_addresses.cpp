#include "agent/shell/own_addresses.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <uv.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "agent/exec/descriptor.h"
#include "agent/shell/endpoint.h"
#include "agent/shell/socket_address.h"

namespace agent::shell {

namespace {

bool is_of_one_cable(const protocol::Address& address) {
  return address.ip[0] == std::byte{0xfe} && (address.ip[1] & std::byte{0xc0}) == std::byte{0x80};
}

// The address that this machine has for whoever it talks to far away. Nothing is sent: a datagram socket that is
// connected only chooses its way. The other end is one that nobody has (RFC 5737, RFC 3849).
std::optional<protocol::Address> outward(const char* far_away) {
  const protocol::Address to = *parse_endpoint(far_away)->address;
  const sockaddr_storage there = sockaddr_from(to);
  const exec::Descriptor socket(::socket(there.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || connect(socket.get(), reinterpret_cast<const sockaddr*>(&there), sizeof there) != 0)
    return std::nullopt;
  sockaddr_storage here{};
  socklen_t size = sizeof here;
  if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&here), &size) != 0) return std::nullopt;
  protocol::Address address = address_from(here);
  address.port = 0;
  return address;
}

std::vector<protocol::Address> of_interfaces() {
  std::vector<protocol::Address> addresses;
  uv_interface_address_t* interfaces = nullptr;
  int count = 0;
  if (uv_interface_addresses(&interfaces, &count) != 0) return addresses;
  for (int i = 0; i < count; ++i) {
    sockaddr_storage storage{};
    std::memcpy(&storage, &interfaces[i].address, sizeof interfaces[i].address);
    if (storage.ss_family != AF_INET && storage.ss_family != AF_INET6) continue;
    protocol::Address address = address_from(storage);
    address.port = 0;
    addresses.push_back(address);
  }
  uv_free_interface_addresses(interfaces, count);
  return addresses;
}

// Of this machine, by likelihood.
std::vector<protocol::Address> of_this_machine() {
  std::vector<protocol::Address> addresses;
  for (const char* far_away : {"192.0.2.1:9", "[2001:db8::1]:9"})
    if (const auto address = outward(far_away)) addresses.push_back(*address);
  std::vector<protocol::Address> others = of_interfaces();
  std::stable_partition(others.begin(), others.end(), is_ipv4);  // the range of C++20 is too much for clang 14
  addresses.insert(addresses.end(), others.begin(), others.end());
  const auto is_near = [](const protocol::Address& address) {
    return is_loopback(address) || is_of_one_cable(address);
  };
  const bool has_network = !std::ranges::all_of(addresses, is_near);
  std::erase_if(
      addresses, has_network ? +is_near : +[](const protocol::Address& address) { return !is_loopback(address); });
  return addresses;
}

}  // namespace

std::vector<protocol::Address> own_addresses(std::span<const protocol::Address> listening) {
  std::vector<protocol::Address> own;
  const auto add = [&own](const protocol::Address& address) {
    if (std::ranges::find(own, address) == own.end()) own.push_back(address);
  };
  for (const protocol::Address& at : listening)
    if (!is_any(at)) add(at);
  const std::vector<protocol::Address> mine =
      std::ranges::any_of(listening, is_any) ? of_this_machine() : std::vector<protocol::Address>{};
  for (protocol::Address address : mine) {
    for (const protocol::Address& at : listening) {
      if (!is_any(at) || is_ipv4(at) != is_ipv4(address)) continue;
      address.port = at.port;
      add(address);
    }
  }
  return own;
}

}  // namespace agent::shell
