#pragma once
// The other end of a conversation: answers each message by what the test wrote down, on a thread of its own.

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "agent/exec/descriptor.h"
#include "protocol/client.h"
#include "protocol/framing.h"

namespace agent::cli {

// Rules: answers are written down before the client speaks; the n-th message gets the n-th answer, one beyond them
// none.
class ScriptedAgent {
 public:
  ScriptedAgent() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    ours_ = exec::Descriptor(ends[0]);
    theirs_ = exec::Descriptor(ends[1]);
  }
  // Serves an accepted connection instead.
  explicit ScriptedAgent(exec::Descriptor connection) : ours_(std::move(connection)) {}
  ~ScriptedAgent() {
    (void)shutdown(ours_.get(), SHUT_RDWR);
    if (thread_.joinable()) thread_.join();
  }
  ScriptedAgent(const ScriptedAgent&) = delete;
  ScriptedAgent& operator=(const ScriptedAgent&) = delete;

  void answer(const std::vector<protocol::client::ClientMessage>& messages) { answer_raw(framed(messages)); }
  void answer_in_bytes(const std::vector<protocol::client::ClientMessage>& messages) {
    script_.push_back([this, bytes = framed(messages)] {
      for (char byte : bytes) say(std::string(1, byte));
    });
  }
  void answer_raw(const std::string& bytes) {
    script_.push_back([this, bytes] { say(bytes); });
  }
  void hang_up() {
    script_.push_back([this] { (void)shutdown(ours_.get(), SHUT_RDWR); });
  }

  void start() {
    thread_ = std::thread([this] { serve(); });
  }
  // On the caller's thread, until the client has gone.
  void serve_to_the_end() { serve(); }
  // The client's end; the agent starts to listen.
  [[nodiscard]] exec::Descriptor take_socket() {
    start();
    return std::move(theirs_);
  }
  [[nodiscard]] std::vector<protocol::client::ClientMessage> heard() {
    const std::scoped_lock lock(mutex_);
    return heard_;
  }

 private:
  static std::string framed(const std::vector<protocol::client::ClientMessage>& messages) {
    std::vector<std::byte> bytes;
    for (const auto& message : messages) protocol::append_framed(bytes, protocol::client::encode(message));
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
  void say(const std::string& bytes) { (void)send(ours_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL); }

  void serve() {
    protocol::MessageReader reader;
    std::array<std::byte, 65'536> buffer{};
    ssize_t got = 0;
    while ((got = read(ours_.get(), buffer.data(), buffer.size())) > 0) {
      reader.feed(std::span(buffer).first(static_cast<std::size_t>(got)));
      for (auto message = reader.next(); message && *message; message = reader.next()) {
        {
          const std::scoped_lock lock(mutex_);
          heard_.push_back(*protocol::client::decode_client(**message));
        }
        if (script_.empty()) continue;
        const auto next = std::move(script_.front());
        script_.pop_front();
        next();
      }
    }
  }

  exec::Descriptor ours_;
  exec::Descriptor theirs_;
  std::deque<std::function<void()>> script_;
  std::mutex mutex_;
  std::vector<protocol::client::ClientMessage> heard_;
  std::thread thread_;
};

}  // namespace agent::cli
