#include <algorithm>
#include <cassert>

#include "agent/shell/pool_files.h"

namespace agent::shell {

namespace {

crypto::Bytes16 serial_of(const MakeSecret& make_secret) {
  crypto::Bytes16 serial{};
  const crypto::Secret<32> random = make_secret();
  std::copy_n(random.bytes().begin(), serial.size(), serial.begin());
  return serial;
}

crypto::Sealed signed_by(const crypto::SigningPair& issuer, const crypto::Certificate& certificate) {
  return crypto::sign_certificate(certificate, issuer).value();
}

}  // namespace

tl::expected<crypto::Seed, Problem> found_pool(const StateDir& state, const std::string& name, std::int64_t now_wall_ms,
                                               const MakeSecret& make_secret) {
  crypto::Seed root = make_secret();
  const auto founded = found_pool(state, name, now_wall_ms, root, make_secret);
  if (!founded) return tl::unexpected(founded.error());
  return root;
}

tl::expected<void, Problem> found_pool(const StateDir& state, const std::string& name, std::int64_t now_wall_ms,
                                       const crypto::Seed& root_seed, const MakeSecret& make_secret) {
  assert(crypto::sensible_holder_name(name) && name.size() <= crypto::holder_name_bytes_max);
  const auto keys = node_keys(state);
  if (!keys) return tl::unexpected(keys.error());
  const crypto::SigningPair root(root_seed);
  const crypto::Seed issuer_seed = make_secret();
  const crypto::SigningPair issuer(issuer_seed);
  const crypto::Digest by_root = crypto::root_id(root.public_key());

  crypto::Certificate member{.pool = by_root.bytes,
                             .serial = serial_of(make_secret),
                             .kind = crypto::HolderKind::user,
                             .name = name,
                             .sign_key = keys->user.public_key(),
                             .roles = {crypto::Role::submit, crypto::Role::admin},
                             .not_before_ms = now_wall_ms,
                             .not_after_ms = now_wall_ms + year_ms,
                             .issuer = by_root};
  const crypto::Sealed user = signed_by(root, member);

  crypto::Certificate issuing = member;
  issuing.serial = serial_of(make_secret);
  issuing.kind = crypto::HolderKind::issuer;
  issuing.sign_key = issuer.public_key();
  issuing.roles = {crypto::Role::issue};
  issuing.ceiling = crypto::Ceiling{.roles = {crypto::Role::run, crypto::Role::submit}, .life_ms_max = year_ms};
  issuing.not_after_ms = now_wall_ms + issuer_life_ms;
  const crypto::Sealed issuer_certificate = signed_by(root, issuing);

  member.serial = serial_of(make_secret);
  member.kind = crypto::HolderKind::node;
  member.sign_key = keys->node.public_key();
  member.noise_key = keys->link.public_key();
  member.roles = {crypto::Role::run};
  member.issuer = issuer_certificate.id;
  const crypto::Sealed node = signed_by(issuer, member);

  const crypto::Secret<32> network_key = make_secret();
  return become_member(state, {.trust = {by_root.bytes, {root.public_key()}},
                               .node_chain = crypto::encode_chain({node.bytes, issuer_certificate.bytes}).value(),
                               .user_chain = crypto::encode_chain({user.bytes}).value(),
                               .network_key = network_key,
                               .issuer_key = &issuer_seed,
                               .issuer_chain = crypto::encode_chain({issuer_certificate.bytes}).value()});
}

}  // namespace agent::shell
