#include "agent/shell/seldom.h"

#include <algorithm>
#include <utility>

namespace agent::shell {

std::optional<std::string> Seldom::say(core::Instant now, const std::string& text) {
  saved_ = std::min(at_once_max * period, saved_ + (now - std::exchange(since_, now)));
  if (saved_ < period) {
    ++left_out_;
    return std::nullopt;
  }
  saved_ -= period;
  const std::uint64_t left_out = std::exchange(left_out_, 0);
  return left_out == 0 ? text : text + " (" + std::to_string(left_out) + " such lines were left out before)";
}

}  // namespace agent::shell
