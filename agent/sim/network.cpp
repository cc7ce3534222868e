#include "agent/sim/network.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <iterator>
#include <utility>

namespace agent::sim {

namespace {

std::pair<NodeIndex, NodeIndex> pair_of(NodeIndex a, NodeIndex b) {
  return {std::min(a, b), std::max(a, b)};
}

}  // namespace

Network::Network(const NetworkOptions& options, std::uint32_t nodes, std::uint64_t seed)
    : options_(options), random_(seed) {
  assert(options.clusters >= 1);
  for (std::uint32_t node = 0; node < nodes; ++node) {
    positions_.push_back({.x = random_.unit(),
                          .y = random_.unit(),
                          .cluster = static_cast<std::uint32_t>(random_.below(options.clusters))});
  }
}

Duration Network::latency(NodeIndex from, NodeIndex to) const {
  const Position& a = positions_.at(from);
  const Position& b = positions_.at(to);
  const double distance = std::hypot(a.x - b.x, a.y - b.y);
  Duration sum = options_.latency + from_seconds(seconds_of(options_.latency_across) * distance);
  if (a.cluster != b.cluster) sum += options_.latency_between_clusters;
  return sum;
}

LinkNumber Network::connect(NodeIndex dialler, NodeIndex other) {
  assert(dialler != other && !by_pair_.contains(pair_of(dialler, other)));
  const LinkNumber number = next_link_++;
  links_.emplace(number, Link{.ends = {dialler, other}});
  by_pair_.emplace(pair_of(dialler, other), number);
  by_node_[dialler].insert(number);
  by_node_[other].insert(number);
  return number;
}

const Network::Link& Network::at(LinkNumber link) const {
  const auto found = links_.find(link);
  assert(found != links_.end());
  return found->second;
}

bool Network::alive(LinkNumber link) const {
  const auto found = links_.find(link);
  return found != links_.end() && found->second.alive;
}

std::optional<LinkNumber> Network::link_between(NodeIndex a, NodeIndex b) const {
  const auto found = by_pair_.find(pair_of(a, b));
  if (found == by_pair_.end()) return std::nullopt;
  return found->second;
}

NodeIndex Network::dialler_of(LinkNumber link) const {
  return at(link).ends[0];
}

NodeIndex Network::other_end(LinkNumber link, NodeIndex of) const {
  const Link& found = at(link);
  return found.ends[0] == of ? found.ends[1] : found.ends[0];
}

std::vector<LinkNumber> Network::links_of(NodeIndex node) const {
  const auto found = by_node_.find(node);
  if (found == by_node_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

Network::Direction& Network::towards(LinkNumber link, NodeIndex to) {
  Link& found = links_.at(link);
  assert(found.ends[0] == to || found.ends[1] == to);
  return found.to[found.ends[0] == to ? 0 : 1];
}

WorldTime Network::arrival(Direction& direction, NodeIndex from, NodeIndex to, std::size_t bytes, WorldTime departs) {
  WorldTime sent = departs;
  if (options_.bytes_per_second > 0) {
    const Duration on_wire = from_seconds(static_cast<double>(bytes) / options_.bytes_per_second);
    sent = std::max(departs, direction.wire_free) + on_wire;
    direction.wire_free = sent;
  }
  WorldTime there = sent + latency(from, to);
  if (options_.jitter > Duration::zero())
    there += Duration(static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(options_.jitter.count()))));
  return there;
}

std::vector<Delivery> Network::send(LinkNumber link, NodeIndex from, Bytes bytes, WorldTime departs) {
  if (!alive(link)) return {};
  const NodeIndex to = other_end(link, from);
  Direction& direction = towards(link, to);
  std::vector<Delivery> deliveries;
  std::uint32_t copies = 1;
  bool overtaken = false;
  if (options_.harsh_permille > 0) {
    if (random_.chance(options_.harsh_permille, 1000)) copies = 0;
    if (random_.chance(options_.harsh_permille, 1000)) ++copies;
    overtaken = random_.chance(options_.harsh_permille, 1000);
  }
  for (; copies > 0; --copies) {
    WorldTime there = arrival(direction, from, to, bytes.size(), departs);
    if (overtaken) {
      there += random_.jittered(std::chrono::milliseconds(20));
    } else {
      there = std::max(there, direction.last);
      direction.last = there;
    }
    const PacketNumber number = next_packet_++;
    direction.in_flight.emplace(number, Packet{.bytes = bytes, .at = there});
    deliveries.push_back({.link = link, .to = to, .packet = number, .at = there});
  }
  return deliveries;
}

std::optional<Bytes> Network::arrive(const Delivery& delivery) {
  const auto found = links_.find(delivery.link);
  if (found == links_.end()) return std::nullopt;
  Direction& direction = towards(delivery.link, delivery.to);
  const auto packet = direction.in_flight.find(delivery.packet);
  if (packet == direction.in_flight.end() || packet->second.at != delivery.at) return std::nullopt;
  if (blocked(other_end(delivery.link, delivery.to), delivery.to)) {
    packet->second.held = true;
    return std::nullopt;
  }
  Bytes bytes = std::move(packet->second.bytes);
  direction.in_flight.erase(packet);
  if (!found->second.alive) forget_if_empty(delivery.link);
  return bytes;
}

void Network::cut(Direction& direction) {
  const std::uint64_t kept = random_.below(direction.in_flight.size() + 1);
  auto first_lost = direction.in_flight.begin();
  std::advance(first_lost, static_cast<std::ptrdiff_t>(kept));
  direction.in_flight.erase(first_lost, direction.in_flight.end());
  // What a partition holds up never comes through any more, and nothing behind it either.
  const auto held = std::ranges::find_if(direction.in_flight, [](const auto& each) { return each.second.held; });
  direction.in_flight.erase(held, direction.in_flight.end());
}

void Network::forget_if_empty(LinkNumber link) {
  const Link& found = at(link);
  if (found.to[0].in_flight.empty() && found.to[1].in_flight.empty()) links_.erase(link);
}

void Network::sever(LinkNumber link) {
  if (!alive(link)) return;
  end(link);
  cut(towards(link, at(link).ends[0]));
  cut(towards(link, at(link).ends[1]));
  forget_if_empty(link);
}

void Network::end(LinkNumber link) {
  Link& found = links_.at(link);
  found.alive = false;
  by_pair_.erase(pair_of(found.ends[0], found.ends[1]));
  for (const NodeIndex each : found.ends) by_node_[each].erase(link);
}

void Network::close(LinkNumber link, NodeIndex closing) {
  if (!alive(link)) return;
  end(link);
  towards(link, closing).in_flight.clear();
  forget_if_empty(link);
}

std::optional<WorldTime> Network::last_arrival(LinkNumber link, NodeIndex to) const {
  const auto found = links_.find(link);
  if (found == links_.end()) return std::nullopt;
  const Direction& direction = found->second.to[found->second.ends[0] == to ? 0 : 1];
  std::optional<WorldTime> last;
  for (const auto& [number, packet] : direction.in_flight) {
    if (!packet.held && (!last || packet.at > *last)) last = packet.at;
  }
  return last;
}

std::uint64_t Network::divide(std::set<NodeIndex> group, Barrier barrier) {
  partitions_.emplace(next_partition_, Partition{.group = std::move(group), .barrier = barrier});
  return next_partition_++;
}

bool Network::blocked(NodeIndex from, NodeIndex to) const {
  return std::ranges::any_of(partitions_, [&](const auto& each) {
    const Partition& partition = each.second;
    const bool inside = partition.group.contains(from);
    if (inside == partition.group.contains(to)) return false;
    return partition.barrier == Barrier::both_ways || (partition.barrier == Barrier::outwards) == inside;
  });
}

std::vector<Delivery> Network::heal(std::uint64_t partition, WorldTime now) {
  partitions_.erase(partition);
  std::vector<Delivery> freed;
  std::vector<LinkNumber> numbers;  // in an order of their own: the table has none
  for (const auto& [number, link] : links_) numbers.push_back(number);
  std::ranges::sort(numbers);
  for (const LinkNumber number : numbers) {
    Link& link = links_.at(number);
    for (std::size_t side = 0; side < 2; ++side) {
      const NodeIndex to = link.ends[side];
      const NodeIndex from = link.ends[1 - side];
      Direction& direction = link.to[side];
      if (blocked(from, to)) continue;
      const bool was_silent =
          std::ranges::any_of(direction.in_flight, [](const auto& each) { return each.second.held; });
      if (!was_silent) continue;
      // All of them anew, so that what was sent later does not overtake what was held up.
      WorldTime earliest = now + latency(from, to);
      for (auto& [packet_number, packet] : direction.in_flight) {
        packet.held = false;
        packet.at = std::max(earliest, packet.at + Duration(1));
        earliest = packet.at;
        freed.push_back({.link = number, .to = to, .packet = packet_number, .at = packet.at});
      }
      direction.last = std::max(direction.last, earliest);
    }
  }
  return freed;
}

}  // namespace agent::sim
