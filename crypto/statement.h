#pragma once
// What the encoders and openers of the single kinds share.

#include <cstddef>
#include <span>
#include <string>
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

template <class Wire, class T>
void address_fields(Wire& wire, T& address) {
  wire.fixed(address.ip);
  wire.number(address.port, 1);
}

// Entries beside the fields of a statement, such as extensions; each has a name.
template <class Wire, class Entries>
void entry_fields(Wire& wire, Entries& entries, std::size_t most, std::size_t key_bytes_max,
                  std::size_t value_bytes_max) {
  wire.table(entries, {.most = most, .element_bytes_min = 3}, key_bytes_max,
             [&wire, value_bytes_max](auto& value) { wire.bytes(value, value_bytes_max); });
  wire.require(!entries.contains(std::string{}));
}

}  // namespace crypto
