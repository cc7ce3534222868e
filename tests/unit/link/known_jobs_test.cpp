#include "agent/link/known_jobs.h"

#include <gtest/gtest.h>

#include <cstring>

namespace agent::link {
namespace {

core::JobId job_id(std::uint32_t number) {
  protocol::Bytes16 bytes{};
  std::memcpy(bytes.data(), &number, sizeof number);
  return core::JobId(bytes);
}

KnownJob job(std::uint32_t number, std::size_t manifest_bytes = 100) {
  KnownJob it{.opened = {}, .terms = {}, .manifest_bytes = manifest_bytes};
  it.terms.job = job_id(number);
  return it;
}

TEST(KnownJobs, TheFirstManifestOfAJobStands) {
  KnownJobs jobs;
  EXPECT_EQ(jobs.find(job_id(1)), nullptr);
  EXPECT_EQ(jobs.add(job(1)), KnownJobs::Added::added);
  EXPECT_EQ(jobs.add(job(1)), KnownJobs::Added::known);
  KnownJob other = job(1);
  other.opened.id.bytes[0] = std::byte{1};
  EXPECT_EQ(jobs.add(std::move(other)), KnownJobs::Added::another);
  ASSERT_NE(jobs.find(job_id(1)), nullptr);
  EXPECT_EQ(jobs.find(job_id(1))->opened.id, crypto::Digest{});
  EXPECT_EQ(jobs.size(), 1U);
  EXPECT_EQ(jobs.bytes(), 100U);
}

TEST(KnownJobs, AreBoundedInNumberAndThereIsRoomAgainWhenSomeAreForgotten) {
  KnownJobs jobs;
  for (std::uint32_t number = 0; number < KnownJobs::jobs_max; ++number)
    ASSERT_EQ(jobs.add(job(number)), KnownJobs::Added::added);
  EXPECT_EQ(jobs.add(job(KnownJobs::jobs_max)), KnownJobs::Added::full);
  EXPECT_EQ(jobs.add(job(0)), KnownJobs::Added::known);
  jobs.retain([](const core::JobId& id) { return id != job_id(7); });
  EXPECT_EQ(jobs.find(job_id(7)), nullptr);
  EXPECT_EQ(jobs.add(job(KnownJobs::jobs_max)), KnownJobs::Added::added);
}

TEST(KnownJobs, AreBoundedInBytes) {
  KnownJobs jobs;
  EXPECT_EQ(jobs.add(job(1, KnownJobs::bytes_max - 10)), KnownJobs::Added::added);
  EXPECT_EQ(jobs.add(job(2, 11)), KnownJobs::Added::full);
  EXPECT_EQ(jobs.add(job(2, 10)), KnownJobs::Added::added);
  EXPECT_EQ(jobs.add(job(3, 1)), KnownJobs::Added::full);
  jobs.retain([](const core::JobId&) { return false; });
  EXPECT_EQ(jobs.bytes(), 0U);
  EXPECT_EQ(jobs.add(job(3, KnownJobs::bytes_max)), KnownJobs::Added::added);
}

}  // namespace
}  // namespace agent::link
