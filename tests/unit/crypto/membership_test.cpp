#include "crypto/membership.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

using samples::Bytes;

constexpr std::int64_t now_ms = samples::created_ms + day_ms;

SigningPair second_issuer_pair() {
  return samples::pair(8);
}

// A node, its issuer, and the root key; or with a second issuer between the two.
struct Pool {
  Certificate node = samples::certificate();
  Certificate issuer = samples::issuer_certificate();
  std::optional<Certificate> second;  // issued by `issuer`, issues `node`
  Trust trust{samples::pool(), {samples::root_pair().public_key()}};
  RevocationSet revoked;

  // Certificates name whom they are issued by, and are signed by him.
  [[nodiscard]] CertificateChain chain() const {
    const Sealed first = sign_certificate(issuer, samples::root_pair()).value();
    Certificate leaf = node;
    if (!second) {
      leaf.issuer = first.id;
      return {sign_certificate(leaf, samples::issuer_pair()).value().bytes, first.bytes};
    }
    Certificate between = *second;
    between.issuer = first.id;
    const Sealed middle = sign_certificate(between, samples::issuer_pair()).value();
    leaf.issuer = middle.id;
    return {sign_certificate(leaf, second_issuer_pair()).value().bytes, middle.bytes, first.bytes};
  }
  [[nodiscard]] tl::expected<Membership, CertificateError> judged(const CertificateChain& shown,
                                                                  std::int64_t at_ms = now_ms,
                                                                  Purpose purpose = Purpose::membership) const {
    return judge(encode_chain(shown).value(), trust, at_ms, revoked, purpose);
  }
  [[nodiscard]] tl::expected<Membership, CertificateError> judged(std::int64_t at_ms = now_ms,
                                                                  Purpose purpose = Purpose::membership) const {
    return judged(chain(), at_ms, purpose);
  }
  [[nodiscard]] CertificateError refused(const CertificateChain& shown) const {
    const auto membership = judged(shown);
    EXPECT_FALSE(membership);
    return membership ? CertificateError{} : membership.error();
  }
};

Certificate second_issuer() {
  Certificate it = samples::issuer_certificate();
  it.serial = samples::filled<Bytes16>(0xb3);
  it.name = "second issuer";
  it.sign_key = second_issuer_pair().public_key();
  return it;
}

Pool with_second_issuer() {
  Pool pool;
  pool.second = second_issuer();
  pool.issuer.ceiling->roles = all_roles;
  return pool;
}

void revoke(RevocationSet& set, Revoked what) {
  Revocation it = samples::revocation();
  it.what = what;
  const Sealed sealed = sign_revocation(it, samples::admin_pair()).value();
  ASSERT_EQ(set.add(open_revocation(sealed.bytes, samples::pool()).value()), RevocationSet::Added::added);
}

TEST(membership, of_a_node_is_what_its_certificate_says_with_the_names_that_follow_from_it) {
  const Pool pool;
  const auto membership = pool.judged();
  ASSERT_TRUE(membership) << to_string(membership.error());
  EXPECT_EQ(membership->certificate, samples::certificate());
  EXPECT_EQ(membership->id, sign_certificate(samples::certificate(), samples::issuer_pair())->id);
  EXPECT_EQ(membership->holder, key_id(node_domain, samples::node_pair().public_key()));
  EXPECT_EQ(membership->roles, Roles{Role::run});
  EXPECT_EQ(membership->allowance, samples::certificate().allowance);
  EXPECT_EQ(membership->not_before_ms, samples::certificate().not_before_ms);
  EXPECT_EQ(membership->not_after_ms, samples::certificate().not_after_ms);
  EXPECT_EQ(membership->ceiling, std::nullopt);
}

TEST(membership, of_a_user_has_the_name_of_a_user) {
  Pool pool;
  pool.node.kind = HolderKind::user;
  pool.node.noise_key.reset();
  pool.node.roles = {Role::submit};
  EXPECT_EQ(pool.judged()->holder, key_id(user_domain, samples::node_pair().public_key()));
}

TEST(membership, comes_through_one_issuer_two_or_the_root_itself) {
  EXPECT_TRUE(Pool{}.judged());
  EXPECT_TRUE(with_second_issuer().judged());
  Certificate direct = samples::certificate();
  direct.issuer = root_id(samples::root_pair().public_key());
  EXPECT_TRUE(Pool{}.judged({sign_certificate(direct, samples::root_pair())->bytes}));
}

TEST(membership, of_an_issuer_says_what_it_can_give) {
  const Pool pool = with_second_issuer();
  CertificateChain shown = pool.chain();
  shown.erase(shown.begin());
  const auto membership = pool.judged(shown);
  ASSERT_TRUE(membership);
  EXPECT_TRUE(membership->roles.has(Role::issue));
  EXPECT_EQ(membership->ceiling, second_issuer().ceiling);
}

