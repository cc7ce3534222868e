#pragma once
// Whom this agent knows in its pool, and whom it asks next. It sends nothing: what should be sent, it returns.
//
// Four kinds of knowledge, from good to bad:
//   view   at most `view_max` peers by signed record, each with its age in shuffles of ours. It is kept random by
//          Cyclon shuffles: now and then we trade a few records with the peer that is in our view longest.
//   free   hints of peers that lately said that they were free; each is used once, or told to somebody else, and soon
//          forgotten.
//   heard  at most `heard_max` bare hints, the youngest that we came across. One that is chosen is gone; if somebody
//          answers there, it is heard anew.
//   seeds  configured addresses, of last resort: for when nothing else is known, and now and then, so that two halves
//          of a pool that forgot each other while the network was cut find each other again.
//
// Nobody fills our memory as he likes. A shuffle puts in at most as many records as it was exchanged for, in the place
// of those that were given away, and only one exchange per peer counts between two shuffles of ours. Answers that were
// not asked for are dropped. A hint has a teller, who has a quota; at the quota, his new hints push out his own old
// ones. A walk displaces at most one entry between two shuffles. Our own node never enters. What was told last of a
// node replaces what was told before; an address where nobody answers is dropped wherever it stands.
//
// Records carry no age, so one of a dead node would go round for ever, copied wherever there is room faster than it is
// found out. So whom we found dead is buried: for a while we take no record of it from others, unless it shows another
// instance or address, or the node answers.
//
// Invariants: in each list a node stands once, and never ourselves; the bounds below hold.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "agent/core/hint_list.h"
#include "agent/core/names.h"
#include "agent/core/peer_event.h"
#include "agent/core/random.h"
#include "agent/core/time.h"
#include "protocol/limits.h"

namespace agent::core {

class Peers {
 public:
  static constexpr std::size_t view_max = 32;
  static constexpr std::size_t heard_max = 256;
  static constexpr std::size_t heard_per_teller_max = heard_max / 8;
  static constexpr std::size_t free_max = 32;
  static constexpr std::size_t free_per_teller_max = 8;
  static constexpr Duration free_for = std::chrono::seconds(120);
  static constexpr Duration shuffle_period_min = std::chrono::seconds(1);  // doubles with each answer ...
  static constexpr Duration shuffle_period_max = std::chrono::seconds(60);
  static constexpr std::uint32_t dead_max = 2;  // ... until so many of the view are found dead
  static constexpr Duration answer_within = std::chrono::seconds(5);
  static constexpr std::size_t shuffle_count = protocol::limits::records_max;
  static constexpr std::size_t join_count = 16;  // records that a newcomer gets
  static constexpr std::size_t walks_per_join = 2;
  static constexpr std::uint64_t seed_visit_odds = 32;  // one shuffle in so many goes to a seed
  static constexpr std::size_t exchanged_max = 1'024;
  static constexpr std::size_t buried_max = 128;
  static constexpr Duration buried_for = std::chrono::minutes(30);

  struct Choice {
    enum class Origin { free_hint, known, heard, seed };
    Origin origin = Origin::known;
    std::optional<NodeId> node;     // nothing: whoever answers
    std::uint64_t node_prefix = 0;  // 0: unknown
    Address address;
  };
  struct Exchange {
    Choice partner;
    std::vector<Peer> to_send;  // ourselves first
  };
  struct Answer {
    std::vector<Peer> to_send;    // at most `join_count`: in messages of `shuffle_count`
    std::vector<NodeId> walk_to;  // the sender is a newcomer: its record starts here, with `walk_hops_max` hops
  };
  struct Onward {
    NodeId to;
    std::uint8_t hops_left = 0;
  };
  enum class Way { dialled, accepted };

  Peers(Peer self, const std::vector<Address>& seeds);
  [[nodiscard]] bool knows(const NodeId& node) const;  // by its record
  // From now on. What is known of a seed that stays is kept.
  void set_addresses(Instant now, const Address& own, const std::vector<Address>& seeds);

  // A peer, `teller`, says that the hint's node is free (perhaps it speaks of itself), or just that it exists.
  void hear_free(Instant now, const NodeId& teller, const Hint& hint);
  void hear_of(Instant now, const NodeId& teller, const Hint& hint);
  // A link is up. An accepted one does not prove that its address can be dialled.
  void reached(Instant now, const Peer& peer, Way way);
  // Nobody answers at the address, or not who was expected there.
  void unreachable(Instant now, Random& random, const Address& address);
  // Not of this pool any more.
  void forget(const NodeId& node);

