#include "agent/shell/joining.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/shell/front_door.h"
#include "agent/shell/peer_socket.h"
#include "agent/shell/socket_address.h"
#include "agent/shell/system.h"

namespace agent::shell {

namespace {

// Somebody else at another address may know better.
bool is_final(const link::JoinEnding& ending) {
  switch (ending.why) {
    case link::JoinFailure::refused:
    case link::JoinFailure::bad_answer:
    case link::JoinFailure::not_believed: return true;
    case link::JoinFailure::not_heard:
    case link::JoinFailure::wrong_pool:
    case link::JoinFailure::malformed:
    case link::JoinFailure::timed_out:
    case link::JoinFailure::lost: return false;
  }
  assert(false);
  return true;
}

}  // namespace

Joining::Joining(uv_loop_t* loop, Setup setup, std::function<void(Outcome)> on_done)
    : loop_(loop), setup_(std::move(setup)), on_done_(std::move(on_done)), timer_(new uv_timer_t{}) {
  uv_timer_init(loop, timer_.get());
  timer_->data = this;
  std::vector<std::string> hosts;
  for (const crypto::TokenAddress& address : setup_.token.addresses)
    if (const auto* named = std::get_if<crypto::NamedAddress>(&address)) hosts.push_back(named->host);
  lookup_ =
      std::make_unique<HostLookup>(loop, hosts, [this](const HostLookup::Answers& answers) { on_found(answers); });
}

Joining::~Joining() = default;

void Joining::on_found(const HostLookup::Answers& answers) {
  lookup_.reset();
  for (const crypto::TokenAddress& address : setup_.token.addresses) {
    if (const auto* plain = std::get_if<crypto::Address>(&address)) {
      addresses_.push_back({.ip = plain->ip, .port = plain->port});
      continue;
    }
    const auto& named = std::get<crypto::NamedAddress>(address);
    const HostLookup::Answer& answer = answers.at(named.host);
    if (answer.addresses.empty())
      failures_.push_back({.where = named.host, .why = answer.why_none, .ending = std::nullopt});
    for (protocol::Address found : answer.addresses) {
      found.port = named.port;
      addresses_.push_back(found);
    }
  }
  std::ranges::reverse(addresses_);
  try_next();
}

void Joining::try_next() {
  ended_ = false;
  joiner_.reset();
  socket_.reset();
  dialled_.reset();
  if (addresses_.empty()) return end(tl::unexpected(std::move(failures_)));
  address_ = addresses_.back();
  addresses_.pop_back();
  dialled_.reset(new uv_tcp_t{});
  const int initialised = uv_tcp_init(loop_, dialled_.get());
  assert(initialised == 0);
  dialled_->data = this;
  auto request = std::make_unique<uv_connect_t>();
  request->data = request.get();
  auto on_connect = [](uv_connect_t* made, int status) noexcept {
    const std::unique_ptr<uv_connect_t> owned(static_cast<uv_connect_t*>(made->data));
    if (auto* self = self_of<Joining>(made->handle)) self->connected(status);
  };
  dial_until_ = boot_now() + dial_patience;
  const sockaddr_storage to = sockaddr_from(address_);
  const int error = uv_tcp_connect(request.get(), dialled_.get(), reinterpret_cast<const sockaddr*>(&to), on_connect);
  if (error != 0) return fail(uv_strerror(error));
  (void)request.release();
  arm_timer(dial_until_);
}

void Joining::connected(int status) {
  if (ended_) return;
  if (status < 0) return fail(uv_strerror(status));
  dialled_->data = nullptr;
  joiner_ = std::make_unique<link::Joiner>(link::Joiner::Setup{.token = setup_.token,
                                                               .link_key = setup_.link_key,
                                                               .node_key = setup_.node_key,
                                                               .user_key = setup_.user_key,
                                                               .name = setup_.name,
                                                               .make_secret = secrets_of_this_machine()},
                                           moment_now());
  socket_ = std::make_unique<ByteSocket>(std::move(dialled_),
                                         ByteSocket::Callbacks{.on_bytes =
                                                                   [this](std::span<const std::byte> bytes) {
                                                                     if (ended_) return;
                                                                     joiner_->receive(bytes, moment_now());
                                                                     pump();
                                                                   },
                                                               .on_end =
                                                                   [this] {
                                                                     if (ended_) return;
                                                                     joiner_->on_end();
                                                                     pump();
                                                                   },
                                                               .on_written = [] {}});
  pump();
}

void Joining::pump() {
  socket_->write(joiner_->take_output());
  if (!joiner_->ended()) return arm_timer(joiner_->deadline());
  auto outcome = joiner_->take_outcome();
  if (outcome) {
    ended_ = true;
    return end(Joined{.membership = *std::move(outcome), .inviter = address_});
  }
  const std::string why = link::to_text(outcome.error());
  if (is_final(outcome.error())) addresses_.clear();
  fail(why, outcome.error());
}

// The socket may be in the middle of a callback: it goes in the next turn.
void Joining::fail(const std::string& why, std::optional<link::JoinEnding> ending) {
  failures_.push_back({.where = text_of(address_), .why = why, .ending = std::move(ending)});
  ended_ = true;
  arm_timer(std::nullopt);
}

void Joining::end(Outcome outcome) {
  uv_timer_stop(timer_.get());
  const auto done = std::exchange(on_done_, nullptr);
  assert(done);
  done(std::move(outcome));
}

void Joining::arm_timer(std::optional<core::Instant> at) {
  const core::Duration wait = at ? std::max(*at - boot_now(), core::Duration::zero()) : core::Duration::zero();
  auto on_timeout = [](uv_timer_t* timer) noexcept {
    if (auto* self = self_of<Joining>(timer)) self->on_timer();
  };
  uv_update_time(loop_);
  uv_timer_start(timer_.get(), on_timeout,
                 static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(wait).count()), 0);
}

void Joining::on_timer() {
  if (ended_) return try_next();
  if (!joiner_) {
    if (dial_until_ <= boot_now()) return fail("nobody answered in time");
    return arm_timer(dial_until_);
  }
  joiner_->on_time(moment_now());
  pump();
}

}  // namespace agent::shell
