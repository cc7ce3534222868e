#pragma once
// A connected TCP socket: bytes in, bytes out, and no opinion about them.
//
// The owner may destroy it at any time but inside of a callback of its own.

#include <uv.h>

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "agent/shell/uv_handle.h"

namespace agent::shell {

class ByteSocket {
 public:
  struct Callbacks {
    std::function<void(std::span<const std::byte>)> on_bytes;
    std::function<void()> on_end;      // nothing more comes; once
    std::function<void()> on_written;  // everything that was given is with the system, or lost
  };
  ByteSocket(UvHandle<uv_tcp_t> tcp, Callbacks callbacks);
  ~ByteSocket();
  ByteSocket(const ByteSocket&) = delete;
  ByteSocket& operator=(const ByteSocket&) = delete;

  // No effect on nothing.
  void write(std::vector<std::byte> bytes);
  [[nodiscard]] bool writing() const { return under_way_ > 0; }
  // The socket without us; nothing of it is read or told any more. REQUIRES: nothing is being written.
  [[nodiscard]] UvHandle<uv_tcp_t> release();

 private:
  UvHandle<uv_tcp_t> tcp_;
  Callbacks callbacks_;
  std::size_t under_way_ = 0;  // writes
};

}  // namespace agent::shell
