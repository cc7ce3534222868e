#include "crypto/certificate.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

using samples::Bytes;

// Of the sample of a node, changed: whether it is signed, and then read as the same.
template <class Change>
bool accepted(Change change, Certificate it = samples::certificate()) {
  change(it);
  const auto sealed = sign_certificate(it, samples::issuer_pair());
  if (!sealed) {
    EXPECT_EQ(sealed.error(), CertificateError::bad_field);
    return false;
  }
  EXPECT_EQ(open_certificate(sealed->bytes, samples::issuer_pair().public_key()), it);
  return true;
}

TEST(certificate, comes_back_as_it_was_signed_whatever_it_is_of) {
  EXPECT_TRUE(accepted([](Certificate&) {}));
  EXPECT_TRUE(accepted([](Certificate& it) { it = samples::issuer_certificate(); }));
  EXPECT_TRUE(accepted([](Certificate& it) {
    it.kind = HolderKind::user;
    it.noise_key.reset();
    it.roles = {Role::submit, Role::admin};
  }));
}

TEST(certificate, of_a_node_has_a_static_key_and_no_other_has) {
  EXPECT_FALSE(accepted([](Certificate& it) { it.noise_key.reset(); }));
  EXPECT_FALSE(accepted([](Certificate& it) { it.kind = HolderKind::user; }));
  EXPECT_FALSE(accepted([](Certificate& it) { it.noise_key = samples::noise_pair().public_key(); },
                        samples::issuer_certificate()));
}

TEST(certificate, of_an_issuer_says_what_it_can_give_and_no_other_issues) {
  EXPECT_FALSE(accepted([](Certificate& it) { it.ceiling = Ceiling{{Role::run}, day_ms}; }));
  EXPECT_FALSE(accepted([](Certificate& it) { it.roles = {Role::run, Role::issue}; }));
  EXPECT_FALSE(accepted([](Certificate& it) { it.ceiling.reset(); }, samples::issuer_certificate()));
  EXPECT_FALSE(accepted([](Certificate& it) { it.roles = {}; }, samples::issuer_certificate()));
  EXPECT_FALSE(accepted([](Certificate& it) { it.ceiling->life_ms_max = 0; }, samples::issuer_certificate()));
  EXPECT_TRUE(
      accepted([](Certificate& it) { it.ceiling->life_ms_max = issuer_life_ms_max; }, samples::issuer_certificate()));
  EXPECT_FALSE(accepted([](Certificate& it) { it.ceiling->life_ms_max = issuer_life_ms_max + 1; },
                        samples::issuer_certificate()));
}

TEST(certificate, lives_as_long_as_its_kind_may_and_ends_after_it_begins) {
  auto node = [](std::int64_t life_ms) {
    return accepted([=](Certificate& it) { it.not_after_ms = it.not_before_ms + life_ms; });
  };
  EXPECT_TRUE(node(1) && node(member_life_ms_max));
  EXPECT_FALSE(node(0) || node(-1) || node(member_life_ms_max + 1));
  auto issuer = [](std::int64_t life_ms) {
    return accepted([=](Certificate& it) { it.not_after_ms = it.not_before_ms + life_ms; },
                    samples::issuer_certificate());
  };
  EXPECT_TRUE(issuer(issuer_life_ms_max));
  EXPECT_FALSE(issuer(issuer_life_ms_max + 1));
  EXPECT_FALSE(accepted([](Certificate& it) {
    it.not_before_ms = wall_ms_max;
    it.not_after_ms = wall_ms_max + 1;
  }));
  EXPECT_FALSE(accepted([](Certificate& it) { it.not_before_ms = -1; }));
}

TEST(certificate, has_a_name_that_can_be_shown) {
  auto named = [](std::string name) { return accepted([&](Certificate& it) { it.name = std::move(name); }); };
  EXPECT_TRUE(named("b") && named("bêta 2 (Léa's)") && named(std::string(64, 'n')));
  EXPECT_FALSE(named("") || named(std::string(65, 'n')) || named("a\nb") || named("a\x1b[31m") || named("a\x7f"));
  EXPECT_FALSE(named(std::string("a\0b", 3)));
  // A terminal may take U+009B for the beginning of a command. U+00A0 is a blank, and U+0142 ends in the same byte.
  EXPECT_FALSE(
      named("a\xc2\x9b"
            "31m"));
  EXPECT_TRUE(named("a\xc2\xa0"
                    "b") &&
              named("\xc5\x82"));
}

TEST(certificate, names_its_projects_in_order_and_each_once) {
  auto of = [](std::vector<std::string> projects) {
    return accepted([&](Certificate& it) { it.allowance.projects = std::move(projects); });
  };
  EXPECT_TRUE(of({}) && of({"a"}) && of({"a", "b"}));
  EXPECT_FALSE(of({"b", "a"}) || of({"a", "a"}) || of({""}));
  EXPECT_FALSE(of({"0", "1", "2", "3", "4", "5", "6", "7", "8"}) || of({std::string(33, 'p')}));
  EXPECT_TRUE(of({"0", "1", "2", "3", "4", "5", "6", std::string(32, 'p')}));
}

