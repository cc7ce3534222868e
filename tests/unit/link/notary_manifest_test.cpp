// Which manifests a signed notary refuses, and why.

#include <gtest/gtest.h>

#include "tests/unit/link/notary_pool.h"

namespace agent::link::test {
namespace {

ManifestRefusal of(ManifestFault why) {
  return {.why = why};
}
ManifestRefusal of(crypto::ManifestError error) {
  return {.why = ManifestFault::statement, .statement = error};
}
ManifestRefusal of(crypto::CertificateError error) {
  return {.why = ManifestFault::certificate, .certificate = error};
}

TEST(SignedManifest, IsOfThisPoolAndInItsTime) {
  NotaryEnd end(1);
  crypto::Manifest foreign = job_manifest();
  foreign.pool[0] ^= std::byte{1};
  EXPECT_EQ(judged(end, foreign).error(), of(ManifestFault::other_pool));
  foreign.pool = {};
  EXPECT_EQ(judged(end, foreign).error(), of(ManifestFault::other_pool));
  end.wall = job_manifest().not_after_ms + crypto::clock_tolerance_ms + 1;
  EXPECT_EQ(judged(end, job_manifest()).error(), of(crypto::ManifestError::expired));
  end.wall = job_manifest().created_ms - crypto::clock_tolerance_ms - 1;
  EXPECT_EQ(judged(end, job_manifest()).error(), of(crypto::ManifestError::not_yet_valid));
  EXPECT_EQ(end.notary.jobs().size(), 0U);
}

TEST(SignedManifest, IsSignedByTheUserThatItsCertificateIsOf) {
  NotaryEnd end(1);
  crypto::Manifest it = job_manifest();
  it.user_certificate = chain_of(user_certificate(samples::pair(9)));
  EXPECT_EQ(judged(end, it).error(), of(ManifestFault::not_its_key));
  it.user_certificate = chain_of(certificate_of(2));
  EXPECT_EQ(judged(end, it).error(), of(ManifestFault::not_a_user));
  it.user_certificate.clear();
  EXPECT_EQ(judged(end, it).error(), of(crypto::CertificateError::malformed));
  crypto::Certificate foreign = user_certificate(samples::user_pair());
  foreign.pool[3] ^= std::byte{1};
  it.user_certificate = chain_of(foreign);
  EXPECT_EQ(judged(end, it).error(), of(crypto::CertificateError::wrong_pool));
  crypto::Certificate ended = user_certificate(samples::user_pair());
  ended.not_before_ms -= 10 * crypto::day_ms;
  ended.not_after_ms = samples::created_ms;
  it.user_certificate = chain_of(ended);
  EXPECT_EQ(judged(end, it).error(), of(crypto::CertificateError::expired));
}

TEST(SignedManifest, NeedsAUserWhoMayLaunchJobs) {
  NotaryEnd end(1);
  crypto::Certificate certificate = user_certificate(samples::user_pair());
  certificate.roles = {crypto::Role::run};
  crypto::Manifest it = job_manifest();
  it.user_certificate = chain_of(certificate);
  EXPECT_EQ(judged(end, it).error(), of(ManifestFault::may_not_submit));
  EXPECT_TRUE(judged(end, job_manifest()));
}

TEST(SignedManifest, IsRefusedWhenItsUserOrItsJobIsRevoked) {
  NotaryEnd by_key(1);
  by_key.revoke(crypto::RevokedSigner{samples::user_pair().public_key()});
  EXPECT_EQ(judged(by_key, job_manifest()).error(), of(crypto::CertificateError::revoked));
  NotaryEnd by_serial(1);
  by_serial.revoke(crypto::RevokedSerial{user_certificate(samples::user_pair()).serial});
  EXPECT_EQ(judged(by_serial, job_manifest()).error(), of(crypto::CertificateError::revoked));
  NotaryEnd by_job(1);
  by_job.revoke(crypto::RevokedJob{samples::job});
  EXPECT_EQ(judged(by_job, job_manifest()).error(), of(ManifestFault::job_revoked));
  crypto::Manifest other = job_manifest();
  other.job[0] ^= std::byte{1};
  EXPECT_TRUE(judged(by_job, other));
}

TEST(SignedManifest, AsksForNothingThatTheCoreCannotDo) {
  NotaryEnd end(1);
  crypto::Manifest it = job_manifest();
  it.redundancy = 2;
  EXPECT_EQ(judged(end, it).error(), of(ManifestFault::terms));
}

TEST(SignedManifest, TheFirstOneOfAJobStands) {
  NotaryEnd end(1);
  ASSERT_TRUE(judged(end, job_manifest()));
  EXPECT_TRUE(judged(end, job_manifest()));
  crypto::Manifest other = job_manifest();
  other.policy.retries += 1;
  EXPECT_EQ(judged(end, other).error(), of(ManifestFault::another));
  EXPECT_EQ(end.notary.jobs().find(job)->opened.manifest, job_manifest());
  end.notary.retain([](const core::JobId&) { return false; });
  EXPECT_TRUE(judged(end, other));
}

TEST(SignedManifest, IsNamedByItsBodyAlone) {
  NotaryEnd end(1);
  Bytes bytes = signed_manifest();
  const protocol::Digest id = end.notary.manifest_id(bytes);
  EXPECT_EQ(id.value(), crypto::sign_manifest(job_manifest(), samples::user_pair()).value().id.bytes);
  bytes.back() ^= std::byte{1};
  EXPECT_EQ(end.notary.manifest_id(bytes), id);
  EXPECT_EQ(end.notary.manifest_id(Bytes(3)), protocol::Digest{});
}

TEST(SignedManifest, EveryFaultHasItsWords) {
  for (std::uint8_t fault = 0; fault <= static_cast<std::uint8_t>(ManifestFault::no_more_room); ++fault)
    EXPECT_FALSE(to_string(of(static_cast<ManifestFault>(fault))).empty());
  EXPECT_EQ(to_string(of(crypto::ManifestError::expired)), "expired");
  EXPECT_EQ(to_string(of(crypto::CertificateError::revoked)), to_string(crypto::CertificateError::revoked));
}

}  // namespace
}  // namespace agent::link::test
