#pragma once
// Results whose every byte follows from their index and size.

#include <filesystem>
#include <string>

#include "agent/shell/delivery.h"
#include "protocol/client.h"
#include "protocol/limits.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {

namespace client = protocol::client;

inline client::Result result_of(std::uint64_t index, std::size_t output_bytes) {
  client::Result result;
  result.covers = {.begin = index, .end = index + 1};
  result.exit = static_cast<std::int32_t>(index % 200);
  protocol::Bytes output(output_bytes);
  for (std::size_t i = 0; i < output_bytes; ++i) output[i] = static_cast<std::byte>((index * 7 + i * 13) & 0xff);
  result.out = std::move(output);
  return result;
}

// Its output is a file INDEX.out in `directory`.
inline client::Result result_with_file(std::uint64_t index, const TemporaryDirectory& directory) {
  client::Result result = result_of(index, 0);
  const std::string path = directory.file(std::to_string(index) + ".out");
  write_file(path, "output");
  result.out = client::File{.path = path, .size_bytes = 6};
  return result;
}

inline std::size_t size_of_output(const client::Result& result) {
  const auto* bytes = std::get_if<protocol::Bytes>(&result.out);
  return bytes == nullptr ? 0 : bytes->size();
}

}  // namespace agent::shell