TEST(certificate, with_a_role_that_does_not_exist_is_refused) {
  const Bytes body = encode_body(samples::certificate()).value();
  const std::size_t roles_at = 32 + 16 + 1 + (1 + 4) + 32 + (1 + 32);
  ASSERT_EQ(body.at(roles_at), std::byte{1U << 1U});
  for (unsigned bits = 0; bits < 128; ++bits) {
    Bytes changed = body;
    changed[roles_at] = static_cast<std::byte>(bits);
    const auto decoded = decode_certificate_body(changed);
    // A node that issues is refused as well.
    EXPECT_EQ(decoded.has_value(), (bits & ~0x0eU) == 0) << bits;
    if (decoded) continue;
    EXPECT_EQ(decoded.error(), CertificateError::bad_field);
  }
}

TEST(certificate, that_demands_something_unknown_is_refused_and_one_that_offers_it_is_not) {
  Certificate plain = samples::certificate();
  plain.extensions.clear();
  Bytes body = encode_body(plain).value();
  ASSERT_EQ(body.back(), std::byte{0});
  body.resize(body.size() - 2);
  for (const std::byte byte : samples::bytes_of(std::string_view("\1\1k\1v\0", 6))) body.push_back(byte);
  EXPECT_EQ(decode_certificate_body(body), tl::unexpected(CertificateError::unknown_critical));
  const Sealed sealed = seal(certificate_domain, body, samples::issuer_pair());
  EXPECT_EQ(open_certificate(sealed.bytes, samples::issuer_pair().public_key()),
            tl::unexpected(CertificateError::unknown_critical));
  body = encode_body(plain).value();
  body.resize(body.size() - 1);
  for (const std::byte byte : samples::bytes_of("\1\1k\1v")) body.push_back(byte);
  EXPECT_EQ(decode_certificate_body(body)->extensions.at("k"), samples::bytes_of("v"));
}

TEST(certificate, has_few_and_small_extensions_and_is_small_as_a_whole) {
  EXPECT_TRUE(accepted([](Certificate& it) { it.extensions = {{std::string(64, 'k'), Bytes(64)}}; }));
  EXPECT_FALSE(accepted([](Certificate& it) { it.extensions = {{std::string(65, 'k'), {}}}; }));
  EXPECT_FALSE(accepted([](Certificate& it) { it.extensions = {{"k", Bytes(65)}}; }));
  EXPECT_FALSE(accepted([](Certificate& it) { it.extensions = {{"", {}}}; }));
  auto many = [](std::size_t count, std::size_t value_bytes) {
    return accepted([=](Certificate& it) {
      it.extensions.clear();
      for (std::size_t i = 0; i < count; ++i) it.extensions[std::to_string(i)] = Bytes(value_bytes);
    });
  };
  EXPECT_TRUE(many(8, 64));
  EXPECT_FALSE(many(9, 1));
  EXPECT_FALSE(accepted([](Certificate& it) {
    for (char k = 'a'; k < 'i'; ++k) it.extensions[std::string(64, k)] = Bytes(64);
  }));
}

TEST(certificate, id_is_that_of_the_body_whoever_signed_it) {
  const Sealed one = sign_certificate(samples::certificate(), samples::issuer_pair()).value();
  const Sealed other = sign_certificate(samples::certificate(), samples::job_pair()).value();
  EXPECT_NE(one.bytes, other.bytes);
  EXPECT_EQ(one.id, other.id);
}

TEST(certificate, chains_have_one_to_three_certificates_and_one_encoding) {
  const Bytes one = samples::CertificateKind::sealed().bytes;
  for (std::size_t count = 1; count <= 3; ++count) {
    const CertificateChain chain(count, one);
    const auto bytes = encode_chain(chain);
    ASSERT_TRUE(bytes);
    EXPECT_EQ(decode_chain(*bytes), chain);
    EXPECT_EQ(decode_chain(std::span(*bytes).first(bytes->size() - 1)), tl::unexpected(CertificateError::malformed));
    Bytes longer = *bytes;
    longer.push_back(std::byte{0});
    EXPECT_EQ(decode_chain(longer), tl::unexpected(CertificateError::malformed));
  }
  EXPECT_EQ(encode_chain({}), tl::unexpected(CertificateError::bad_field));
  EXPECT_EQ(encode_chain(CertificateChain(4, one)), tl::unexpected(CertificateError::bad_field));
  const auto largest = encode_chain(CertificateChain(3, Bytes(certificate_signed_bytes_max)));
  ASSERT_TRUE(largest);
  EXPECT_EQ(largest->size(), chain_bytes_max);
  EXPECT_EQ(encode_chain({Bytes(certificate_signed_bytes_max + 1)}), tl::unexpected(CertificateError::bad_field));
}

TEST(certificate, errors_have_texts_of_their_own) {
  std::set<std::string_view> texts;
  for (int error = 0; error <= static_cast<int>(CertificateError::expired); ++error) {
    texts.insert(to_string(static_cast<CertificateError>(error)));
  }
  EXPECT_EQ(texts.size(), 11u);
}

}  // namespace
}  // namespace crypto
