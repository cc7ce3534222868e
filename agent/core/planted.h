#pragma once
// Defects that can be planted into the core, to see that the checkers of the simulator catch them. Only a build with
// GIBBON_PLANTED_DEFECTS has them (preset `planted`), and there one at a time, chosen by `plant`; in every other build
// `planted` is a constant false and costs nothing.

#include <array>
#include <string_view>

namespace agent::core {

enum class Defect {
  none,
  settle_early,      // a relay tells its helpers that results are settled which its own master has not settled
  forget_lent,       // what a lost helper had lent on is not taken back with the rest
  same_attempt,      // what may have been started is issued again under the same attempt
  lease_by_receipt,  // a lease runs from the arrival of the echo, not from the sending of what it echoes
  uncounted_copies,  // any number of copies of an iteration
  drop_hit,          // a hit is dropped by the loop's owner
  leak_helper,       // a helper whose lease has ended is kept, and counted, for ever
  accept_ungranted,  // a helper's result counts whether or not it was granted what it covers
  keep_returned,     // what was returned to the master stays with the helper as well
  outlive_lease,     // nothing is stopped when a lease lapses
  keep_job,          // a job stays known after its end
  begin_on,          // a helper goes on beginning what is to begin no more
};
inline constexpr std::array<std::string_view, 13> defect_names{
    "none",     "settle_early", "forget_lent",      "same_attempt",  "lease_by_receipt", "uncounted_copies",
    "drop_hit", "leak_helper",  "accept_ungranted", "keep_returned", "outlive_lease",    "keep_job",
    "begin_on"};

#ifdef GIBBON_PLANTED_DEFECTS
inline Defect planted_defect = Defect::none;
inline void plant(Defect defect) {
  planted_defect = defect;
}
inline bool planted(Defect defect) {
  return planted_defect == defect;
}
#else
constexpr bool planted(Defect) {
  return false;
}
#endif

}  // namespace agent::core
