#pragma once
// One buffer for all reads: one read at a time is under way in the process's only loop, and what it brought is consumed
// before the next.

#include <uv.h>

#include <array>

namespace agent::shell {

inline void give_read_buffer(uv_handle_t*, std::size_t, uv_buf_t* buffer) noexcept {
  static std::array<char, 64 * 1024> bytes;
  *buffer = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
}

}  // namespace agent::shell
