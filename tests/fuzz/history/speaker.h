#pragma once
// What peers of one agent may say, read from bytes: canonical, as the codec makes sure, and otherwise arbitrary.
//
// They know a little: the ids and requests that the agent has told them, so that most of what they say concerns
// something.

#include <cstdint>
#include <span>
#include <vector>

#include "agent/core/event.h"
#include "agent/core/hint_list.h"

namespace agent::core::fuzz {

// Numbers out of bytes; zeros when they have run out.
class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool done() const { return at_ >= bytes_.size(); }
  std::uint8_t byte() { return done() ? std::uint8_t{0} : bytes_[at_++]; }
  std::uint64_t below(std::uint64_t bound) { return byte() % bound; }
  bool one_in(std::uint64_t n) { return below(n) == n - 1; }
  // Small, or close to the end of what there is, or anything.
  std::uint64_t number();
  Duration duration();

 private:
  std::span<const std::uint8_t> bytes_;
  std::size_t at_ = 0;
};

inline constexpr std::uint8_t peer_count = 5;
inline constexpr std::uint8_t job_count = 4;  // the first two may be submitted here

[[nodiscard]] NodeId node_named(std::uint8_t number);  // 0: the agent itself
[[nodiscard]] Address address_named(std::uint8_t number);
[[nodiscard]] JobId job_named(std::uint8_t number);

// What a peer has heard of the agent, and may use.
struct Heard {
  bool up = false;
  std::uint64_t received = 0;  // sequence of the agent's latest message on this link
  std::uint64_t sent = 0;
  std::uint64_t heard_most = 0;      // the highest sequence that it has shown
  std::vector<BranchId> granted;     // by the agent to this peer
  std::vector<std::uint64_t> asked;  // requests of the agent's
  std::vector<LoopId> loops;         // of what was granted either way
};

// Messages of one peer.
class Speaker {
 public:
  Speaker(Input& input, Heard& heard, std::uint8_t peer) : in_(input), heard_(heard), peer_(peer) {}
  [[nodiscard]] MessageReceived say(std::uint64_t& next_batch);

 private:
  [[nodiscard]] Message message();
  [[nodiscard]] Message message_about_work(std::uint64_t kind);
  [[nodiscard]] std::vector<Interval> intervals();
  [[nodiscard]] std::vector<protocol::Lent> lent();
  [[nodiscard]] LoopId loop();
  [[nodiscard]] BranchId branch();
  [[nodiscard]] std::uint64_t request();
  [[nodiscard]] protocol::Hint hint();
  [[nodiscard]] protocol::Grant grant();
  [[nodiscard]] protocol::Holds holds();
  [[nodiscard]] protocol::Report report();
  [[nodiscard]] Proofs proofs(const Message& message, std::uint64_t& next_batch);
  void prove(const protocol::Grant& grant, Proofs& proofs);
  [[nodiscard]] BatchFact batch(std::uint64_t number);
  [[nodiscard]] MandateFact mandate(const JobId& job);

  Input& in_;
  Heard& heard_;
  std::uint8_t peer_;
};

// Terms of a job, as a manifest may say them.
[[nodiscard]] JobTerms read_terms(Input& input, const JobId& job);

}  // namespace agent::core::fuzz
