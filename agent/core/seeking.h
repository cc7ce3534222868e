#pragma once
// One branch looks for helpers: probes under way, offers held for us, and the rest after a refusal all round.
//
//   resting --due--> probing (at most `probes_max` at once) --all answered, or `gather_until`--> divided
//      ^                                                                                            |
//      +------- nobody offered: the rest doubles; somebody did: it begins anew <--------------------+
//
// A probe is a question under a request number; what comes late under it is released or forgotten. Offers wait until
// the others have answered, so that a share is cut for all at once (late binding), but not longer than `gather_until`.

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "agent/core/names.h"
#include "agent/core/random.h"
#include "agent/core/time.h"

namespace agent::core {

class Seeking {
 public:
  static constexpr std::uint32_t probes_max = 8;
  static constexpr std::uint32_t probes_after_refusal = 2;
  static constexpr Duration gather_least = std::chrono::milliseconds(20);
  static constexpr Duration rest_least = std::chrono::milliseconds(200);  // between two rounds, whatever hints say
  static constexpr Duration rest_max = std::chrono::seconds(5);

  struct Offered {
    NodeId node;
    std::uint64_t request = 0;
    std::uint32_t slots = 0;
  };

  // A round is under way: questions were asked, and what they brought is not divided yet.
  [[nodiscard]] bool probing() const { return probing_; }
  [[nodiscard]] bool may_begin(Instant now) const { return !probing() && now >= rest_until_; }
  // How many probes to send, if `wanted` helpers could be used.
  [[nodiscard]] std::uint32_t probes_for(std::uint32_t wanted) const {
    return std::min(wanted, rest_ == Duration::zero() ? probes_max : probes_after_refusal);
  }
  [[nodiscard]] bool asks(NodeId node) const;

  void asked(Instant now, std::uint64_t request, NodeId node, Duration round_trip);
  // True: the offer is held. False: it came too late or was never asked for.
  bool on_offer(const Offered& offer);
  void on_busy(std::uint64_t request, NodeId from);
  // Nobody will answer there any more.
  void on_gone(NodeId node);
  // A hint came: somebody may be free. The rest is over, but the next one is as long as if it had not been, and cannot
  // be cut short again: hints are old news in a busy pool, and must not make everybody ask for ever.
  void encourage(Instant now);

  // All have answered, or the time is over: the offers. Either of the two below follows.
  [[nodiscard]] bool complete(Instant now) const { return probing() && (asked_.empty() || now >= gather_until_); }
  std::vector<Offered> conclude();
  // Somebody was recruited: the next round is a full one, at once.
  void succeed();
  // Nobody was, or could be asked: the rest doubles.
  void rest(Instant now, Random& random, Duration round_trip);

  // When something is to be done here if nothing happens before.
  [[nodiscard]] Instant due() const { return probing() ? gather_until_ : rest_until_; }

 private:
  bool probing_ = false;
  std::map<std::uint64_t, NodeId> asked_;  // by request
  std::vector<Offered> offers_;
  Instant gather_until_;
  Duration rest_{};  // the latest one
  Instant rested_from_;
  bool cut_short_ = false;   // the rest under way, by a hint ...
  bool encouraged_ = false;  // ... or the one before: then this one is not
  Instant rest_until_;
};

}  // namespace agent::core
