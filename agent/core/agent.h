#pragma once
// The deciding machine: it is told everything, and says what is to be done about it.
//
//   step(now, event, actions)   something happened at `now`; what should be done is appended to `actions`
//   next_deadline()             nothing, or when (and why) to step with DeadlinePassed if nothing happens before
//
// The caller's duties:
//   1. `now` never goes back.
//   2. step() is never entered from within itself.
//   3. Actions are carried out in order. What they cause comes back as later events.
//   4. After each step next_deadline() is read again; a deadline that has passed is reported.
//   5. A StartTask is answered by TaskEnded or TaskLost, exactly once, TaskStarted coming before it if the process came
//   to be.
// The machine's promises: the same options and events give the same actions; a stale, unknown or doubled event is never
// an error; never more running tasks than slots, those not counted that wait for a loop of their own (parked); work and
// memory of a step are bounded by slots + jobs.
//
// It keeps no clock, no descriptor and no bytes of output.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "agent/core/action.h"
#include "agent/core/agent_state.h"
#include "agent/core/branch.h"
#include "agent/core/event.h"
#include "agent/core/link.h"
#include "agent/core/mandate.h"
#include "agent/core/overview.h"
#include "agent/core/patience.h"
#include "agent/core/peers.h"
#include "agent/core/random.h"
#include "agent/core/slots.h"
#include "agent/core/tombstones.h"
#include "protocol/limits.h"

namespace agent::core {

struct Options {
  std::uint32_t slots = 1;  // >= 1: how many tasks may run here at once
  NodeId node;
  InstanceKey instance;
  Address address;             // where peers reach us
  std::vector<Address> seeds;  // asked when nobody else is known
  std::uint64_t random_seed = 0;
};

struct Deadline {
  enum class Why {
    mandate,
    launch_pause,
    beat,
    silence,
    lease,
    unanswered_grant,
    report,
    seeking,
    asking,
    shuffle,
    orphan,
    hoarding
  };
  Instant at;
  Why why = Why::mandate;
  bool operator==(const Deadline&) const = default;
};

class Agent {
 public:
  explicit Agent(const Options& options);

  void step(Instant now, const Event& event, std::vector<Action>& actions);
  [[nodiscard]] std::optional<Deadline> next_deadline() const { return due_; }

  [[nodiscard]] std::size_t job_count() const { return jobs_.size(); }
  // Of those, the ones that were submitted here; the others are of masters elsewhere.
  [[nodiscard]] std::size_t own_job_count() const;
  [[nodiscard]] std::size_t running_count() const { return tasks_.size(); }
  [[nodiscard]] std::optional<Counts> counts(JobId job) const;
  // Everything below this index is committed or lost, and nothing of it starts again.
  [[nodiscard]] std::uint64_t committed_below(JobId job) const;
  // What will be committed as lost if its result does not come all the same.
  [[nodiscard]] IntervalSet lost(JobId job) const;
  [[nodiscard]] bool knows(JobId job) const { return jobs_.contains(job); }
  // Its record may be asked for.
  [[nodiscard]] bool knows(const NodeId& node) const { return contacts_.contains(node) || peers_.knows(node); }
  // Helpers that count against the branch number of that loop.
  [[nodiscard]] std::uint32_t helpers_of(const LoopId& loop) const { return look_over().helpers_of(loop); }
  // Branches looked at since the beginning, by whatever looks at all of them: what a step costs where there are many.
  [[nodiscard]] std::uint64_t looked_at() const { return looked_at_; }
  // What is kept, much of it because of others.
  struct Sizes {
    std::size_t contacts = 0;
    std::size_t branches = 0;
    std::size_t errands = 0;
    std::size_t kept_requests = 0;
  };
  [[nodiscard]] Sizes sizes() const {
    return {contacts_.size(), branches_.size(), errands_.size(), kept_requests_.size()};
  }
  // No peer is granted, or grants, more branches than a beat can tell of.
  static constexpr std::size_t branches_per_peer_max = protocol::limits::branches_per_beat_max / 2;
  void check_invariants() const;

 private:
  // Long lists go in several messages.
  static constexpr std::size_t intervals_per_message = protocol::limits::intervals_per_message_max / 4;

  void on(const JobSubmitted& event);
  void on(const ItemsAdded& event);
  void on(const ItemsEnded& event);
  void on(const MandateSeen& event);
  void on(const TaskStarted& event);
  void on(const TaskEnded& event);
  void on(const TaskLost& event);
  void on(const CancelRequested& event);
  void on(const ClientLeft& event);
  void on(const ResultsFull& event);
  void on(const ResultsFlow& event);
  void on(const LoopForked& event);
  void on(const LoopJoined& event);
  void on(const LinkUp& event);
  void on(const LinkDown& event);
  void on(const DialFailed& event);
  void on(const MessageReceived& event);
  void on(const AddressesKnown& event);
  void on(const DeadlinePassed& event);