TEST(membership, of_an_issuer_can_give_no_more_than_what_it_was_given_itself) {
  Pool pool = with_second_issuer();
  pool.issuer.ceiling = Ceiling{{Role::submit, Role::admin, Role::issue}, 40 * day_ms};
  CertificateChain shown = pool.chain();
  shown.erase(shown.begin());
  const auto membership = pool.judged(shown, samples::created_ms - 90 * day_ms);
  ASSERT_TRUE(membership);
  EXPECT_EQ(membership->ceiling, (Ceiling{{Role::submit}, 40 * day_ms}));
}

TEST(membership, has_no_role_that_some_issuer_could_not_give) {
  Pool pool;
  pool.node.roles = {Role::run, Role::submit, Role::admin};
  EXPECT_EQ(pool.judged()->roles, (Roles{Role::run, Role::submit}));
  pool.issuer.ceiling->roles = {Role::admin};
  EXPECT_EQ(pool.judged()->roles, (Roles{Role::admin}));

  Pool longer = with_second_issuer();
  longer.node.roles = {Role::run, Role::submit, Role::admin};
  longer.second->ceiling->roles = {Role::run, Role::admin};
  longer.issuer.ceiling->roles = {Role::run, Role::submit, Role::issue};
  EXPECT_EQ(longer.judged()->roles, (Roles{Role::run}));
}

TEST(membership, has_no_allowance_that_some_issuer_has_not) {
  Pool pool;
  pool.issuer.allowance = {.parallel_max = 4, .projects = {{"blue", "green"}}};
  EXPECT_EQ(pool.judged()->allowance, (Allowance{.parallel_max = 4, .projects = {{"blue"}}}));
  pool.node.allowance = {};
  EXPECT_EQ(pool.judged()->allowance, pool.issuer.allowance);
}

TEST(membership, begins_and_ends_within_the_times_of_every_issuer) {
  Pool pool;
  pool.issuer.not_before_ms = samples::created_ms + 5;
  pool.issuer.not_after_ms = samples::created_ms + 50 * day_ms;
  EXPECT_EQ(pool.judged()->not_before_ms, pool.issuer.not_before_ms);
  EXPECT_EQ(pool.judged()->not_after_ms, pool.issuer.not_after_ms);
  Pool longer = with_second_issuer();
  longer.issuer.not_after_ms = samples::created_ms + 50 * day_ms;
  EXPECT_EQ(longer.judged()->not_after_ms, longer.issuer.not_after_ms);
}

TEST(membership, lives_no_longer_than_any_issuer_could_give) {
  Pool pool;
  pool.issuer.ceiling->life_ms_max = 30 * day_ms;
  EXPECT_EQ(pool.judged()->not_after_ms, samples::created_ms + 30 * day_ms);
  Pool longer = with_second_issuer();
  longer.second->not_before_ms = samples::created_ms - 10 * day_ms;
  longer.issuer.ceiling->life_ms_max = 30 * day_ms;
  EXPECT_EQ(longer.judged()->not_after_ms, samples::created_ms + 20 * day_ms);
  longer.second->not_before_ms = samples::created_ms;
  EXPECT_EQ(longer.judged()->not_after_ms, samples::created_ms + 30 * day_ms);
}

TEST(membership, is_not_given_by_somebody_who_is_no_issuer) {
  // A node signs for another one, with its own certificate in the place of an issuer's.
  const Pool pool;
  const CertificateChain of_node = pool.chain();
  Certificate other = samples::certificate();
  other.issuer = statement_id(certificate_domain, decode_signed(of_node[0], certificate_signed_bytes_max)->body);
  const Bytes issued = sign_certificate(other, samples::node_pair())->bytes;
  EXPECT_EQ(pool.refused({issued, of_node[0], of_node[1]}), CertificateError::not_an_issuer);

  Pool longer = with_second_issuer();
  longer.issuer.ceiling->roles = {Role::run, Role::submit, Role::admin};
  EXPECT_EQ(longer.judged(), tl::unexpected(CertificateError::not_an_issuer));
}

TEST(membership, takes_a_chain_in_which_each_names_the_next) {
  const Pool pool = with_second_issuer();
  const CertificateChain good = pool.chain();
  EXPECT_EQ(pool.refused({good[0], good[2]}), CertificateError::broken_chain);
  EXPECT_EQ(pool.refused({good[0], good[2], good[1]}), CertificateError::broken_chain);
  EXPECT_EQ(pool.refused({good[0], good[0], good[1]}), CertificateError::broken_chain);
  EXPECT_EQ(pool.refused({good[0], good[1]}), CertificateError::unknown_root);
  EXPECT_EQ(pool.refused({good[0]}), CertificateError::unknown_root);
  EXPECT_EQ(pool.refused({good[0], good[1], Bytes(70)}), CertificateError::malformed);
}

