#include "agent/link/signed_notary.h"

#include <cassert>

#include "agent/link/job_terms.h"
#include "crypto/ending.h"

namespace agent::link {

namespace {

crypto::Verdict verdict_of(core::Verdict verdict) {
  switch (verdict) {
    case core::Verdict::done: return crypto::Verdict::done;
    case core::Verdict::hit: return crypto::Verdict::hit;
    case core::Verdict::halted: return crypto::Verdict::halted;
    case core::Verdict::cancelled: return crypto::Verdict::cancelled;
  }
  assert(false);
  return crypto::Verdict::cancelled;
}

// The job that a mandate or an ending names, before anything of it is believed.
std::optional<core::JobId> job_named_by(std::span<const std::byte> mandate) {
  const auto statement = crypto::decode_signed(mandate, crypto::mandate_signed_bytes_max);
  if (!statement) return std::nullopt;
  const auto body = crypto::decode_mandate_body(statement->body);
  if (!body) return std::nullopt;
  return core::JobId(body->job);
}

bool names_in_an_ending(const core::JobId& job, std::span<const std::byte> ending) {
  const auto statement = crypto::decode_signed(ending, crypto::ending_signed_bytes_max);
  if (!statement) return false;
  const auto body = crypto::decode_ending_body(statement->body);
  return body && body->job == job.value();
}

}  // namespace

std::string_view to_string(const ManifestRefusal& refusal) {
  switch (refusal.why) {
    case ManifestFault::statement: return to_string(refusal.statement);
    case ManifestFault::other_pool: return "of another pool";
    case ManifestFault::certificate: return to_string(refusal.certificate);
    case ManifestFault::not_a_user: return "its certificate is no user's";
    case ManifestFault::not_its_key: return "its certificate is another user's";
    case ManifestFault::may_not_submit: return "its user may not launch jobs";
    case ManifestFault::job_revoked: return "the job is revoked";
    case ManifestFault::terms: return "it asks for something that this version cannot do";
    case ManifestFault::another: return "the job has another manifest";
    case ManifestFault::no_more_room: return "there are too many jobs";
  }
  assert(false);
  return {};
}

SignedNotary::SignedNotary(Setup setup) : setup_(std::move(setup)) {}

bool is_forged(const ManifestRefusal& refusal) {
  using Statement = crypto::ManifestError;
  using Certificate = crypto::CertificateError;
  switch (refusal.why) {
    case ManifestFault::statement:
      return refusal.statement == Statement::malformed || refusal.statement == Statement::bad_field ||
             refusal.statement == Statement::bad_signature;
    case ManifestFault::certificate:
      return refusal.certificate != Certificate::revoked && refusal.certificate != Certificate::expired &&
             refusal.certificate != Certificate::not_yet_valid &&
             refusal.certificate != Certificate::unknown_critical && refusal.certificate != Certificate::unknown_root;
    case ManifestFault::not_a_user:
    case ManifestFault::not_its_key:
    case ManifestFault::another: return true;
    case ManifestFault::other_pool:
    case ManifestFault::may_not_submit:
    case ManifestFault::job_revoked:
    case ManifestFault::terms:
    case ManifestFault::no_more_room: return false;
  }
  assert(false);
  return true;
}

void SignedNotary::on_member(const crypto::Membership& member) {
  const crypto::PublicKey& key = member.certificate.sign_key;
  if (!members_.insert_or_assign(key, Member{member.certificate, member.roles}).second) return;
  members_order_.push_back(key);
  if (members_order_.size() <= members_max) return;
  members_.erase(members_order_.front());
  members_order_.pop_front();
}

std::string SignedNotary::name_of(const crypto::PublicKey& node) const {
  const auto at = members_.find(node);
  if (at != members_.end()) return at->second.certificate.name;
  const crypto::KeyId id = crypto::key_id(crypto::node_domain, node);
  std::string text;
  for (const std::byte byte : std::span(id.bytes).first(4)) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[std::to_integer<unsigned>(byte) >> 4U];
    text += digits[std::to_integer<unsigned>(byte) & 15U];
  }
  return text;
}