  // --- inner loops (agent_loops.cpp)
  // What has ended is answered, and what lost its opener ends.
  void serve_loops();
  void conclude_loop(BranchKey key, Task& opener);
  void end_loop(Branch& branch, StopHow how);
  void dismiss_helpers(BranchKey key);
  void resume_joined();
  // Gives back what would wait here for something less deep.
  void return_stuck();
  // What of inner loops of ours is held for others, and for nobody any more, goes.
  void drop_unawaited();
  // Whether the branch with all that it concerns is over.
  [[nodiscard]] bool is_over(const Branch& branch) const;
  // The branch of a client or master that it comes from in the end; nothing: an opener on the way is gone.
  [[nodiscard]] const Branch* origin_of(const Branch& branch) const;
  // The job's own limit on slots permits one more task to run here.
  [[nodiscard]] bool may_run(JobId job) const;
  // Without those that are parked.
  [[nodiscard]] std::size_t running_of(JobId job) const;
  [[nodiscard]] bool could_start(const Branch& branch) const;

  // --- what starts at most once (agent_lost.cpp)
  void welcome_back(NodeId node);
  // A message that came out of its order could make the same iterations start twice.
  [[nodiscard]] bool must_be_fresh(const MessageReceived& event) const;
  // What may go to somebody with so many free slots; empty if there is nothing.
  [[nodiscard]] Share share_for_slots(Branch& branch, std::uint64_t slots) const;
  void fill_slots_of(BranchKey key, Helper& helper, std::uint64_t wanted);
  void want_more(const Branch& branch, const Master& master);
  void tell_losses();

  // --- helpers that neither work nor give back (agent_hoarders.cpp)
  [[nodiscard]] bool hoards(const Helper& helper) const;
  enum class Missed { no, yes };  // whether we have nothing else to do
  [[nodiscard]] std::optional<Instant> hoarding_ends(const Branch& branch, const Helper& helper, Missed missed) const;
  void recall_hoarded();
  void take_from_hoarder(Branch& branch, Helper& helper);
  void on_nothing_returned(Helper& helper);
  void distrust(NodeId node);
  [[nodiscard]] bool is_distrusted(NodeId node) const;

  // --- loops of which nothing more is to begin (agent_draining.cpp)
  void drain_branches();

  // --- links (agent_links.cpp)
  using Consider = std::function<void(Instant, Deadline::Why)>;
  void consider_contact(const Contact& contact, const Consider& consider) const;
  void send(NodeId to, Message message, Attached attached = {});
  [[nodiscard]] static bool is_question(const Message& message);
  [[nodiscard]] bool is_up(NodeId node) const;
  [[nodiscard]] bool shares_branch_with(NodeId node) const;
  [[nodiscard]] std::vector<Watched> sharers();
  void watch_links();
  // Hangs up links that carry nothing: those that were not used for long, and the oldest of too many.
  void close_idle_links();
  void notice_own_stall();
  void serve_links();
  void send_beat(Contact& contact);
  void fall_silent(Contact& contact);
  void be_heard_again(Contact& contact);
  void end_lease_of(Contact& contact);
  void take_back_lent_on(NodeId node);
  // The peer was started anew: what it held for us, or gave to us, is gone with the one before.
  void forget_instance(NodeId node);
  // What it had begun is to be started again.
  void lose_helper(Branch& branch, NodeId node);
  // Stops what we do for masters whose lease to us has ended.
  void lapse_branches();
  void on_message(NodeId from, const protocol::Beat& beat, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Holds& holds, const Proofs& proofs);
  void see_mandates(const std::vector<MandateFact>& facts);
  void hurry_mandates(const std::set<JobId>& jobs);

