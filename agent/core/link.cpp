#include "agent/core/link.h"

#include <algorithm>
#include <cassert>

#include "agent/core/planted.h"

namespace agent::core {

Link::Numbers Link::on_send(Instant now) {
  ++sent_;
  remember_send(now);
  // Whatever is sent says that we live; but digests and mandates are only in beats.
  if (beat_due_) beat_due_ = std::max(*beat_due_, std::min(now + beat_period(), beaten_at_ + beat_gap_max()));
  if (heard_ > echoed_by_us_) {
    echoed_by_us_ = heard_;
    // An absent end is less than any.
    lease_.theirs_until = std::max(lease_.theirs_until, std::optional(now + trust::lease_surely_over));
  }
  return {.sequence = sent_, .heard = heard_};
}

void Link::remember_send(Instant now) {
  const auto useful =
      std::ranges::find_if(sends_, [now](const Sent& sent) { return sent.at + trust::lease_term > now; });
  sends_.erase(sends_.begin(), useful);
  assert(sends_.empty() || sends_.back().at <= now);
  if (sends_.empty() || sends_.back().at + trust::send_log_step <= now) {
    sends_.push_back({.sequence = sent_, .at = now});
  }
}

Link::Arrival Link::on_received(Instant now, Numbers numbers) {
  if (numbers.sequence <= heard_) return Arrival::stale;
  heard_ = numbers.sequence;
  heard_at_ = std::max(heard_at_, std::optional(now));
  if (numbers.heard > sent_) return Arrival::impossible;
  if (numbers.heard > echoed_by_peer_) on_echo(numbers.heard);
  return Arrival::fresh;
}

void Link::on_echo(std::uint64_t sequence) {
  echoed_by_peer_ = sequence;
  const auto later = std::ranges::upper_bound(sends_, sequence, {}, &Sent::sequence);
  if (later == sends_.begin()) return;
  const Instant sent_at = std::prev(later)->at;
  const Instant from = planted(Defect::lease_by_receipt) ? *heard_at_ : sent_at;
  lease_.ours_until = std::max(lease_.ours_until, std::optional(from + trust::lease_term));
  sends_.erase(sends_.begin(), later);
}

Duration Link::beat_period() const {
  return pace_ == Pace::brisk ? trust::beat_period : trust::calm_beat_period;
}

Duration Link::beat_gap_max() const {
  return pace_ == Pace::brisk ? trust::beat_gap_max : trust::calm_beat_period;
}

void Link::watch(Instant now, Pace pace, Random& random) {
  const bool hurry = watched_since_ && pace_ == Pace::calm && pace == Pace::brisk;
  pace_ = pace;
  if (hurry) {
    watched_since_ = now;
    beat_due_ = std::min(*beat_due_, now + trust::beat_period);
  }
  if (watched_since_) return;
  watched_since_ = now;
  beaten_at_ = now;
  beat_due_ =
      now +
      Duration(static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(trust::beat_period.count()) + 1)));
}

void Link::unwatch() {
  watched_since_.reset();
  beat_due_.reset();
}

void Link::on_beat(Instant now) {
  assert(watched_since_);
  beaten_at_ = now;
  beat_due_ = now + beat_period();
}

void Link::forgive(Duration stall) {
  assert(stall >= Duration::zero());
  if (heard_at_) *heard_at_ += stall;
  if (watched_since_) *watched_since_ += stall;
  if (lease_.theirs_until) *lease_.theirs_until += stall;
}

std::optional<Instant> Link::suspect_at() const {
  if (!watched_since_) return std::nullopt;
  const Duration patience = pace_ == Pace::brisk ? trust::suspect_after : trust::calm_suspect_after;
  return *std::max(heard_at_, watched_since_) + patience;
}

void Link::check_invariants() const {
  assert(sends_.size() <= trust::sends_max);
  assert(echoed_by_peer_ <= sent_ && echoed_by_us_ <= heard_);
  assert(watched_since_.has_value() == beat_due_.has_value());
  const Sent* before = nullptr;
  for (const Sent& sent : sends_) {
    assert(sent.sequence > echoed_by_peer_ && sent.sequence <= sent_);
    assert(before == nullptr || before->sequence < sent.sequence);
    assert(before == nullptr || before->at + trust::send_log_step <= sent.at);
    before = &sent;
  }
}

}  // namespace agent::core
