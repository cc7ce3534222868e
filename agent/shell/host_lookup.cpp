#include "agent/shell/host_lookup.h"

#include <ares.h>
#include <netinet/in.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "agent/shell/socket_address.h"

namespace agent::shell {

namespace {

constexpr int query_patience_ms = 2'000;
constexpr int query_tries = 3;

std::string reason_of(int status) {
  if (status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_ENONAME) return "no such host";
  if (status == ARES_ETIMEOUT || status == ARES_ECONNREFUSED) return "no name server answers";
  return ares_strerror(status);
}

std::vector<protocol::Address> addresses_of(const ares_addrinfo& found) {
  std::vector<protocol::Address> addresses;
  for (const ares_addrinfo_node* node = found.nodes; node != nullptr; node = node->ai_next) {
    sockaddr_storage storage{};
    const bool known = node->ai_family == AF_INET || node->ai_family == AF_INET6;
    if (!known || addresses.size() == HostLookup::addresses_max) continue;
    std::memcpy(&storage, node->ai_addr, std::min(sizeof storage, static_cast<std::size_t>(node->ai_addrlen)));
    storage.ss_family = static_cast<sa_family_t>(node->ai_family);
    protocol::Address address = address_from(storage);
    address.port = 0;
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  return addresses;
}

}  // namespace

struct HostLookup::Question {
  HostLookup* lookup;
  std::string host;
};

void HostLookup::DestroyChannel::operator()(ares_channeldata* channel) const {
  ares_destroy(channel);
}

HostLookup::HostLookup(uv_loop_t* loop, const std::vector<std::string>& hosts, std::function<void(Answers)> on_done)
    : loop_(loop), on_done_(std::move(on_done)), timer_(new uv_timer_t{}) {
  uv_timer_init(loop, timer_.get());
  timer_->data = this;
  until_ms_ = uv_now(loop_) + patience_ms;
  ares_options options{};
  options.timeout = query_patience_ms;
  options.tries = query_tries;
  options.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
    static_cast<HostLookup*>(self)->watch(socket, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0));
  };
  options.sock_state_cb_data = this;
  ares_channeldata* channel = nullptr;
  const int made = ares_init_options(&channel, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB);
  if (made == ARES_SUCCESS) channel_.reset(channel);
  for (const std::string& host : hosts) {
    const auto [answer, fresh] = answers_.try_emplace(host);
    if (!channel_) answer->second.why_none = reason_of(made);
    if (fresh && channel_) ask(host);
  }
  arm_timer();
}

HostLookup::~HostLookup() {
  on_done_ = nullptr;
  channel_.reset();
}

void HostLookup::ask(const std::string& host) {
  ++open_;
  Question* question = questions_.emplace_back(std::make_unique<Question>(Question{this, host})).get();
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_flags = ARES_AI_NOSORT;
  auto on_answer = [](void* asked, int status, int, ares_addrinfo* found) {
    const auto& [lookup, name] = *static_cast<Question*>(asked);
    Answer& answer = lookup->answers_[name];
    if (status == ARES_SUCCESS && found != nullptr) answer.addresses = addresses_of(*found);
    if (found != nullptr) ares_freeaddrinfo(found);
    if (answer.addresses.empty()) answer.why_none = reason_of(status == ARES_SUCCESS ? ARES_ENODATA : status);
    --lookup->open_;
  };
  ares_getaddrinfo(channel_.get(), host.c_str(), nullptr, &hints, on_answer, question);
}

void HostLookup::watch(int socket, int events) {
  if (events == 0) {
    sockets_.erase(socket);
    return;
  }
  UvHandle<uv_poll_t>& poll = sockets_[socket];
  if (!poll) {
    poll.reset(new uv_poll_t{});
    const int watched = uv_poll_init(loop_, poll.get(), socket);
    assert(watched == 0);
    poll->data = this;
  }
  auto on_ready = [](uv_poll_t* handle, int status, int ready) noexcept {
    auto* self = self_of<HostLookup>(handle);
    uv_os_fd_t fd = -1;
    if (self == nullptr || uv_fileno(reinterpret_cast<uv_handle_t*>(handle), &fd) != 0) return;
    const auto wanted = [&](int event) { return status < 0 || (ready & event) != 0 ? fd : ARES_SOCKET_BAD; };
    self->process(wanted(UV_READABLE), wanted(UV_WRITABLE));
  };
  uv_poll_start(poll.get(), events, on_ready);
}

void HostLookup::process(int readable, int writable) {
  ares_process_fd(channel_.get(), readable, writable);
  arm_timer();
}

void HostLookup::arm_timer() {
  std::uint64_t wait_ms = 0;
  const std::uint64_t now = uv_now(loop_);
  if (open_ > 0 && now < until_ms_) {
    timeval longest{}, next{};
    longest.tv_sec = static_cast<time_t>((until_ms_ - now) / 1'000 + 1);
    const timeval* wait = ares_timeout(channel_.get(), &longest, &next);
    wait_ms = static_cast<std::uint64_t>(wait->tv_sec) * 1'000 + static_cast<std::uint64_t>(wait->tv_usec) / 1'000 + 1;
    wait_ms = std::min(wait_ms, until_ms_ - now);
  }
  auto on_timeout = [](uv_timer_t* timer) noexcept {
    if (auto* self = self_of<HostLookup>(timer)) self->on_timer();
  };
  uv_timer_start(timer_.get(), on_timeout, wait_ms, 0);
}

void HostLookup::on_timer() {
  if (open_ > 0 && uv_now(loop_) < until_ms_) return process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  if (open_ > 0) ares_cancel(channel_.get());
  for (auto& [host, answer] : answers_) {
    if (answer.addresses.empty() && answer.why_none.empty()) answer.why_none = reason_of(ARES_ETIMEOUT);
  }
  const auto done = std::exchange(on_done_, nullptr);
  if (done) done(std::move(answers_));
}

}  // namespace agent::shell
