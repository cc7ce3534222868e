#include "agent/shell/peer_links.h"

#include <sys/resource.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

#include "agent/shell/socket_address.h"
#include "agent/shell/system.h"

namespace agent::shell {

namespace {

protocol::RevocationDigest digest_of(const crypto::RevocationSet& revoked) {
  return {.entries = revoked.size(), .set = protocol::Digest(revoked.digest().bytes)};
}

UvHandle<uv_tcp_t> new_tcp(uv_loop_t* loop) {
  UvHandle<uv_tcp_t> tcp(new uv_tcp_t{});
  const int initialised = uv_tcp_init(loop, tcp.get());
  assert(initialised == 0);
  return tcp;
}

}  // namespace

// Under way: it owns its socket, and is told the end once, by the connection or by its own clock.
struct PeerLinks::Dial {
  PeerLinks* links = nullptr;
  protocol::Address address;
  std::optional<protocol::NodeId> wanted;
  core::Instant until;
  UvHandle<uv_tcp_t> tcp;
};

PeerLinks::PeerLinks(uv_loop_t* loop, const link::Credentials& credentials, const protocol::NodeId& self,
                     protocol::Hello hello, Callbacks callbacks)
    : loop_(loop),
      credentials_(credentials),
      self_(self),
      hello_(std::move(hello)),
      callbacks_(std::move(callbacks)),
      door_(loop, credentials,
            {.has_room = [this] { return has_descriptors(); },
             .on_link = [this](FrontDoor::Arrival arrival) { come_in(std::move(arrival)); },
             .on_refused = callbacks_.on_refused,
             .joins = callbacks_.joins}),
      timer_(new uv_timer_t{}) {
  uv_timer_init(loop, timer_.get());
  timer_->data = this;
}

PeerLinks::~PeerLinks() = default;

tl::expected<protocol::Address, Problem> PeerLinks::listen(const protocol::Address& address) {
  auto bound = door_.listen(address);
  if (bound && hello_.port == 0) hello_.port = bound->port;
  return bound;
}

// A fifth of what this process may open is kept for its tasks and files.
bool PeerLinks::has_descriptors() const {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return true;
  return socket_count() + dials_.size() < limit.rlim_cur / 5 * 4;
}

void PeerLinks::come_in(FrontDoor::Arrival arrival) {
  Peer begun;
  begun.address = arrival.from;
  begun.counts_as_stranger = true;
  const PeerAt peer = add(std::move(arrival.tcp), std::move(begun), arrival.since);
  peer->socket->receive(arrival.begun);
}

void PeerLinks::dial(const protocol::Address& address, const std::optional<protocol::NodeId>& wanted) {
  if (parted_) return callbacks_.on_dial_failed(address, wanted, "this node leaves");
  if (dials_.size() >= dials_max || !has_descriptors())
    return callbacks_.on_dial_failed(address, wanted, "too many connections are under way");
  auto dial = std::make_unique<Dial>(Dial{
      .links = this, .address = address, .wanted = wanted, .until = boot_now() + dial_patience, .tcp = new_tcp(loop_)});
  dial->tcp->data = dial.get();
  auto request = std::make_unique<uv_connect_t>();
  request->data = request.get();
  auto on_connect = [](uv_connect_t* made, int status) noexcept {
    const std::unique_ptr<uv_connect_t> owned(static_cast<uv_connect_t*>(made->data));
    if (auto* of = self_of<Dial>(made->handle)) of->links->connected(*of, status);
  };
  const sockaddr_storage to = sockaddr_from(address);
  const int error = uv_tcp_connect(request.get(), dial->tcp.get(), reinterpret_cast<const sockaddr*>(&to), on_connect);
  if (error != 0) return callbacks_.on_dial_failed(address, wanted, uv_strerror(error));
  (void)request.release();
  dials_.push_back(std::move(dial));
  on_change();
}

void PeerLinks::connected(Dial& dial, int status) {
  const auto at = std::ranges::find(dials_, &dial, &std::unique_ptr<Dial>::get);
  assert(at != dials_.end());
  const std::unique_ptr<Dial> done = std::move(*at);
  dials_.erase(at);
  if (status < 0) return callbacks_.on_dial_failed(done->address, done->wanted, uv_strerror(status));
  done->tcp->data = nullptr;
  Peer begun;
  begun.address = done->address;
  begun.wanted = done->wanted;
  begun.dialled = true;
  (void)add(std::move(done->tcp), std::move(begun), moment_now());
}

PeerLinks::PeerAt PeerLinks::add(UvHandle<uv_tcp_t> tcp, Peer begun, link::Moment since) {
  sockets_.push_back(std::move(begun));
  const PeerAt peer = std::prev(sockets_.end());
  protocol::Hello hello = hello_;
  hello.revocations = digest_of(credentials_.revoked);
  peer->socket = std::make_unique<PeerSocket>(
      std::move(tcp),
      link::Connection::Setup{
          .credentials = credentials_,
          .side = peer->dialled ? crypto::HandshakeSide::initiator : crypto::HandshakeSide::responder,
          .make_secret = secrets_of_this_machine(),
          .hello = std::move(hello)},
      PeerSocket::Callbacks{.on_news = [this, peer](link::Connection::News news) { on_news(peer, std::move(news)); },
                            .on_change =
                                [this, peer] {
                                  if (peer->socket && !peer->socket->connection().with_stranger())
                                    no_stranger_any_more(*peer);
                                  on_change();
                                }},
      since);
  on_change();
  return peer;
}

void PeerLinks::on_news(PeerAt peer, link::Connection::News news) {
  if (const auto* opened = std::get_if<link::Connection::Opened>(&news)) return on_opened(peer, *opened);
  if (const auto* closed = std::get_if<link::Connection::Closed>(&news)) return on_closed(peer, closed->why);
  if (!peer->is_link) return;
  const auto link = links_.find(peer->met->node);
  if (link == links_.end() || link->second != peer) return;
  callbacks_.on_message(link->first, std::get<link::Connection::Arrived>(std::move(news)).envelope);
}

void PeerLinks::on_opened(PeerAt peer, const link::Connection::Opened& opened) {
  peer->rival = {.instance = opened.hello.instance, .dialled_by_us = peer->dialled, .opened = boot_now()};
  peer->met = Met{.node = opened.node,
                  .member = opened.member,
                  .hello = opened.hello,
                  .address = peer->address,
                  .dialled = peer->dialled,
                  .round_trip = opened.round_trip};
  if (!peer->dialled) peer->met->address.port = opened.hello.port;
  if (parted_) return peer->socket->hang_up({.why = protocol::ByeReason::leaving, .reason = {}});
  if (const auto rival = links_.find(opened.node); rival != links_.end()) {
    const PeerAt older = rival->second;
    const bool newer_run = older->rival.instance != peer->rival.instance;
    const protocol::Bye bye{.why = newer_run ? protocol::ByeReason::newer_instance : protocol::ByeReason::second_link,
                            .reason = {}};
    if (link::which_stays(older->rival, peer->rival, self_, opened.node) == link::Kept::older)
      return peer->socket->hang_up(bye);
    older->socket->hang_up(bye);
  }
  peer->is_link = true;
  links_.insert_or_assign(opened.node, peer);
  callbacks_.on_up(*peer->met);
}

void PeerLinks::on_closed(PeerAt peer, const link::Closing& why) {
  no_stranger_any_more(*peer);
  if (peer->is_link) {
    const auto link = links_.find(peer->met->node);
    if (link == links_.end() || link->second != peer) return;
    const protocol::NodeId node = link->first;
    links_.erase(link);
    return callbacks_.on_down(node, why);
  }
  if (peer->dialled && !peer->met) return callbacks_.on_dial_failed(peer->address, peer->wanted, to_text(why));
  if (!peer->dialled && !peer->met) callbacks_.on_refused(peer->address, to_text(why));
}

void PeerLinks::no_stranger_any_more(Peer& peer) {
  if (std::exchange(peer.counts_as_stranger, false)) door_.no_stranger_any_more(peer.address);
}

void PeerLinks::send(const protocol::NodeId& node, protocol::Queue queue, std::span<const std::byte> message) {
  if (const auto link = links_.find(node); link != links_.end()) link->second->socket->send(queue, message);
}

void PeerLinks::hang_up(const protocol::NodeId& node, const protocol::Bye& bye) {
  if (const auto link = links_.find(node); link != links_.end()) link->second->socket->hang_up(bye);
}

const crypto::Membership* PeerLinks::member(const protocol::NodeId& node) const {
  const auto link = links_.find(node);
  return link == links_.end() ? nullptr : &link->second->met->member;
}

void PeerLinks::judge_again() {
  std::vector<protocol::NodeId> gone;
  const auto revoked = [this](const crypto::Revoked& what) { return credentials_.revoked.since(what).has_value(); };
  for (const auto& [node, peer] : links_) {
    const crypto::Certificate& certificate = peer->met->member.certificate;
    const bool out = revoked(crypto::RevokedSerial{certificate.serial}) ||
                     revoked(crypto::RevokedSigner{certificate.sign_key}) ||
                     revoked(crypto::RevokedNode{*certificate.noise_key});
    if (out) gone.push_back(node);
  }
  for (const protocol::NodeId& node : gone)
    hang_up(node, {.why = protocol::ByeReason::revoked, .reason = "this node's certificate was revoked"});
}

void PeerLinks::part(const protocol::Bye& bye) {
  parted_ = true;
  door_.close();
  for (const auto& dial : std::exchange(dials_, {})) {
    dial->tcp->data = nullptr;
    callbacks_.on_dial_failed(dial->address, dial->wanted, "this node leaves");
  }
  for (auto at = sockets_.begin(); at != sockets_.end();) {
    const PeerAt peer = at++;
    if (!peer->socket->over() && !peer->socket->connection().closed()) peer->socket->hang_up(bye);
  }
}

std::vector<PeerLinks::Linked> PeerLinks::linked() const {
  std::vector<Linked> all;
  for (const auto& [node, peer] : links_) all.push_back({.met = *peer->met, .since = peer->rival.opened});
  return all;
}

void PeerLinks::on_change() {
  std::optional<core::Instant> next;
  const auto consider = [&](core::Instant at) { next = std::min(next.value_or(at), at); };
  for (const Peer& peer : sockets_) {
    if (!peer.socket) continue;
    if (peer.socket->over()) consider(boot_now());
    if (const auto at = peer.socket->deadline()) consider(*at);
  }
  for (const auto& dial : dials_) consider(dial->until);
  if (!next) {
    uv_timer_stop(timer_.get());
    return;
  }
  auto on_timeout = [](uv_timer_t* timer) noexcept {
    if (auto* self = self_of<PeerLinks>(timer)) self->on_timer();
  };
  const core::Duration wait = std::max(*next - boot_now(), core::Duration::zero());
  uv_update_time(loop_);
  uv_timer_start(timer_.get(), on_timeout,
                 static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(wait).count()), 0);
}

void PeerLinks::on_timer() {
  const core::Instant now = boot_now();
  for (auto at = sockets_.begin(); at != sockets_.end();) {
    const auto peer = at++;
    if (!peer->socket->over() && peer->socket->deadline() && *peer->socket->deadline() <= now) peer->socket->on_time();
    if (peer->socket->over()) sockets_.erase(peer);
  }
  std::vector<std::unique_ptr<Dial>> late;
  for (auto at = dials_.begin(); at != dials_.end();) {
    const auto here = at++;
    if ((*here)->until > now) continue;
    late.push_back(std::move(*here));
    dials_.erase(here);
  }
  for (const auto& dial : late) {
    dial->tcp->data = nullptr;
    callbacks_.on_dial_failed(dial->address, dial->wanted, "nobody answered in time");
  }
  on_change();
}

}  // namespace agent::shell
