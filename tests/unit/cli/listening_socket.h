#pragma once
// The socket of an agent in a state directory, without an agent.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <string>

#include "agent/exec/descriptor.h"
#include "agent/shell/state_dir.h"

namespace agent::cli {

class ListeningSocket {
 public:
  explicit ListeningSocket(const std::string& directory, int queue = 64)
      : state_(shell::StateDir::open(directory).value()), socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strcpy(address.sun_path, state_.socket_path().c_str());
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    EXPECT_EQ(listen(socket_.get(), queue), 0);
  }
  // The next client's connection.
  [[nodiscard]] exec::Descriptor accepted() const {
    return exec::Descriptor(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }

 private:
  shell::StateDir state_;
  exec::Descriptor socket_;
};

}  // namespace agent::cli
