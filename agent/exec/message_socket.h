#pragma once
// Messages with descriptors over a SOCK_SEQPACKET socket.

#include <array>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <span>

#include "agent/exec/descriptor.h"
#include "agent/exec/wire.h"

namespace agent::exec {

struct MessagePart {
  const void* begin = nullptr;
  std::size_t bytes = 0;
};

// Never blocks, raises no SIGPIPE. At most two parts, at most `wire::descriptors_max` descriptors, which stay the
// caller's. False, with errno, if nothing was sent.
[[nodiscard]] bool send_message(int socket, std::initializer_list<MessagePart> parts, std::span<const int> descriptors);

// Never blocks. The length of the next message, 0 if the other end has hung up or the message was cut, nothing if there
// is none. Its descriptors, close-on-exec, replace those in `descriptors`, in order.
[[nodiscard]] std::optional<std::size_t> receive_message(int socket, std::span<char> buffer,
                                                         std::array<Descriptor, wire::descriptors_max>& descriptors);

}  // namespace agent::exec
