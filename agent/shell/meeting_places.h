#pragma once
// Where others of the pool are likely to be found: at the seeds that the owner of this machine named, and where peers
// were met before (known_peers.h), so that a node finds its pool when all that were named are gone.
//
// Names are looked up at the start, every few minutes, and sooner while nobody is linked. An address that a name had is
// kept until the name is found to have others. What was met is written now and then, and at the end.
//
// `on_change` comes from the loop, whenever `addresses` has changed in what they are and not just in their order; the
// first word about what is known at the start is the owner's to ask for.

#include <uv.h>

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/core/time.h"
#include "agent/shell/endpoint.h"
#include "agent/shell/host_lookup.h"
#include "agent/shell/known_peers.h"

namespace agent::shell {

class MeetingPlaces {
 public:
  static constexpr core::Duration lookup_period = std::chrono::minutes(5);
  static constexpr core::Duration lonely_lookup_period = std::chrono::seconds(30);
  static constexpr core::Duration write_period = std::chrono::minutes(1);
  static constexpr core::Duration tick_period = std::chrono::seconds(10);
  static constexpr std::size_t met_told_max = 16;

  struct Callbacks {
    std::function<bool()> is_lonely;  // nobody is linked
    std::function<void()> on_change;
    std::function<void(const std::string&)> warn;  // for the log
  };
  // `state` outlives it. REQUIRES: the node is a member.
  MeetingPlaces(uv_loop_t* loop, const StateDir& state, std::vector<Endpoint> named, Callbacks callbacks);
  ~MeetingPlaces();
  MeetingPlaces(const MeetingPlaces&) = delete;
  MeetingPlaces& operator=(const MeetingPlaces&) = delete;

  // What was named first, then who was met, the latest first; none twice.
  [[nodiscard]] std::vector<protocol::Address> addresses() const;
  // Somebody of the pool listens there, as a link showed.
  void on_met(const KnownPeer& peer);
  // The membership is gone: nothing more is written.
  void forget() { is_member_ = false; }

 private:
  void look_up();
  void on_found(const HostLookup::Answers& answers);
  void on_tick();
  void write();

  uv_loop_t* loop_;
  const StateDir& state_;
  const std::vector<Endpoint> named_;
  Callbacks callbacks_;
  std::map<std::string, std::vector<protocol::Address>> found_;  // by host, without ports
  std::set<std::string> unknown_;                                // hosts that were said to have no address
  std::vector<KnownPeer> met_;
  bool is_member_ = true;
  bool written_ = true;
  core::Instant wrote_at_;
  core::Instant looked_up_at_;
  std::unique_ptr<HostLookup> lookup_;
  UvHandle<uv_timer_t> timer_;
};

}  // namespace agent::shell
