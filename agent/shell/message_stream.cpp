#include "agent/shell/message_stream.h"

#include <cassert>
#include <utility>
#include <vector>

#include "agent/shell/uv_read_buffer.h"

namespace agent::shell {

namespace {

using protocol::client::ClientMessage;

struct Write {
  uv_write_t request{};
  std::vector<std::byte> bytes;
};

UvHandle<uv_pipe_t> open_pipe(uv_loop_t* loop, int socket) {
  UvHandle<uv_pipe_t> pipe(new uv_pipe_t{});
  const int initialised = uv_pipe_init(loop, pipe.get(), 0);
  assert(initialised == 0);
  const int opened = uv_pipe_open(pipe.get(), socket);
  assert(opened == 0);
  return pipe;
}

}  // namespace

MessageStream::MessageStream(uv_loop_t* loop, int socket, Callbacks callbacks)
    : MessageStream(open_pipe(loop, socket), std::move(callbacks)) {}

MessageStream::MessageStream(UvHandle<uv_pipe_t> pipe, Callbacks callbacks)
    : pipe_(std::move(pipe)), callbacks_(std::move(callbacks)) {
  start();
}

MessageStream::~MessageStream() {
  *alive_ = false;
}

void MessageStream::start() {
  pipe_->data = this;
  auto on_read = [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) noexcept {
    auto* self = self_of<MessageStream>(stream);
    if (self == nullptr || count == 0) return;
    if (count < 0) return self->closed(count == UV_EOF ? self->write_error_ : uv_strerror(static_cast<int>(count)));
    self->received(std::as_bytes(std::span(buffer->base, static_cast<std::size_t>(count))));
  };
  const int started = uv_read_start(reinterpret_cast<uv_stream_t*>(pipe_.get()), give_read_buffer, on_read);
  assert(started == 0);
}

void MessageStream::received(std::span<const std::byte> bytes) {
  // The stream may be destroyed inside its callback, which must outlive that.
  const std::shared_ptr<bool> alive = alive_;
  const auto on_message = callbacks_.on_message;
  reader_.feed(bytes);
  while (*alive && pipe_ && !finishing_) {
    auto message = reader_.next();
    if (!message) return closed("not a message: " + std::string(to_string(message.error())));
    if (!*message) return;
    auto decoded = protocol::client::decode_client(**message);
    if (!decoded) return closed("not a message: " + std::string(to_string(decoded.error())));
    on_message(*std::move(decoded));
  }
}

void MessageStream::closed(const std::string& why) {
  pipe_.reset();
  if (!callbacks_.on_closed) return;
  const auto on_closed = std::move(callbacks_.on_closed);
  callbacks_.on_closed = nullptr;
  on_closed(why);
}

void MessageStream::send(const ClientMessage& message) {
  if (!pipe_ || finishing_ || !write_error_.empty()) return;
  auto write = std::make_unique<Write>();
  protocol::append_framed(write->bytes, protocol::client::encode(message));
  const uv_buf_t buffer =
      uv_buf_init(reinterpret_cast<char*>(write->bytes.data()), static_cast<unsigned>(write->bytes.size()));
  write->request.data = write.get();
  auto on_written = [](uv_write_t* request, int status) noexcept {
    const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
    auto* self = self_of<MessageStream>(request->handle);
    if (self == nullptr) return;
    --self->messages_queued_;
    if (status < 0) self->write_failed(uv_strerror(status));
  };
  auto* stream = reinterpret_cast<uv_stream_t*>(pipe_.get());
  if (uv_write(&write->request, stream, &buffer, 1, on_written) != 0) return closed("cannot write");
  (void)write.release();
  ++messages_queued_;
  if (queued_bytes() + messages_queued_ * message_cost_bytes > queue_bytes_max) closed("the other side does not read");
}

// The other side has gone, but what it said before counts: a wish to kill must not get lost over the answer to an
// earlier one. Reading comes to its end by itself.
void MessageStream::write_failed(const std::string& why) {
  if (finishing_) return closed(why);
  write_error_ = why;
}

void MessageStream::finish() {
  if (!pipe_ || std::exchange(finishing_, true)) return;
  auto* stream = reinterpret_cast<uv_stream_t*>(pipe_.get());
  uv_read_stop(stream);
  auto request = std::make_unique<uv_shutdown_t>();
  request->data = request.get();
  auto on_shut_down = [](uv_shutdown_t* done, int) noexcept {
    const std::unique_ptr<uv_shutdown_t> owned(static_cast<uv_shutdown_t*>(done->data));
    if (auto* self = self_of<MessageStream>(done->handle)) self->closed("");
  };
  if (uv_shutdown(request.get(), stream, on_shut_down) != 0) return closed("");
  (void)request.release();
}

std::size_t MessageStream::queued_bytes() const {
  return pipe_ ? uv_stream_get_write_queue_size(reinterpret_cast<const uv_stream_t*>(pipe_.get())) : 0;
}

}  // namespace agent::shell
