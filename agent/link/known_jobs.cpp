#include "agent/link/known_jobs.h"

#include <utility>

namespace agent::link {

KnownJobs::Added KnownJobs::add(KnownJob job) {
  const core::JobId name = job.terms.job;
  if (const KnownJob* known = find(name)) return known->opened.id == job.opened.id ? Added::known : Added::another;
  if (jobs_.size() == jobs_max || job.manifest_bytes > bytes_max - bytes_) return Added::full;
  bytes_ += job.manifest_bytes;
  jobs_.emplace(name, std::move(job));
  return Added::added;
}

const KnownJob* KnownJobs::find(const core::JobId& job) const {
  const auto at = jobs_.find(job);
  return at == jobs_.end() ? nullptr : &at->second;
}

void KnownJobs::retain(const std::function<bool(const core::JobId&)>& job) {
  std::erase_if(jobs_, [&](const auto& each) {
    if (job(each.first)) return false;
    bytes_ -= each.second.manifest_bytes;
    return true;
  });
}

}  // namespace agent::link
