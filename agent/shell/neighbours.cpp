#include "agent/shell/neighbours.h"

#include <utility>

#include "agent/shell/socket_address.h"
#include "agent/shell/system.h"

namespace agent::shell {

namespace {

std::string short_name(const protocol::NodeId& node) {
  return to_hex(node.value()).substr(0, 8);
}

}  // namespace

Neighbours::Neighbours(uv_loop_t* loop, const link::Credentials& credentials, const protocol::NodeId& self,
                       protocol::Hello hello, link::Notary& notary, Callbacks callbacks)
    : callbacks_(std::move(callbacks)),
      exchange_(self, notary, link::Exchange::Checks::on),
      links_(loop, credentials, self, std::move(hello),
             {.on_up = [this](const PeerLinks::Met& met) { on_up(met); },
              .on_message = [this](const protocol::NodeId& from,
                                   protocol::Envelope envelope) { on_message(from, std::move(envelope)); },
              .on_down = [this](const protocol::NodeId& node, const link::Closing& why) { on_down(node, why); },
              .on_dial_failed =
                  [this](const protocol::Address& address, const std::optional<protocol::NodeId>& wanted,
                         const std::string& why) {
                    on_dial_failed(address, why);
                    callbacks_.post(core::DialFailed{.address = address, .peer = wanted});
                  },
              .on_refused =
                  [this](const protocol::Address& address, const std::string& why) {
                    const auto line = refusals_.say(boot_now(), "not let in from " + text_of(address) + ": " + why);
                    if (line) callbacks_.warn(*line);
                  },
              .joins = callbacks_.joins}) {}

void Neighbours::on_up(const PeerLinks::Met& met) {
  // Roles come from the certificate, whatever the other end says of itself.
  const std::uint32_t roles = met.member.roles.bits() | 1U << static_cast<unsigned>(protocol::Role::member);
  failures_.erase(met.address);
  callbacks_.on_met(met);
  exchange_.on_link_up(met.node, roles);
  callbacks_.post(core::LinkUp{.peer = {.node = met.node, .instance = met.hello.instance, .address = met.address},
                               .dialled = met.dialled,
                               .roles = roles,
                               .slots = met.hello.slots,
                               .round_trip = met.round_trip});
}

void Neighbours::on_dial_failed(const protocol::Address& address, const std::string& why) {
  const core::Instant now = boot_now();
  const auto said = failures_.find(address);
  if (said != failures_.end() && now < said->second + failure_period) return;
  if (failures_.size() >= failures_max) failures_.clear();
  failures_.insert_or_assign(address, now);
  callbacks_.warn("no link to " + text_of(address) + ": " + why);
}

void Neighbours::on_down(const protocol::NodeId& node, const link::Closing& why) {
  if (why.why != link::CloseReason::bye && why.why != link::CloseReason::ours)
    callbacks_.warn("the link to " + short_name(node) + " is down: " + to_text(why));
  exchange_.on_link_down(node);
  callbacks_.post(core::LinkDown{.peer = node});
}

void Neighbours::on_message(const protocol::NodeId& from, protocol::Envelope envelope) {
  auto received = exchange_.open(from, std::move(envelope), boot_now());
  if (received) {
    const auto* refuse = std::get_if<protocol::Refuse>(&received->message);
    if (refuse != nullptr && callbacks_.on_refuse) callbacks_.on_refuse(from, *refuse);
    return callbacks_.post(*std::move(received));
  }
  const bool harmless = received.error() == link::Refusal::stale || received.error() == link::Refusal::unknown_kind;
  if (harmless) return;
  const std::string why(to_string(received.error()));
  callbacks_.warn(short_name(from) + " said " + why + ": hung up");
  links_.hang_up(from, {.why = protocol::ByeReason::malformed, .reason = why});
}

void Neighbours::carry_out(const core::Send& order) {
  const link::Bytes bytes = exchange_.seal(order, boot_now());
  links_.send(order.to, protocol::check_of(protocol::kind_of(order.message)).queue, bytes);
}

}  // namespace agent::shell
