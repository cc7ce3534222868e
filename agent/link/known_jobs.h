#pragma once
// The jobs whose manifests were opened here: what else is signed about a job is judged by what its manifest says.
//
// A manifest is in here only after everything about it was found good. The first one of a job stands: another one with
// the same name is somebody's trick. What is kept is bounded in number and in bytes; when that is full, nothing new is
// taken, since what is there may be at work. So whoever keeps one lets go of what has ended: `retain`.
//
// Invariant: `bytes_` is the sum over the jobs of the sizes of their manifests as they came.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

#include "agent/core/terms.h"
#include "crypto/manifest.h"

namespace agent::link {

struct KnownJob {
  crypto::OpenedManifest opened;
  core::JobTerms terms;
  std::size_t manifest_bytes = 0;
};

class KnownJobs {
 public:
  static constexpr std::size_t jobs_max = 1'024;
  static constexpr std::size_t bytes_max = std::size_t{64} * 1'024 * 1'024;

  enum class Added : std::uint8_t { added, known, another, full };
  Added add(KnownJob job);
  // Nothing: it is not known here. Good until the next change.
  [[nodiscard]] const KnownJob* find(const core::JobId& job) const;
  void retain(const std::function<bool(const core::JobId&)>& job);
  [[nodiscard]] std::size_t size() const { return jobs_.size(); }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::map<core::JobId, KnownJob> jobs_;
  std::size_t bytes_ = 0;
};

}  // namespace agent::link
