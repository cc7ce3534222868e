#pragma once
// The wires: how long a message takes, what is in flight on each link, and what a fault does to it.
//
// As over TCP a link neither loses nor doubles nor reorders single messages: what arrives, arrives in order. What may
// happen is that a link breaks, and then a suffix of what was in flight is lost, in each direction for itself; and that
// a direction is silent, and then what was sent waits until the silence ends. In harsh mode single messages are lost,
// doubled and overtaken, which no TCP would do.
//
// The network decides times and survival; whoever owns it keeps the calendar: send() and release() say when arrive() is
// to be called. Invariants: a link has exactly two ends, which differ; a packet arrives at most once; in order, unless
// harsh.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "agent/core/random.h"
#include "agent/sim/canned.h"
#include "agent/sim/clock.h"
#include "agent/sim/names.h"

namespace agent::sim {

using LinkNumber = std::uint64_t;
using PacketNumber = std::uint64_t;

struct NetworkOptions {
  Duration latency = std::chrono::microseconds(250);  // one way, between the nearest
  Duration latency_across{};                          // more, across the whole unit square of positions
  std::uint32_t clusters = 1;                         // nodes stand in so many spots ...
  Duration latency_between_clusters{};                // ... with so much more between any two spots
  Duration jitter{};                                  // at most so much more for a message, at random
  double bytes_per_second = 125e6;                    // of a link's own wire; 0: no matter
  std::uint32_t harsh_permille = 0;                   // of messages are lost, doubled and overtaken, each
  bool operator==(const NetworkOptions&) const = default;
};

// Which messages a partition stops: those that leave the group, that enter it, or both.
enum class Barrier { both_ways, outwards, inwards };

struct Delivery {
  LinkNumber link = 0;
  NodeIndex to = 0;
  PacketNumber packet = 0;
  WorldTime at;
};

class Network {
 public:
  Network(const NetworkOptions& options, std::uint32_t nodes, std::uint64_t seed);

  // One way, without jitter.
  [[nodiscard]] Duration latency(NodeIndex from, NodeIndex to) const;

  // Links. `dialler` opens it.
  LinkNumber connect(NodeIndex dialler, NodeIndex other);
  [[nodiscard]] bool alive(LinkNumber link) const;
  [[nodiscard]] std::optional<LinkNumber> link_between(NodeIndex a, NodeIndex b) const;
  [[nodiscard]] NodeIndex dialler_of(LinkNumber link) const;
  [[nodiscard]] NodeIndex other_end(LinkNumber link, NodeIndex of) const;
  [[nodiscard]] std::vector<LinkNumber> links_of(NodeIndex node) const;
  [[nodiscard]] std::size_t link_count() const { return by_pair_.size(); }

  // When it arrives, if nothing happens before. Nothing: it never will, or only after release(). A dead link swallows
  // it.
  [[nodiscard]] std::vector<Delivery> send(LinkNumber link, NodeIndex from, Bytes bytes, WorldTime departs);
  // The bytes; nothing: lost on the way, or held up by a partition.
  [[nodiscard]] std::optional<Bytes> arrive(const Delivery& delivery);

  // The link is gone for both ends. A random suffix of what is in flight is lost in each direction; the rest arrives.
  void sever(LinkNumber link);
  // The same, but everything in flight from `closing` arrives, and nothing that is sent to it.
  void close(LinkNumber link, NodeIndex closing);
  // When the last packet that is still to come arrives at `to`; nothing: none, or it is held up.
  [[nodiscard]] std::optional<WorldTime> last_arrival(LinkNumber link, NodeIndex to) const;

  // Partitions. Each has a number, by which it ends.
  std::uint64_t divide(std::set<NodeIndex> group, Barrier barrier);
  // What it held up may go on, and arrives no sooner than a latency after `now`.
  [[nodiscard]] std::vector<Delivery> heal(std::uint64_t partition, WorldTime now);
  // From now on the wires are those of TCP.
  void end_harshness() { options_.harsh_permille = 0; }
  [[nodiscard]] bool blocked(NodeIndex from, NodeIndex to) const;
  [[nodiscard]] std::size_t partition_count() const { return partitions_.size(); }

 private:
  struct Packet {
    Bytes bytes;
    WorldTime at;
    bool held = false;
  };
  struct Direction {
    std::map<PacketNumber, Packet> in_flight;
    WorldTime last;       // arrival of the latest one
    WorldTime wire_free;  // the wire is busy until then
  };
  struct Link {
    std::array<NodeIndex, 2> ends{};  // the dialler first
    std::array<Direction, 2> to;      // to ends[0], to ends[1]
    bool alive = true;
  };
  struct Partition {
    std::set<NodeIndex> group;
    Barrier barrier = Barrier::both_ways;
  };
  struct Position {
    double x = 0;
    double y = 0;
    std::uint32_t cluster = 0;
  };

  [[nodiscard]] const Link& at(LinkNumber link) const;
  [[nodiscard]] Direction& towards(LinkNumber link, NodeIndex to);
  [[nodiscard]] WorldTime arrival(Direction& direction, NodeIndex from, NodeIndex to, std::size_t bytes,
                                  WorldTime departs);
  void end(LinkNumber link);
  void cut(Direction& direction);
  void forget_if_empty(LinkNumber link);

  NetworkOptions options_;
  core::Random random_;
  std::vector<Position> positions_;
  std::unordered_map<LinkNumber, Link> links_;                     // dead ones while something of them is in flight
  std::map<std::pair<NodeIndex, NodeIndex>, LinkNumber> by_pair_;  // of live ones, the lower node first
  std::map<NodeIndex, std::set<LinkNumber>> by_node_;              // of live ones
  std::map<std::uint64_t, Partition> partitions_;
  LinkNumber next_link_ = 1;
  PacketNumber next_packet_ = 1;
  std::uint64_t next_partition_ = 1;
};

}  // namespace agent::sim
