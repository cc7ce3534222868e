#include "protocol/decode_error.h"

#include <cassert>

namespace protocol {

std::string_view to_string(DecodeError error) {
  switch (error) {
    case DecodeError::truncated: return "message is truncated";
    case DecodeError::trailing_bytes: return "bytes after the end of the message";
    case DecodeError::wrong_type: return "value of a wrong type";
    case DecodeError::too_large: return "message larger than its kind may be";
    case DecodeError::too_long: return "value or list too long";
    case DecodeError::too_deep: return "nested too deeply";
    case DecodeError::too_much: return "more elements than its size justifies";
    case DecodeError::missing_field: return "field missing";
    case DecodeError::unknown_kind: return "unknown kind of message";
    case DecodeError::bad_version: return "version 0 of a kind";
    case DecodeError::bad_value: return "value out of range";
  }
  assert(false);
  return {};
}

}  // namespace protocol
