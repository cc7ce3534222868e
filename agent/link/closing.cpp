#include "agent/link/closing.h"

#include <cassert>

namespace agent::link {

namespace {

std::string_view text_of(CloseReason why) {
  switch (why) {
    case CloseReason::stranger: return "it does not know this pool's network key";
    case CloseReason::timed_out: return "it did not introduce itself in time";
    case CloseReason::certificate: return "its certificate does not count here";
    case CloseReason::not_its_key: return "its certificate is another node's";
    case CloseReason::not_a_node: return "its certificate is no node's";
    case CloseReason::ourselves: return "it has this node's own key: two agents share one identity";
    case CloseReason::version: return "it speaks another version";
    case CloseReason::malformed: return "it said something that makes no sense";
    case CloseReason::too_long: return "it said more at once than it may";
    case CloseReason::too_slow: return "it does not read what is sent to it";
    case CloseReason::worn_out: return "the session has ended, and a new one begins";
    case CloseReason::bye: return "it hung up";
    case CloseReason::lost: return "the connection ended without a word";
    case CloseReason::ours: return "this node hung up";
  }
  assert(false);
  return {};
}

}  // namespace

std::string to_text(const Closing& closing) {
  std::string text(text_of(closing.why));
  if (closing.certificate) text += ": " + std::string(crypto::to_string(*closing.certificate));
  if (closing.said && !closing.said->reason.empty()) text += ": " + closing.said->reason;
  return text;
}

}  // namespace agent::link
