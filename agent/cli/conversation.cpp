#include "agent/cli/conversation.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <span>

namespace agent::cli {

namespace client = protocol::client;
using Clock = std::chrono::steady_clock;

namespace {

constexpr auto answer_patience = std::chrono::seconds(10);

shell::Problem silent() {
  return {.message = "the agent does not answer",
          .hint = "it may be stopped (kill -CONT its pid), or overloaded; gibbon up does not start a second one"};
}

}  // namespace

tl::expected<Conversation, shell::Problem> Conversation::open(exec::Descriptor socket, const std::string& version) {
  Conversation conversation(std::move(socket));
  auto answer = conversation.ask(client::Hello{.program_version = version});
  if (!answer) return tl::unexpected(answer.error());
  if (const auto* refused = std::get_if<client::Refused>(&*answer)) {
    return tl::unexpected(shell::Problem{.message = refused->message, .hint = refused->hint});
  }
  if (auto* welcome = std::get_if<client::Welcome>(&*answer)) {
    conversation.welcome_ = *welcome;
    return conversation;
  }
  return tl::unexpected(shell::Problem{.message = "the agent's first word was no welcome", .hint = ""});
}

tl::expected<client::ClientMessage, shell::Problem> Conversation::ask(const client::ClientMessage& question) {
  if (auto sent = send(question); !sent) return tl::unexpected(sent.error());
  return receive();
}

bool Conversation::wait_for(short events, Clock::time_point until) const {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
    if (left.count() < 0) return false;
    pollfd wanted{.fd = socket_.get(), .events = events, .revents = 0};
    const int ready = poll(&wanted, 1, static_cast<int>(left.count()));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

tl::expected<void, shell::Problem> Conversation::send(const client::ClientMessage& message) {
  std::vector<std::byte> bytes;
  protocol::append_framed(bytes, client::encode(message));
  std::span<const std::byte> rest = bytes;
  const auto until = Clock::now() + answer_patience;
  while (!rest.empty()) {
    if (!wait_for(POLLOUT, until)) return tl::unexpected(silent());
    const ssize_t wrote = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (wrote > 0) rest = rest.subspan(static_cast<std::size_t>(wrote));
    if (wrote < 0 && errno != EINTR && errno != EAGAIN) {
      return tl::unexpected(
          shell::Problem{.message = std::string("the agent went away: ") + std::strerror(errno), .hint = ""});
    }
  }
  return {};
}

tl::expected<client::ClientMessage, shell::Problem> Conversation::receive() {
  auto message = receive_until(Clock::now() + answer_patience);
  if (!message) return tl::unexpected(message.error());
  if (!*message) return tl::unexpected(silent());
  return **std::move(message);
}

tl::expected<std::optional<client::ClientMessage>, shell::Problem> Conversation::next(
    std::chrono::milliseconds patience) {
  return receive_until(Clock::now() + patience);
}

tl::expected<std::optional<client::ClientMessage>, shell::Problem> Conversation::receive_until(
    Clock::time_point until) {
  while (true) {
    auto message = reader_.next();
    if (message && *message) {
      if (auto decoded = client::decode_client(**message)) return *std::move(decoded);
    }
    if (!message || *message) {
      return tl::unexpected(shell::Problem{.message = "the agent said something that is no message",
                                           .hint = "is it another version of gibbon?"});
    }
    if (!wait_for(POLLIN, until)) return std::nullopt;
    std::array<std::byte, 64 * 1024> buffer;
    const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got == 0) return tl::unexpected(shell::Problem{.message = "the agent hung up", .hint = ""});
    if (got < 0 && errno != EINTR && errno != EAGAIN) {
      return tl::unexpected(
          shell::Problem{.message = std::string("the agent went away: ") + std::strerror(errno), .hint = ""});
    }
    if (got > 0) reader_.feed(std::span(buffer).first(static_cast<std::size_t>(got)));
  }
}

bool Conversation::wait_for_end(std::chrono::milliseconds patience) {
  const auto until = Clock::now() + patience;
  std::array<std::byte, 4096> buffer;
  while (wait_for(POLLIN, until)) {
    const ssize_t got = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) return true;
  }
  return false;
}

}  // namespace agent::cli