  // Somebody to probe, to ask or to note: the youngest free hint (used up by that), else a random known peer, among
  // those of the view one of `preferred` if there is any; else a seed. Nobody of `excluded`.
  [[nodiscard]] std::optional<Choice> choose(Instant now, Random& random, const std::set<NodeId>& excluded,
                                             const std::set<NodeId>& preferred = {});
  // For a busy answer to `asker`: at most `hints_max` of each. What is told to be free is used up by that.
  [[nodiscard]] std::vector<Hint> tell_free(Instant now, const NodeId& asker);
  [[nodiscard]] std::vector<Hint> tell_others(Random& random, const NodeId& asker) const;

  // When to call `begin_shuffle`; at first at once.
  [[nodiscard]] Instant shuffle_due() const;
  // Nothing: there is nobody to shuffle with. The partner of a shuffle that was not answered is dropped.
  [[nodiscard]] std::optional<Exchange> begin_shuffle(Instant now, Random& random);
  // A shuffle with nothing but its sender's own record is a newcomer's.
  [[nodiscard]] Answer on_shuffle(Instant now, Random& random, const NodeId& from, const std::vector<Peer>& records);
  // A newcomer may get its answer in several parts.
  void on_shuffled(Instant now, Random& random, const NodeId& from, const std::vector<Peer>& records);
  // The last one keeps the newcomer's record, and so does one who knows nobody to pass it on to.
  [[nodiscard]] std::optional<Onward> on_walk(Instant now, Random& random, const NodeId& from, const Peer& newcomer,
                                              std::uint8_t hops_left);

  [[nodiscard]] std::optional<Peer> find(const NodeId& node) const;
  [[nodiscard]] std::vector<Peer> view() const;
  [[nodiscard]] std::size_t heard_count() const { return heard_.entries().size(); }
  [[nodiscard]] std::size_t free_count() const { return free_.entries().size(); }

  void check_invariants() const;

 private:
  struct Known {
    Peer peer;
    std::uint32_t age = 0;
  };
  struct Seed {
    Address address;
    std::optional<NodeId> node;  // who answered there
    Instant retry_at;
    Duration rest = shuffle_period_min;  // after the next failure
  };
  struct Pending {
    Choice partner;
    Instant since;
    std::vector<NodeId> given;  // what the answer may replace, in this order
    std::size_t allowance = 0;  // records that may still come
    bool answered = false;
  };

  struct Buried {
    Peer peer;
    Instant at;
  };

  [[nodiscard]] bool is_self(const Hint& hint) const;
  [[nodiscard]] Known* find_known(const NodeId& node);
  [[nodiscard]] const Known* find_known(std::uint64_t prefix) const;
  // Random peers of the view, at most `count`, none of the two.
  [[nodiscard]] std::vector<Peer> sample(Random& random, std::size_t count, const NodeId& but,
                                         const NodeId& but_also) const;
  [[nodiscard]] Choice choice_of(const Hint& hint, Choice::Origin origin) const;
  [[nodiscard]] std::optional<Choice> choose_free(Instant now, const std::set<NodeId>& excluded);
  [[nodiscard]] std::optional<Choice> choose_known(Random& random, const std::set<NodeId>& excluded,
                                                   const std::set<NodeId>& preferred) const;
  [[nodiscard]] std::optional<Choice> choose_heard(Random& random, const std::set<NodeId>& excluded);
  [[nodiscard]] std::optional<Choice> choose_seed(Instant now, Random& random, const std::set<NodeId>& excluded);
  [[nodiscard]] std::optional<Choice> choose_partner(Instant now, Random& random);
  void give_up_pending(Instant now, Random& random);
  void rest_seed(Instant now, Random& random, const Address& address);
  // Puts records into the view: where there is room, then in the place of `given`; the rest is just heard.
  void merge(Instant now, Random& random, const NodeId& teller, const std::vector<Peer>& records,
             std::vector<NodeId> given);
  void keep_newcomer(Instant now, Random& random, const NodeId& teller, const Peer& newcomer);
  void hear_displaced(Instant now, const Peer& peer);
  void bury(Instant now, const Address& address);
  [[nodiscard]] bool is_buried(Instant now, const Peer& peer) const;
  void lose(Instant now, Random& random, const Address& address);
  void hurry(Instant now, Random& random);

  Peer self_;
  std::vector<Known> view_;
  HintList free_{free_max, free_per_teller_max};
  HintList heard_{heard_max, heard_per_teller_max};
  std::vector<Buried> buried_;  // oldest first
  std::vector<Seed> seeds_;
  std::optional<Pending> pending_;
  Instant next_shuffle_;
  Duration period_ = shuffle_period_min;
  std::uint32_t dead_ = 0;       // of the view, since the last answer or hurry
  std::set<NodeId> exchanged_;   // whose shuffles counted since our last one
  bool walk_displaced_ = false;  // since our last shuffle
};

}  // namespace agent::core
