// The seeds of the fuzz targets: tests/fuzz/corpus/crypto_<kind>/. Each input is taken as signed bytes and as a body,
// so the seeds are both. To write them anew: GIBBON_WRITE_CORPUS=tests/fuzz/corpus test_crypto
// --gtest_filter='*orpus*'

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

using samples::Bytes;

struct Seed {
  std::string name;
  Bytes bytes;
  bool good;  // decodes as a body, or opens
};

Bytes with(Bytes bytes, std::size_t at, std::initializer_list<unsigned char> patch) {
  for (const unsigned char byte : patch) bytes.at(at++) = std::byte{byte};
  return bytes;
}

// Of a body with the smallest and the largest values, and bodies that are refused for a reason of this kind's own.
std::vector<Seed> seeds_of(samples::ManifestKind /*kind*/) {
  const Manifest least{.not_after_ms = 1, .program = NamedProgram{"a"}, .command = {"a"}};
  Manifest open = samples::manifest();
  open.range.reset();
  open.space = OpenSpace{};
  open.policy.found.reset();
  const Bytes body = encode_body(least).value();
  Bytes critical = body;
  critical.resize(body.size() - 2);
  for (const std::byte byte : samples::bytes_of(std::string_view("\1\1k\1v\0", 6))) critical.push_back(byte);
  constexpr std::size_t certificate_at = 32 + 16 + 32;
  return {{"least", body, true},
          {"open_space", encode_body(open).value(), true},
          {"unknown_critical", critical, false},
          {"certificate_of_2_to_the_63",
           with(body, certificate_at, {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80}), false},
          {"signed_by_another", seal(manifest_domain, body, samples::job_pair()).bytes, false}};
}

std::vector<Seed> seeds_of(samples::MandateKind /*kind*/) {
  const Bytes body =
      encode_body(Mandate{.sequence = ~std::uint64_t{0}, .time_to_live_ms = mandate_life_ms_max}).value();
  return {{"largest", body, true},
          {"long_zero", with(body, 16, {0x80}), false},
          {"other_job", sign_mandate(Mandate{}, samples::job_pair()).value().bytes, false}};
}

std::vector<Seed> seeds_of(samples::EndingKind /*kind*/) {
  const Bytes body = encode_body(samples::ending()).value();
  const Bytes least = encode_body(Ending{}).value();
  return {{"least", least, true},
          {"fifth_verdict", with(body, body.size() - 1, {4}), false},
          {"long_epoch", with(least, 16, {0x80}), false},
          {"mandate", samples::MandateKind::sealed().bytes, false}};
}

std::vector<Seed> seeds_of(samples::ChunkKind /*kind*/) {
  const Bytes end = encode_body(ArgumentChunk{.last = true}).value();
  constexpr std::size_t items_at = 16 + 1 + 1;
  return {{"end_of_input", end, true},
          {"empty_but_not_last", with(end, items_at + 1, {0}), false},
          {"claims_1024_items", with(end, items_at, {0x80, 0x08}), false},
          {"too_long_but_short",
           with(encode_body(ArgumentChunk{.items = {TooLong{}}}).value(), items_at + 2, {0xff, 0xff, 0x07}), false}};
}

std::vector<Seed> seeds_of(samples::BatchKind /*kind*/) {
  const Bytes least = encode_body(ResultBatch{.results = {Result{.covers = {{0, 1}}}}}).value();
  constexpr std::size_t results_at = 16 + 32 + 1;
  constexpr std::size_t outcome_at = results_at + 1 + 3 + 1;  // number of results, one interval, attempt
  return {{"least", least, true},
          {"lost", with(least, outcome_at, {static_cast<unsigned char>(Outcome::lost)}), true},
          {"outcome_of_no_kind", with(least, outcome_at, {static_cast<unsigned char>(Outcome::lost) + 1}), false},
          {"empty_interval", with(least, results_at + 3, {0}), false},
          {"claims_4096_results", with(least, results_at, {0x80, 0x20}), false},
          {"claims_4096_intervals", with(least, results_at + 1, {0x80, 0x20}), false}};
}

std::vector<Seed> seeds_of(samples::LoopStatementKind /*kind*/) {
  LoopStatement deepest = samples::loop_statement();
  deepest.path.assign(path_depth_max, PathStep{~std::uint64_t{0}, ~std::uint32_t{0}});
  deepest.count = ~std::uint64_t{0};
  deepest.branch_number = ~std::uint32_t{0};
  const Bytes body = encode_body(samples::loop_statement()).value();
  const std::size_t branch_number_at = body.size() - 16 - 32 - 1;
  return {{"deepest", encode_body(deepest).value(), true},
          {"root_loop", with(body, 16, {0}), false},
          {"claims_33_levels", with(encode_body(deepest).value(), 16, {33}), false},
          {"ordinal_above_32_bits", with(encode_body(deepest).value(), 17 + 10, {0xff, 0xff, 0xff, 0xff, 0x7f}), false},
          {"stays_home", with(body, branch_number_at, {0}), true},
          {"long_branch_number", with(body, branch_number_at, {0x80}), false}};
}

