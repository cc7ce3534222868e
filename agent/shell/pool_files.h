#pragma once
// What a node needs to be a member again after a restart, in its state directory (state_dir.h):
//
//   node.key, link.key, user.key   32 bytes each, 0600: seeds of the node's and the user's signing keys, secret of the
//                                  static key of links. They are older than any pool: an invitation that is tried
//                                  again finds the same keys.
//   pool/                          0700, there exactly if the node is a member; in it
//     trust          0644          the pool's name and its root keys
//     node.cert, user.cert  0644   chains, encoded
//     net.psk        0600          the network key, and the one before it
//     pinned         0644          user keys whose jobs may run here without a sandbox: of who invited
//     revoked        0644          signed entries
//     issuer.key     0600          seed; with issuer.cert, 0600, its chain: only where nodes are invited
//     invitations    0600          (invitations.h)
//     peers          0644          (known_peers.h)
//
// A membership appears whole or not at all, and never in the place of another (pool_folder.h). What is damaged or does
// not fit to the rest is a problem that names the file; nothing is overwritten then.
//
// The root key is not kept here. It signs the issuer and the founder's own certificate, and is whose founds the pool,
// to be kept where no machine of the pool can reach it. Whoever throws it away has a pool that ends with its issuer, in
// five years.
//
// Contents: numbers and lists as crypto/canonical.h writes them; secrets as they are.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/link/credentials.h"
#include "agent/link/greeting.h"
#include "agent/shell/pool_folder.h"
#include "agent/shell/problem.h"
#include "agent/shell/state_dir.h"
#include "crypto/join.h"
#include "crypto/membership.h"

namespace agent::shell {

using link::Bytes;
using link::MakeSecret;

inline constexpr std::int64_t year_ms = 365 * crypto::day_ms;
inline constexpr std::int64_t issuer_life_ms = 5 * year_ms;

struct NodeKeys {
  crypto::SigningPair node;
  crypto::ExchangePair link;
  crypto::SigningPair user;
};
// Of this state directory; random ones where they are missing.
[[nodiscard]] tl::expected<NodeKeys, Problem> node_keys(const StateDir& state);

struct Issuer {
  crypto::SigningPair key;
  Bytes chain;
};

struct Pool {
  crypto::SigningPair node_key;
  link::Credentials credentials;
  crypto::SigningPair user_key;
  Bytes user_chain;
  std::optional<Issuer> issuer;
  std::vector<crypto::PublicKey> pinned;  // users
};

// Nothing: the node is no member. Certificates that have expired or were revoked are no damage: what they are still
// good for is judged where they are used.
[[nodiscard]] tl::expected<std::optional<Pool>, Problem> load_pool(const StateDir& state);

// What people call the pool that these certificates are of: by the machine where it began. Empty: they are no chain.
[[nodiscard]] std::string pool_name(std::span<const std::byte> node_chain);
// The first digits of a pool's or node's id, for people.
[[nodiscard]] std::string short_id(std::span<const std::byte> id);

struct NewMembership {
  crypto::Trust trust;
  Bytes node_chain;
  Bytes user_chain;
  const crypto::Secret<32>& network_key;
  std::vector<crypto::PublicKey> pinned{};
  std::vector<Bytes> revocations{};
  const crypto::Seed* issuer_key = nullptr;  // with its chain, or none
  Bytes issuer_chain{};
};
// Refused to who is a member already.
[[nodiscard]] tl::expected<void, Problem> become_member(const StateDir& state, const NewMembership& membership);
// What a newcomer was answered.
[[nodiscard]] tl::expected<void, Problem> keep_joined(const StateDir& state, const crypto::Trust& trust,
                                                      const crypto::JoinAnswer& answer);

// The first machine of a pool: makes root, issuer and network key, signs node and user, and is a member afterwards.
//
//   root    signs the issuer (five years; may give `run` and `submit`, for a year at most), and the founder's user
//           certificate (`submit` and `admin`, a year): no issuer can make an administrator
//   issuer  signs this node's certificate (`run`, a year), and all that are invited
//
// `root` is the root key's seed, random, and the caller's to keep where it will be found again. REQUIRES:
// sensible_holder_name(name), at most holder_name_bytes_max.
[[nodiscard]] tl::expected<void, Problem> found_pool(const StateDir& state, const std::string& name,
                                                     std::int64_t now_wall_ms, const crypto::Seed& root,
                                                     const MakeSecret& make_secret);
// Of a root key that is made here and returned: there is no other copy of it.
[[nodiscard]] tl::expected<crypto::Seed, Problem> found_pool(const StateDir& state, const std::string& name,
                                                             std::int64_t now_wall_ms, const MakeSecret& make_secret);

// The node is no member any more; its keys stay. No effect on who is none.
[[nodiscard]] tl::expected<void, Problem> forget_pool(const StateDir& state);

// A new network key, in front of the one that was used until now.
[[nodiscard]] tl::expected<void, Problem> keep_network_keys(const StateDir& state,
                                                            std::span<const crypto::Secret<32>> keys);
[[nodiscard]] tl::expected<void, Problem> keep_revocations(const StateDir& state, const crypto::RevocationSet& revoked);

}  // namespace agent::shell
