#include "tests/sim/forger.h"

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "agent/core/interval_set.h"
#include "agent/core/random.h"
#include "agent/sim/canned.h"
#include "tests/sim/babble.h"

namespace sim_test {

namespace core = agent::core;
namespace sim = agent::sim;

namespace {

using core::Duration;
using core::Instant;

constexpr Duration ask_period = std::chrono::milliseconds(1);
constexpr Duration ask_rest = std::chrono::seconds(30);  // what is asked all the time takes the simulator for ever
constexpr std::uint64_t asks_at_once = 300;
constexpr std::size_t lent_gaps_max = 4'000;  // more do not fit into a message beside the rest
constexpr std::uint64_t far_outside = std::uint64_t{1} << 40;

class Forger : public sim::Brain {
 public:
  explicit Forger(const sim::BrainOptions& options)
      : options_(options), random_(options.seed ^ 0x666f7267), inner_(sim::make_agent(options)) {
    // Few each: with all of them at once it would hardly ever work, and so have nothing to lie about.
    for (unsigned habit = 0; habit < habit_count; ++habit) habits_ |= random_.chance(1, 4) ? 1U << habit : 0U;
    if (habits_ == 0) habits_ = 1U << random_.below(habit_count);
  }

  void step(Instant now, const core::Event& event, std::vector<core::Action>& actions) override {
    now_ = now;
    if (const auto* up = std::get_if<core::LinkUp>(&event)) peers_[up->peer.node] = {};
    if (const auto* down = std::get_if<core::LinkDown>(&event)) peers_.erase(down->peer);
    std::vector<core::Action> honest;
    inner_->step(now, event, honest);
    for (core::Action& action : honest) bend(std::move(action), actions);
    if (const auto* received = std::get_if<core::MessageReceived>(&event)) answer(*received, actions);
    if (has(Habit::asker) && now >= ask_at_) pester(actions);
  }

  std::optional<Instant> next_deadline() const override {
    std::optional<Instant> due = inner_->next_deadline();
    if (has(Habit::asker) && !peers_.empty() && (!due || ask_at_ < *due)) due = ask_at_;
    return due;
  }

 private:
  enum class Habit { idler, asker, referrer, boaster, inventor, doubler, stutterer, hoarder, lender, babbler };
  static constexpr unsigned habit_count = 10;
  struct Peer {
    std::uint64_t sent = 0;
    std::uint64_t heard = 0;
    std::optional<core::Send> old;
  };

  [[nodiscard]] bool has(Habit habit) const { return (habits_ >> static_cast<unsigned>(habit) & 1) != 0; }

  void say(core::Send send, std::vector<core::Action>& actions) {
    const auto peer = peers_.find(send.to);
    if (peer == peers_.end()) return;
    send.sequence = ++peer->second.sent;
    send.heard = peer->second.heard;
    actions.emplace_back(std::move(send));
  }
  void say(core::NodeId to, core::Message message, std::vector<core::Action>& actions) {
    say({.to = to, .message = std::move(message), .attached = {}}, actions);
  }

  void bend(core::Action action, std::vector<core::Action>& actions) {
    const bool gives_nothing = has(Habit::hoarder) || has(Habit::lender);
    const bool starts_nothing = has(Habit::idler) || gives_nothing;
    if (std::holds_alternative<core::StartTask>(action) && starts_nothing) return;
    auto* send = std::get_if<core::Send>(&action);
    if (send == nullptr) return actions.push_back(std::move(action));
    if (gives_nothing && std::holds_alternative<protocol::Returned>(send->message)) return;
    if (has(Habit::hoarder)) hide(send->message);
    if (has(Habit::lender)) lend_all(send->to, send->message);
    if (has(Habit::boaster)) boast(send->message);
    if (has(Habit::inventor)) invent(*send);
    const core::Send said = *send;
    say(said, actions);
    if (const auto* grant = std::get_if<protocol::Grant>(&said.message); grant != nullptr && has(Habit::doubler))
      grant_again(said, *grant, actions);
    if (has(Habit::stutterer)) stutter(said, actions);
  }

  // What is neither started nor given back lies there.
  static void hide(core::Message& message) {
    if (auto* report = std::get_if<protocol::Report>(&message)) report->started.clear();
    auto* holds = std::get_if<protocol::Holds>(&message);
    if (holds == nullptr) return;
    core::IntervalSet todo(holds->todo);
    todo.insert(core::IntervalSet(std::exchange(holds->started, {})));
    holds->todo = todo.intervals();
  }

  // All that it was granted is said to be with a helper of its own.
  void lend_all(core::NodeId to, core::Message& message) {
    const auto lent = [&](const core::IntervalSet& all) {
      return std::vector<protocol::Lent>{{.helper = options_.self.node, .attempt = {}, .what = all.intervals()}};
    };
    if (auto* report = std::get_if<protocol::Report>(&message)) {
      report->started.clear();
      report->lent.clear();
      const core::IntervalSet& all = given_[{to, report->branch}];
      if (!all.empty() && all.intervals().size() < lent_gaps_max) report->lent = lent(all);
    }
    auto* holds = std::get_if<protocol::Holds>(&message);
    if (holds == nullptr || holds->branch.sender_is != protocol::Side::helper) return;
    core::IntervalSet all(std::exchange(holds->todo, {}));
    all.insert(core::IntervalSet(std::exchange(holds->started, {})));
    for (const protocol::Lent& part : holds->lent) all.insert(core::IntervalSet(part.what));
    holds->lent.clear();
    if (!all.empty()) holds->lent = lent(all);
  }

  static void boast(core::Message& message) {
    if (auto* offer = std::get_if<protocol::Offer>(&message)) offer->slots = ~0U;
    if (auto* report = std::get_if<protocol::Report>(&message)) {
      report->power_per_megasecond = ~std::uint64_t{0};
      report->remaining = ~std::uint64_t{0};
    }
  }