  // --- recruiting (agent_recruiting.cpp)
  // Every slot is in use, or will be.
  [[nodiscard]] bool is_busy() const;
  // Work would be welcome, and nobody was offered our help.
  [[nodiscard]] bool is_free() const;
  // No peer is known, and no way to any: one machine alone asks nobody.
  [[nodiscard]] bool has_nobody() const { return options_.seeds.empty() && contacts_.empty() && peers_.view().empty(); }
  [[nodiscard]] Overview look_over() const;
  [[nodiscard]] std::uint32_t helpers_wanted(const Branch& branch, const Overview& overview) const;
  void seek_helpers();
  bool probe_somebody(Branch& branch);
  void probe(Branch& branch, NodeId node);
  bool divide(BranchKey key, const std::vector<Seeking::Offered>& offers, Overview& overview);
  void answer_busy(NodeId to, std::uint64_t request, bool kept);
  void offer(NodeId to, std::uint64_t request, Duration round_trip);
  // Our offer came to nothing: it counts so much against the prober (agent_state.h, Spurned).
  void end_hold(std::uint32_t weight);
  void be_idle();
  void tell_few_that_we_are_free();
  void ask_somebody();
  void ask(NodeId node, std::uint8_t hops_left);
  bool give_back_half(NodeId asker);
  [[nodiscard]] std::vector<BranchKey> outermost_first() const;
  [[nodiscard]] bool may_lend(const Branch& branch, NodeId to, const Overview& overview) const;
  std::optional<std::pair<BranchKey, Share>> copy_for(NodeId thief, const Overview& overview);
  // While we only wait: what takes too long at our helpers is tried here, too.
  void copy_here();
  enum class Place { with_unstarted, any };
  [[nodiscard]] std::optional<protocol::Hint> better_place(NodeId asker, Place place) const;
  // Who of those we are linked to it is, if any.
  [[nodiscard]] std::optional<NodeId> linked_at(const Peers::Choice& choice) const;
  [[nodiscard]] std::optional<NodeId> linked_at(const Address& address) const;
  [[nodiscard]] std::set<NodeId> linked() const;
  [[nodiscard]] std::set<NodeId> asked_lately(const Branch& branch) const;
  bool run_errand(Errand errand, const Peers::Choice& choice);
  void errands_arrived(const Peer& peer);
  void exchange_peers();
  void send_shuffle(NodeId to);
  void on_message(NodeId from, const protocol::Probe& probe, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Offer& offer, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Busy& busy, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Release& release, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Note& note, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Ask& ask, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Refer& refer, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Shuffle& shuffle, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Shuffled& shuffled, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Walk& walk, const Proofs& proofs);

  // --- differences (agent_holds.cpp)
  [[nodiscard]] static Holding holding_of(const Branch& branch);
  void tell_holds(BranchKey key, NodeId node);
  void ask_holds(Helper& helper);
  void tell_what_we_hold(const Branch& branch, const Master& master);
  void tell_nothing_held(NodeId master, BranchId id);
  void mend(BranchKey key, Helper& helper);
  void give_place(const Branch& branch, Helper& helper);

  // --- orphans, both ends (agent_orphans.cpp)
  [[nodiscard]] bool misses_master(const Branch& branch) const;
  [[nodiscard]] bool has_no_hope(const Branch& branch) const;
  void serve_orphans();
  void ask_next_refuge(BranchKey key);
  void orphans_arrived(NodeId refuge, const LoopId& loop);
  void tell_refuge(BranchKey key, NodeId refuge);
  [[nodiscard]] std::optional<BranchKey> refuge_for(NodeId from, const protocol::Orphan& orphan,
                                                    const Helper::There& there) const;
  void adopt(BranchKey key, NodeId orphan, const protocol::Orphan& message, const Helper::There& there);
  void on_message(NodeId from, const protocol::Orphan& orphan, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Adopt& adopt, const Proofs& proofs);

  // --- grants, both ends (agent_grants.cpp)
  void grant(BranchKey key, NodeId to, const Share& share, std::uint64_t request);
  void serve_wants();
  void take_back_unanswered();
  void on_message(NodeId from, const protocol::Grant& grant, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Accept& accept, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Refuse& refuse, const Proofs& proofs);
  void note_unwilling(JobId job, NodeId node);
  // Nothing of what it did or said so far speaks against it.
  [[nodiscard]] bool may_be_given(const Branch& branch, NodeId node) const;
  void on_message(NodeId from, const protocol::Want& want, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Recall& recall, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Returned& returned, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Cancel& cancel, const Proofs& proofs);
  void tell_losers(BranchKey key, const Losers& losers, protocol::CancelReason why);
  [[nodiscard]] static bool makes_sense(const protocol::Grant& grant, const Proofs& proofs);
  // Why a grant that makes sense is not taken, whatever the job.
  [[nodiscard]] std::optional<protocol::RefuseReason> must_refuse(NodeId from, const protocol::Grant& grant,
                                                                  const Proofs& proofs) const;
  void send_cancel(const Helper& helper, const IntervalSet& what, protocol::CancelReason why);
  void send_returned(const Master& master, const Branch::Returning& back, protocol::ReturnReason why);
  [[nodiscard]] std::vector<protocol::Refuge> refuges_below(const Branch& branch) const;

