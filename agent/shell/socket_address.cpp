#include "agent/shell/socket_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <span>

namespace agent::shell {

namespace {

constexpr std::size_t mapped_prefix_bytes = 12;

bool is_ipv4(const protocol::Address& address) {
  in6_addr ip{};
  std::memcpy(&ip, address.ip.data(), sizeof ip);
  return IN6_IS_ADDR_V4MAPPED(&ip);
}

}  // namespace

protocol::Address address_from(const sockaddr_storage& storage) {
  protocol::Address address;
  if (storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &storage, sizeof v4);
    address.ip[10] = address.ip[11] = std::byte{0xff};
    std::memcpy(address.ip.data() + mapped_prefix_bytes, &v4.sin_addr, sizeof v4.sin_addr);
    address.port = ntohs(v4.sin_port);
    return address;
  }
  assert(storage.ss_family == AF_INET6);
  sockaddr_in6 v6{};
  std::memcpy(&v6, &storage, sizeof v6);
  std::memcpy(address.ip.data(), &v6.sin6_addr, sizeof v6.sin6_addr);
  address.port = ntohs(v6.sin6_port);
  return address;
}

sockaddr_storage sockaddr_from(const protocol::Address& address) {
  sockaddr_storage storage{};
  if (is_ipv4(address)) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(address.port);
    std::memcpy(&v4.sin_addr, address.ip.data() + mapped_prefix_bytes, sizeof v4.sin_addr);
    std::memcpy(&storage, &v4, sizeof v4);
    return storage;
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(address.port);
  std::memcpy(&v6.sin6_addr, address.ip.data(), sizeof v6.sin6_addr);
  std::memcpy(&storage, &v6, sizeof v6);
  return storage;
}

std::string text_of(const protocol::Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const bool v4 = is_ipv4(address);
  const void* ip = v4 ? address.ip.data() + mapped_prefix_bytes : address.ip.data();
  const char* written = inet_ntop(v4 ? AF_INET : AF_INET6, ip, text.data(), text.size());
  assert(written != nullptr);
  const std::string host = v4 ? written : "[" + std::string(written) + "]";
  return host + ":" + std::to_string(address.port);
}

}  // namespace agent::shell