std::vector<Seed> seeds_of(samples::CertificateKind /*kind*/) {
  const Bytes issuer = encode_body(samples::issuer_certificate()).value();
  Certificate user = samples::certificate();
  user.kind = HolderKind::user;
  user.noise_key.reset();
  user.allowance = {};
  user.extensions.clear();
  const Bytes least = encode_body(user).value();
  Bytes critical = least;
  critical.resize(least.size() - 2);
  for (const std::byte byte : samples::bytes_of(std::string_view("\1\1k\1v\0", 6))) critical.push_back(byte);
  constexpr std::size_t kind_at = 32 + 16;
  constexpr std::size_t roles_at = kind_at + 1 + 5 + 32 + 1;
  return {{"issuer", issuer, true},
          {"user", least, true},
          {"unknown_critical", critical, false},
          {"node_without_its_key", with(least, kind_at, {0}), false},
          {"member_as_a_role", with(least, roles_at, {3}), false},
          {"user_that_issues", with(least, roles_at, {0x10}), false},
          {"signed_by_another", seal(certificate_domain, least, samples::job_pair()).bytes, false}};
}

std::vector<Seed> seeds_of(samples::RevocationKind /*kind*/) {
  Revocation it = samples::revocation();
  const Bytes signer = encode_body(it).value();
  it.what = RevokedSerial{samples::filled<Bytes16>(1)};
  const Bytes serial = encode_body(it).value();
  it.what = RevokedNode{samples::noise_pair().public_key()};
  const Bytes node = encode_body(it).value();
  it.what = RevokedJob{samples::job};
  it.since_ms = it.until_ms = wall_ms_max;
  const Bytes of_job = encode_body(it).value();
  return {{"serial", serial, true},
          {"node", node, true},
          {"job", of_job, true},
          {"fifth_kind", with(signer, 32, {4}), false},
          {"other_pool", with(samples::RevocationKind::sealed().bytes, 0, {1, 2, 3}), false}};
}

std::vector<Seed> seeds_of(samples::PeerRecordKind /*kind*/) {
  PeerRecord it = samples::peer_record();
  const Bytes two = encode_body(it).value();
  it.addresses.clear();
  const Bytes none = encode_body(it).value();
  it.addresses.assign(addresses_max, samples::address(3));
  it.made_ms = wall_ms_max;
  const std::size_t count_at = two.size() - 2 * 19 - 1;
  return {{"nowhere", none, true},
          {"longest", encode_body(it).value(), true},
          {"claims_four_addresses", with(two, count_at, {4}), false},
          {"port_0", with(two, two.size() - 2, {0}), false}};
}

std::vector<Seed> seeds_of(samples::JoinRequestKind /*kind*/) {
  const Bytes body = samples::body_of(samples::join_request());
  return {{"name_with_an_escape", with(body, 65, {0x1b}), false},
          {"longer_name_than_there_is", with(body, 64, {0x40}), false},
          {"for_another_session", with(samples::join_request().bytes, 0, {0}), false}};
}

template <class Kind>
std::vector<Seed> all_seeds() {
  const Sealed sealed = Kind::sealed();
  const Bytes body = samples::body_of(sealed);
  std::vector<Seed> seeds = seeds_of(Kind{});
  seeds.push_back({"signed", sealed.bytes, true});
  seeds.push_back({"body", body, true});
  seeds.push_back({"signed_and_changed", with(sealed.bytes, sealed.bytes.size() - 1, {0xff}), false});
  seeds.push_back({"cut", Bytes(body.begin(), body.end() - 1), false});
  Bytes longer = body;
  longer.push_back(std::byte{0});
  seeds.push_back({"continued", longer, false});
  return seeds;
}

void write_seed(const std::filesystem::path& directory, const Seed& seed) {
  std::filesystem::create_directories(directory);
  std::ofstream out(directory / seed.name, std::ios::binary);
  for (const std::byte byte : seed.bytes) out.put(std::to_integer<char>(byte));
  ASSERT_TRUE(out.flush());
}

template <class Kind>
class Corpus : public testing::Test {};

using Kinds = testing::Types<samples::ManifestKind, samples::MandateKind, samples::EndingKind, samples::ChunkKind,
                             samples::BatchKind, samples::LoopStatementKind, samples::CertificateKind,
                             samples::RevocationKind, samples::PeerRecordKind, samples::JoinRequestKind>;
TYPED_TEST_SUITE(Corpus, Kinds);

TYPED_TEST(Corpus, seeds_are_as_good_or_as_bad_as_they_claim_and_small) {
  const char* root = std::getenv("GIBBON_WRITE_CORPUS");
  for (const Seed& seed : all_seeds<TypeParam>()) {
    EXPECT_EQ(TypeParam::reencoded(seed.bytes).has_value() || TypeParam::open(seed.bytes), seed.good) << seed.name;
    EXPECT_LT(seed.bytes.size(), 2'048u) << seed.name;
    if (root != nullptr) write_seed(std::filesystem::path(root) / (std::string("crypto_") + TypeParam::name), seed);
  }
}

}  // namespace
}  // namespace crypto
