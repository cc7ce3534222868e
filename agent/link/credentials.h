#pragma once
// What an agent shows when a link is made, and what it judges others by. One for all connections; it outlives them, and
// what is added to it (revocations, a new network key) holds for every handshake after that. Links that are there are
// the owner's to judge again.

#include <cstddef>
#include <vector>

#include "crypto/keys.h"
#include "crypto/membership.h"
#include "crypto/revocation.h"
#include "crypto/secret.h"

namespace agent::link {

struct Credentials {
  crypto::ExchangePair link_key;                 // static; our certificate names it
  std::vector<std::byte> chain;                  // our certificates, encoded
  std::vector<crypto::Secret<32>> network_keys;  // of the pool, 1 or 2: the one to use, and the one before it
  crypto::Trust trust;
  crypto::RevocationSet revoked;
};

}  // namespace agent::link
