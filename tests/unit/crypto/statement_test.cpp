#include "crypto/statement.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

using samples::Bytes;

template <class Kind>
class EveryStatement : public testing::Test {};

struct KindNames {
  template <class Kind>
  static std::string GetName(int /*index*/) {
    return Kind::name;
  }
};

using Kinds = testing::Types<samples::ManifestKind, samples::MandateKind, samples::EndingKind, samples::ChunkKind,
                             samples::BatchKind, samples::LoopStatementKind, samples::CertificateKind,
                             samples::RevocationKind, samples::PeerRecordKind, samples::JoinRequestKind>;
TYPED_TEST_SUITE(EveryStatement, Kinds, KindNames);

TYPED_TEST(EveryStatement, is_accepted_as_it_was_signed_and_encodes_to_the_same_bytes) {
  const Sealed sealed = TypeParam::sealed();
  EXPECT_TRUE(TypeParam::open(sealed.bytes));
  EXPECT_EQ(TypeParam::reencoded(samples::body_of(sealed)), samples::body_of(sealed));
  EXPECT_EQ(sealed.id, statement_id(TypeParam::domain, samples::body_of(sealed)));
}

TYPED_TEST(EveryStatement, is_refused_with_any_one_bit_changed) {
  Bytes bytes = TypeParam::sealed().bytes;
  for (std::byte& byte : bytes) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      byte ^= std::byte{1} << bit;
      EXPECT_FALSE(TypeParam::open(bytes)) << "byte " << &byte - bytes.data() << " bit " << bit;
      byte ^= std::byte{1} << bit;
    }
  }
  EXPECT_TRUE(TypeParam::open(bytes));
}

TYPED_TEST(EveryStatement, is_refused_when_cut_anywhere_or_continued) {
  Bytes bytes = TypeParam::sealed().bytes;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(TypeParam::open(std::span(bytes).first(size))) << size;
    EXPECT_FALSE(TypeParam::open(std::span(bytes).last(size))) << size;
  }
  bytes.push_back(std::byte{0});
  EXPECT_FALSE(TypeParam::open(bytes));
}

TYPED_TEST(EveryStatement, has_no_body_that_is_cut_or_continued) {
  Bytes body = samples::body_of(TypeParam::sealed());
  for (std::size_t size = 0; size < body.size(); ++size) {
    EXPECT_EQ(TypeParam::reencoded(std::span(body).first(size)), std::nullopt) << size;
  }
  body.push_back(std::byte{0});
  EXPECT_EQ(TypeParam::reencoded(body), std::nullopt);
}

TYPED_TEST(EveryStatement, is_refused_when_signed_in_any_other_domain) {
  const Bytes body = samples::body_of(TypeParam::sealed());
  for (const Domain domain : all_domains) {
    EXPECT_EQ(TypeParam::open(seal(domain, body, TypeParam::signer()).bytes), domain.text() == TypeParam::domain.text())
        << domain.text();
  }
}

TYPED_TEST(EveryStatement, is_refused_when_signed_by_another_key) {
  const Bytes body = samples::body_of(TypeParam::sealed());
  EXPECT_FALSE(TypeParam::open(seal(TypeParam::domain, body, samples::pair(9)).bytes));
}

TYPED_TEST(EveryStatement, whatever_body_decodes_has_no_second_encoding) {
  const Bytes body = samples::body_of(TypeParam::sealed());
  std::mt19937 random(1);
  auto below = [&](std::size_t bound) { return random() % bound; };
  std::size_t decoded = 0;
  for (int round = 0; round < 20'000; ++round) {
    Bytes other = body;
    for (std::size_t edits = 1 + below(3); edits > 0; --edits) {
      const auto at = static_cast<std::ptrdiff_t>(below(other.size()));
      const auto value = static_cast<std::byte>(below(2) == 0 ? below(4) : below(256));
      switch (below(3)) {
        case 0: other[static_cast<std::size_t>(at)] = value; break;
        case 1: other.insert(other.begin() + at, value); break;
        case 2: other.erase(other.begin() + at); break;
      }
    }
    if (const auto again = TypeParam::reencoded(other)) {
      ++decoded;
      ASSERT_EQ(*again, other);
    }
  }
  EXPECT_GT(decoded, 100u);
}

TYPED_TEST(EveryStatement, random_bytes_never_decode_to_something_that_encodes_otherwise) {
  std::mt19937 random(2);
  for (int round = 0; round < 20'000; ++round) {
    Bytes bytes(random() % 300);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % 3 == 0 ? random() : 0);
    EXPECT_EQ(TypeParam::reencoded(bytes).value_or(bytes), bytes);
    EXPECT_FALSE(TypeParam::open(bytes));
  }
}

TYPED_TEST(EveryStatement, above_its_size_is_refused_unread) {
  const Bytes bytes(TypeParam::bytes_max + 1);
  EXPECT_FALSE(TypeParam::open(bytes));
  EXPECT_EQ(TypeParam::reencoded(bytes), std::nullopt);
}

WireFault read_path(const LoopPath& path, std::size_t depth_min, LoopPath& back) {
  Writer writer(10'000);
  path_fields(writer, path, depth_min);
  if (writer.fault() != WireFault::none) return writer.fault();
  const Bytes bytes = writer.take();
  Reader reader(bytes, 10'000);
  path_fields(reader, back, depth_min);
  return reader.finish();
}

TEST(statement, paths_have_at_most_32_steps_and_as_many_as_asked_for) {
  LoopPath back;
  LoopPath path(path_depth_max, PathStep{~std::uint64_t{0}, ~std::uint32_t{0}});
  EXPECT_EQ(read_path(path, 1, back), WireFault::none);
  EXPECT_EQ(back, path);
  path.push_back({});
  EXPECT_EQ(read_path(path, 1, back), WireFault::out_of_bounds);
  back.clear();
  EXPECT_EQ(read_path({}, 0, back), WireFault::none);
  EXPECT_EQ(read_path({}, 1, back), WireFault::out_of_bounds);
}

TEST(statement, a_fault_of_the_writer_is_an_error_and_no_bytes) {
  Writer good(8);
  good.number(std::uint64_t{5});
  EXPECT_EQ(finished(good), Bytes{std::byte{5}});
  Writer bad(8);
  bad.require(false);
  EXPECT_EQ(finished(bad), tl::unexpected(StatementError::bad_field));
  EXPECT_EQ(statement_error(WireFault::malformed), StatementError::malformed);
}

}  // namespace
}  // namespace crypto
