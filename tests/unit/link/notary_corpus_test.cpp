// The seeds of tests/fuzz/corpus/link_notary/. To write them anew:
// GIBBON_WRITE_CORPUS=tests/fuzz/corpus test_link --gtest_filter='*orpus*'

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/unit/link/notary_pool.h"

namespace agent::link::test {
namespace {

struct Seed {
  std::string name;
  Bytes bytes;
  bool good;  // opens, as something
};

Bytes body_of(const Bytes& bytes) {
  return {bytes.begin(), bytes.end() - static_cast<std::ptrdiff_t>(crypto::signature_bytes)};
}

std::vector<Seed> seeds() {
  const SignedSamples good;
  std::vector<Seed> all;
  const auto add = [&](const std::string& name, Bytes bytes) {
    Bytes changed = bytes;
    changed[changed.size() / 2] ^= std::byte{1};
    all.push_back({name + "_body", body_of(bytes), false});
    all.push_back({name + "_changed", std::move(changed), false});
    all.push_back({name, std::move(bytes), true});
  };
  add("manifest", good.manifest);
  add("mandate", good.mandate);
  add("statement", good.statement);
  add("batch", good.batch);
  add("record", good.record);
  add("ending", good.ending);
  crypto::Manifest other = job_manifest();
  other.job[0] ^= std::byte{1};
  other.nesting = crypto::Nesting::none;
  add("manifest_of_another_job", signed_manifest(other));
  crypto::Certificate no_submitter = user_certificate(samples::user_pair());
  no_submitter.roles = {};
  other.user_certificate = chain_of(no_submitter);
  all.push_back({"manifest_without_submit", signed_manifest(other), false});
  other = job_manifest();
  other.policy.retries += 1;
  all.push_back({"second_manifest", signed_manifest(other), false});
  crypto::ResultBatch batch = batch_by(0);
  batch.results.front().covers = {{1, 2}, {3, 4}};
  all.push_back({"batch_of_pieces_in_parts", signed_batch(batch, 0), false});
  batch = batch_by(0);
  batch.results.front().duration_ns = ~std::uint64_t{0};
  all.push_back({"batch_of_centuries", signed_batch(batch, 0), false});
  return all;
}

TEST(LinkNotaryCorpus, SeedsAreAsGoodOrAsBadAsTheyClaimAndSmall) {
  const char* root = std::getenv("GIBBON_WRITE_CORPUS");
  for (const Seed& seed : seeds()) {
    NotaryEnd end(2);
    ASSERT_TRUE(judged(end, job_manifest()));
    const bool opens = end.notary.open_mandate(seed.bytes) || end.notary.open_statement(job, seed.bytes) ||
                       end.notary.open_batch(seed.bytes) || end.notary.open_record(seed.bytes) ||
                       end.notary.open_ending(job, seed.bytes) || end.notary.open_manifest(seed.bytes);
    EXPECT_EQ(opens, seed.good) << seed.name;
    EXPECT_LT(seed.bytes.size(), 2'048U) << seed.name;
    if (root == nullptr) continue;
    const auto directory = std::filesystem::path(root) / "link_notary";
    std::filesystem::create_directories(directory);
    std::ofstream out(directory / seed.name, std::ios::binary);
    for (const std::byte byte : seed.bytes) out.put(std::to_integer<char>(byte));
    ASSERT_TRUE(out.flush());
  }
}

}  // namespace
}  // namespace agent::link::test
