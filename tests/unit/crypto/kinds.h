#pragma once
// The kinds of signed statements under one face, for tests that hold for all of them.

#include <optional>
#include <span>
#include <vector>

#include "tests/unit/crypto/samples.h"

namespace crypto::samples {

using Bytes = std::vector<std::byte>;
using View = std::span<const std::byte>;

// `reencoded` is nothing when the body is refused; `open` says whether signed bytes are accepted.
struct ManifestKind {
  static constexpr const char* name = "manifest";
  static constexpr Domain domain = manifest_domain;
  static constexpr std::size_t bytes_max = manifest_signed_bytes_max;
  static SigningPair signer() { return user_pair(); }
  static Sealed sealed() { return sign_manifest(manifest(), signer()).value(); }
  static bool open(View bytes) { return open_manifest(bytes, created_ms, 0).has_value(); }
  static std::optional<Bytes> reencoded(View body) {
    const auto decoded = decode_manifest_body(body);
    return decoded ? std::optional(encode_body(*decoded).value()) : std::nullopt;
  }
};

struct MandateKind {
  static constexpr const char* name = "mandate";
  static constexpr Domain domain = mandate_domain;
  static constexpr std::size_t bytes_max = mandate_signed_bytes_max;
  static SigningPair signer() { return job_pair(); }
  static Sealed sealed() { return sign_mandate(mandate(), signer()).value(); }
  static bool open(View bytes) { return open_mandate(bytes, job, job_pair().public_key()).has_value(); }
  static std::optional<Bytes> reencoded(View body) {
    const auto decoded = decode_mandate_body(body);
    return decoded ? std::optional(encode_body(*decoded).value()) : std::nullopt;
  }
};

struct EndingKind {
  static constexpr const char* name = "ending";
  static constexpr Domain domain = ending_domain;
  static constexpr std::size_t bytes_max = ending_signed_bytes_max;
  static SigningPair signer() { return job_pair(); }
  static Sealed sealed() { return sign_ending(ending(), signer()).value(); }
  static bool open(View bytes) { return open_ending(bytes, job, job_pair().public_key()).has_value(); }
  static std::optional<Bytes> reencoded(View body) {
    const auto decoded = decode_ending_body(body);
    return decoded ? std::optional(encode_body(*decoded).value()) : std::nullopt;
  }
};

struct ChunkKind {
  static constexpr const char* name = "chunk";
  static constexpr Domain domain = chunk_domain;
  static constexpr std::size_t bytes_max = chunk_signed_bytes_max;
  static SigningPair signer() { return job_pair(); }
  static Sealed sealed() { return sign_chunk(chunk(), signer()).value(); }
  static bool open(View bytes) { return open_chunk(bytes, job, job_pair().public_key()).has_value(); }
  static std::optional<Bytes> reencoded(View body) {
    const auto decoded = decode_chunk_body(body);
    return decoded ? std::optional(encode_body(*decoded).value()) : std::nullopt;
  }
};

struct BatchKind {
  static constexpr const char* name = "batch";
  static constexpr Domain domain = batch_domain;
  static constexpr std::size_t bytes_max = batch_signed_bytes_max;
  static SigningPair signer() { return node_pair(); }
  static Sealed sealed() { return sign_batch(batch(), signer()).value(); }
  static bool open(View bytes) { return open_batch(bytes).has_value(); }
  static std::optional<Bytes> reencoded(View body) {
    const auto decoded = decode_batch_body(body);
    return decoded ? std::optional(encode_body(*decoded).value()) : std::nullopt;
  }
};

struct LoopStatementKind {
  static constexpr const char* name = "loop_statement";
  static constexpr Domain domain = loop_statement_domain;
  static constexpr std::size_t bytes_max = loop_statement_signed_bytes_max;
  static SigningPair signer() { return node_pair(); }
  static Sealed sealed() { return sign_loop_statement(loop_statement(), signer()).value(); }
  static bool open(View bytes) { return open_loop_statement(bytes, job).has_value(); }
  static std::optional<Bytes> reencoded(View body) {
    const auto decoded = decode_loop_statement_body(body);
    return decoded ? std::optional(encode_body(*decoded).value()) : std::nullopt;
  }
};

struct CertificateKind {
  static constexpr const char* name = "certificate";
  static constexpr Domain domain = certificate_domain;
  static constexpr std::size_t bytes_max = certificate_signed_bytes_max;
  static SigningPair signer() { return issuer_pair(); }
  static Sealed sealed() { return sign_certificate(certificate(), signer()).value(); }
  static bool open(View bytes) { return open_certificate(bytes, issuer_pair().public_key()).has_value(); }
  static std::optional<Bytes> reencoded(View body) {
    const auto decoded = decode_certificate_body(body);
    return decoded ? std::optional(encode_body(*decoded).value()) : std::nullopt;
  }
};

struct RevocationKind {
  static constexpr const char* name = "revocation";
  static constexpr Domain domain = revocation_domain;
  static constexpr std::size_t bytes_max = revocation_signed_bytes_max;
  static SigningPair signer() { return admin_pair(); }
  static Sealed sealed() { return sign_revocation(revocation(), signer()).value(); }
  static bool open(View bytes) { return open_revocation(bytes, pool()).has_value(); }
  static std::optional<Bytes> reencoded(View body) {
    const auto decoded = decode_revocation_body(body);
    return decoded ? std::optional(encode_body(*decoded).value()) : std::nullopt;
  }
};

struct PeerRecordKind {
  static constexpr const char* name = "peer_record";
  static constexpr Domain domain = peer_record_domain;
  static constexpr std::size_t bytes_max = peer_record_signed_bytes_max;
  static SigningPair signer() { return node_pair(); }
  static Sealed sealed() { return sign_peer_record(peer_record(), signer()).value(); }
  static bool open(View bytes) { return open_peer_record(bytes).has_value(); }
  static std::optional<Bytes> reencoded(View body) {
    const auto decoded = decode_peer_record_body(body);
    return decoded ? std::optional(encode_body(*decoded).value()) : std::nullopt;
  }
};

struct JoinRequestKind {
  static constexpr const char* name = "join_request";
  static constexpr Domain domain = join_domain;
  static constexpr std::size_t bytes_max = join_request_signed_bytes_max;
  static SigningPair signer() { return node_pair(); }
  static Sealed sealed() { return join_request(); }
  static bool open(View bytes) { return open_join_request(bytes, session).has_value(); }
  static std::optional<Bytes> reencoded(View body) {
    const auto decoded = decode_join_request_body(body);
    return decoded ? std::optional(encode_body(*decoded).value()) : std::nullopt;
  }
};

inline Bytes body_of(const Sealed& sealed) {
  return {sealed.bytes.begin(), sealed.bytes.end() - static_cast<std::ptrdiff_t>(signature_bytes)};
}

}  // namespace crypto::samples
