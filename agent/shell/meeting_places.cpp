#include "agent/shell/meeting_places.h"

#include <algorithm>
#include <utility>

#include "agent/shell/system.h"

namespace agent::shell {

MeetingPlaces::MeetingPlaces(uv_loop_t* loop, const StateDir& state, std::vector<Endpoint> named, Callbacks callbacks)
    : loop_(loop),
      state_(state),
      named_(std::move(named)),
      callbacks_(std::move(callbacks)),
      wrote_at_(boot_now()),
      timer_(new uv_timer_t{}) {
  // Peers that were met are a help and no need: a damaged file is replaced by the next one.
  if (auto met = load_peers(state)) {
    met_ = *std::move(met);
  } else {
    callbacks_.warn(met.error().message);
  }
  uv_timer_init(loop, timer_.get());
  timer_->data = this;
  auto on_timeout = [](uv_timer_t* timer) noexcept {
    if (auto* self = self_of<MeetingPlaces>(timer)) self->on_tick();
  };
  constexpr auto period_ms = std::chrono::duration_cast<std::chrono::milliseconds>(tick_period).count();
  uv_timer_start(timer_.get(), on_timeout, period_ms, period_ms);
  look_up();
}

MeetingPlaces::~MeetingPlaces() {
  write();
}

std::vector<protocol::Address> MeetingPlaces::addresses() const {
  std::vector<protocol::Address> all;
  const auto add = [&all](const protocol::Address& address) {
    if (std::ranges::find(all, address) == all.end()) all.push_back(address);
  };
  for (const Endpoint& endpoint : named_) {
    if (endpoint.address) add(*endpoint.address);
    const auto found = found_.find(endpoint.host);
    if (found == found_.end()) continue;
    for (protocol::Address address : found->second) {
      address.port = endpoint.port;
      add(address);
    }
  }
  for (std::size_t i = 0; i < std::min(met_told_max, met_.size()); ++i) add(met_[i].address);
  return all;
}

void MeetingPlaces::on_met(const KnownPeer& peer) {
  if (peer.address.port == 0 || (!met_.empty() && met_.front() == peer)) return;
  put_first(met_, peer);
  written_ = false;
}

void MeetingPlaces::look_up() {
  looked_up_at_ = boot_now();
  std::vector<std::string> hosts;
  for (const Endpoint& endpoint : named_)
    if (!endpoint.address) hosts.push_back(endpoint.host);
  if (hosts.empty() || lookup_) return;
  lookup_ = std::make_unique<HostLookup>(loop_, hosts, [this](const HostLookup::Answers& answers) {
    lookup_.reset();
    on_found(answers);
  });
}

void MeetingPlaces::on_found(const HostLookup::Answers& answers) {
  auto sorted = [this] {
    auto all = addresses();
    std::ranges::sort(all);
    return all;
  };
  const auto before = sorted();
  for (const auto& [host, answer] : answers) {
    if (!answer.addresses.empty()) {
      found_[host] = answer.addresses;
      unknown_.erase(host);
    } else if (unknown_.insert(host).second) {
      callbacks_.warn("seed " + host + ": " + answer.why_none);
    }
  }
  if (sorted() != before) callbacks_.on_change();
}

void MeetingPlaces::on_tick() {
  const core::Instant now = boot_now();
  if (now >= looked_up_at_ + (callbacks_.is_lonely() ? lonely_lookup_period : lookup_period)) look_up();
  if (now >= wrote_at_ + write_period) write();
}

void MeetingPlaces::write() {
  if (written_ || !is_member_) return;
  wrote_at_ = boot_now();
  const auto kept = keep_peers(state_, met_);
  written_ = kept.has_value();
  if (!kept) callbacks_.warn(kept.error().message);
}

}  // namespace agent::shell
