#include "agent/shell/pool_member.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

#include "agent/shell/own_addresses.h"
#include "agent/shell/own_tasks.h"
#include "agent/shell/socket_address.h"
#include "agent/shell/system.h"

namespace agent::shell {

namespace {

protocol::Hello hello_of(const PoolMember::Setup& setup, const crypto::Membership& self) {
  return {.program_version = setup.version,
          .instance = protocol::InstanceKey(setup.instance.bytes),
          .roles = self.roles.bits() | 1U << static_cast<unsigned>(protocol::Role::member),
          .slots = setup.slots,
          .revocations = {}};
}

// Nothing: it may be otherwise the next time.
std::optional<std::string_view> lasting_reason(protocol::RefuseReason why) {
  using Why = protocol::RefuseReason;
  switch (why) {
    case Why::no_slot:
    case Why::owner:
    case Why::draining:
    case Why::job_ended:
    case Why::no_mandate: return std::nullopt;
    case Why::sandbox_level: return "it has no sandbox that is good enough";
    case Why::program_missing: return "it does not have the program";
    case Why::content_missing: return "it does not have a file";
    case Why::not_permitted: return "it does not permit this user's jobs";
    case Why::too_deep: return "the loop is nested too deep for it";
    case Why::malformed: return "it does not understand what was granted";
  }
  assert(false);
  return std::nullopt;
}

}  // namespace

tl::expected<std::unique_ptr<PoolMember>, Problem> PoolMember::start(uv_loop_t* loop, Pool pool, const Setup& setup,
                                                                     Callbacks callbacks) {
  const link::Credentials& shown = pool.credentials;
  auto self = crypto::judge(shown.chain, shown.trust, wall_now_ms(), shown.revoked, crypto::Purpose::membership);
  if (!self) {
    return tl::unexpected(
        Problem{.message = "this node's own certificate does not hold: " + std::string(crypto::to_string(self.error())),
                .hint = "gibbon leave, and join again with a new invitation"});
  }
  return std::unique_ptr<PoolMember>(
      new PoolMember(loop, std::move(pool), *std::move(self), setup, std::move(callbacks)));
}

PoolMember::PoolMember(uv_loop_t* loop, Pool pool, crypto::Membership self, const Setup& setup, Callbacks callbacks)
    : loop_(loop),
      state_(setup.state),
      pool_(std::move(pool)),
      self_(std::move(self)),
      instance_(setup.instance),
      callbacks_(std::move(callbacks)),
      notary_({.credentials = pool_.credentials,
               .node_key = pool_.node_key,
               .results = setup.results,
               .items = setup.items,
               .wall_ms = wall_now_ms,
               .veto = setup.veto}),
      neighbours_(loop, pool_.credentials, link::node_of(self_), hello_of(setup, self_), notary_,
                  {.post = callbacks_.post,
                   .warn = callbacks_.warn,
                   .on_met = [this](const PeerLinks::Met& met) { on_met(met); },
                   .joins = join_desk(),
                   .on_refuse = [this](const protocol::NodeId& from,
                                       const protocol::Refuse& refuse) { on_refuse(from, refuse); }}) {
  notary_.on_member(self_);
  if (!pool_.issuer) return;
  auto invitations = Invitations::load(state_, pool_);
  if (invitations) {
    invitations_ = *std::move(invitations);
  } else {
    callbacks_.warn("nobody can be invited here: " + invitations.error().message);
  }
}

// --- where we are, and where others are ------------------------------------------------------------------------------

tl::expected<void, Problem> PoolMember::open_up(const Places& places) {
  assert(!places_);
  if (!places.listen) {
    if (!listen_everywhere(usual_port)) {
      if (auto listening = listen_everywhere(0); !listening) return listening;
      callbacks_.warn("port " + std::to_string(usual_port) + " is taken: this node listens at port " +
                      std::to_string(listening_.front().port) + " (choose one: listen in gibbon.toml, or --listen)");
    }
  } else {
    for (const Endpoint& endpoint : *places.listen)
      if (auto listening = listen_at(endpoint); !listening) return listening;
  }
  places_ = std::make_unique<MeetingPlaces>(
      loop_, state_, places.seeds,
      MeetingPlaces::Callbacks{.is_lonely = [this] { return links().link_count() == 0; },
                               .on_change = [this] { announce(); },
                               .warn = callbacks_.warn});
  announce();
  return {};
}

tl::expected<void, Problem> PoolMember::listen_at(const Endpoint& endpoint) {
  if (!endpoint.address) return listen_everywhere(endpoint.port);
  auto bound = neighbours_.listen(*endpoint.address);
  if (!bound) return tl::unexpected(bound.error());
  listening_.push_back(*bound);
  return {};
}

// At the same port of both kinds of addresses, where this machine has both.
tl::expected<void, Problem> PoolMember::listen_everywhere(std::uint16_t port) {
  const auto four = neighbours_.listen(any_ipv4(port));
  if (!four) return tl::unexpected(four.error());
  listening_.push_back(*four);
  if (const auto six = neighbours_.listen(any_ipv6(four->port))) listening_.push_back(*six);
  return {};
}

void PoolMember::announce() {
  reachable_ = own_addresses(listening_);
  reachable_.resize(std::min(reachable_.size(), crypto::addresses_max));
  std::vector<crypto::Address> addresses;
  for (const protocol::Address& each : reachable_) addresses.push_back({.ip = each.ip, .port = each.port});
  exchange().set_own_record(notary_.sign_record(instance_, self_.id, std::move(addresses)));
  callbacks_.post(core::AddressesKnown{.own = reachable_.empty() ? protocol::Address{} : reachable_.front(),
                                       .seeds = places_->addresses()});
}

void PoolMember::on_met(const PeerLinks::Met& met) {
  notary_.on_member(met.member);
  refusals_.erase(met.node);
  if (places_) places_->on_met({.node = met.node, .address = met.address});
  if (callbacks_.on_met) callbacks_.on_met(met);
}

void PoolMember::on_refuse(const protocol::NodeId& from, const protocol::Refuse& refuse) {
  const auto why = lasting_reason(refuse.why);
  if (!why) return;
  std::erase_if(refusals_, [this](const auto& each) { return links().member(each.first) == nullptr; });
  const std::string text = refuse.reason.empty() ? std::string(*why) : refuse.reason;
  std::string& known = refusals_[from];
  if (known != text) callbacks_.warn(name_of(from) + " refuses work: " + text);
  known = text;
}

std::string PoolMember::refusal_of(const protocol::NodeId& node) const {
  const auto known = refusals_.find(node);
  return known == refusals_.end() ? std::string() : known->second;
}

void PoolMember::part(Leaving how) {
  if (places_ && how == Leaving::for_good) places_->forget();
  neighbours_.part();
}

// --- who is to join --------------------------------------------------------------------------------------------------

tl::expected<crypto::TokenText, Problem> PoolMember::invite(Invitations::Terms terms) {
  if (!pool_.issuer) {
    return tl::unexpected(Problem{.message = "this machine cannot invite: it has no issuer key",
                                  .hint = "gibbon invite on the machine where the pool began"});
  }
  if (!invitations_) {
    auto invitations = Invitations::load(state_, pool_);
    if (!invitations) return tl::unexpected(invitations.error());
    invitations_ = *std::move(invitations);
  }
  announce();  // as it is now
  for (const protocol::Address& address : reachable_)
    terms.addresses.emplace_back(crypto::Address{.ip = address.ip, .port = address.port});
  if (terms.addresses.empty()) {
    return tl::unexpected(
        Problem{.message = "this machine cannot invite: nobody can reach it, as it listens nowhere",
                .hint = "name an address of this machine: listen in gibbon.toml, or --listen HOST:PORT"});
  }
  return invitations_->invite(terms, wall_now_ms(), secrets_of_this_machine());
}

JoinDesk PoolMember::join_desk() {
  return {.find_secret = [this](const crypto::TokenId& token) -> std::optional<crypto::Secret<32>> {
            return invitations_ ? invitations_->secret_of(token) : std::nullopt;
          },
          .answer = [this](const link::JoinHost::Asked& asked,
                           const protocol::Address& from) { return answer(asked, from); },
          .on_wrong_try =
              [this](const crypto::TokenId& token) {
                if (invitations_) invitations_->on_wrong_try(token);
              }};
}

tl::expected<crypto::JoinAnswer, JoinDesk::No> PoolMember::answer(const link::JoinHost::Asked& asked,
                                                                  const protocol::Address& from) {
  const protocol::NodeId self = link::node_of(self_);
  std::vector<Bytes> peers{exchange().records().at(self)};
  for (const auto& [node, record] : exchange().records())
    if (node != self) peers.push_back(record);
  const auto is_others_name = [&](std::string_view wanted) {
    if (wanted == name() && asked.request.node_key != self_.certificate.sign_key) return true;
    return std::ranges::any_of(links().linked(), [&](const PeerLinks::Linked& linked) {
      const crypto::Certificate& certificate = linked.met.member.certificate;
      return certificate.name == wanted && certificate.sign_key != asked.request.node_key;
    });
  };
  auto answer = invitations_->answer(
      asked, {.now_wall_ms = wall_now_ms(), .peers = std::move(peers), .is_others_name = is_others_name},
      secrets_of_this_machine());
  if (!answer) {
    const Invitations::Refusal& no = answer.error();
    callbacks_.warn("\"" + asked.request.name + "\" from " + text_of(from) + " was not let in: " +
                    link::to_text({.why = link::JoinFailure::refused, .refusal = no.why, .said = no.text}));
    return tl::unexpected(JoinDesk::No{.why = no.why, .text = no.text});
  }
  const protocol::NodeId node(crypto::key_id(crypto::node_domain, asked.request.node_key).bytes);
  if (callbacks_.on_let_in) callbacks_.on_let_in(asked.request.name, node, from);
  return *std::move(answer);
}

// --- what others brought ---------------------------------------------------------------------------------------------

std::string PoolMember::name_of(const protocol::NodeId& node) const {
  const crypto::Membership* member = links().member(node);
  return member == nullptr ? to_hex(node.value()).substr(0, 8) : member->certificate.name;
}

// Its signature was good when it came.
PoolMember::Received PoolMember::received_result(core::BatchId batch, std::uint32_t index) {
  if (!batch_ || batch_->first != batch) {
    const link::Bytes* bytes = exchange().batch(batch);
    assert(bytes != nullptr);
    const auto statement = crypto::decode_signed(*bytes, crypto::batch_signed_bytes_max);
    assert(statement);
    auto body = crypto::decode_batch_body(statement->body);
    assert(body);
    batch_.emplace(batch, *std::move(body));
  }
  return {.result = received_result_of(batch_->second.results.at(index)),
          .executor = notary_.name_of(batch_->second.executor)};
}

void PoolMember::retain(const std::function<bool(const core::JobId&)>& job,
                        const std::function<bool(const core::NodeId&)>& record) {
  exchange().retain(job, record);
  notary_.retain(job);
}

}  // namespace agent::shell
