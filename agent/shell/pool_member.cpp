#include "agent/shell/pool_member.h"

#include <algorithm>
#include <cassert>
#include <memory>
#include <utility>

#include "agent/shell/own_tasks.h"
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
    : pool_(std::move(pool)),
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
                   .on_member = [this](const crypto::Membership& member) { notary_.on_member(member); }}) {
  notary_.on_member(self_);
}

tl::expected<protocol::Address, Problem> PoolMember::listen(const protocol::Address& address) {
  return neighbours_.listen(address);
}

void PoolMember::announce(std::vector<protocol::Address> own, std::vector<protocol::Address> seeds) {
  own.resize(std::min(own.size(), crypto::addresses_max));
  std::vector<crypto::Address> addresses;
  for (const protocol::Address& each : own) addresses.push_back({.ip = each.ip, .port = each.port});
  exchange().set_own_record(notary_.sign_record(instance_, self_.id, std::move(addresses)));
  callbacks_.post(core::AddressesKnown{.own = own.empty() ? protocol::Address{} : own.front(), .seeds = std::move(seeds)});
}

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
