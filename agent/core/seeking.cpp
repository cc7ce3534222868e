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

std::vector<Seeking::Offered> Seeking::conclude() {
  probing_ = false;
  asked_.clear();
  return std::exchange(offers_, {});
}

void Rest::forget() {
  length_ = Duration::zero();
  until_ = {};
}

void Rest::lengthen(Instant now, Random& random, Duration round_trip) {
  cut_before_ = std::exchange(cut_, false);
  length_ = fresh(now) ? 2 * round_trip : std::min(most, 2 * length_);
  from_ = now;
  until_ = now + random.jittered(length_);
}

void Rest::cut_short(Instant now) {
  const Instant sooner = std::max(now, from_ + least);
  if (cut_ || cut_before_ || sooner >= until_) return;
  cut_ = true;
  until_ = sooner;
}

}  // namespace agent::core
