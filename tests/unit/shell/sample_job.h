#pragma once
// Jobs as a client launches them, each with an id and a key of its own.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "agent/shell/root_job.h"
#include "agent/shell/system.h"
#include "crypto/manifest.h"
#include "protocol/client.h"

namespace agent::shell {

struct SampleJob {
  // A list loop; change what the test is about, then submit().
  explicit SampleJob(std::vector<std::string> command = {"echo", "{}"}) {
    manifest.job = random_bytes16();
    manifest.created_ms = wall_now_ms();
    manifest.not_after_ms = manifest.created_ms + 3'600'000;
    manifest.program = crypto::NamedProgram{.name = command.empty() ? "sh" : command.front()};
    manifest.command = std::move(command);
    manifest.environment = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}};
    manifest.directory = "/";
    manifest.space = crypto::OpenSpace{};
  }
  static SampleJob line(const std::string& shell_line) {
    SampleJob job({shell_line});
    job.manifest.through_shell = true;
    return job;
  }
  static SampleJob single(std::vector<std::string> command) {
    SampleJob job(std::move(command));
    job.manifest.space = crypto::BoundedSpace{.count = 1};
    return job;
  }
  static SampleJob range(std::vector<std::string> command, crypto::ValueRange values) {
    SampleJob job(std::move(command));
    job.manifest.range = values;
    job.manifest.space = crypto::BoundedSpace{.count = (values.high - values.low) / values.step + 1};
    job.manifest.body = crypto::BodyKind::command_per_piece;
    return job;
  }

  [[nodiscard]] protocol::JobId id() const { return protocol::JobId(manifest.job); }

  // Signed by `user`, with the job key that goes with the secret.
  [[nodiscard]] protocol::client::Submit submit(const crypto::SigningPair& user) const {
    crypto::Manifest whole = manifest;
    whole.user_key = user.public_key();
    whole.job_key = crypto::SigningPair(crypto::Seed(secret)).public_key();
    auto sealed = crypto::sign_manifest(whole, user);
    if (!sealed) ADD_FAILURE() << to_string(sealed.error());
    return {.manifest = sealed ? sealed->bytes : protocol::Bytes(),
            .job_secret_seed = secret,
            .keep_order = keep_order,
            .want_items = true,
            .want_events = want_events};
  }

  crypto::Manifest manifest;
  protocol::Bytes32 secret = [] {
    protocol::Bytes32 bytes{};
    fill_random(bytes);
    return bytes;
  }();
  bool keep_order = false;
  bool want_events = false;
};

inline protocol::Bytes bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

inline std::string text_of(const protocol::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// A chunk of a list, of these texts.
inline protocol::client::Items items_of(protocol::JobId job, std::uint64_t chunk, std::uint64_t first,
                                        const std::vector<std::string>& texts, bool last = true) {
  protocol::client::Items items{.job = job, .chunk = chunk, .first = first, .items = {}, .last = last};
  for (const std::string& text : texts) items.items.emplace_back(bytes_of(text));
  return items;
}

}  // namespace agent::shell