TEST(membership, needs_every_signature_of_the_chain) {
  const Pool pool = with_second_issuer();
  for (std::size_t at = 0; at < 3; ++at) {
    CertificateChain shown = pool.chain();
    shown[at].back() ^= std::byte{1};
    EXPECT_EQ(pool.refused(shown), CertificateError::bad_signature) << at;
  }
  // By the right key of the wrong level.
  CertificateChain shown = pool.chain();
  Bytes body = decode_signed(shown[0], certificate_signed_bytes_max)->body;
  shown[0] = seal(certificate_domain, body, samples::issuer_pair()).bytes;
  EXPECT_EQ(pool.refused(shown), CertificateError::bad_signature);
}

TEST(membership, rests_on_any_root_key_that_is_trusted_and_on_no_other) {
  Pool pool;
  pool.trust.roots = {samples::pair(9).public_key(), samples::root_pair().public_key()};
  EXPECT_TRUE(pool.judged());
  pool.trust.roots = {samples::pair(9).public_key()};
  EXPECT_EQ(pool.judged(), tl::unexpected(CertificateError::unknown_root));
  pool.trust.roots.clear();
  EXPECT_EQ(pool.judged(), tl::unexpected(CertificateError::unknown_root));
}

TEST(membership, holds_in_one_pool_only) {
  Pool pool;
  pool.node.pool[0] ^= std::byte{1};
  EXPECT_EQ(pool.judged(), tl::unexpected(CertificateError::wrong_pool));
  pool = Pool{};
  pool.issuer.pool[0] ^= std::byte{1};
  EXPECT_EQ(pool.judged(), tl::unexpected(CertificateError::wrong_pool));
  pool = Pool{};
  pool.trust.pool[0] ^= std::byte{1};
  EXPECT_EQ(pool.judged(), tl::unexpected(CertificateError::wrong_pool));
}

TEST(membership, ends_when_any_of_the_chain_is_revoked_by_serial_or_key) {
  const std::vector<Revoked> reasons{
      RevokedSerial{samples::certificate().serial},        RevokedSerial{second_issuer().serial},
      RevokedSerial{samples::issuer_certificate().serial}, RevokedSigner{samples::node_pair().public_key()},
      RevokedSigner{second_issuer_pair().public_key()},    RevokedSigner{samples::issuer_pair().public_key()},
      RevokedNode{samples::noise_pair().public_key()}};
  for (const Revoked& reason : reasons) {
    Pool pool = with_second_issuer();
    revoke(pool.revoked, reason);
    EXPECT_EQ(pool.judged(), tl::unexpected(CertificateError::revoked)) << reason.index();
    EXPECT_EQ(pool.judged(now_ms, Purpose::renewal), tl::unexpected(CertificateError::revoked)) << reason.index();
  }
  Pool pool = with_second_issuer();
  revoke(pool.revoked, RevokedJob{samples::certificate().serial});
  revoke(pool.revoked, RevokedSigner{samples::job_pair().public_key()});
  revoke(pool.revoked, RevokedNode{ExchangeKey{samples::node_pair().public_key().bytes}});
  EXPECT_TRUE(pool.judged());
}

TEST(membership, is_judged_to_the_millisecond_with_the_tolerance_of_clocks) {
  const Pool pool;
  const std::int64_t begin = samples::certificate().not_before_ms - 600'000;
  const std::int64_t end = samples::certificate().not_after_ms + 600'000;
  EXPECT_EQ(pool.judged(begin - 1), tl::unexpected(CertificateError::not_yet_valid));
  EXPECT_TRUE(pool.judged(begin));
  EXPECT_TRUE(pool.judged(end));
  EXPECT_EQ(pool.judged(end + 1), tl::unexpected(CertificateError::expired));
  EXPECT_EQ(pool.judged(0), tl::unexpected(CertificateError::not_yet_valid));
  EXPECT_EQ(pool.judged(wall_ms_max), tl::unexpected(CertificateError::expired));
}

TEST(membership, suffices_for_a_renewal_for_sixty_days_more) {
  const Pool pool;
  const std::int64_t end = samples::certificate().not_after_ms + 600'000;
  constexpr std::int64_t sixty_days = std::int64_t{60} * 24 * 3'600 * 1'000;
  EXPECT_TRUE(pool.judged(end + sixty_days, Purpose::renewal));
  EXPECT_EQ(pool.judged(end + sixty_days + 1, Purpose::renewal), tl::unexpected(CertificateError::expired));
  EXPECT_EQ(pool.judged(samples::certificate().not_before_ms - 600'001, Purpose::renewal),
            tl::unexpected(CertificateError::not_yet_valid));
}

TEST(membership, of_what_is_no_chain_is_told_as_such) {
  const Pool pool;
  EXPECT_EQ(judge({}, pool.trust, now_ms, pool.revoked, Purpose::membership).error(), CertificateError::malformed);
  EXPECT_EQ(judge(Bytes(chain_bytes_max + 1), pool.trust, now_ms, pool.revoked, Purpose::membership).error(),
            CertificateError::bad_field);
  EXPECT_EQ(pool.refused({Bytes(64)}), CertificateError::malformed);
  const Bytes of_another_kind = samples::RevocationKind::sealed().bytes;
  EXPECT_FALSE(pool.judged({of_another_kind}));
}

}  // namespace
}  // namespace crypto
