#include "agent/shell/peer_socket.h"

#include <cassert>
#include <utility>

#include "agent/shell/system.h"
#include "agent/shell/uv_read_buffer.h"

namespace agent::shell {

namespace {

struct Write {
  uv_write_t request{};
  link::Bytes bytes;
};

}  // namespace

link::Moment moment_now() {
  return {.at = boot_now(), .wall_ms = wall_now_ms()};
}

PeerSocket::PeerSocket(UvHandle<uv_tcp_t> tcp, link::Connection::Setup setup, Callbacks callbacks, link::Moment since)
    : tcp_(std::move(tcp)), callbacks_(std::move(callbacks)), connection_(std::move(setup), since) {
  tcp_->data = this;
  uv_tcp_nodelay(tcp_.get(), 1);
  auto on_read = [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) noexcept {
    auto* self = self_of<PeerSocket>(stream);
    if (self == nullptr || count == 0) return;
    if (count < 0) return self->ended();
    self->receive(std::as_bytes(std::span(buffer->base, static_cast<std::size_t>(count))));
  };
  const int started = uv_read_start(reinterpret_cast<uv_stream_t*>(tcp_.get()), give_read_buffer, on_read);
  assert(started == 0);
  write_more();
}

PeerSocket::~PeerSocket() = default;

std::optional<core::Instant> PeerSocket::deadline() const {
  if (over_) return std::nullopt;
  return leaves_at_ ? leaves_at_ : connection_.deadline();
}

void PeerSocket::receive(std::span<const std::byte> bytes) {
  std::vector<link::Connection::News> news;
  connection_.receive(bytes, moment_now(), news);
  tell(std::move(news));
}

void PeerSocket::ended() {
  std::vector<link::Connection::News> news;
  connection_.on_end(news);
  over_ = true;
  tell(std::move(news));
}

void PeerSocket::on_time() {
  if (over_) return;
  if (leaves_at_ && *leaves_at_ <= boot_now()) return finish();
  std::vector<link::Connection::News> news;
  connection_.on_time(moment_now(), news);
  tell(std::move(news));
}

void PeerSocket::send(protocol::Queue queue, std::span<const std::byte> message) {
  std::vector<link::Connection::News> news;
  connection_.send(queue, message, news);
  tell(std::move(news));
}

void PeerSocket::hang_up(const protocol::Bye& bye) {
  std::vector<link::Connection::News> news;
  connection_.hang_up(bye, news);
  tell(std::move(news));
}

void PeerSocket::tell(std::vector<link::Connection::News> news) {
  write_more();
  for (link::Connection::News& each : news) callbacks_.on_news(std::move(each));
  callbacks_.on_change();
}

void PeerSocket::write_more() {
  if (writing_ || over_) return;
  auto write = std::make_unique<Write>();
  write->bytes = connection_.take_output();
  if (write->bytes.empty()) {
    if (connection_.closed()) finish();
    return;
  }
  if (connection_.closed() && !leaves_at_) leaves_at_ = boot_now() + farewell_patience;
  write->request.data = write.get();
  const uv_buf_t buffer =
      uv_buf_init(reinterpret_cast<char*>(write->bytes.data()), static_cast<unsigned>(write->bytes.size()));
  auto on_written = [](uv_write_t* request, int status) noexcept {
    const std::unique_ptr<Write> done(static_cast<Write*>(request->data));
    if (auto* self = self_of<PeerSocket>(request->handle)) self->written(status);
  };
  auto* stream = reinterpret_cast<uv_stream_t*>(tcp_.get());
  if (uv_write(&write->request, stream, &buffer, 1, on_written) != 0) return finish();
  (void)write.release();
  writing_ = true;
}

// After a failed write the reading side comes to its end by itself, when what lies there is read.
void PeerSocket::written(int status) {
  writing_ = false;
  if (status < 0) return connection_.closed() ? finish() : void();
  write_more();
  if (over_) callbacks_.on_change();
}

void PeerSocket::finish() {
  over_ = true;
  uv_read_stop(reinterpret_cast<uv_stream_t*>(tcp_.get()));
  callbacks_.on_change();
}

}  // namespace agent::shell
