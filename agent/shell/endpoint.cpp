#include "agent/shell/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>

#include "agent/shell/socket_address.h"

namespace agent::shell {

namespace {

constexpr std::size_t mapped_prefix_bytes = 12;
constexpr std::size_t host_bytes_max = 253;  // of the DNS
constexpr std::size_t label_bytes_max = 63;

std::optional<std::uint16_t> port_of(std::string_view text) {
  unsigned port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port > 0xffffU) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

std::optional<protocol::Address> ipv6_of(const std::string& host, std::uint16_t port) {
  protocol::Address address{.port = port};
  in6_addr ip{};
  if (inet_pton(AF_INET6, host.c_str(), &ip) != 1) return std::nullopt;
  std::memcpy(address.ip.data(), &ip, sizeof ip);
  return address;
}

std::optional<protocol::Address> ipv4_of(const std::string& host, std::uint16_t port) {
  protocol::Address address = any_ipv4(port);
  in_addr ip{};
  if (inet_pton(AF_INET, host.c_str(), &ip) != 1) return std::nullopt;
  std::memcpy(address.ip.data() + mapped_prefix_bytes, &ip, sizeof ip);
  return address;
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > host_bytes_max) return false;
  std::size_t label = 0;
  for (const char c : host) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    if (!plain && c != '.') return false;
    label = c == '.' ? 0 : label + 1;
    if (label > label_bytes_max) return false;
  }
  // What has only digits and dots was meant as an address.
  const bool has_letter = std::ranges::any_of(host, [](char c) { return c != '.' && (c < '0' || c > '9'); });
  return has_letter && host.front() != '.' && host.front() != '-' && host.find("..") == host.npos;
}

}  // namespace

std::string_view to_string(EndpointError error) {
  switch (error) {
    case EndpointError::empty: return "there is no address";
    case EndpointError::bad_host: return "the host is neither a name nor an address";
    case EndpointError::bad_port: return "the port is no number from 0 to 65535";
    case EndpointError::no_brackets: return "an IPv6 address stands in brackets: [2001:db8::1]:4422";
  }
  assert(false);
  return {};
}

tl::expected<Endpoint, EndpointError> parse_endpoint(std::string_view text) {
  if (text.empty()) return tl::unexpected(EndpointError::empty);
  Endpoint endpoint{.port = usual_port};
  std::string_view rest;
  const bool brackets = text.front() == '[';
  if (brackets) {
    const auto end = text.find(']');
    if (end == text.npos) return tl::unexpected(EndpointError::bad_host);
    endpoint.host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    if (!rest.empty() && rest.front() != ':') return tl::unexpected(EndpointError::bad_host);
  } else {
    const auto colon = text.find(':');
    if (colon != text.npos && text.find(':', colon + 1) != text.npos) return tl::unexpected(EndpointError::no_brackets);
    endpoint.host = text.substr(0, colon);
    if (colon != text.npos) rest = text.substr(colon);
  }
  if (!rest.empty()) {
    const auto port = port_of(rest.substr(1));
    if (!port) return tl::unexpected(EndpointError::bad_port);
    endpoint.port = *port;
  }
  if (brackets) {
    endpoint.address = ipv6_of(endpoint.host, endpoint.port);
    if (!endpoint.address) return tl::unexpected(EndpointError::bad_host);
    return endpoint;
  }
  endpoint.address = ipv4_of(endpoint.host, endpoint.port);
  if (!endpoint.address && endpoint.host != "*" && !is_host_name(endpoint.host))
    return tl::unexpected(EndpointError::bad_host);
  return endpoint;
}

std::optional<std::string_view> why_no_use(const Endpoint& endpoint, EndpointUse use) {
  if (use == EndpointUse::listen) return std::nullopt;
  if (endpoint.host == "*" || (endpoint.address && is_any(*endpoint.address))) return "nobody in particular is there";
  if (endpoint.port == 0) return "nobody listens at port 0";
  return std::nullopt;
}

std::string text_of(const Endpoint& endpoint) {
  return endpoint.address ? text_of(*endpoint.address) : endpoint.host + ":" + std::to_string(endpoint.port);
}

bool is_ipv4(const protocol::Address& address) {
  in6_addr ip{};
  std::memcpy(&ip, address.ip.data(), sizeof ip);
  return IN6_IS_ADDR_V4MAPPED(&ip);
}

bool is_any(const protocol::Address& address) {
  return address.ip == any_ipv4(0).ip || address.ip == any_ipv6(0).ip;
}

bool is_loopback(const protocol::Address& address) {
  if (is_ipv4(address)) return address.ip[mapped_prefix_bytes] == std::byte{127};
  in6_addr ip{};
  std::memcpy(&ip, address.ip.data(), sizeof ip);
  return IN6_IS_ADDR_LOOPBACK(&ip);
}

protocol::Address any_ipv4(std::uint16_t port) {
  protocol::Address address{.port = port};
  address.ip[10] = address.ip[11] = std::byte{0xff};
  return address;
}

protocol::Address any_ipv6(std::uint16_t port) {
  return {.port = port};
}

}  // namespace agent::shell
