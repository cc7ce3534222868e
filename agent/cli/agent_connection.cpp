#include "agent/cli/agent_connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace agent::cli {

namespace {

constexpr int connect_tries_max = 500;
constexpr int connect_pause_ms = 10;

}  // namespace

tl::expected<std::optional<exec::Descriptor>, shell::Problem> connect_to_agent(const std::string& state_directory) {
  struct stat status {};
  if (lstat((state_directory + "/agent.sock").c_str(), &status) != 0) return std::nullopt;
  auto state = shell::StateDir::open(state_directory);
  if (!state) return tl::unexpected(state.error());
  const std::string path = state->socket_path();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) return std::nullopt;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  exec::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket)
    return tl::unexpected(
        shell::Problem{.message = std::string("cannot make a socket: ") + std::strerror(errno), .hint = ""});
  // The queue of an agent that many ask at once, or that is stopped, may be full for a moment.
  int connected = -1;
  for (int tries = 0; tries < connect_tries_max; ++tries) {
    connected = connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address));
    if (connected == 0 || errno != EAGAIN) break;
    (void)poll(nullptr, 0, connect_pause_ms);
  }
  if (connected == 0) return socket;
  if (errno == ECONNREFUSED || errno == ENOENT) return std::nullopt;  // a dead agent's
  return tl::unexpected(shell::Problem{
      .message = "cannot reach the agent at " + state_directory + "/agent.sock: " + std::strerror(errno), .hint = ""});
}

}  // namespace agent::cli
