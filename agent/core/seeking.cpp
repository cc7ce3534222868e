#include "agent/core/seeking.h"

#include <cassert>
#include <utility>

namespace agent::core {

bool Seeking::asks(NodeId node) const {
  return std::ranges::any_of(asked_, [&](const auto& entry) { return entry.second == node; }) ||
         std::ranges::any_of(offers_, [&](const Offered& offer) { return offer.node == node; });
}

void Seeking::asked(Instant now, std::uint64_t request, NodeId node, Duration round_trip) {
  probing_ = true;
  asked_.emplace(request, node);
  gather_until_ = now + std::max(gather_least, 4 * round_trip);
}

bool Seeking::on_offer(const Offered& offer) {
  auto at = asked_.find(offer.request);
  if (at == asked_.end() || at->second != offer.node) return false;
  asked_.erase(at);
  offers_.push_back(offer);
  return true;
}

void Seeking::on_busy(std::uint64_t request, NodeId from) {
  const auto at = asked_.find(request);
  if (at != asked_.end() && at->second == from) asked_.erase(at);
}

void Seeking::on_gone(NodeId node) {
  std::erase_if(asked_, [&](const auto& entry) { return entry.second == node; });
  std::erase_if(offers_, [&](const Offered& offer) { return offer.node == node; });
}

void Seeking::encourage(Instant now) {
  const Instant sooner = std::max(now, rested_from_ + rest_least);
  if (cut_short_ || encouraged_ || sooner >= rest_until_) return;
  cut_short_ = true;
  rest_until_ = sooner;
}

void Seeking::rest(Instant now, Random& random, Duration round_trip) {
  encouraged_ = std::exchange(cut_short_, false);
  rest_ = rest_ == Duration::zero() ? 2 * round_trip : std::min(rest_max, 2 * rest_);
  rested_from_ = now;
  rest_until_ = now + random.jittered(rest_);
}

std::vector<Seeking::Offered> Seeking::conclude() {
  probing_ = false;
  asked_.clear();
  return std::exchange(offers_, {});
}

void Seeking::succeed() {
  rest_ = Duration::zero();
  rest_until_ = {};
}

}  // namespace agent::core