SignedNotary::Runner SignedNotary::runner(const crypto::PublicKey& node) const {
  const crypto::RevocationSet& revoked = setup_.credentials.revoked;
  if (revoked.since(crypto::RevokedSigner{node})) return Runner::refused;
  const auto at = members_.find(node);
  if (at == members_.end()) return node == setup_.node_key.public_key() ? Runner::met : Runner::unmet;
  const crypto::Certificate& certificate = at->second.certificate;
  const bool out = !at->second.roles.has(crypto::Role::run) ||
                   revoked.since(crypto::RevokedSerial{certificate.serial}) ||
                   (certificate.noise_key && revoked.since(crypto::RevokedNode{*certificate.noise_key}));
  return out ? Runner::refused : Runner::met;
}

// --- manifests -------------------------------------------------------------------------------------------------------

std::optional<ManifestRefusal> SignedNotary::refusal_of(const crypto::Manifest& manifest) const {
  const Credentials& ours = setup_.credentials;
  if (manifest.pool != ours.trust.pool) return ManifestRefusal{.why = ManifestFault::other_pool};
  const auto user =
      crypto::judge(manifest.user_certificate, ours.trust, setup_.wall_ms(), ours.revoked, crypto::Purpose::membership);
  if (!user) return ManifestRefusal{.why = ManifestFault::certificate, .certificate = user.error()};
  if (user->certificate.kind != crypto::HolderKind::user) return ManifestRefusal{.why = ManifestFault::not_a_user};
  if (user->certificate.sign_key != manifest.user_key) return ManifestRefusal{.why = ManifestFault::not_its_key};
  if (!user->roles.has(crypto::Role::submit)) return ManifestRefusal{.why = ManifestFault::may_not_submit};
  if (ours.revoked.since(crypto::RevokedJob{manifest.job})) return ManifestRefusal{.why = ManifestFault::job_revoked};
  return std::nullopt;
}

// Of a manifest that was good once.
bool SignedNotary::is_revoked(const crypto::Manifest& manifest) const {
  const auto refusal = refusal_of(manifest);
  return refusal &&
         (refusal->why == ManifestFault::job_revoked ||
          (refusal->why == ManifestFault::certificate && refusal->certificate == crypto::CertificateError::revoked));
}

tl::expected<core::JobTerms, ManifestRefusal> SignedNotary::judge_manifest(std::span<const std::byte> manifest) {
  auto opened = crypto::open_manifest(manifest, setup_.wall_ms(), crypto::clock_tolerance_ms);
  if (!opened) return tl::unexpected(ManifestRefusal{.why = ManifestFault::statement, .statement = opened.error()});
  if (const auto refusal = refusal_of(opened->manifest)) return tl::unexpected(*refusal);
  const auto terms = terms_of(opened->manifest, opened->user);
  if (!terms) return tl::unexpected(ManifestRefusal{.why = ManifestFault::terms});
  switch (jobs_.add({.opened = *std::move(opened), .terms = *terms, .manifest_bytes = manifest.size()})) {
    case KnownJobs::Added::added:
    case KnownJobs::Added::known: return *terms;
    case KnownJobs::Added::another: return tl::unexpected(ManifestRefusal{.why = ManifestFault::another});
    case KnownJobs::Added::full: return tl::unexpected(ManifestRefusal{.why = ManifestFault::no_more_room});
  }
  assert(false);
  return tl::unexpected(ManifestRefusal{});
}

tl::expected<core::JobTerms, ManifestObjection> SignedNotary::open_manifest(std::span<const std::byte> manifest) {
  const auto terms = judge_manifest(manifest);
  if (terms) return *terms;
  return tl::unexpected(
      ManifestObjection{.forged = is_forged(terms.error()), .text = std::string(to_string(terms.error()))});
}

std::optional<core::Veto> SignedNotary::veto(const core::JobId& job) {
  const KnownJob* known = jobs_.find(job);
  if (known == nullptr) return std::nullopt;
  if (is_revoked(known->opened.manifest))
    return core::Veto{.why = protocol::RefuseReason::not_permitted, .reason = "the job or its user was revoked"};
  return setup_.veto(known->opened);
}

