#include "tests/sim/transcript.h"

#include <charconv>
#include <memory>
#include <optional>
#include <sstream>
#include <vector>

#include "agent/link/exchange.h"
#include "agent/sim/brain.h"
#include "agent/sim/canned_notary.h"
#include "agent/sim/names.h"
#include "tests/sim/notation.h"
#include "tests/sim/pool_story.h"

namespace sim_test {

namespace core = agent::core;
namespace sim = agent::sim;

namespace {

struct Agent {
  core::NodeId self;
  std::unique_ptr<sim::Brain> brain;
  std::unique_ptr<sim::CannedNotary> notary;
  std::unique_ptr<agent::link::Exchange> exchange;
  std::optional<core::Send> last_send;
  core::Instant now;
};

class Storyteller {
 public:
  // False: `error()` says why.
  bool line(const std::string& text) {
    if (text.starts_with("   ")) return true;  // an action of before: said anew
    if (!text.empty() && text[0] != '#') return command(text);
    out_ << text << '\n';
    return true;
  }
  [[nodiscard]] std::string text() const { return out_.str(); }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  bool fail(std::string why) {
    error_ = std::move(why);
    return false;
  }

  bool command(const std::string& text) {
    std::istringstream words(text);
    std::string first;
    std::string who;
    words >> first >> who;
    if (first == "agents") return create(text, who, words);
    // The notation reads durations: an instant is one since the beginning.
    const auto at = parse_event("mandate_seen age=" + first);
    const auto peer = parse_event("link_down peer=" + who);
    if (!at || !peer) return fail("a line is TIME AGENT EVENT");
    const auto index = sim::index_of(std::get<core::LinkDown>(*peer).peer);
    if (!index || *index >= agents_.size()) return fail("no agent " + who);
    const core::Instant now(std::get<core::MandateSeen>(*at).age);
    Agent& agent = agents_[*index];
    if (now < agent.now) return fail("time goes back");
    agent.now = now;
    std::string rest;
    std::getline(words >> std::ws, rest);
    out_ << text << '\n';
    if (rest == "until") return until(agent);
    if (rest == "passes") return pass(*index);
    const auto event = parse_event(rest);
    if (!event) return fail("no event: " + rest);
    tell(agent, *event, "");
    return true;
  }

  bool create(const std::string& text, const std::string& count, std::istringstream& words) {
    std::string word;
    std::uint32_t slots = 0;
    words >> word >> slots;
    if (!agents_.empty() || (count != "1" && count != "2") || word != "slots" || slots == 0)
      return fail("agents 1|2 slots N");
    out_ << text << '\n';
    for (sim::NodeIndex i = 0; i < (count == "1" ? 1U : 2U); ++i) {
      const core::Peer self{
          .node = sim::node_id(i), .instance = sim::instance_key(i, 1), .address = sim::address_of(i)};
      auto notary = std::make_unique<sim::CannedNotary>(self.node);
      auto exchange = std::make_unique<agent::link::Exchange>(self.node, *notary, agent::link::Exchange::Checks::on);
      exchange->set_own_record(sim::can(self));
      agents_.push_back({.self = self.node,
                         .brain = sim::make_agent({.self = self, .slots = slots, .seed = i, .seeds = {}}),
                         .notary = std::move(notary),
                         .exchange = std::move(exchange),
                         .last_send = std::nullopt,
                         .now = {}});
    }
    return true;
  }

  bool until(Agent& agent) {
    const core::Instant end = agent.now;
    for (int turns = 0; turns < 1'000; ++turns) {
      const auto deadline = agent.brain->next_deadline();
      if (!deadline || *deadline > end) return true;
      agent.now = std::max(*deadline, last_told_);
      // An instant is printed as an extended deadline would be.
      const std::string printed = print(core::Event(core::MandateSeen{.age = agent.now.time_since_epoch()}));
      const std::string at = printed.substr(printed.find("age=") + 4);
      tell(agent, core::DeadlinePassed{}, "at " + at + " ");
      agent.now = end;
    }
    return fail("deadlines without end");
  }

  bool pass(std::size_t from) {
    const std::optional<core::Send>& send = agents_[from].last_send;
    if (!send) return fail("it has sent nothing");
    const auto to = sim::index_of(send->to);
    if (!to || *to >= agents_.size()) return fail("nobody is there");
    Agent& receiver = agents_[*to];
    receiver.now = std::max(receiver.now, agents_[from].now);
    const sim::Bytes bytes = agents_[from].exchange->seal(*send, agents_[from].now);
    const auto received = receiver.exchange->open(sim::node_id(static_cast<sim::NodeIndex>(from)), bytes, receiver.now);
    if (!received) return fail("it was refused");
    tell(receiver, *received, "");
    return true;
  }

  void tell(Agent& agent, const core::Event& event, const std::string& prefix) {
    if (const auto* link_up = std::get_if<core::LinkUp>(&event))
      agent.exchange->on_link_up(link_up->peer.node, link_up->roles);
    if (const auto* link_down = std::get_if<core::LinkDown>(&event)) agent.exchange->on_link_down(link_down->peer);
    if (const auto* submitted = std::get_if<core::JobSubmitted>(&event))
      agent.exchange->on_submitted(submitted->terms.job, sim::can(submitted->terms));
    std::vector<core::Action> actions;
    agent.brain->step(agent.now, event, actions);
    agent.brain->check_invariants();
    last_told_ = agent.now;
    for (const core::Action& action : actions) {
      out_ << "   " << prefix << print(action) << '\n';
      if (const auto* send = std::get_if<core::Send>(&action)) agent.last_send = *send;
      if (const auto* order = std::get_if<core::SignMandate>(&action)) sign(agent, *order);
    }
  }

  static void sign(Agent& agent, const core::SignMandate& order) {
    const core::MandateFact fact{.job = order.job,
                                 .epoch = {.number = 1, .root = agent.self},
                                 .sequence = order.sequence,
                                 .time_to_live = order.time_to_live,
                                 .age = {}};
    agent.exchange->on_signed(fact, sim::can(fact), agent.now);
  }

  std::ostringstream out_;
  std::string error_;
  std::vector<Agent> agents_;
  core::Instant last_told_;
};

}  // namespace

tl::expected<std::string, std::string> run_transcript(std::string_view text) {
  if (is_pool_story(text)) return run_pool_story(text);
  Storyteller storyteller;
  std::istringstream lines{std::string(text)};
  std::size_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (number == 1 && !line.starts_with("# ")) return tl::make_unexpected("line 1: a heading tells the story");
    if (!storyteller.line(line))
      return tl::make_unexpected("line " + std::to_string(number) + ": " + storyteller.error());
  }
  return storyteller.text();
}

}  // namespace sim_test
