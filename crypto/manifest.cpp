#include "crypto/manifest.h"

#include <algorithm>
#include <cassert>
#include <string_view>

#include "crypto/statement.h"

namespace crypto {

namespace {

constexpr std::size_t body_bytes_max = manifest_signed_bytes_max - signature_bytes;

// Entries that must be understood by whoever accepts the manifest. There are none yet, so any that is found is unknown.
using CriticalEntries = std::map<std::string, std::vector<std::byte>>;

template <class Wire>
struct ProgramFields {
  Wire& wire;
  void operator()(auto& program) const {
    if constexpr (requires { program.digest; }) {
      wire.fixed(program.digest.bytes);
      wire.number(program.size_bytes);
    }
    wire.text(program.name, file_name_bytes_max);
    wire.require(!program.name.empty());
  }
};

template <class Wire>
struct SpaceFields {
  Wire& wire;
  void operator()(auto& space) const {
    if constexpr (requires { space.count; }) wire.number(space.count);
  }
};

template <class Wire, class T>
void environment_fields(Wire& wire, T& environment) {
  wire.table(environment, {.most = environment_max, .element_bytes_min = 3}, word_bytes_max,
             [&wire](auto& value) { wire.text(value, word_bytes_max); });
  wire.require(std::ranges::all_of(environment, [](const auto& variable) {
    const auto& [name, value] = variable;
    const bool named = !name.empty() && name.find('=') == std::string::npos;
    return named && name.size() + 1 + value.size() <= word_bytes_max;
  }));
}

template <class Wire, class T>
void extension_fields(Wire& wire, T& entries) {
  entry_fields(wire, entries, extensions_max, extension_key_bytes_max, extension_value_bytes_max);
}

template <class Wire, class T>
void limits_fields(Wire& wire, T& limits) {
  wire.number(limits.time_ns);
  wire.number(limits.memory_bytes);
  wire.number(limits.file_bytes);
  wire.number(limits.processes);
}

bool sensible(const Halt& halt) {
  if (halt.when == HaltWhen::never) return halt == Halt{};
  return halt.amount >= 1 && (halt.unit == HaltUnit::count || halt.amount <= 100);
}

template <class Wire, class T>
void policy_fields(Wire& wire, T& policy) {
  wire.text(policy.name, job_name_bytes_max);
  wire.number(policy.retries);
  wire.number(policy.lost_retries);
  wire.choice(policy.halt.when, HaltWhen::now);
  wire.choice(policy.halt.what, HaltWhat::done);
  wire.number(policy.halt.amount);
  wire.choice(policy.halt.unit, HaltUnit::percent);
  wire.require(sensible(policy.halt));
  wire.number(policy.slots_max);
  wire.maybe(policy.found, [&wire](auto& code) { wire.number(code); });
  wire.number(policy.grain_ns);
  wire.number(policy.branch_number);
  wire.flag(policy.started_at_most_once);
}

bool sensible_times(const Manifest& manifest) {
  return manifest.not_after_ms > manifest.created_ms &&
         manifest.not_after_ms - manifest.created_ms <= manifest_life_ms_max;
}

// A range describes exactly the iterations of the space, and there is at least one.
bool range_fits_space(const Manifest& manifest) {
  if (!manifest.range) return true;
  const auto* space = std::get_if<BoundedSpace>(&manifest.space);
  const ValueRange& range = *manifest.range;
  if (space == nullptr || range.step == 0 || range.high < range.low) return false;
  const std::uint64_t last_index = (range.high - range.low) / range.step;
  return space->count != 0 && space->count - 1 == last_index;
}

bool sensible_command(const Manifest& manifest) {
  if (manifest.body == BodyKind::linked_function) return true;
  return !manifest.command.empty();
}

template <class Wire, class T>
void origin_fields(Wire& wire, T& manifest) {
  wire.fixed(manifest.pool);
  wire.fixed(manifest.job);
  wire.fixed(manifest.user_key.bytes);
  wire.bytes(manifest.user_certificate, certificate_bytes_max);
  wire.number(manifest.created_ms, 0, wall_ms_max);
  wire.number(manifest.not_after_ms, 0, wall_ms_max);
  wire.require(sensible_times(manifest));
}

template <class Wire, class T>
void command_fields(Wire& wire, T& manifest) {
  wire.alternative(manifest.program, ProgramFields<Wire>{wire});
  wire.list(manifest.command, {.most = command_words_max}, [&wire](auto& word) { wire.text(word, word_bytes_max); });
  wire.flag(manifest.through_shell);
  environment_fields(wire, manifest.environment);
  wire.text(manifest.directory, file_name_bytes_max);
  wire.require(manifest.directory.empty() || manifest.directory.front() == '/');
  wire.number(manifest.umask, 0, umask_max);
}

template <class Wire, class T>
void loop_fields(Wire& wire, T& manifest) {
  wire.alternative(manifest.space, SpaceFields<Wire>{wire});
  wire.maybe(manifest.range, [&wire](auto& range) {
    wire.number(range.low);
    wire.number(range.step, 1);
    wire.number(range.high);
  });
  wire.require(range_fits_space(manifest));
  wire.choice(manifest.body, BodyKind::linked_function);
  wire.require(sensible_command(manifest));
}

template <class Wire, class T, class Critical>
void fields(Wire& wire, T& manifest, Critical& critical) {
  origin_fields(wire, manifest);
  command_fields(wire, manifest);
  loop_fields(wire, manifest);
  limits_fields(wire, manifest.limits);
  wire.number(manifest.least_sandbox, 0, least_sandbox_max);
  wire.flag(manifest.network);
  wire.list(manifest.output_rules, {.most = output_rules_max},
            [&wire](auto& rule) { wire.text(rule, file_name_bytes_max); });
  wire.choice(manifest.nesting, Nesting::any_command);
  wire.number(manifest.redundancy, 1, redundancy_max);
  wire.fixed(manifest.job_key.bytes);
  policy_fields(wire, manifest.policy);
  extension_fields(wire, critical);
  extension_fields(wire, manifest.extensions);
}

ManifestError manifest_error(WireFault fault) {
  return fault == WireFault::malformed ? ManifestError::malformed : ManifestError::bad_field;
}

}  // namespace

const char* to_string(ManifestError error) {
  switch (error) {
    case ManifestError::malformed: return "malformed";
    case ManifestError::bad_field: return "a field is out of bounds";
    case ManifestError::unknown_critical: return "it demands something that this version does not know";
    case ManifestError::bad_signature: return "bad signature";
    case ManifestError::not_yet_valid: return "not yet valid";
    case ManifestError::expired: return "expired";
  }
  assert(false);
  return "";
}

tl::expected<std::vector<std::byte>, ManifestError> encode_body(const Manifest& manifest) {
  Writer writer(body_bytes_max);
  const CriticalEntries none;
  fields(writer, manifest, none);
  if (writer.fault() != WireFault::none) return tl::unexpected(manifest_error(writer.fault()));
  return writer.take();
}

tl::expected<Manifest, ManifestError> decode_manifest_body(std::span<const std::byte> body) {
  Reader reader(body, body_bytes_max);
  Manifest manifest;
  CriticalEntries critical;
  fields(reader, manifest, critical);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) return tl::unexpected(manifest_error(fault));
  if (!critical.empty()) return tl::unexpected(ManifestError::unknown_critical);
  return manifest;
}

