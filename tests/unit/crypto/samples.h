#pragma once
// Keys that are the same in every run, and one statement of each kind with no field at its default.

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "crypto/batch.h"
#include "crypto/certificate.h"
#include "crypto/chunk.h"
#include "crypto/ending.h"
#include "crypto/join.h"
#include "crypto/loop_statement.h"
#include "crypto/mandate.h"
#include "crypto/manifest.h"
#include "crypto/peer_record.h"
#include "crypto/revocation.h"

namespace crypto::samples {

template <class Array>
Array filled(unsigned char value) {
  Array array;
  array.fill(std::byte{value});
  return array;
}

inline SigningPair pair(unsigned char which) {
  return SigningPair(Seed(filled<Bytes32>(which)));
}
inline SigningPair user_pair() {
  return pair(1);
}
inline SigningPair job_pair() {
  return pair(2);
}
inline SigningPair node_pair() {
  return pair(3);
}

inline SigningPair root_pair() {
  return pair(4);
}
inline SigningPair issuer_pair() {
  return pair(5);
}
inline SigningPair admin_pair() {
  return pair(6);
}
inline ExchangePair noise_pair() {
  return ExchangePair(Secret<32>(filled<Bytes32>(7)));
}

inline const Bytes16 job = filled<Bytes16>(0x11);
inline const Digest manifest_id{filled<Bytes32>(0x22)};

inline std::vector<std::byte> bytes_of(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  std::ranges::transform(text, bytes.begin(), [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

inline constexpr std::int64_t created_ms = 1'790'000'000'000;
inline constexpr std::int64_t not_after_ms = created_ms + 86'400'000;

inline Manifest manifest() {
  Manifest it;
  it.pool = filled<Bytes32>(0x33);
  it.job = job;
  it.user_key = user_pair().public_key();
  it.user_certificate = bytes_of("certificate");
  it.created_ms = created_ms;
  it.not_after_ms = not_after_ms;
  it.program = BlobProgram{Digest{filled<Bytes32>(0x44)}, 4'000'000, "search"};
  it.command = {"./search", "--from", "{lo}", "", "{hi}"};
  it.through_shell = true;
  it.environment = {{"HOME", "/home/a"}, {"LANG", ""}, {"PATH", "/usr/bin:/bin"}};
  it.directory = "/home/a/work";
  it.umask = 077;
  it.space = BoundedSpace{334};
  it.range = ValueRange{.low = 1'000, .step = 3, .high = 2'000};
  it.body = BodyKind::command_per_piece;
  it.limits = Limits{.time_ns = 1, .memory_bytes = 1'000, .file_bytes = 1'000'000, .processes = 300};
  it.least_sandbox = 2;
  it.network = false;
  it.output_rules = {"*.png", "log/"};
  it.nesting = Nesting::same_program;
  it.redundancy = 2;
  it.job_key = job_pair().public_key();
  it.policy = Policy{.name = "a search",
                     .retries = 4,
                     .lost_retries = 5,
                     .halt = Halt{HaltWhen::soon, HaltWhat::success, 50, HaltUnit::percent},
                     .slots_max = 16,
                     .found = 10,
                     .grain_ns = 1'000'000'000,
                     .branch_number = branch_number_automatic,
                     .started_at_most_once = true};
  it.extensions = {{"colour", bytes_of("blue")}, {"weight", {}}};
  return it;
}

inline Mandate mandate() {
  return Mandate{
      .job = job, .epoch = Epoch{7, KeyId{filled<Bytes32>(0x55)}}, .sequence = 1'000'000, .time_to_live_ms = 59'999};
}

inline Ending ending() {
  return Ending{.job = job, .epoch = Epoch{7, KeyId{filled<Bytes32>(0x55)}}, .verdict = Verdict::halted};
}

inline ArgumentChunk chunk() {
  return ArgumentChunk{.job = job,
                       .number = 3,
                       .first_index = 3'000,
                       .items = {bytes_of("a b"), bytes_of(""), TooLong{200'000}, bytes_of("\x80\xff")},
                       .last = true,
                       .previous = Digest{filled<Bytes32>(0x66)}};
}

inline Result result() {
  return Result{.covers = {{0, 1}, {5, 10}, {1'000, ~std::uint64_t{0}}},
                .attempt = 2,
                .outcome = Outcome::failed,
                .exit_code = -1,
                .signal = 11,
                .reason = "killed by a fault",
                .start_wall_ms = -5,
                .duration_ns = 1'500'000'000,
                .user_ns = 1'200'000'000,
                .system_ns = 30'000'000,
                .peak_kib = 5'000,
                .out = bytes_of("found\n"),
                .err = BlobReference{Digest{filled<Bytes32>(0x77)}, 1'000'000},
                .sandbox_level = 1};
}

inline ResultBatch batch() {
  Result second = result();
  second.covers = {{20, 21}};
  second.outcome = Outcome::hit;
  return ResultBatch{.job = job,
                     .manifest = manifest_id,
                     .path = {{4, 0}, {~std::uint64_t{0} - 1, 2}},
                     .results = {result(), second},
                     .executor = node_pair().public_key()};
}

inline LoopStatement loop_statement() {
  return LoopStatement{.job = job,
                       .path = {{4, 0}, {17, 1}},
                       .body = Digest{filled<Bytes32>(0x88)},
                       .count = 300,
                       .arguments = Digest{filled<Bytes32>(0x99)},
                       .branch_number = 6,
                       .opener = node_pair().public_key(),
                       .instance = filled<Bytes16>(0xaa)};
}

inline Bytes32 pool() {
  return root_id(root_pair().public_key()).bytes;
}

inline Certificate issuer_certificate() {
  return Certificate{.pool = pool(),
                     .serial = filled<Bytes16>(0xb1),
                     .kind = HolderKind::issuer,
                     .name = "first issuer",
                     .sign_key = issuer_pair().public_key(),
                     .roles = {Role::issue},
                     .ceiling = Ceiling{{Role::run, Role::submit}, 300 * day_ms},
                     .allowance = {.parallel_max = 500, .projects = {{"blue", "green", "red"}}},
                     .not_before_ms = created_ms - 100 * day_ms,
                     .not_after_ms = created_ms + 1'000 * day_ms,
                     .issuer = root_id(root_pair().public_key())};
}

inline Certificate certificate() {
  return Certificate{.pool = pool(),
                     .serial = filled<Bytes16>(0xb2),
                     .kind = HolderKind::node,
                     .name = "beta",
                     .sign_key = node_pair().public_key(),
                     .noise_key = noise_pair().public_key(),
                     .roles = {Role::run},
                     .allowance = {.parallel_max = 8, .projects = {{"blue", "red"}}},
                     .not_before_ms = created_ms,
                     .not_after_ms = created_ms + 200 * day_ms,
                     .issuer = sign_certificate(issuer_certificate(), root_pair()).value().id,
                     .extensions = {{"colour", bytes_of("blue")}, {"weight", {}}}};
}

inline Revocation revocation() {
  return Revocation{.pool = pool(),
                    .what = RevokedSigner{node_pair().public_key()},
                    .since_ms = created_ms,
                    .until_ms = created_ms + 260 * day_ms,
                    .admin = admin_pair().public_key()};
}

inline Address address(unsigned char last) {
  Address it{.port = 4'422};
  it.ip[10] = it.ip[11] = std::byte{0xff};
  it.ip[12] = std::byte{192};
  it.ip[14] = std::byte{2};
  it.ip[15] = std::byte{last};
  return it;
}

inline PeerRecord peer_record() {
  return PeerRecord{.node_key = node_pair().public_key(),
                    .instance = noise_pair().public_key(),
                    .certificate = sign_certificate(certificate(), issuer_pair()).value().id,
                    .made_ms = created_ms + 5,
                    .addresses = {address(1), address(2)}};
}

inline const Bytes64 session = filled<Bytes64>(0xc1);

inline Sealed join_request() {
  return sign_join_request(session, "beta", node_pair(), user_pair()).value();
}

}  // namespace crypto::samples
