#include "agent/shell/pool_files.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/shell/system.h"
#include "crypto/canonical.h"

namespace agent::shell {

namespace {

constexpr std::size_t pinned_max = 64;

template <class Wire, class T>
void trust_fields(Wire& wire, T& trust) {
  wire.fixed(trust.pool);
  wire.list(trust.roots, {.least = 1, .most = crypto::roots_max, .element_bytes_min = 32},
            [&wire](auto& root) { wire.fixed(root.bytes); });
}
template <class Wire, class T>
void pinned_fields(Wire& wire, T& users) {
  wire.list(users, {.most = pinned_max, .element_bytes_min = 32}, [&wire](auto& user) { wire.fixed(user.bytes); });
}
template <class Wire, class T>
void revoked_fields(Wire& wire, T& entries) {
  wire.list(entries, {.most = crypto::RevocationSet::entries_max},
            [&wire](auto& entry) { wire.bytes(entry, crypto::revocation_signed_bytes_max); });
}

}  // namespace

tl::expected<NodeKeys, Problem> node_keys(const StateDir& state) {
  auto node = state.secret("node.key");
  if (!node) return tl::unexpected(node.error());
  auto link = state.secret("link.key");
  if (!link) return tl::unexpected(link.error());
  auto user = state.secret("user.key");
  if (!user) return tl::unexpected(user.error());
  return NodeKeys{.node = crypto::SigningPair(*node),
                  .link = crypto::ExchangePair(*std::move(link)),
                  .user = crypto::SigningPair(*user)};
}

std::string pool_name(std::span<const std::byte> node_chain) {
  const auto chain = crypto::decode_chain(node_chain);
  if (!chain) return {};
  const auto last = crypto::decode_signed(chain->back(), crypto::certificate_signed_bytes_max);
  if (!last) return {};
  const auto issuer = crypto::decode_certificate_body(last->body);
  return issuer ? issuer->name : std::string();
}

std::string short_id(std::span<const std::byte> id) {
  return to_hex(id).substr(0, 8);
}

namespace {

// Writes the files of one membership until one of them cannot be written.
class Writing {
 public:
  explicit Writing(const PoolFolder& folder) : folder_(folder) {}
  void add(const char* name, std::span<const std::byte> content, FileMode mode = FileMode::open) {
    if (done_) done_ = folder_.write(name, content, mode);
  }
  template <class Fields>
  void add_fields(const char* name, Fields fields) {
    crypto::Writer writer(PoolFolder::file_bytes_max);
    fields(writer);
    assert(writer.fault() == crypto::WireFault::none);
    add(name, writer.take());
  }
  [[nodiscard]] const tl::expected<void, Problem>& done() const { return done_; }

 private:
  const PoolFolder& folder_;
  tl::expected<void, Problem> done_;
};

tl::expected<PoolFolder, Problem> members_folder(const StateDir& state) {
  auto folder = PoolFolder::open(state);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) return tl::unexpected(Problem{.message = "this machine is in no pool", .hint = "gibbon join TOKEN"});
  return **std::move(folder);
}

}  // namespace

tl::expected<void, Problem> become_member(const StateDir& state, const NewMembership& membership) {
  const auto before = PoolFolder::open(state);
  if (!before) return tl::unexpected(before.error());
  if (*before) {
    return tl::unexpected(Problem{.message = "this machine is in a pool already (" + state.file("pool") + ")",
                                  .hint = "gibbon leave, and then again"});
  }
  auto folder = PoolFolder::begin(state);
  if (!folder) return tl::unexpected(folder.error());
  Writing writing(*folder);
  writing.add_fields("trust", [&](auto& wire) { trust_fields(wire, membership.trust); });
  writing.add("node.cert", membership.node_chain);
  writing.add("user.cert", membership.user_chain);
  writing.add("net.psk", membership.network_key.bytes(), FileMode::secret);
  writing.add_fields("pinned", [&](auto& wire) { pinned_fields(wire, membership.pinned); });
  writing.add_fields("revoked", [&](auto& wire) { revoked_fields(wire, membership.revocations); });
  if (membership.issuer_key != nullptr) {
    writing.add("issuer.key", membership.issuer_key->bytes(), FileMode::secret);
    writing.add("issuer.cert", membership.issuer_chain, FileMode::secret);
  }
  const auto placed = writing.done() ? folder->take_place(state) : writing.done();
  if (!placed) folder->give_up();
  return placed;
}

