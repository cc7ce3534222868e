#pragma once
// Messages between agents as bytes and back: msgpack arrays [sequence, heard, [kind, version, fields in order ...]].
//
// Decoding never throws, never crashes and holds at most `limits::allocation_factor` x its input plus a fixed slack,
// whatever the bytes are. What is not canonical is refused: an interval with begin >= end, lists out of order or
// overlapping, numbers out of their type's range, unknown enumerators, bytes after the end. Fields that follow the
// known ones come from a later version and are skipped, up to `limits::unknown_fields_max`. For all messages m within
// the limits: decode(encode(m)) == m, and texts for people over their limit come back cut.

#include <cstddef>
#include <span>
#include <tl/expected.hpp>
#include <vector>

#include "protocol/decode_error.h"
#include "protocol/message.h"

namespace protocol {

// REQUIRES: every limit of limits.h holds, except for texts for people, which are cut.
[[nodiscard]] std::vector<std::byte> encode(const Envelope& envelope);

[[nodiscard]] tl::expected<Envelope, DecodeError> decode(std::span<const std::byte> input);

}  // namespace protocol
