#pragma once
// What the encoders and openers of the single kinds share.

#include <cstddef>
#include <span>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "crypto/canonical.h"
#include "crypto/loop_path.h"
#include "crypto/signed.h"

namespace crypto {

// Of a fault that was found.
[[nodiscard]] StatementError statement_error(WireFault fault);

// What was written, or why it must not be signed.
[[nodiscard]] tl::expected<std::vector<std::byte>, StatementError> finished(Writer& writer);

// Each step of a path; the path of an inner loop has at least one.
template <class Wire, class Path>
void path_fields(Wire& wire, Path& path, std::size_t depth_min) {
  wire.list(path, {.least = depth_min, .most = path_depth_max, .element_bytes_min = 2}, [&wire](auto& step) {
    wire.number(step.iteration);
    wire.number(step.ordinal);
  });
}

}  // namespace crypto
