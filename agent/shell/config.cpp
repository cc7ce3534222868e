#include "agent/shell/config.h"

#define TOML_HEADER_ONLY 1
#define TOML_EXCEPTIONS 0
#include <fcntl.h>
#include <sys/stat.h>
#include <toml++/toml.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "agent/exec/descriptor.h"

namespace agent::shell {

namespace {

constexpr std::size_t settings_bytes_max = std::size_t{1} << 20;

Problem at(const std::string& path, const toml::source_region& where, const std::string& what) {
  return {.message = path + ", line " + std::to_string(where.begin.line) + ": " + what,
          .hint = "known settings: slots"};
}

tl::unexpected<Problem> unreadable(const std::string& path, const std::string& why) {
  return tl::unexpected(Problem{.message = "cannot read " + path + ": " + why, .hint = ""});
}

// Empty if there is none. A FIFO is not waited for, and a device is not read without end.
tl::expected<std::string, Problem> read_settings(const std::string& path) {
  const exec::Descriptor file(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::string();
  struct stat status {};
  if (!file || fstat(file.get(), &status) != 0) return unreadable(path, std::strerror(errno));
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return unreadable(path, "it is not a regular file");
  std::string content(settings_bytes_max + 1, '\0');
  std::size_t length = 0;
  while (length < content.size()) {
    const ssize_t got = read(file.get(), content.data() + length, content.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return unreadable(path, std::strerror(errno));
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  if (length > settings_bytes_max) return unreadable(path, "it is longer than 1 MiB");
  content.resize(length);
  return content;
}

}  // namespace

tl::expected<Config, Problem> read_config(const std::string& path) {
  auto content = read_settings(path);
  if (!content) return tl::unexpected(content.error());
  const toml::parse_result parsed = toml::parse(*content, path);
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
