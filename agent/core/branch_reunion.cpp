// What a branch makes of what others tell that they hold of it: helpers that were silent, and orphans.
#include <algorithm>

#include "agent/core/branch.h"

namespace agent::core {

Branch::Mended Branch::mend(Helper& helper, const Helper::There& there, Instant now) {
  Mended mended;
  IntervalSet theirs = there.unstarted;
  theirs.insert(there.lent_on);
  IntervalSet started;
  for (Interval interval : there.started) started.insert(interval);
  IntervalSet all = theirs;
  all.insert(started);
  IntervalSet open = partition_.unstarted();
  open.insert(partition_.out());
  open.insert(partition_.lost());

  // Believed there, and is not: lost on the way, or finished there.
  IntervalSet gone = helper.held;
  gone.erase(all);
  mended.missing = there.finished.both(open);
  gone.erase(mended.missing);
  // There, and not believed: unstarted goes, what runs is a copy if it is wanted still. What starts at most once is
  // there and nowhere else, or not there.
  IntervalSet more = all;
  more.erase(helper.held);
  IntervalSet copies = started.both(more).both(partition_.out());
  IntervalSet resumed = started.both(more).both(partition_.todo());
  if (starts_at_most_once()) {
    copies = {};
    resumed = partition_.unstarted();
    resumed.insert(partition_.lost());
    resumed = resumed.both(more);
  }
  mended.differed = !gone.empty() || !more.empty() || !mended.missing.empty();

  take_back(helper, gone, Partition::Rest::maybe_started);
  partition_.take_out(resumed);
  partition_.find_again(resumed);
  partition_.find_again(mended.missing);
  resumed = resumed.both(partition_.out());
  mended.dropped = more;
  mended.dropped.erase(copies);
  mended.dropped.erase(resumed);
  helper.held.insert(copies);
  helper.held.insert(resumed);
  helper.held.insert(mended.missing.both(partition_.out()));
  helper.lent_on = there.lent_on.both(helper.held);
  helper.started.clear();
  for (Interval interval : there.started) {
    if (helper.held.contains(interval))
      helper.started.emplace(interval.begin, Helper::Started{.interval = interval, .since = now});
  }
  helper.unsettled.insert(there.finished);
  helper.unsettled.erase(mended.missing);
  return mended;
}

// Whoever claims what nobody was ever lent would take it from those that it is meant for.
Helper::There Branch::believed(const Helper::There& claimed) const {
  Helper::There there;
  there.unstarted = claimed.unstarted.both(ever_lent_);
  there.lent_on = claimed.lent_on.both(ever_lent_);
  there.finished = claimed.finished.both(ever_lent_);
  for (Interval interval : claimed.started) {
    if (ever_lent_.contains(interval) && may_be_piece(interval)) there.started.push_back(interval);
  }
  return there;
}

Branch::Adopted Branch::adopt(NodeId orphan, BranchId id, const Helper::There& claimed, Instant now) {
  const Helper::There there = believed(claimed);
  IntervalSet theirs = there.unstarted;
  theirs.insert(there.lent_on);
  for (Interval interval : there.started) theirs.insert(interval);
  theirs.insert(there.finished);
  // Who is silent may have been its master, or a master of its master.
  IntervalSet taken = theirs.both(partition_.out());
  IntervalSet alive;
  for (const auto& [begin, running] : running_) alive.insert(running.piece.interval);
  for (auto& [node, helper] : helpers_) {
    if (helper.state != Helper::State::silent) {
      alive.insert(helper.held);
      continue;
    }
    // It may be at work all the same, and may have begun them.
    partition_.issue_from(helper.held.both(taken), Attempt(helper.attempt.value() + 1));
    helper.held.erase(taken);
    helper.lent_on.erase(taken);
    std::erase_if(helper.started,
                  [&helper = helper](const auto& entry) { return !helper.held.contains(entry.second.interval); });
  }
  partition_.take_out(theirs);
  partition_.find_again(theirs);
  IntervalSet open = theirs.both(partition_.out());

  Adopted adopted;
  adopted.to_send = there.finished.both(open);
  adopted.settled = there.finished;
  adopted.settled.erase(adopted.to_send);
  adopted.wanted = open;
  adopted.wanted.erase(adopted.to_send);
  // What somebody else is at: only what runs there already goes on, as one copy more.
  IntervalSet contested = adopted.wanted.both(alive);
  for (Interval interval : there.started) {
    if (starts_at_most_once()) break;
    if (contested.intersects(interval) && open.contains(interval) && may_copy(interval, orphan))
      contested.erase(interval);
  }
  adopted.wanted.erase(contested);

  Helper helper;
  helper.node = orphan;
  helper.id = id;
  helper.state = Helper::State::live;
  helper.granted = theirs;
  helper.held = adopted.wanted;
  helper.held.insert(adopted.to_send);
  helper.lent_on = there.lent_on.both(helper.held);
  for (Interval interval : there.started) {
    if (helper.held.contains(interval))
      helper.started.emplace(interval.begin, Helper::Started{.interval = interval, .since = now});
  }
  for (Interval interval : helper.held.intervals())
    helper.attempt = std::max(helper.attempt, partition_.attempt_of(interval));
  helper.power.held(now);
  helper.progress_at = helper.result_at = now;
  helpers_.emplace(orphan, std::move(helper));
  return adopted;
}

void Branch::on_adopted(const Master& master, const IntervalSet& wanted, const IntervalSet& to_send, Losers& losers,
                        std::vector<Action>& actions) {
  upstream_ = master;
  orphaned_.reset();
  results_.unsend();  // numbers begin anew: nothing is under way under an old one
  upward_ = {};
  drains_ = false;
  IntervalSet gone = partition_.granted();
  gone.erase(wanted);
  gone.erase(to_send);
  if (!gone.empty()) on_cancelled(gone, losers, actions);
  results_.resend(to_send);
}

}  // namespace agent::core
