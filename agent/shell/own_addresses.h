#pragma once
// Where others can reach this machine.

#include <span>
#include <vector>

#include "protocol/message_peer.h"

namespace agent::shell {

// Of what is listened at: addresses as they are; in the place of `any` those of this machine's interfaces, first the
// one that it reaches the rest of the world by. Loopback and addresses of one cable only (fe80::/10) stand there only
// if there is nothing else, which is on a machine without a network. Likeliest first, none twice.
[[nodiscard]] std::vector<protocol::Address> own_addresses(std::span<const protocol::Address> listening);

}  // namespace agent::shell