  // --- results, both ends (agent_results.cpp)
  void report_due();
  void report(BranchKey key, const Master& master);
  void take_stock(Helper& helper, const protocol::Report& report, const Proofs& proofs);
  void take_batch(Branch& branch, Helper& helper, const BatchFact& batch, Losers& losers);
  void pass_on_settled(BranchKey key, Helper& helper);
  void tell_settled(BranchKey key, Helper& helper);
  void note(Notice::What what, const Branch& branch, Interval piece, std::optional<NodeId> peer,
            std::string reason = {});
  void note_copy(const Branch& branch, Interval piece, NodeId to);
  // Nothing of the job goes on here, and nothing of it is kept but its tombstone.
  void forget_job(JobId job, StopHow how);
  void drop_idle_branches();
  void on_message(NodeId from, const protocol::Report& report, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Received& received, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Settled& settled, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Resend& resend, const Proofs& proofs);
  void on_message(NodeId from, const protocol::Ended& ended, const Proofs& proofs);
  // What shell and link keep to themselves, or later steps use.
  template <class Other>
  void on_message(NodeId, const Other&, const Proofs&) {}

  [[nodiscard]] std::optional<BranchKey> lent_as(NodeId helper, BranchId id) const;
  // That instance of it.
  [[nodiscard]] bool owns(const LoopId& loop, const std::vector<LoopTerms>& openings) const;
  // For all that we know, who would use its results: false only of a loop inside of one that we own.
  [[nodiscard]] bool is_awaited(const LoopId& loop, const std::vector<LoopTerms>& openings) const;
  [[nodiscard]] std::optional<BranchKey> held_for(const Master& master) const;

  void sign_due_mandates();
  // Tells tasks of the branch that are wanted no more to stop.
  void stop_unwanted(StopHow how, Branch& branch);
  void stop_losers(const Losers& losers);
  void stop(Task& task, StopHow how);
  void cancel(JobId job, StopHow how);
  void conclude_jobs();
  [[nodiscard]] std::optional<Instant> deadline_of(const Branch& branch) const;
  void extend_deadlines();
  void fill_slots();
  // With results that wait to be settled: nothing more is begun, and nobody asked for work or help.
  [[nodiscard]] bool cache_is_full() const;
  [[nodiscard]] static bool is_too_much(std::uint64_t kept_bytes);
  // Which branch a free slot is for: the job with the fewest running tasks, among equals the one served longest ago; of
  // a job the deepest loop, since somebody waits for it.
  [[nodiscard]] std::optional<BranchKey> hungriest() const;
  void start(BranchKey key);
  void start_task(BranchKey key, TaskId id, const Piece& piece);
  void pause_launching();
  // Takes the task out of its slot.
  std::optional<Task> release(TaskId id);
  Job* find(JobId job);
  Branch* root_branch(JobId job);
  [[nodiscard]] const Branch* root_branch(JobId job) const;

  [[nodiscard]] std::optional<Deadline> compute_deadline() const;

  Options options_;
  std::optional<Deadline> due_;  // as of the end of the latest step
  std::map<JobId, Job> jobs_;
  std::map<BranchKey, Branch> branches_;
  std::map<NodeId, Contact> contacts_;
  std::vector<Watched> watched_;  // as of the latest step, in order
  bool links_changed_ = false;    // since then one came up or broke
  Random random_;
  Tombstones ended_;
  std::uint64_t next_branch_id_ = 1;
  std::uint64_t next_request_ = 1;
  Peers peers_;
  std::vector<Peer> shuffle_;  // what the exchange under way sends
  std::vector<Errand> errands_;
  std::map<NodeId, Orphanage> orphanages_;
  Rest rest_;
  std::vector<KeptRequest> kept_requests_;
  std::map<NodeId, Distrust> distrusted_;
  std::optional<Instant> held_until_;          // we offered ourselves, ...
  std::pair<NodeId, std::uint64_t> held_for_;  // ... to that node, as the answer to that request
  std::optional<Instant> idle_since_;
  std::optional<Instant> noted_at_;
  std::optional<Instant> work_seen_;  // the latest sign that a job is alive
  std::optional<Asking> asking_;
  Instant ask_at_;
  Duration ask_gap_{};
  Duration round_trip_ = std::chrono::milliseconds(1);  // to a typical peer
  Instant close_links_at_;
  bool begun_ = false;  // there was a step before
  Duration stall_{};    // our longest one since the last beat
  std::map<TaskId, Task> tasks_;
  Slots slots_;
  std::uint64_t next_task_ = 1;
  std::uint64_t next_branch_ = 1;
  std::uint64_t served_ = 0;
  std::uint32_t launch_refusals_ = 0;    // running: times that this node had no room for a process
  std::uint32_t hopeless_starts_ = 0;    // of these, without hope; since a task started
  std::optional<Instant> launch_pause_;  // start nothing before
  mutable std::uint64_t looked_at_ = 0;
  Instant now_;                             // of the step under way
  std::vector<Action>* actions_ = nullptr;  // of the step under way
};

}  // namespace agent::core
