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
          .hint = "known settings: slots, listen, seeds, allow_weak_sandbox"};
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

// Takes the settings of one file; the first problem ends it.
class Settings {
 public:
  explicit Settings(const std::string& path) : path_(path) {}

  void take(const toml::key& key, const toml::node& value) {
    if (problem_) return;
    if (key.str() == "slots") return take_slots(value);
    if (key.str() == "listen") return take_endpoints(value, "listen", config_.listen);
    if (key.str() == "seeds") return take_endpoints(value, "seeds", config_.seeds);
    if (key.str() == "allow_weak_sandbox") return take_permission(value);
    problem_ = at(path_, key.source(), "unknown setting '" + std::string(key.str()) + "'");
  }
  [[nodiscard]] tl::expected<Config, Problem> done() {
    if (problem_) return tl::unexpected(*problem_);
    return std::move(config_);
  }

 private:
  void refuse(const toml::node& value, const std::string& why) {
    if (!problem_) problem_ = at(path_, value.source(), why);
  }
  void take_slots(const toml::node& value) {
    const auto slots = value.value_exact<std::int64_t>();
    if (!slots || *slots < 1 || *slots > Config::slots_max)
      return refuse(value, "slots is a whole number from 1 to " + std::to_string(Config::slots_max));
    config_.slots = static_cast<std::uint32_t>(*slots);
  }
  void take_permission(const toml::node& value) {
    const auto permission = value.value_exact<bool>();
    if (!permission) return refuse(value, "allow_weak_sandbox is true or false");
    config_.allow_weak_sandbox = *permission;
  }
  void take_endpoints(const toml::node& value, const std::string& name, std::vector<Endpoint>& endpoints) {
    if (const toml::array* all = value.as_array()) {
      for (const toml::node& one : *all) take_endpoint(one, name, endpoints);
    } else {
      take_endpoint(value, name, endpoints);
    }
  }
  void take_endpoint(const toml::node& value, const std::string& name, std::vector<Endpoint>& endpoints) {
    const auto text = value.value_exact<std::string>();
    if (!text) return refuse(value, name + " is a text \"HOST:PORT\", or a list of such texts");
    const auto endpoint = parse_endpoint(*text);
    if (!endpoint) return refuse(value, name + ": " + std::string(to_string(endpoint.error())));
    if (const auto why = why_no_use(*endpoint, name == "seeds" ? EndpointUse::seed : EndpointUse::listen))
      return refuse(value, name + ": " + std::string(*why));
    if (endpoints.size() == Config::endpoints_max)
      return refuse(value, name + " has at most " + std::to_string(Config::endpoints_max) + " entries");
    endpoints.push_back(*endpoint);
  }

  const std::string& path_;
  Config config_;
  std::optional<Problem> problem_;
};

}  // namespace

tl::expected<Config, Problem> read_config(const std::string& path) {
  auto content = read_settings(path);
  if (!content) return tl::unexpected(content.error());
  const toml::parse_result parsed = toml::parse(*content, path);
  if (!parsed) return tl::unexpected(at(path, parsed.error().source(), std::string(parsed.error().description())));
  Settings settings(path);
  for (const auto& [key, value] : parsed.table()) settings.take(key, value);
  return settings.done();
}

}  // namespace agent::shell
