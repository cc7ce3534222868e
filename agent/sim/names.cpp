#include "agent/sim/names.h"

#include <array>
#include <cassert>

namespace agent::sim {

namespace {

constexpr std::uint16_t port = 4747;

template <class Bytes>
void put(Bytes& bytes, std::size_t at, std::uint64_t value, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i) bytes[at + i] = std::byte((value >> (8 * (width - 1 - i))) & 0xffU);
}

template <class Bytes>
std::uint64_t get(const Bytes& bytes, std::size_t at, std::size_t width) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < width; ++i) value = value << 8 | std::to_integer<std::uint64_t>(bytes[at + i]);
  return value;
}

}  // namespace

std::uint64_t mixed(std::uint64_t value) {
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

core::NodeId node_id(NodeIndex node) {
  protocol::Bytes32 bytes{};
  put(bytes, 0, mixed(node), 8);
  put(bytes, 28, node, 4);
  return core::NodeId(bytes);
}

std::optional<NodeIndex> index_of(const core::NodeId& id) {
  const auto index = static_cast<NodeIndex>(get(id.value(), 28, 4));
  if (node_id(index) != id) return std::nullopt;
  return index;
}

core::Address address_of(NodeIndex node) {
  assert(node < (1U << 24));
  core::Address address{.port = port};
  address.ip[10] = address.ip[11] = std::byte{0xff};
  put(address.ip, 12, 0x0a000000U | node, 4);
  return address;
}

std::optional<NodeIndex> index_of(const core::Address& address) {
  const auto index = static_cast<NodeIndex>(get(address.ip, 13, 3));
  if (address_of(index) != address) return std::nullopt;
  return index;
}

core::InstanceKey instance_key(NodeIndex node, std::uint32_t instance) {
  protocol::Bytes32 bytes{};
  put(bytes, 0, mixed(std::uint64_t{instance} << 32 | node), 8);
  put(bytes, 24, instance, 4);
  put(bytes, 28, node, 4);
  return core::InstanceKey(bytes);
}

core::JobId job_id(std::uint32_t number) {
  protocol::Bytes16 bytes{};
  put(bytes, 0, mixed(~std::uint64_t{number}), 8);
  put(bytes, 12, number, 4);
  return core::JobId(bytes);
}

std::uint32_t number_of(const core::JobId& job) {
  return static_cast<std::uint32_t>(get(job.value(), 12, 4));
}

core::UserId user_id(std::uint32_t number) {
  protocol::Bytes32 bytes{};
  put(bytes, 0, mixed(std::uint64_t{number} << 40), 8);
  put(bytes, 28, number, 4);
  return core::UserId(bytes);
}

}  // namespace agent::sim
