#include "agent/shell/front_door.h"

#include <netinet/in.h>

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/link/first_word.h"
#include "agent/shell/peer_socket.h"
#include "agent/shell/socket_address.h"
#include "agent/shell/system.h"

namespace agent::shell {

namespace {

constexpr int backlog = 128;

std::optional<protocol::Address> peer_address(uv_tcp_t* tcp) {
  sockaddr_storage storage{};
  int size = sizeof storage;
  if (uv_tcp_getpeername(tcp, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  return address_from(storage);
}

UvHandle<uv_tcp_t> new_tcp(uv_loop_t* loop) {
  UvHandle<uv_tcp_t> tcp(new uv_tcp_t{});
  const int initialised = uv_tcp_init(loop, tcp.get());
  assert(initialised == 0);
  return tcp;
}

}  // namespace

link::MakeSecret secrets_of_this_machine() {
  return [] {
    crypto::Secret<32> secret;
    fill_random(secret.writable());
    return secret;
  };
}

FrontDoor::FrontDoor(uv_loop_t* loop, const link::Credentials& credentials, Callbacks callbacks)
    : loop_(loop), credentials_(credentials), callbacks_(std::move(callbacks)), timer_(new uv_timer_t{}) {
  uv_timer_init(loop, timer_.get());
  timer_->data = this;
}

FrontDoor::~FrontDoor() = default;

tl::expected<protocol::Address, Problem> FrontDoor::listen(const protocol::Address& address) {
  const auto problem = [&](int error) {
    const bool taken = error == UV_EADDRINUSE;
    return tl::unexpected(Problem{.message = "cannot listen at " + text_of(address) + ": " + uv_strerror(error),
                                  .hint = taken ? "another program listens there; name another one with --listen"
                                                : "name an address of this machine with --listen HOST:PORT"});
  };
  UvHandle<uv_tcp_t> listener = new_tcp(loop_);
  listener->data = this;
  const sockaddr_storage to = sockaddr_from(address);
  const unsigned only_v6 = to.ss_family == AF_INET6 ? unsigned{UV_TCP_IPV6ONLY} : 0U;
  if (const int error = uv_tcp_bind(listener.get(), reinterpret_cast<const sockaddr*>(&to), only_v6))
    return problem(error);
  auto on_connection = [](uv_stream_t* stream, int status) noexcept {
    auto* self = self_of<FrontDoor>(stream);
    if (self != nullptr && status == 0) self->accept(stream);
  };
  if (const int error = uv_listen(reinterpret_cast<uv_stream_t*>(listener.get()), backlog, on_connection))
    return problem(error);
  sockaddr_storage bound{};
  int size = sizeof bound;
  if (const int error = uv_tcp_getsockname(listener.get(), reinterpret_cast<sockaddr*>(&bound), &size))
    return problem(error);
  listeners_.push_back(std::move(listener));
  return address_from(bound);
}

void FrontDoor::close() {
  listeners_.clear();
  for (auto visitor = visitors_.begin(); visitor != visitors_.end(); ++visitor) end(visitor);
}

void FrontDoor::refuse(const protocol::Address& from, const std::string& why) {
  if (callbacks_.on_refused) callbacks_.on_refused(from, why);
}

// Who is not to come in is accepted all the same, or it would wait in the system's queue for ever.
void FrontDoor::accept(uv_stream_t* listener) {
  UvHandle<uv_tcp_t> tcp = new_tcp(loop_);
  if (uv_accept(listener, reinterpret_cast<uv_stream_t*>(tcp.get())) != 0) return;
  const auto from = peer_address(tcp.get());
  if (!from) return;
  if (!callbacks_.has_room()) return refuse(*from, "this process has too many sockets");
  if (!admission_.admit(boot_now(), *from)) return refuse(*from, "too many come in at once");
  visitors_.push_back({.socket = nullptr,
                       .from = *from,
                       .since = moment_now(),
                       .begun = {},
                       .newcomer = std::nullopt,
                       .leaves_at = std::nullopt,
                       .over = false});
  const auto visitor = std::prev(visitors_.end());
  visitor->socket = std::make_unique<ByteSocket>(
      std::move(tcp),
      ByteSocket::Callbacks{.on_bytes = [this, visitor](std::span<const std::byte> bytes) { on_bytes(visitor, bytes); },
                            .on_end =
                                [this, visitor] {
                                  if (visitor->over) return;
                                  if (visitor->newcomer) {
                                    const bool ended = visitor->newcomer->ended().has_value();
                                    visitor->newcomer->on_end();
                                    if (!ended) say_how_it_ended(*visitor);
                                  } else if (!visitor->begun.empty()) {
                                    refuse(visitor->from, "it hung up in the middle of a word");
                                  }
                                  end(visitor);
                                },
                            .on_written =
                                [this, visitor] {
                                  if (!visitor->over && visitor->leaves_at) end(visitor);
                                }});
  arm_timer();
}

void FrontDoor::on_bytes(VisitorAt visitor, std::span<const std::byte> bytes) {
  if (visitor->over) return;
  if (visitor->newcomer) {
    if (visitor->newcomer->ended()) return;
    visitor->newcomer->receive(bytes, moment_now());
    return pump(visitor);
  }
  visitor->begun.insert(visitor->begun.end(), bytes.begin(), bytes.end());
  on_word(visitor);
}

void FrontDoor::on_word(VisitorAt visitor) {
  const link::FirstWord word = link::read_first_word(visitor->begun);
  if (std::holds_alternative<link::MoreNeeded>(word)) return;
  if (std::holds_alternative<link::Neither>(word)) {
    refuse(visitor->from, "it speaks another protocol");
    return end(visitor);
  }
  if (std::holds_alternative<link::LinkComes>(word)) {
    Arrival arrival{.tcp = visitor->socket->release(),
                    .from = visitor->from,
                    .begun = std::move(visitor->begun),
                    .since = visitor->since};
    visitor->over = true;  // and a stranger as before
    arm_timer();
    return callbacks_.on_link(std::move(arrival));
  }
  const auto find_secret = [this](const crypto::TokenId& token) -> std::optional<crypto::Secret<32>> {
    if (!callbacks_.joins.find_secret) return std::nullopt;
    return callbacks_.joins.find_secret(token);
  };
  visitor->newcomer.emplace(
      link::JoinHost::Setup{
          .credentials = credentials_, .find_secret = find_secret, .make_secret = secrets_of_this_machine()},
      visitor->since);
  visitor->newcomer->receive(std::exchange(visitor->begun, {}), moment_now());
  pump(visitor);
}

void FrontDoor::pump(VisitorAt visitor) {
  link::JoinHost& newcomer = *visitor->newcomer;
  if (const auto asked = newcomer.take_request()) {
    const auto answer = callbacks_.joins.answer(*asked, visitor->from);
    if (answer) {
      newcomer.answer(*answer);
    } else {
      newcomer.refuse(answer.error().why, answer.error().text);
    }
  }
  visitor->socket->write(newcomer.take_output());
  if (newcomer.ended()) {
    say_how_it_ended(*visitor);
    visitor->leaves_at = boot_now() + PeerSocket::farewell_patience;
    if (!visitor->socket->writing()) return end(visitor);
  }
  arm_timer();
}

void FrontDoor::say_how_it_ended(const Visitor& visitor) {
  using End = link::JoinHost::End;
  const End how = *visitor.newcomer->ended();
  const auto& token = visitor.newcomer->token();
  if (how == End::wrong_secret && token && callbacks_.joins.on_wrong_try) callbacks_.joins.on_wrong_try(*token);
  if (how != End::answered && how != End::refused)
    refuse(visitor.from, "it wanted to join: " + std::string(to_string(how)));
}

void FrontDoor::end(VisitorAt visitor) {
  if (std::exchange(visitor->over, true)) return;
  admission_.release(visitor->from);
  arm_timer();
}

void FrontDoor::arm_timer() {
  std::optional<core::Instant> next;
  for (const Visitor& visitor : visitors_) {
    core::Instant at = visitor.since.at + link::Connection::greeting_patience;
    if (visitor.newcomer) at = visitor.newcomer->deadline().value_or(at);
    if (visitor.leaves_at) at = *visitor.leaves_at;
    if (visitor.over) at = boot_now();
    next = std::min(next.value_or(at), at);
  }
  if (!next) {
    uv_timer_stop(timer_.get());
    return;
  }
  auto on_timeout = [](uv_timer_t* timer) noexcept {
    if (auto* self = self_of<FrontDoor>(timer)) self->on_timer();
  };
  const core::Duration wait = std::max(*next - boot_now(), core::Duration::zero());
  uv_update_time(loop_);
  uv_timer_start(timer_.get(), on_timeout,
                 static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(wait).count()), 0);
}

void FrontDoor::on_timer() {
  const core::Instant now = boot_now();
  for (auto visitor = visitors_.begin(); visitor != visitors_.end(); ++visitor) {
    if (visitor->over) continue;
    if (visitor->leaves_at) {
      if (*visitor->leaves_at <= now) end(visitor);
    } else if (visitor->newcomer) {
      visitor->newcomer->on_time(moment_now());
      if (visitor->newcomer->ended()) pump(visitor);
    } else if (visitor->since.at + link::Connection::greeting_patience <= now) {
      refuse(visitor->from, "it did not say in time what it wants");
      end(visitor);
    }
  }
  std::erase_if(visitors_, [](const Visitor& visitor) { return visitor.over; });
  arm_timer();
}

}  // namespace agent::shell