tl::expected<void, Problem> keep_joined(const StateDir& state, const crypto::Trust& trust,
                                        const crypto::JoinAnswer& answer) {
  return become_member(state, {.trust = trust,
                               .node_chain = answer.node_chain,
                               .user_chain = answer.user_chain,
                               .network_key = answer.network_psk,
                               .pinned = {answer.inviter},
                               .revocations = answer.revocations});
}

tl::expected<void, Problem> forget_pool(const StateDir& state) {
  return PoolFolder::remove(state);
}

tl::expected<void, Problem> keep_network_keys(const StateDir& state, std::span<const crypto::Secret<32>> keys) {
  assert(keys.size() == 1 || keys.size() == 2);
  const auto folder = members_folder(state);
  if (!folder) return tl::unexpected(folder.error());
  crypto::SecretBytes content(keys.size() * 32);
  auto out = content.writable().begin();
  for (const crypto::Secret<32>& key : keys) out = std::ranges::copy(key.bytes(), out).out;
  return folder->write("net.psk", content.bytes(), FileMode::secret);
}

tl::expected<void, Problem> keep_revocations(const StateDir& state, const crypto::RevocationSet& revoked) {
  const auto folder = members_folder(state);
  if (!folder) return tl::unexpected(folder.error());
  std::vector<Bytes> entries;
  for (const auto& [id, entry] : revoked.entries()) entries.push_back(entry.bytes);
  Writing writing(*folder);
  writing.add_fields("revoked", [&](auto& wire) { revoked_fields(wire, entries); });
  return writing.done();
}

namespace {

// Reads the files of one membership; the first problem ends it.
class Reading {
 public:
  explicit Reading(const PoolFolder& folder) : folder_(folder) {}

  [[nodiscard]] std::optional<crypto::SecretBytes> there(const char* name, FileMode mode) {
    if (problem_) return std::nullopt;
    auto content = folder_.read(name, mode);
    if (content) return *std::move(content);
    problem_ = content.error();
    return std::nullopt;
  }
  [[nodiscard]] crypto::SecretBytes whole(const char* name, FileMode mode = FileMode::open) {
    auto content = there(name, mode);
    if (content) return *std::move(content);
    refuse_missing(name);
    return crypto::SecretBytes(0);
  }
  template <class Fields>
  void fields(const char* name, Fields read) {
    const crypto::SecretBytes content = whole(name);
    if (problem_) return;
    crypto::Reader reader(content.bytes(), PoolFolder::file_bytes_max);
    read(reader);
    if (reader.finish() != crypto::WireFault::none) refuse(name, "it says something that cannot be");
  }
  // A chain that holds, at whatever time, and whose first certificate is of `kind` and has these keys.
  [[nodiscard]] Bytes chain(const char* name, const crypto::Trust& trust, crypto::HolderKind kind,
                            const crypto::PublicKey& key, std::optional<crypto::ExchangeKey> link_key = {},
                            FileMode mode = FileMode::open) {
    const crypto::SecretBytes content = whole(name, mode);
    if (problem_) return {};
    Bytes chain(content.bytes().begin(), content.bytes().end());
    const auto member = crypto::judge(chain, trust, crypto::wall_ms_max / 2, {}, crypto::Purpose::membership);
    if (!member && member.error() < crypto::CertificateError::revoked) {
      refuse(name, std::string(crypto::to_string(member.error())));
    } else if (!is_of(chain, kind, key, link_key)) {
      refuse(name, "it is not about the keys of this machine");
    }
    return chain;
  }
  void refuse(const char* name, const std::string& how) {
    if (!problem_) problem_ = folder_.damaged(name, how);
  }
  [[nodiscard]] const std::optional<Problem>& problem() const { return problem_; }

