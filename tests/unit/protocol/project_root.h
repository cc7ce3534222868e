#pragma once
// Where the project's own files are, for tests that read or write them.

#include <filesystem>
#include <fstream>
#include <string>

namespace protocol::test {

// The source tree that this build was configured from, or that the test is run in. Empty: found neither.
inline std::filesystem::path project_root() {
  for (auto at = std::filesystem::current_path(); at != at.root_path(); at = at.parent_path()) {
    if (std::filesystem::exists(at / "protocol" / "limits.h")) return at;
    std::ifstream cache(at / "CMakeCache.txt");
    const std::string key = "CMAKE_HOME_DIRECTORY:INTERNAL=";
    for (std::string line; std::getline(cache, line);) {
      if (line.starts_with(key)) return line.substr(key.size());
    }
  }
  return {};
}

}  // namespace protocol::test
