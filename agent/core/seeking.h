#pragma once
// One branch looks for helpers (Seeking): probes under way, and offers held for us. After a refusal all round the node
// rests (Rest).
//
//   resting --over--> probing (at most `probes_max` at once) --all answered, or `gather_until`--> divided
//      ^                                                                                             |
//      +------- nobody was recruited: the rest doubles; somebody was: it begins anew <---------------+
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

// The rest between rounds of probes. One for all branches of a node: how busy the pool is does not depend on who asks,
// and new branches come all the time.
class Rest {
 public:
  static constexpr Duration least = std::chrono::milliseconds(200);  // between two rounds, whatever hints say
  static constexpr Duration most = std::chrono::seconds(8);
  static constexpr std::uint32_t probes_max = 8;
  static constexpr std::uint32_t probes_after_refusal = 2;

  [[nodiscard]] bool over(Instant now) const { return now >= until_; }
  [[nodiscard]] Instant until() const { return until_; }
  // The latest round recruited somebody, or there was none for long.
  [[nodiscard]] bool fresh(Instant now) const { return length_ == Duration::zero() || now >= until_ + most; }

  // How many to probe at once, if `wanted` helpers could be used.
  [[nodiscard]] std::uint32_t probes_for(std::uint32_t wanted, Instant now) const {
    return std::min(wanted, fresh(now) ? probes_max : probes_after_refusal);
  }

  // Somebody was recruited, or there is a new job: the next round is a full one, at once.
  void forget();
  // Nobody was, or could be asked: it doubles.
  void lengthen(Instant now, Random& random, Duration round_trip);
  // A hint came: somebody may be free. The rest is over, but the next one is as long as if it had not been, and cannot
  // be cut short again: hints are old news in a busy pool, and must not make everybody ask for ever.
  void cut_short(Instant now);

 private:
  Duration length_{};  // the latest one
  Instant from_;
  Instant until_;
  bool cut_ = false;         // the one under way, by a hint ...
  bool cut_before_ = false;  // ... or the one before: then this one is not
};

class Seeking {
 public:
  static constexpr Duration gather_least = std::chrono::milliseconds(20);

  struct Offered {
    NodeId node;
    std::uint64_t request = 0;
    std::uint32_t slots = 0;
  };

  // A round is under way: questions were asked, and what they brought is not divided yet.
  [[nodiscard]] bool probing() const { return probing_; }
  [[nodiscard]] bool asks(NodeId node) const;

  void asked(Instant now, std::uint64_t request, NodeId node, Duration round_trip);
  // True: the offer is held. False: it came too late or was never asked for.
  bool on_offer(const Offered& offer);
  void on_busy(std::uint64_t request, NodeId from);
  // Nobody will answer there any more.
  void on_gone(NodeId node);
  // All have answered, or the time is over: the offers.
  [[nodiscard]] bool complete(Instant now) const { return probing() && (asked_.empty() || now >= gather_until_); }
  std::vector<Offered> conclude();
  // When a round under way is over, if nothing happens before.
  [[nodiscard]] Instant due() const { return gather_until_; }

 private:
  bool probing_ = false;
  std::map<std::uint64_t, NodeId> asked_;  // by request
  std::vector<Offered> offers_;
  Instant gather_until_;
};

}  // namespace agent::core
