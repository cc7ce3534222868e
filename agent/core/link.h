#pragma once
// One link to a peer, as leases and the silence detector see it: numbers and instants, no messages.
//
// Every control message carries its sequence and the highest sequence heard from the other side. An echo proves that
// the peer had our message, and so that it lived after we sent it; what we count from is the moment of *sending*, so
// nothing that the message waited for on its way lengthens a lease. Both ends keep both halves: either may be master
// of the other for some branch.
//
//   Ours, as the peer's helper:    ends `lease_term` after we sent the latest message that the peer has echoed.
//   The peer's, as our helper:     has surely ended `lease_surely_over` after we first echoed the highest sequence that
//                                  we have echoed: the peer sent that message before, by a clock that may be slower.
//
// Only so many sends are remembered: one per `send_log_step` and none that is older than a lease. An echo of one that
// is not remembered counts as an echo of the remembered one before it, so our lease errs on the short side.
//
// What comes is a peer's word: an echo of what was never sent, and numbers that do not grow, give no lease and no sign
// of life, and are no error. A link that is not watched (it carries no branch and no deputyship) owes no beats and is
// never suspect; silence counts from when it began to be watched. A stall of our own is no silence of the peer's: it is
// added to what we hold against the peer, never to our own lease.
//
// Invariants: the send log grows strictly in sequence and by at least `send_log_step` in time; it holds nothing echoed;
// neither end of a lease goes back.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "agent/core/random.h"
#include "agent/core/time.h"

namespace agent::core {

// How long the two ends of a link rely on each other.
namespace trust {

inline constexpr Duration beat_period = std::chrono::seconds(1);
inline constexpr Duration beat_gap_max = std::chrono::seconds(2);   // between two beats, if other messages go that way
inline constexpr Duration suspect_after = std::chrono::seconds(3);  // of silence
// On a link where nothing is open any more: only the word that results are settled is still to come.
inline constexpr Duration calm_beat_period = std::chrono::seconds(3);
inline constexpr Duration calm_suspect_after = std::chrono::seconds(9);
inline constexpr Duration lease_term = std::chrono::seconds(10);  // and dead
inline constexpr int clock_rate_error_percent = 1;                // of any clock against true time
inline constexpr Duration lease_grace = std::chrono::seconds(1);  // in which a lapsed helper stops its tasks
inline constexpr Duration stall_counts_from = std::chrono::milliseconds(500);  // shorter ones forgive nothing
inline constexpr Duration send_log_step = std::chrono::milliseconds(50);

inline constexpr Duration lease_surely_over = lease_term * (100 + 2 * clock_rate_error_percent) / 100 + lease_grace;
inline constexpr std::size_t sends_max = lease_term / send_log_step + 1;

static_assert(beat_gap_max + beat_period <= suspect_after);
static_assert(suspect_after >= 3 * beat_period, "two lost beats and a late one are no reason to doubt anybody");
static_assert(calm_suspect_after >= 3 * calm_beat_period);
static_assert(lease_term >= 3 * suspect_after, "a helper that misses its master has time to find another one");
static_assert(stall_counts_from < beat_period, "a stall that swallows a beat is noticed");
static_assert(lease_surely_over >=
                  lease_term * (100 + clock_rate_error_percent) / (100 - clock_rate_error_percent) + lease_grace / 2,
              "between the fastest master and the slowest helper, time to stop is left");
static_assert(send_log_step * 10 <= beat_period, "what the send log forgets costs a lease little");
static_assert(sends_max <= 250);

}  // namespace trust

// The two halves of a lease between us and a peer. It outlives the link on which it was earned.
struct Lease {
  std::optional<Instant> ours_until;    // we work for the peer no longer than that; nothing: never had one
  std::optional<Instant> theirs_until;  // the peer surely works for us no longer than that; nothing: never had one
  bool operator==(const Lease&) const = default;
};

class Link {
 public:
  // The numbers of one message, as its envelope carries them.
  struct Numbers {
    std::uint64_t sequence = 0;  // from 1
    std::uint64_t heard = 0;     // 0: nothing yet
    bool operator==(const Numbers&) const = default;
  };
  enum class Arrival {
    fresh,
    stale,      // its sequence is not above all before it: it counts for nothing
    impossible  // it echoes what was never sent: a sign of life, and no lease
  };

  // How soon the silence of the peer must be noticed. Both ends find out by themselves, the one that expects beats
  // never later than the one that sends them: who gave the work calms down when it has told that the last result has
  // come, who did it when it hears that.
  enum class Pace { brisk, calm };

  Link() = default;
  // A further link to the same instance of the peer: what was earned on the one before goes on.
  explicit Link(Lease carried) : lease_(carried) {}

  Numbers on_send(Instant now);
  Arrival on_received(Instant now, Numbers numbers);
  // The sequence of our latest message.
  [[nodiscard]] std::uint64_t sent() const { return sent_; }
  // What the peer said latest, it said after it had taken in our message of that sequence.
  [[nodiscard]] bool echoed(std::uint64_t sequence) const { return sequence <= echoed_by_peer_; }

  // The link carries a branch or a deputyship from now on; the first beat is due within a period, at random, so that
  // links that came up together do not beat together. If it is watched already, only the pace changes; silence counts
  // anew when it becomes brisk.
  void watch(Instant now, Pace pace, Random& random);
  void unwatch();
  [[nodiscard]] bool watched() const { return watched_since_.has_value(); }

  // A beat was sent (and told to `on_send`). REQUIRES: watched.
  void on_beat(Instant now);
  // Our own loop stood still for `stall`. REQUIRES: told before anything that has happened since.
  void forgive(Duration stall);

  // Nothing unless watched.
  [[nodiscard]] std::optional<Instant> beat_due() const { return beat_due_; }
  [[nodiscard]] std::optional<Instant> suspect_at() const;
  [[nodiscard]] bool suspect(Instant now) const { return suspect_at() && *suspect_at() <= now; }

  [[nodiscard]] const Lease& lease() const { return lease_; }
  [[nodiscard]] bool we_hold_lease(Instant now) const { return lease_.ours_until && now < *lease_.ours_until; }
  [[nodiscard]] bool they_may_hold_lease(Instant now) const {
    return lease_.theirs_until && now < *lease_.theirs_until;
  }

  [[nodiscard]] std::size_t remembered_sends() const { return sends_.size(); }
  void check_invariants() const;

 private:
  struct Sent {
    std::uint64_t sequence = 0;
    Instant at;
  };
  [[nodiscard]] Duration beat_period() const;
  [[nodiscard]] Duration beat_gap_max() const;
  void remember_send(Instant now);
  void on_echo(std::uint64_t sequence);

  Lease lease_;
  std::vector<Sent> sends_;  // oldest first
  std::uint64_t sent_ = 0;
  std::uint64_t echoed_by_peer_ = 0;
  std::uint64_t heard_ = 0;  // highest sequence of the peer's
  std::uint64_t echoed_by_us_ = 0;
  std::optional<Instant> heard_at_;       // our stalls added
  std::optional<Instant> watched_since_;  // at this pace, if brisk
  Pace pace_ = Pace::brisk;
  Instant beaten_at_;  // or when it began to be watched
  std::optional<Instant> beat_due_;
};

}  // namespace agent::core
