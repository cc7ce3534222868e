#pragma once
// What strangers can make us say to our own log, in bounds: a few lines at once and then one now and then, with the
// number of those that were left out.

#include <cstdint>
#include <optional>
#include <string>

#include "agent/core/time.h"

namespace agent::shell {

class Seldom {
 public:
  static constexpr std::int64_t at_once_max = 20;
  static constexpr core::Duration period = std::chrono::seconds(10);  // after which one more may be said

  // The line to log, if any. `now` never goes back.
  [[nodiscard]] std::optional<std::string> say(core::Instant now, const std::string& text);

 private:
  core::Duration saved_ = at_once_max * period;
  core::Instant since_;
  std::uint64_t left_out_ = 0;
};

}  // namespace agent::shell
