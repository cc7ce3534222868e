// transcripts FILE...           compares each with what agents do now
// transcripts --write FILE...   makes it what they do now

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/transcript.h"

namespace {

bool tell(const std::string& file, bool write) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) {
    std::printf("%s: cannot be read\n", file.c_str());
    return false;
  }
  const auto now = sim_test::run_transcript(text.str());
  if (!now) {
    std::printf("%s: %s\n", file.c_str(), now.error().c_str());
    return false;
  }
  const auto lines = static_cast<std::size_t>(std::ranges::count(*now, '\n'));
  if (lines > sim_test::transcript_lines_max) {
    std::printf("%s: %zu lines, more than the %zu of a story\n", file.c_str(), lines, sim_test::transcript_lines_max);
    return false;
  }
  if (write) {
    std::ofstream(file) << *now;
    return true;
  }
  if (now->empty()) {
    std::printf("%s: there is no story in it\n", file.c_str());
    return false;
  }
  if (*now == text.str()) return true;
  std::istringstream before(text.str());
  std::istringstream after(*now);
  std::string left;
  std::string right;
  for (int line = 1; std::getline(before, left), std::getline(after, right), before || after; ++line) {
    if (left == right && before && after) continue;
    std::printf("%s:%d:\n  - %s\n  + %s\n", file.c_str(), line, before ? left.c_str() : "", after ? right.c_str() : "");
    break;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> files(argv + 1, argv + argc);
  const bool write = !files.empty() && files.front() == "--write";
  if (write) files.erase(files.begin());
  if (files.empty() || files.front().starts_with("-")) {
    (void)std::fputs("usage: transcripts [--write] FILE...\n", stderr);
    return 2;
  }
  bool all = true;
  for (const std::string& file : files) all = tell(file, write) && all;
  return all ? 0 : 1;
}
