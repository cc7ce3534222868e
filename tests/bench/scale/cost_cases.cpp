// What an agent costs its machine: time of a decision and of a message through the codec, and bytes of its state.
//
// The simulated agents get a clock in their hand and an account of their memory. Nothing of this is seen by them, so
// that a run is the same with it.

#include <algorithm>
#include <chrono>
#include <memory>

#include "protocol/codec.h"
#include "tests/bench/scale/account.h"
#include "tests/bench/scale/cases.h"

namespace scale {

namespace {

using Steady = std::chrono::steady_clock;

struct Samples {
  std::vector<float> microseconds;

  void add(Steady::duration took) { microseconds.push_back(std::chrono::duration<float, std::micro>(took).count()); }
  [[nodiscard]] double at(double share) {
    if (microseconds.empty()) return 0;
    const auto index = static_cast<std::ptrdiff_t>(share * static_cast<double>(microseconds.size() - 1));
    std::nth_element(microseconds.begin(), microseconds.begin() + index, microseconds.end());
    return static_cast<double>(microseconds[static_cast<std::size_t>(index)]);
  }
};

class MeasuredBrain : public sim::Brain {
 public:
  MeasuredBrain(const sim::BrainOptions& options, Account& account, Samples* steps) : account_(account), steps_(steps) {
    const Account::Scope scope(account_);
    brain_ = sim::make_agent(options);
  }

  void step(core::Instant now, const core::Event& event, std::vector<core::Action>& actions) override {
    const Account::Scope scope(account_);
    const Steady::time_point begin = Steady::now();
    brain_->step(now, event, actions);
    (void)brain_->next_deadline();
    if (steps_ != nullptr) steps_->add(Steady::now() - begin);
  }
  std::optional<core::Instant> next_deadline() const override { return brain_->next_deadline(); }

 private:
  Account& account_;
  Samples* steps_;
  std::unique_ptr<sim::Brain> brain_;
};

// Every message once more, out and in.
class Recoder : public sim::Observer {
 public:
  void on_sent(const sim::SendSeen& seen) override {
    if (++seen_ % 16 != 0 || seen.bytes.empty()) return;
    const Steady::time_point begin = Steady::now();
    const auto envelope = protocol::decode(seen.bytes);
    const Steady::time_point between = Steady::now();
    if (envelope) bytes_ += protocol::encode(*envelope).size();
    encoding.add(Steady::now() - between);
    decoding.add(between - begin);
  }

  Samples decoding;
  Samples encoding;

 private:
  std::uint64_t seen_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace

void step_cost(const Setting& setting) {
  Pool pool{.seed = setting.seed, .agents = setting.agents, .iterations_each = 20};
  Samples steps;
  std::vector<Account> accounts(1);
  sim::WorldOptions options = world_of(pool);
  options.make = [&](const sim::BrainOptions& of) {
    return std::make_unique<MeasuredBrain>(of, accounts.front(), &steps);
  };
  sim::World world(std::move(options));
  Recoder recoder;
  world.watch(recoder);
  (void)world.run_jobs(job_comes + std::chrono::minutes(10));
  Table& table = setting.table;
  table.row("step", "us, median", steps.at(0.5));
  table.row("step", "us, 99th percentile", steps.at(0.99));
  table.row("message in", "us, median", recoder.decoding.at(0.5));
  table.row("message in", "us, 99th percentile", recoder.decoding.at(0.99));
  table.row("message out", "us, median", recoder.encoding.at(0.5));
  table.row("message out", "us, 99th percentile", recoder.encoding.at(0.99));
  // What the simulator charges an agent for taking a message in and deciding on it must not be less.
  const double charged = std::chrono::duration<double, std::micro>(sim::Costs{}.receive + sim::Costs{}.step).count();
  table.row("message in", "us with its step, median", steps.at(0.5) + recoder.decoding.at(0.5), charged);
}

void state(const Setting& setting) {
  const Pool pool{.seed = setting.seed, .agents = setting.agents};
  std::vector<Account> accounts(pool.agents);
  sim::WorldOptions options = world_of(pool);
  options.jobs.clear();
  options.make = [&](const sim::BrainOptions& of) {
    return std::make_unique<MeasuredBrain>(of, accounts.at(*sim::index_of(of.self.node)), nullptr);
  };
  {
    sim::World world(std::move(options));
    world.run_until(WorldTime(std::chrono::hours(1)));
    std::int64_t most = 0;
    double sum = 0;
    for (const Account& account : accounts) {
      most = std::max(most, account.bytes());
      sum += static_cast<double>(account.bytes());
    }
    setting.table.row("state", "KiB of an agent, mean", sum / pool.agents / 1024);
    setting.table.row("state", "KiB of an agent, most", static_cast<double>(most) / 1024, 24);
  }
}

}  // namespace scale
