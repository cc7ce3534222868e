#pragma once
// The two directions of a link after its handshake: frames that nobody else can read, change, repeat, reorder or leave
// out without being noticed.
//
// A frame is one transport message of the Noise specification: what is said, and 16 bytes of seal, under a key for each
// direction and a counter that both ends keep for themselves. The length in front of a frame, and what a message of
// several frames is, are the stream's business (protocol/).
//
// The first frame that does not open ends the channel in both directions: the keys are zeros, every further call says
// `dead`, and the link is to be closed. Nothing marks the end of a stream: whoever wants to know that it was not cut
// off says so in a frame.
//
// After `messages_max` frames in one direction a new handshake is due (and after a day, which is the owner's to
// measure). It also judges certificates anew. The channel works on meanwhile.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "crypto/cipher.h"
#include "crypto/noise.h"

namespace crypto {

inline constexpr std::size_t frame_bytes_max = 65'535;  // Noise specification, 3
inline constexpr std::size_t frame_plain_bytes_max = frame_bytes_max - seal_bytes;
static_assert(frame_plain_bytes_max == 65'519);

enum class ChannelError : std::uint8_t {
  too_long,   // to be sealed: the channel is as it was
  bad_frame,  // not sealed by the other end, or not the next: the channel is dead from now on
  used_up,    // a counter has reached its end: dead likewise
  dead,
};
[[nodiscard]] std::string_view to_string(ChannelError error);

struct FrameCounters {
  std::uint64_t sent = 0;
  std::uint64_t received = 0;
  bool operator==(const FrameCounters&) const = default;
};

class Channel {
 public:
  static constexpr std::uint64_t messages_max = std::uint64_t{1} << 32U;

  // Takes the keys; `from` is zero for a new session.
  explicit Channel(Session session, FrameCounters from = {});

  // A frame that says `plain`, which may be empty.
  [[nodiscard]] tl::expected<std::vector<std::byte>, ChannelError> seal(std::span<const std::byte> plain);
  // What the next frame says.
  [[nodiscard]] tl::expected<std::vector<std::byte>, ChannelError> open(std::span<const std::byte> frame);

  [[nodiscard]] FrameCounters counters() const { return {send_.next(), receive_.next()}; }
  [[nodiscard]] bool new_handshake_due() const;
  [[nodiscard]] bool dead() const { return dead_; }
  // Of the handshake that made this channel.
  [[nodiscard]] std::span<const std::byte> session_hash() const { return hash_; }
  [[nodiscard]] const ExchangeKey& remote() const { return remote_; }

 private:
  ChannelError die(ChannelError why);

  Cipher send_;
  Cipher receive_;
  std::vector<std::byte> hash_;
  ExchangeKey remote_;
  bool dead_ = false;
};

}  // namespace crypto
