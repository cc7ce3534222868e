#include "agent/shell/config.h"

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

namespace agent::shell {

namespace {

Problem at(const std::string& path, const toml::source_region& where, const std::string& what) {
  return {.message = path + ", line " + std::to_string(where.begin.line) + ": " + what,
          .hint = "known settings: slots"};
}

}  // namespace

tl::expected<Config, Problem> read_config(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  file.peek();  // a directory opens, but can not be read
  if (!file.is_open() || file.bad()) {
    if (errno == ENOENT) return Config{};
    return tl::unexpected(Problem{.message = "cannot read " + path + ": " + std::strerror(errno), .hint = ""});
  }
  std::ostringstream content;
  content << file.rdbuf();
  const toml::parse_result parsed = toml::parse(content.str(), path);
  if (!parsed) return tl::unexpected(at(path, parsed.error().source(), std::string(parsed.error().description())));
  Config config;
  for (const auto& [key, value] : parsed.table()) {
    if (key.str() != "slots")
      return tl::unexpected(at(path, key.source(), "unknown setting '" + std::string(key.str()) + "'"));
    const auto slots = value.value_exact<std::int64_t>();
    if (!slots || *slots < 1 || *slots > Config::slots_max) {
      return tl::unexpected(
          at(path, value.source(), "slots is a whole number from 1 to " + std::to_string(Config::slots_max)));
    }
    config.slots = static_cast<std::uint32_t>(*slots);
  }
  return config;
}

}  // namespace agent::shell
