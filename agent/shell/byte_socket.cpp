#include "agent/shell/byte_socket.h"

#include <cassert>
#include <memory>
#include <utility>

#include "agent/shell/uv_read_buffer.h"

namespace agent::shell {

namespace {

struct Write {
  uv_write_t request{};
  std::vector<std::byte> bytes;
};

}  // namespace

ByteSocket::ByteSocket(UvHandle<uv_tcp_t> tcp, Callbacks callbacks)
    : tcp_(std::move(tcp)), callbacks_(std::move(callbacks)) {
  tcp_->data = this;
  uv_tcp_nodelay(tcp_.get(), 1);
  auto on_read = [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) noexcept {
    auto* self = self_of<ByteSocket>(stream);
    if (self == nullptr || count == 0) return;
    if (count < 0) {
      uv_read_stop(stream);
      return self->callbacks_.on_end();
    }
    self->callbacks_.on_bytes(std::as_bytes(std::span(buffer->base, static_cast<std::size_t>(count))));
  };
  const int started = uv_read_start(reinterpret_cast<uv_stream_t*>(tcp_.get()), give_read_buffer, on_read);
  assert(started == 0);
}

ByteSocket::~ByteSocket() = default;

void ByteSocket::write(std::vector<std::byte> bytes) {
  if (bytes.empty() || !tcp_) return;
  auto write = std::make_unique<Write>();
  write->bytes = std::move(bytes);
  write->request.data = write.get();
  const uv_buf_t buffer =
      uv_buf_init(reinterpret_cast<char*>(write->bytes.data()), static_cast<unsigned>(write->bytes.size()));
  auto on_written = [](uv_write_t* request, int) noexcept {
    const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
    auto* self = self_of<ByteSocket>(request->handle);
    if (self != nullptr && --self->under_way_ == 0) self->callbacks_.on_written();
  };
  if (uv_write(&write->request, reinterpret_cast<uv_stream_t*>(tcp_.get()), &buffer, 1, on_written) != 0) return;
  (void)write.release();
  ++under_way_;
}

UvHandle<uv_tcp_t> ByteSocket::release() {
  assert(under_way_ == 0);
  uv_read_stop(reinterpret_cast<uv_stream_t*>(tcp_.get()));
  tcp_->data = nullptr;
  return std::move(tcp_);
}

}  // namespace agent::shell
