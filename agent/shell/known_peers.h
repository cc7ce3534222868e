#pragma once
// Who was met in the pool, and where: what a node begins with after a restart, when everything that its owner named is
// gone. In `peers` of the pool's folder (pool_folder.h). It proves nothing: whoever answers at an address shows its
// certificates.

#include <tl/expected.hpp>
#include <vector>

#include "agent/shell/pool_folder.h"
#include "agent/shell/problem.h"
#include "protocol/ids.h"
#include "protocol/message_peer.h"

namespace agent::shell {

struct KnownPeer {
  protocol::NodeId node;      // zeros: whoever it is
  protocol::Address address;  // its port is not 0
  bool operator==(const KnownPeer&) const = default;
};

inline constexpr std::size_t known_peers_max = 64;

// The latest first; none if there is no such file. REQUIRES for both: the node is a member.
[[nodiscard]] tl::expected<std::vector<KnownPeer>, Problem> load_peers(const StateDir& state);
// At most known_peers_max are kept.
[[nodiscard]] tl::expected<void, Problem> keep_peers(const StateDir& state, std::vector<KnownPeer> peers);

// `peers` with this one in front, and nothing else of that node or at that address.
void put_first(std::vector<KnownPeer>& peers, const KnownPeer& peer);

}  // namespace agent::shell