 private:
  void refuse_missing(const char* name) {
    if (!problem_) problem_ = folder_.missing(name);
  }
  // REQUIRES: well-formed.
  static bool is_of(const Bytes& chain, crypto::HolderKind kind, const crypto::PublicKey& key,
                    const std::optional<crypto::ExchangeKey>& link_key) {
    const auto first =
        crypto::decode_signed(crypto::decode_chain(chain).value().front(), crypto::certificate_signed_bytes_max);
    const auto certificate = crypto::decode_certificate_body(first.value().body);
    return certificate->kind == kind && certificate->sign_key == key && certificate->noise_key == link_key;
  }

  const PoolFolder& folder_;
  std::optional<Problem> problem_;
};

std::vector<crypto::Secret<32>> read_network_keys(Reading& reading) {
  const crypto::SecretBytes content = reading.whole("net.psk", FileMode::secret);
  std::vector<crypto::Secret<32>> keys;
  if (content.bytes().size() != 32 && content.bytes().size() != 64) reading.refuse("net.psk", "a key has 32 bytes");
  if (reading.problem()) return keys;
  keys.emplace_back(content.bytes().first<32>());
  if (content.bytes().size() == 64) keys.emplace_back(content.bytes().last<32>());
  return keys;
}

crypto::RevocationSet read_revocations(Reading& reading, const crypto::Bytes32& pool) {
  std::vector<Bytes> entries;
  reading.fields("revoked", [&](auto& wire) { revoked_fields(wire, entries); });
  crypto::RevocationSet revoked;
  for (const Bytes& bytes : entries) {
    auto entry = crypto::open_revocation(bytes, pool);
    if (entry) {
      (void)revoked.add(*std::move(entry));
    } else {
      reading.refuse("revoked", crypto::to_string(entry.error()));
    }
  }
  return revoked;
}

std::optional<Issuer> read_issuer(Reading& reading, const crypto::Trust& trust) {
  const auto content = reading.there("issuer.key", FileMode::secret);
  if (!content) return std::nullopt;
  if (content->bytes().size() != 32) reading.refuse("issuer.key", "a key has 32 bytes");
  if (reading.problem()) return std::nullopt;
  crypto::SigningPair key(crypto::Seed(content->bytes().first<32>()));
  Bytes chain = reading.chain("issuer.cert", trust, crypto::HolderKind::issuer, key.public_key(), {}, FileMode::secret);
  return Issuer{.key = std::move(key), .chain = std::move(chain)};
}

}  // namespace

tl::expected<std::optional<Pool>, Problem> load_pool(const StateDir& state) {
  const auto folder = PoolFolder::open(state);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) return std::nullopt;
  auto keys = node_keys(state);
  if (!keys) return tl::unexpected(keys.error());
  Reading reading(**folder);
  crypto::Trust trust;
  reading.fields("trust", [&](auto& wire) { trust_fields(wire, trust); });
  const crypto::ExchangeKey link_key = keys->link.public_key();
  Bytes chain = reading.chain("node.cert", trust, crypto::HolderKind::node, keys->node.public_key(), link_key);
  Bytes user_chain = reading.chain("user.cert", trust, crypto::HolderKind::user, keys->user.public_key());
  auto network_keys = read_network_keys(reading);
  std::vector<crypto::PublicKey> pinned;
  reading.fields("pinned", [&](auto& wire) { pinned_fields(wire, pinned); });
  auto revoked = read_revocations(reading, trust.pool);
  auto issuer = read_issuer(reading, trust);
  if (reading.problem()) return tl::unexpected(*reading.problem());
  return Pool{.node_key = std::move(keys->node),
              .credentials = {.link_key = std::move(keys->link),
                              .chain = std::move(chain),
                              .network_keys = std::move(network_keys),
                              .trust = std::move(trust),
                              .revoked = std::move(revoked)},
              .user_key = std::move(keys->user),
              .user_chain = std::move(user_chain),
              .issuer = std::move(issuer),
              .pinned = std::move(pinned)};
}

}  // namespace agent::shell
