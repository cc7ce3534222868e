#include "agent/exec/message_socket.h"

#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <cstring>

namespace agent::exec {

namespace {

constexpr std::size_t parts_max = 2;

struct ControlBuffer {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int) * wire::descriptors_max)> bytes{};
};

}  // namespace

bool send_message(int socket, std::initializer_list<MessagePart> parts, std::span<const int> descriptors) {
  assert(parts.size() <= parts_max && descriptors.size() <= wire::descriptors_max);
  std::array<iovec, parts_max> vectors{};
  std::size_t count = 0;
  for (const MessagePart& part : parts) {
    vectors[count++] = {.iov_base = const_cast<void*>(part.begin), .iov_len = part.bytes};
  }
  msghdr message{};
  message.msg_iov = vectors.data();
  message.msg_iovlen = count;
  ControlBuffer control;
  if (!descriptors.empty()) {
    message.msg_control = control.bytes.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size_bytes());
  }
  while (true) {
    if (::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0) return true;
    if (errno != EINTR) return false;
  }
}

std::optional<std::size_t> receive_message(int socket, std::span<char> buffer,
                                           std::array<Descriptor, wire::descriptors_max>& descriptors) {
  iovec vector{.iov_base = buffer.data(), .iov_len = buffer.size()};
  ControlBuffer control;
  msghdr message{};
  message.msg_iov = &vector;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes.data();
  message.msg_controllen = control.bytes.size();
  const ssize_t length = ::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (length < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (length <= 0) return 0;
  std::size_t next = 0;
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count && next < descriptors.size(); ++i) {
      int number = -1;
      std::memcpy(&number, CMSG_DATA(header) + i * sizeof(int), sizeof number);
      descriptors[next++] = Descriptor(number);
    }
  }
  const bool cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
  return cut ? 0 : static_cast<std::size_t>(length);
}

}  // namespace agent::exec