std::optional<ChunkPlace> SignedNotary::take_chunk(const core::JobId& job, std::span<const std::byte> chunk) {
  const KnownJob* known = jobs_.find(job);
  if (known == nullptr) return std::nullopt;
  const auto opened = crypto::open_chunk(chunk, job.value(), known->opened.manifest.job_key);
  if (!opened) return std::nullopt;
  setup_.items.keep_chunk(known->opened.manifest, *opened, chunk);
  return ChunkPlace{.number = opened->chunk.number, .first_index = opened->chunk.first_index};
}

protocol::Digest SignedNotary::manifest_id(std::span<const std::byte> manifest) {
  const auto statement = crypto::decode_signed(manifest, crypto::manifest_signed_bytes_max);
  if (!statement) return {};
  return protocol::Digest(crypto::statement_id(crypto::manifest_domain, statement->body).bytes);
}

// --- what is judged by a manifest ------------------------------------------------------------------------------------

std::optional<core::LoopTerms> SignedNotary::open_statement(const core::JobId& job,
                                                            std::span<const std::byte> statement) {
  const KnownJob* known = jobs_.find(job);
  if (known == nullptr || known->opened.manifest.nesting == crypto::Nesting::none) return std::nullopt;
  const auto opened = crypto::open_loop_statement(statement, job.value());
  if (!opened || runner(opened->statement.opener) == Runner::refused) return std::nullopt;
  if (known->terms.size && opened->statement.path.front().iteration >= *known->terms.size) return std::nullopt;
  return loop_terms_of(opened->statement, opened->opener);
}

tl::expected<core::MandateFact, MandateFault> SignedNotary::open_mandate(std::span<const std::byte> mandate) {
  const auto job = job_named_by(mandate);
  if (!job) return tl::unexpected(MandateFault::bad);
  const KnownJob* known = jobs_.find(*job);
  if (known == nullptr) return tl::unexpected(MandateFault::unknown_job);
  const auto opened = crypto::open_mandate(mandate, job->value(), known->opened.manifest.job_key);
  if (!opened) return tl::unexpected(MandateFault::bad);
  if (is_revoked(known->opened.manifest)) return tl::unexpected(MandateFault::unknown_job);
  return fact_of(*opened);
}

std::optional<OpenedBatch> SignedNotary::open_batch(std::span<const std::byte> batch) {
  const auto opened = crypto::open_batch(batch);
  if (!opened) return std::nullopt;
  const Runner executor = runner(opened->batch.executor);
  if (executor == Runner::refused) return std::nullopt;
  auto facts = facts_of(*opened);
  if (!facts) return std::nullopt;
  const KnownJob* known = jobs_.find(facts->loop.job);
  if (known == nullptr) {
    facts->results.clear();
    return facts;
  }
  if (opened->batch.manifest != known->opened.id) return std::nullopt;
  if (executor == Runner::unmet) ++unmet_;
  return facts;
}

std::optional<core::Peer> SignedNotary::open_record(std::span<const std::byte> record) {
  const auto opened = crypto::open_peer_record(record);
  return opened ? std::optional(peer_of(*opened)) : std::nullopt;
}

bool SignedNotary::is_newer(std::span<const std::byte> record, std::span<const std::byte> known) {
  if (std::ranges::equal(record, known)) return true;
  const auto newer = crypto::open_peer_record(record);
  const auto older = crypto::open_peer_record(known);
  return newer && older && crypto::replaces(*newer, *older);
}

// --- endings ---------------------------------------------------------------------------------------------------------

bool SignedNotary::open_ending(const core::JobId& job, std::span<const std::byte> ending) {
  const KnownJob* known = jobs_.find(job);
  if (known == nullptr) return names_in_an_ending(job, ending);
  const auto opened = crypto::open_ending(ending, job.value(), known->opened.manifest.job_key);
  if (!opened) return false;
  keep_ending(job, opened->epoch, Bytes(ending.begin(), ending.end()));
  return true;
}