  void invent(core::Send& send) {
    auto* report = std::get_if<protocol::Report>(&send.message);
    const std::vector<core::LoopId>& loops = babbler_.loops();
    if (report == nullptr || loops.empty() || random_.chance(1, 4)) return;
    sim::Batch batch{.executor = options_.self.node, .loop = loops[random_.below(loops.size())]};
    const std::uint64_t begin = random_.chance(1, 2) ? random_.below(400) : far_outside;
    batch.results.push_back({.piece = {.begin = begin, .end = begin + 1 + random_.below(40)},
                             .attempt = core::Attempt(static_cast<std::uint32_t>(random_.below(1'000))),
                             .ran = Duration(random_.chance(1, 2) ? 0 : -1)});
    report->batches.push_back(sim::can(batch));
    send.attached.batches.clear();  // in the place of its own: a report with more than there may be cannot be encoded
  }

  void grant_again(const core::Send& said, const protocol::Grant& grant, std::vector<core::Action>& actions) {
    for (const auto& [node, peer] : peers_) {
      if (node == said.to || !random_.chance(1, 4)) continue;
      protocol::Grant other = grant;
      other.branch = core::BranchId(1'000'000 + random_.below(4));
      const bool fits = other.intervals.size() < protocol::limits::intervals_per_message_max;
      if (random_.chance(1, 2) && fits && other.intervals.back().end < far_outside)
        other.intervals.push_back({.begin = far_outside, .end = far_outside + 5});
      return say({.to = node, .message = std::move(other), .attached = said.attached}, actions);
    }
  }

  // What carries results or records stays out of it: their bytes may be gone by now.
  void stutter(const core::Send& said, std::vector<core::Action>& actions) {
    const bool bare = said.attached.results.empty() && said.attached.batches.empty() && said.attached.records.empty();
    if (!bare || std::holds_alternative<protocol::Grant>(said.message)) return;
    const auto peer = peers_.find(said.to);
    if (peer == peers_.end()) return;
    if (random_.chance(1, 4)) say(said, actions);
    if (peer->second.old && random_.chance(1, 4)) say(*peer->second.old, actions);
    if (random_.chance(1, 8)) peer->second.old = said;
  }

  void answer(const core::MessageReceived& received, std::vector<core::Action>& actions) {
    const auto peer = peers_.find(received.from);
    if (peer == peers_.end()) return;
    peer->second.heard = std::max(peer->second.heard, received.sequence);
    if (const auto* grant = std::get_if<protocol::Grant>(&received.message)) {
      babbler_.hear(received.from, *grant);
      given_[{received.from, grant->branch}].insert(core::IntervalSet(grant->intervals));
    }
    if (has(Habit::babbler) && random_.chance(1, 12)) say(babbler_.say(anybody(), random_), actions);
    if (!has(Habit::referrer)) return;
    if (const auto* ask = std::get_if<protocol::Ask>(&received.message))
      say(received.from,
          protocol::Refer{.request = ask->request, .better = nowhere(), .hops_left = protocol::limits::refer_hops_max},
          actions);
    if (const auto* probe = std::get_if<protocol::Probe>(&received.message))
      say(received.from,
          protocol::Busy{.request = probe->request, .free = {nowhere(), nowhere()}, .others = {nowhere(), nowhere()}},
          actions);
  }

  // Somebody's address under another one's name, or nobody's.
  [[nodiscard]] protocol::Hint nowhere() {
    const auto node = static_cast<sim::NodeIndex>(random_.below(250));
    return {.node_prefix = random_.next(), .address = sim::address_of(node)};
  }

  // REQUIRES: a peer.
  [[nodiscard]] core::NodeId anybody() {
    auto at = peers_.begin();
    std::advance(at, static_cast<std::ptrdiff_t>(random_.below(peers_.size())));
    return at->first;
  }

  void pester(std::vector<core::Action>& actions) {
    ask_at_ = now_ + (++asks_ % asks_at_once == 0 ? ask_rest : ask_period);
    if (peers_.empty()) return;
    const core::NodeId to = anybody();
    switch (random_.below(3)) {
      case 0: return say(to, protocol::Ask{.request = ++request_, .slots = 1, .tags = {}, .hops_left = 3}, actions);
      case 1:
        return say(to,
                   protocol::Probe{.request = ++request_,
                                   .job = sim::job_id(1),
                                   .user = sim::user_id(1),
                                   .path = {},
                                   .iterations = ~std::uint64_t{0},
                                   .round_trip_ns = ~std::uint64_t{0}},
                   actions);
      default:
        return say({.to = to, .message = protocol::Shuffle{}, .attached = {.records = {options_.self.node}}}, actions);
    }
  }

  sim::BrainOptions options_;
  core::Random random_;
  std::unique_ptr<sim::Brain> inner_;
  std::uint64_t habits_ = 0;
  std::map<core::NodeId, Peer> peers_;
  Babbler babbler_;
  std::map<std::pair<core::NodeId, core::BranchId>, core::IntervalSet> given_;
  std::uint64_t request_ = 1'000'000;
  std::uint64_t asks_ = 0;
  Instant now_;
  Instant ask_at_;
};

}  // namespace

sim::BrainMaker make_with_liars(std::set<sim::NodeIndex> liars) {
  return [liars = std::move(liars)](const sim::BrainOptions& options) -> std::unique_ptr<sim::Brain> {
    const auto index = sim::index_of(options.self.node);
    if (index && liars.contains(*index)) return std::make_unique<Forger>(options);
    return sim::make_agent(options);
  };
}

}  // namespace sim_test
