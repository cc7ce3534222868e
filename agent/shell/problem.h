#pragma once
// Something that went wrong, for a person: what it is about and why, and what to type next.

#include <string>

namespace agent::shell {

struct Problem {
  std::string message;  // a sentence without a full stop; names the thing and the reason
  std::string hint;     // what to do, or empty
  bool operator==(const Problem&) const = default;
};

}  // namespace agent::shell
