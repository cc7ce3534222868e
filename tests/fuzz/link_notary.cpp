// Bytes of a hostile peer before the notary of a real agent, which knows one job: as they are, and as the body of each
// kind of statement, signed with the key that it needs, so that what stands behind the signatures is reached, too.

#include "crypto/ending.h"
#include "tests/fuzz/crypto_statement.h"
#include "tests/unit/link/notary_pool.h"

namespace {

using namespace std::chrono_literals;
namespace pool = agent::link::test;
namespace samples = crypto::samples;
using agent::link::Bytes;

void check_terms(const agent::core::JobTerms& terms, agent::link::SignedNotary& notary) {
  assert(terms.grain > 0ns);
  const agent::link::KnownJob* known = notary.jobs().find(terms.job);
  assert(known != nullptr && known->opened.manifest.job == terms.job.value());
}

void check_batch(const agent::link::OpenedBatch& batch) {
  assert(batch.loop.path.size() <= crypto::path_depth_max);
  for (const agent::core::ResultFact& fact : batch.results)
    assert(fact.piece.begin < fact.piece.end && fact.ran >= 0ns);
}

// By an agent that knows the sample's job, and by one that knows none.
void open_all(std::span<const std::byte> bytes, pool::NotaryEnd& end) {
  agent::link::SignedNotary& notary = end.notary;
  if (const auto fact = notary.open_mandate(bytes)) assert(fact->time_to_live > 0ns && fact->time_to_live <= 600s);
  if (const auto loop = notary.open_statement(pool::job, bytes))
    assert(!loop->path.empty() && loop->path.front().iteration < pool::job_size);
  if (const auto batch = notary.open_batch(bytes)) check_batch(*batch);
  if (const auto peer = notary.open_record(bytes)) assert(peer->node != agent::core::NodeId{});
  if (notary.open_ending(pool::job, bytes) && notary.jobs().find(pool::job) != nullptr)
    assert(!notary.ending_of(pool::job).empty());
  (void)notary.manifest_id(bytes);
  if (const auto terms = notary.open_manifest(bytes)) check_terms(*terms, notary);
}

// The body as if its signer had said it; where it carries the signer's key, with that key put in.
template <class Decode, class Sign>
void open_signed(std::span<const std::byte> body, pool::NotaryEnd& end, Decode decode, Sign sign) {
  if (auto content = decode(body)) {
    if (const auto sealed = sign(*content)) open_all(sealed->bytes, end);
  }
}

void open_as_bodies(std::span<const std::byte> body, pool::NotaryEnd& end) {
  static const crypto::SigningPair user = samples::user_pair();
  static const crypto::SigningPair job_key = samples::job_pair();
  static const crypto::SigningPair node = pool::node_key(0);
  open_signed(body, end, crypto::decode_mandate_body,
              [](const crypto::Mandate& it) { return crypto::sign_mandate(it, job_key); });
  open_signed(body, end, crypto::decode_ending_body,
              [](const crypto::Ending& it) { return crypto::sign_ending(it, job_key); });
  open_signed(body, end, crypto::decode_loop_statement_body, [](crypto::LoopStatement& it) {
    it.opener = node.public_key();
    return crypto::sign_loop_statement(it, node);
  });
  open_signed(body, end, crypto::decode_batch_body, [](crypto::ResultBatch& it) {
    it.executor = node.public_key();
    return crypto::sign_batch(it, node);
  });
  open_signed(body, end, crypto::decode_peer_record_body, [](crypto::PeerRecord& it) {
    it.node_key = node.public_key();
    return crypto::sign_peer_record(it, node);
  });
  open_signed(body, end, crypto::decode_manifest_body, [](crypto::Manifest& it) {
    it.user_key = user.public_key();
    return crypto::sign_manifest(it, user);
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* input, std::size_t size) {
  static const Bytes manifest = pool::signed_manifest();
  const auto bytes = fuzz::view(input, size);
  pool::NotaryEnd stranger(1);
  open_all(bytes, stranger);
  pool::NotaryEnd end(2);
  const auto known = end.notary.open_manifest(manifest);
  assert(known);
  open_all(bytes, end);
  open_as_bodies(bytes, end);
  return 0;
}
