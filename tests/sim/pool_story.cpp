#include "tests/sim/pool_story.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <sstream>
#include <vector>

#include "agent/sim/world.h"
#include "tests/sim/notation.h"

namespace sim_test {

namespace core = agent::core;
namespace sim = agent::sim;
using namespace std::chrono_literals;

namespace {

std::optional<core::Duration> duration_of(const std::string& text) {
  // The notation reads durations.
  const auto event = parse_event("mandate_seen age=" + text);
  if (!event) return std::nullopt;
  return std::get<core::MandateSeen>(*event).age;
}

std::optional<sim::NodeIndex> node_of(const std::string& text, std::size_t nodes) {
  const auto event = parse_event("link_down peer=" + text);
  if (!event) return std::nullopt;
  const auto index = sim::index_of(std::get<core::LinkDown>(*event).peer);
  return index && *index < nodes ? index : std::nullopt;
}

template <class T>
bool read(std::istream& from, T& into) {
  return static_cast<bool>(from >> into);
}

// Writes down what agents do.
class Scribe : public sim::Observer {
 public:
  explicit Scribe(std::ostringstream& out) : out_(out) {}

  void on_step(const sim::StepSeen& seen) override {
    if (silent || without.contains("N" + std::to_string(seen.node))) return;
    for (const core::Action& action : seen.actions) {
      const std::string text = text_of(action);
      const auto* send = std::get_if<core::Send>(&action);
      const bool left_out =
          without.contains(text.substr(0, text.find(' '))) ||
          (send != nullptr && without.contains(std::string(protocol::name_of(protocol::kind_of(send->message)))));
      if (left_out) continue;
      std::array<char, 32> time{};
      (void)std::snprintf(time.data(), time.size(), "%.3fs", sim::seconds_of(seen.at.time_since_epoch()));
      out_ << "   " << time.data() << " N" << seen.node << ' ' << text << '\n';
      told += text + '\n';
    }
  }

  std::set<std::string> without;
  bool silent = false;
  std::string told;  // actions alone

 private:
  static std::string text_of(core::Action action) {
    if (auto* send = std::get_if<core::Send>(&action)) {
      send->sequence = send->heard = 0;
      send->attached.mandates.clear();
      send->attached.records.clear();
    }
    if (auto* order = std::get_if<core::StartTask>(&action))
      order->deadline = std::chrono::floor<std::chrono::milliseconds>(order->deadline);
    return print(action);
  }

  std::ostringstream& out_;
};

class PoolStory {
 public:
  PoolStory() : scribe_(out_) {}

  // The world is made with all of its jobs: they are read first.
  bool prepare(const std::string& line) {
    std::istringstream words(line);
    std::string first;
    std::string who;
    std::string what;
    words >> first >> who >> what;
    if (first == "pool") return create(line);
    if (first == "without") {
      std::istringstream names(line.substr(first.size()));
      for (std::string name; names >> name;) scribe_.without.insert(name);
    }
    const auto at = duration_of(first);
    if (!at) return true;
    if (what == "submits") {
      const auto root = node_of(who, options_.nodes.size());
      return root ? add_job(*root, *at, words) : fail("no agent " + who);
    }
    if (what != "cancelled") return true;
    for (sim::JobPlan& plan : options_.jobs) {
      if (who == "J" + std::to_string(sim::number_of(plan.terms.job))) plan.cancelled = sim::WorldTime(*at);
    }
    return true;
  }

  bool tell(const std::string& line) {
    if (line.starts_with("   ")) return true;  // an action of before: said anew
    if (!world_) begin();
    std::istringstream words(line);
    std::string first;
    std::string who;
    std::string what;
    words >> first >> who >> what;
    if (line.empty() || line[0] == '#' || first == "pool" || first == "without") return write(line);
    if (first == "tells") {
      const bool told = scribe_.told.find(line.substr(first.size() + 1)) != std::string::npos;
      return told ? write(line) : fail("it does not tell that");
    }
    const auto at = duration_of(first);
    if (!at || sim::WorldTime(*at) < world_->now()) return fail("a line is TIME AGENT WHAT, and time goes on");
    if (who == "until" || who == "...") {
      scribe_.silent = who == "...";
      if (scribe_.silent) write(line);
      run_before(*at);
      scribe_.silent = false;
      return who == "..." || write(line);
    }
    run_before(*at);
    write(line);
    world_->run_until(sim::WorldTime(*at));
    if (what == "submits" || what == "cancelled") return true;
    const auto node = node_of(who, options_.nodes.size());
    return node ? befall(*node, what, words) : fail("no agent " + who);
  }

  [[nodiscard]] std::string text() const { return out_.str(); }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  // What happens at the very moment comes after the line of that moment.
  void run_before(core::Duration at) {
    world_->run_until(std::max(world_->now(), sim::WorldTime(at - core::Duration(1))));
  }
  bool fail(std::string why) {
    error_ = std::move(why);
    return false;
  }
  bool write(const std::string& line) {
    out_ << line << '\n';
    return true;
  }

