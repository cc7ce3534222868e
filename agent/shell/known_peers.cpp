#include "agent/shell/known_peers.h"

#include <algorithm>
#include <cassert>

#include "crypto/canonical.h"

namespace agent::shell {

namespace {

constexpr const char* file_name = "peers";
constexpr std::size_t entry_bytes_min = 32 + 16 + 1;

template <class Wire, class T>
void fields(Wire& wire, T& peers) {
  wire.list(peers, {.most = known_peers_max, .element_bytes_min = entry_bytes_min}, [&wire](auto& peer) {
    wire.fixed(peer.node);
    wire.fixed(peer.ip);
    wire.number(peer.port, 1, 0xffff);
  });
}

// As it is in the file.
struct Entry {
  protocol::Bytes32 node{};
  protocol::Bytes16 ip{};
  std::uint32_t port = 0;
};

tl::unexpected<Problem> no_member() {
  return tl::unexpected(Problem{.message = "this machine is in no pool", .hint = "gibbon join TOKEN"});
}

}  // namespace

tl::expected<std::vector<KnownPeer>, Problem> load_peers(const StateDir& state) {
  const auto folder = PoolFolder::open(state);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) return no_member();
  const auto content = (*folder)->read(file_name, FileMode::open);
  if (!content) return tl::unexpected(content.error());
  std::vector<KnownPeer> peers;
  if (!*content) return peers;
  std::vector<Entry> entries;
  crypto::Reader reader((*content)->bytes(), PoolFolder::file_bytes_max);
  fields(reader, entries);
  if (reader.finish() != crypto::WireFault::none)
    return tl::unexpected((*folder)->damaged(file_name, "it says something that cannot be"));
  for (const Entry& entry : entries) {
    peers.push_back({.node = protocol::NodeId(entry.node),
                     .address = {.ip = entry.ip, .port = static_cast<std::uint16_t>(entry.port)}});
  }
  return peers;
}

tl::expected<void, Problem> keep_peers(const StateDir& state, std::vector<KnownPeer> peers) {
  const auto folder = PoolFolder::open(state);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) return no_member();
  peers.resize(std::min(peers.size(), known_peers_max));
  std::vector<Entry> entries;
  for (const KnownPeer& peer : peers)
    entries.push_back({.node = peer.node.value(), .ip = peer.address.ip, .port = peer.address.port});
  crypto::Writer writer(PoolFolder::file_bytes_max);
  fields(writer, entries);
  assert(writer.fault() == crypto::WireFault::none);
  return (*folder)->write(file_name, writer.take(), FileMode::open);
}

void put_first(std::vector<KnownPeer>& peers, const KnownPeer& peer) {
  const bool named = peer.node != protocol::NodeId();
  std::erase_if(peers, [&](const KnownPeer& other) {
    return other.address == peer.address || (named && other.node == peer.node);
  });
  peers.insert(peers.begin(), peer);
  peers.resize(std::min(peers.size(), known_peers_max));
}

}  // namespace agent::shell