Bytes SignedNotary::ending_of(const core::JobId& job) {
  const auto at = endings_.find(job);
  return at == endings_.end() ? Bytes{} : at->second.bytes;
}

// Of two, that of the lower epoch stands.
void SignedNotary::keep_ending(const core::JobId& job, const crypto::Epoch& epoch, Bytes bytes) {
  const auto at = endings_.find(job);
  if (at != endings_.end()) {
    if (epoch < at->second.epoch) at->second = {.epoch = epoch, .bytes = std::move(bytes)};
    return;
  }
  endings_.emplace(job, Ending{.epoch = epoch, .bytes = std::move(bytes)});
  endings_order_.push_back(job);
  if (endings_order_.size() <= endings_max) return;
  endings_.erase(endings_order_.front());
  endings_order_.pop_front();
}

// --- what is ours to sign --------------------------------------------------------------------------------------------

void SignedNotary::sign_ending(const core::JobId& job, const core::Epoch& epoch, core::Verdict verdict,
                               const crypto::SigningPair& job_key) {
  const crypto::Ending ending{.job = job.value(), .epoch = epoch_of(epoch), .verdict = verdict_of(verdict)};
  auto sealed = crypto::sign_ending(ending, job_key);
  assert(sealed);
  keep_ending(job, ending.epoch, std::move(sealed->bytes));
}

Bytes SignedNotary::sign_mandate(const core::MandateFact& fact, const crypto::SigningPair& job_key) {
  const auto mandate = mandate_of(fact);
  assert(mandate);
  auto sealed = crypto::sign_mandate(*mandate, job_key);
  assert(sealed);
  return std::move(sealed->bytes);
}

Bytes SignedNotary::sign_statement(const core::JobId& job, const core::LoopTerms& loop, const crypto::Digest& body,
                                   const crypto::Digest& arguments) const {
  assert(loop.opener.value() == crypto::key_id(crypto::node_domain, setup_.node_key.public_key()).bytes);
  const crypto::LoopStatement statement{.job = job.value(),
                                        .path = path_of(loop.path),
                                        .body = body,
                                        .count = loop.size,
                                        .arguments = arguments,
                                        .branch_number = loop.branch_number,
                                        .opener = setup_.node_key.public_key(),
                                        .instance = instance_of(loop.instance)};
  auto sealed = crypto::sign_loop_statement(statement, setup_.node_key);
  assert(sealed);
  return std::move(sealed->bytes);
}

Bytes SignedNotary::sign_record(const crypto::ExchangeKey& instance, const crypto::Digest& certificate,
                                std::vector<crypto::Address> addresses) const {
  const crypto::PeerRecord record{.node_key = setup_.node_key.public_key(),
                                  .instance = instance,
                                  .certificate = certificate,
                                  .made_ms = setup_.wall_ms(),
                                  .addresses = std::move(addresses)};
  auto sealed = crypto::sign_peer_record(record, setup_.node_key);
  assert(sealed);
  return std::move(sealed->bytes);
}

Bytes SignedNotary::batch_of(std::span<const core::TaskId> results) {
  assert(!results.empty());
  crypto::ResultBatch batch;
  std::optional<core::LoopId> loop;
  for (const core::TaskId task : results) {
    OwnResults::Result own = setup_.results.own_result(task);
    assert(!loop || *loop == own.loop);
    loop = std::move(own.loop);
    batch.results.push_back(std::move(own.result));
  }
  const KnownJob* known = jobs_.find(loop->job);
  assert(known != nullptr);
  batch.job = loop->job.value();
  batch.manifest = known->opened.id;
  batch.path = path_of(loop->path);
  batch.executor = setup_.node_key.public_key();
  auto sealed = crypto::sign_batch(batch, setup_.node_key);
  if (!sealed) {
    for (crypto::Result& result : batch.results) result.reason.clear();
    sealed = crypto::sign_batch(batch, setup_.node_key);
  }
  assert(sealed);
  return std::move(sealed->bytes);
}

}  // namespace agent::link