  bool create(const std::string& line) {
    std::istringstream words(line);
    std::string word;
    std::size_t nodes = 0;
    sim::NodeOptions node;
    words >> word >> nodes >> word >> node.slots;
    if (!words || word != "slots" || nodes == 0 || nodes > 100 || node.slots == 0) return fail("pool N slots N");
    options_.nodes.assign(nodes, node);
    options_.start_spread = {};
    options_.network.latency = 1ms;
    while (words >> word) {
      std::string value;
      if (word == "power") {
        for (sim::NodeOptions& each : options_.nodes) {
          if (!read(words, each.power) || each.power <= 0) return fail("a power for each");
        }
      } else if (word == "seed") {
        if (!read(words, options_.seed)) return fail("seed N");
      } else if (word == "latency" && words >> value && duration_of(value)) {
        options_.network.latency = *duration_of(value);
      } else {
        return fail("no " + word);
      }
    }
    return true;
  }

  // Words of our own are taken out; the rest are the terms in the notation.
  bool add_job(sim::NodeIndex root, core::Duration at, std::istringstream& words) {
    sim::JobPlan plan{.root = root, .submitted = sim::WorldTime(at)};
    std::string terms;
    for (std::string word; words >> word;) {
      const std::string name = word.substr(0, word.find('='));
      const std::string value = word.substr(std::min(word.size(), name.size() + 1));
      std::istringstream number(value);
      bool good = true;
      if (name == "each") {
        const auto mean = duration_of(value);
        good = mean.has_value();
        plan.lengths.mean = mean.value_or(1s);
      } else if (name == "hit") {
        good = read(number, plan.mishaps.hits.emplace_back());
      } else if (name == "fails_every") {
        good = read(number, plan.mishaps.failing_every);
      } else if (name == "inner") {
        good = read(number, plan.nesting.size_min);
        plan.nesting.size_max = plan.nesting.size_min;
        plan.nesting.depth = 1;
      } else {
        terms += (terms.empty() ? "" : " ") + word;
      }
      if (!good) return fail("not understood: " + word);
    }
    const auto event = parse_event("job_submitted terms={" + terms + "}");
    if (!event) return fail("no terms of a job: " + terms);
    plan.terms = std::get<core::JobSubmitted>(*event).terms;
    if (!plan.terms.size) return fail("a job here has a size");
    plan.terms.job = sim::job_id(static_cast<std::uint32_t>(options_.jobs.size() + 1));
    options_.jobs.push_back(std::move(plan));
    return true;
  }

  void begin() {
    world_ = std::make_unique<sim::World>(options_);
    world_->watch(scribe_);
  }

  bool befall(sim::NodeIndex node, const std::string& what, std::istringstream& words) {
    std::string value;
    words >> value;
    using Death = sim::World::Death;
    if (what == "dies") return world_->crash(node, Death::killed), true;
    if (what == "vanishes") return world_->crash(node, Death::vanished), true;
    if (what == "restarts") return world_->restart(node), true;
    if (what == "pauses") return world_->pause(node), true;
    if (what == "resumes") return world_->resume(node), true;
    if (what == "sleeps") return world_->fall_asleep(node), true;
    if (what == "wakes") return world_->wake_up(node), true;
    if (what == "alone") return alone_[node] = world_->divide({node}, sim::Barrier::both_ways), true;
    if (what == "back" && alone_.contains(node)) return world_->heal(alone_.extract(node).mapped()), true;
    if (what == "stalls" && duration_of(value)) return world_->stall(node, *duration_of(value)), true;
    if (what == "power") {
      double power = 0;
      std::istringstream number(value);
      if (!read(number, power) || power <= 0) return fail("power NUMBER");
      return world_->set_power(node, power), true;
    }
    if (what == "breaks") {
      const auto other = node_of(value, options_.nodes.size());
      const auto link = other ? world_->network().link_between(node, *other) : std::nullopt;
      if (!link) return fail("no link between them");
      return world_->break_link(*link, {}), true;
    }
    return fail("nothing that befalls an agent: " + what);
  }

  std::ostringstream out_;
  std::string error_;
  Scribe scribe_;
  sim::WorldOptions options_;
  std::unique_ptr<sim::World> world_;
  std::map<sim::NodeIndex, std::uint64_t> alone_;  // and their partitions
};

}  // namespace

bool is_pool_story(std::string_view text) {
  return text.find("\npool ") != std::string_view::npos;
}

tl::expected<std::string, std::string> run_pool_story(std::string_view text) {
  PoolStory story;
  using Pass = bool (PoolStory::*)(const std::string&);
  for (const Pass pass : {&PoolStory::prepare, &PoolStory::tell}) {
    std::istringstream lines{std::string(text)};
    std::size_t number = 0;
    for (std::string line; std::getline(lines, line);) {
      ++number;
      if (number == 1 && !line.starts_with("# ")) return tl::make_unexpected("line 1: a heading tells the story");
      if (!(story.*pass)(line)) return tl::make_unexpected("line " + std::to_string(number) + ": " + story.error());
    }
  }
  return story.text();
}

}  // namespace sim_test
