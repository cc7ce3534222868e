#include "agent/exec/proc_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <string_view>

#include "agent/exec/descriptor.h"

namespace agent::exec {

std::string read_proc_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  std::string content;
  if (!file) return content;
  std::array<char, 4096> chunk;
  while (true) {
    const ssize_t got = ::read(file.get(), chunk.data(), chunk.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return content;
    content.append(chunk.data(), static_cast<std::size_t>(got));
  }
}

std::vector<pid_t> numbered_entries(const std::string& directory) {
  struct Close {
    void operator()(DIR* open) const { ::closedir(open); }
  };
  const std::unique_ptr<DIR, Close> open(::opendir(directory.c_str()));
  std::vector<pid_t> numbers;
  if (open == nullptr) return numbers;
  while (const dirent* entry = ::readdir(open.get())) {
    const std::string_view name(entry->d_name);
    pid_t number = 0;
    const auto [after, error] = std::from_chars(name.data(), name.data() + name.size(), number);
    if (error == std::errc() && after == name.data() + name.size()) numbers.push_back(number);
  }
  return numbers;
}

}  // namespace agent::exec