tl::expected<Sealed, ManifestError> sign_manifest(const Manifest& manifest, const SigningPair& user) {
  if (manifest.user_key != user.public_key()) return tl::unexpected(ManifestError::bad_field);
  auto body = encode_body(manifest);
  if (!body) return tl::unexpected(body.error());
  return seal(manifest_domain, std::move(*body), user);
}

tl::expected<OpenedManifest, ManifestError> open_manifest(std::span<const std::byte> bytes, std::int64_t now_wall_ms,
                                                          std::int64_t tolerance_ms) {
  assert(0 <= tolerance_ms && tolerance_ms <= wall_ms_max);
  const auto statement = decode_signed(bytes, manifest_signed_bytes_max);
  if (!statement) return tl::unexpected(ManifestError::malformed);
  auto manifest = decode_manifest_body(statement->body);
  if (!manifest) return tl::unexpected(manifest.error());
  if (!verify(manifest_domain, *statement, manifest->user_key)) return tl::unexpected(ManifestError::bad_signature);
  if (now_wall_ms < manifest->created_ms - tolerance_ms) return tl::unexpected(ManifestError::not_yet_valid);
  if (now_wall_ms > manifest->not_after_ms + tolerance_ms) return tl::unexpected(ManifestError::expired);
  const KeyId user = key_id(user_domain, manifest->user_key);
  return OpenedManifest{std::move(*manifest), statement_id(manifest_domain, statement->body), user};
}

}  // namespace crypto
