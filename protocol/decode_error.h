#pragma once
// Why bytes were refused as a message. Shared by the codecs of links and of the client socket.

#include <cstdint>
#include <string_view>

namespace protocol {

enum class DecodeError : std::uint8_t {
  truncated,       // ends inside a value, or declares more than follows
  trailing_bytes,  // goes on after its end
  wrong_type,      // a value of another type than the field wants; map, ext and float are wanted nowhere
  too_large,       // larger than its kind may be
  too_long,        // one text, byte string or list over its limit
  too_deep,
  too_much,       // would take more memory than its size justifies
  missing_field,  // fewer fields than the first version of its kind
  unknown_kind,   // well formed, of a kind that a later version may know: refuse it, keep the link
  bad_version,    // version 0 of a kind
  bad_value,      // not canonical or out of range
};
[[nodiscard]] std::string_view to_string(DecodeError error);

}  // namespace protocol
