#pragma once
// BLAKE2b with 32 bytes of output, no key (RFC 7693).

#include <cstddef>
#include <span>

#include "crypto/bytes.h"
#include "crypto/domain.h"

namespace crypto {

// A digest of bytes that come in parts. Feed with `add`, then take the digest once with `finish`; after that the hasher
// is used up. Copying one forks it.
class Hasher {
 public:
  // Of a content as it is: a file, an output. Same number as `b2sum -l 256` prints.
  Hasher();
  // Of a statement: as if `domain \0` had been added first.
  explicit Hasher(Domain domain);
  void add(std::span<const std::byte> part);
  [[nodiscard]] Digest finish();

 private:
  static constexpr std::size_t state_bytes = 384;
  alignas(64) std::array<std::byte, state_bytes> state_{};
  bool finished_ = false;
};

// One-shot forms of the two.
[[nodiscard]] Digest content_digest(std::span<const std::byte> content);
[[nodiscard]] Digest digest(Domain domain, std::span<const std::byte> body);

}  // namespace crypto
