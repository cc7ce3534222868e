// Chains of certificates, judged by somebody who trusts the root key of the seeds. Whatever the chain, nobody gets a
// role, a task or a day more than his own certificate says.

#include <algorithm>

#include "crypto/membership.h"
#include "tests/fuzz/crypto_statement.h"

namespace {

constexpr std::int64_t now_ms = 1'790'000'000'000;

void check(const crypto::Membership& membership) {
  const crypto::Certificate& own = membership.certificate;
  assert((membership.roles & own.roles) == membership.roles);
  assert(within(membership.allowance, own.allowance) == membership.allowance);
  assert(membership.not_before_ms >= own.not_before_ms && membership.not_after_ms <= own.not_after_ms);
  assert(membership.not_after_ms + crypto::renewal_grace_ms + crypto::clock_tolerance_ms >= now_ms);
  assert(membership.ceiling.has_value() == own.ceiling.has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const crypto::SigningPair root = fuzz::pair(4);
  static const crypto::Trust trust{crypto::root_id(root.public_key()).bytes, {root.public_key()}};
  const auto bytes = fuzz::view(input, size);
  const auto chain = crypto::decode_chain(bytes);
  if (chain) {
    const auto again = crypto::encode_chain(*chain);
    assert(again && std::ranges::equal(*again, bytes));
  }
  const auto member = crypto::judge(bytes, trust, now_ms, {}, crypto::Purpose::membership);
  const auto renewed = crypto::judge(bytes, trust, now_ms, {}, crypto::Purpose::renewal);
  assert(!member || renewed == member);
  assert(!renewed || chain);
  if (renewed) check(*renewed);
  return 0;
}
