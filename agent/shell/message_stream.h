#pragma once
// One end of a client socket: messages in, messages out. Both ends of the conversation use it.
//
// Rules: what arrives is cut, decoded and handed over one message at a time; the first thing that is no message ends
// the conversation. What is sent waits in memory while the other side does not read; past `queue_bytes_max` the stream
// hangs up, since a reader that far behind only costs memory. What the other side said before it went is still handed
// over. `on_closed` comes once, and nothing comes after it. The owner may destroy the stream at any time, also inside a
// callback.

#include <uv.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include "agent/shell/uv_handle.h"
#include "protocol/client.h"
#include "protocol/framing.h"

namespace agent::shell {

class MessageStream {
 public:
  static constexpr std::size_t queue_bytes_max = 16 * 1024 * 1024;
  // What a waiting message costs besides its bytes, so that many small ones are bounded too.
  static constexpr std::size_t message_cost_bytes = 512;

  struct Callbacks {
    std::function<void(protocol::client::ClientMessage)> on_message;
    // `why` is empty at an orderly end of the stream.
    std::function<void(const std::string& why)> on_closed;
  };

  // Takes an open socket descriptor, or the handle of an accepted or connected one.
  MessageStream(uv_loop_t* loop, int socket, Callbacks callbacks);
  MessageStream(UvHandle<uv_pipe_t> pipe, Callbacks callbacks);
  ~MessageStream();
  MessageStream(const MessageStream&) = delete;
  MessageStream& operator=(const MessageStream&) = delete;

  void send(const protocol::client::ClientMessage& message);
  // Reads nothing more, and ends the stream when what was sent is written. What is sent after it is dropped.
  void finish();
  [[nodiscard]] std::size_t queued_bytes() const;

 private:
  void start();
  void received(std::span<const std::byte> bytes);
  void closed(const std::string& why);
  void write_failed(const std::string& why);

  UvHandle<uv_pipe_t> pipe_;
  Callbacks callbacks_;
  protocol::MessageReader reader_;
  bool finishing_ = false;
  std::string write_error_;  // not empty: nothing can be sent any more
  std::size_t messages_queued_ = 0;
  // False once the stream is gone: callbacks may destroy it.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace agent::shell
