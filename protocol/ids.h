#pragma once
// Strong identifiers: two that mean different things never compare, convert or swap by accident.
//
// `Id` wraps a number or a byte array under a tag. The names follow protocol/README.md, section "Names of things".

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

#ifdef NDEBUG
#error "assertions guard our own state and stay on in every build: do not define NDEBUG"
#endif

namespace protocol {

// As memcmp orders them; the first eight bytes of digests and keys nearly always tell. Identifiers are compared more
// often than anything else is done.
template <std::size_t N>
[[nodiscard]] std::strong_ordering in_order(const std::array<std::byte, N>& a, const std::array<std::byte, N>& b) {
  static_assert(N > sizeof(std::uint64_t) && std::endian::native == std::endian::little);
  std::uint64_t first_of_a = 0, first_of_b = 0;
  std::memcpy(&first_of_a, a.data(), sizeof first_of_a);
  std::memcpy(&first_of_b, b.data(), sizeof first_of_b);
  if (first_of_a != first_of_b) return __builtin_bswap64(first_of_a) <=> __builtin_bswap64(first_of_b);
  return std::memcmp(a.data(), b.data(), N) <=> 0;
}

template <class Tag, class Rep>
class Id {
 public:
  constexpr Id() = default;
  constexpr explicit Id(Rep value) : value_(value) {}
  [[nodiscard]] constexpr const Rep& value() const { return value_; }
  constexpr bool operator==(const Id&) const = default;
  constexpr std::strong_ordering operator<=>(const Id& other) const {
    if constexpr (std::is_arithmetic_v<Rep>) {
      return value_ <=> other.value_;
    } else {
      return in_order(value_, other.value_);
    }
  }

 private:
  Rep value_{};
};

using Bytes16 = std::array<std::byte, 16>;
using Bytes32 = std::array<std::byte, 32>;
using Bytes64 = std::array<std::byte, 64>;

using NodeId = Id<struct NodeIdTag, Bytes32>;            // BLAKE2b-256 of the node's signing key
using InstanceKey = Id<struct InstanceKeyTag, Bytes32>;  // X25519 public key made at each start of an agent
using UserId = Id<struct UserIdTag, Bytes32>;            // BLAKE2b-256 of the user's signing key
using JobId = Id<struct JobIdTag, Bytes16>;              // random
using Digest = Id<struct DigestTag, Bytes32>;            // BLAKE2b-256 of a content
using BranchId = Id<struct BranchIdTag, std::uint64_t>;  // counter of the granter
using Attempt = Id<struct AttemptTag, std::uint32_t>;    // 0 for the first grant

// One step from a loop to a loop that one of its iterations opened: as its `ordinal`-th (from 0).
struct PathStep {
  std::uint64_t iteration = 0;
  std::uint32_t ordinal = 0;
  auto operator<=>(const PathStep&) const = default;
};

// The root loop has the empty path. At most `path_depth_max` steps (limits.h).
using LoopPath = std::vector<PathStep>;

// A half-open run [begin, end) of iteration indices, begin < end. The largest index is 2^64-2, so `end` always fits.
struct Interval {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
  [[nodiscard]] constexpr std::uint64_t count() const { return end - begin; }
  auto operator<=>(const Interval&) const = default;
};

}  // namespace protocol
