#include "agent/cli/completion.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>

#include "agent/cli/option_tree.h"

namespace agent::cli {
namespace {

TEST(Completion, NamesEveryCommandAndOptionInEveryShell) {
  const OptionTree tree;
  for (const auto shell : {Shell::bash, Shell::zsh, Shell::fish}) {
    const auto script = completion_script(shell);
    for (const auto& command : tree.commands()) {
      EXPECT_NE(script.find(command.name), std::string::npos) << command.name;
      for (const auto& option : command.options) {
        const auto& name = option.names.back();
        const auto written = shell != Shell::fish     ? name
                             : name.starts_with("--") ? "-l " + name.substr(2)
                                                      : "-s " + name.substr(1);
        EXPECT_NE(script.find(written), std::string::npos) << name;
      }
    }
  }
}

// What bash offers for a line of which the last word is being typed, words separated by blanks.
std::string completed(const std::string& words) {
  const std::string path = testing::TempDir() + "gibbon_completion_test.bash";
  std::ofstream(path) << completion_script(Shell::bash) << "\ncompopt() { :; }\n"
                      << "COMP_WORDS=(" << words << ")\nCOMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n_gibbon\n"
                      << "echo \"${COMPREPLY[*]}\"\n";
  const std::string command = "bash --norc --noprofile " + path + " 2>&1";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 256> buffer{};
  while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) text += buffer.data();
  std::remove(path.c_str());
  return text;
}

TEST(Completion, WorksInBash) {
  EXPECT_EQ(completed("gibbon ''"), "run agent up down status ps cancel invite join leave peers simulate version completion help\n");
  EXPECT_EQ(completed("gibbon --state /tmp --color always st"), "status\n");
  EXPECT_EQ(completed("gibbon --color ''"), "auto always never\n");
  EXPECT_EQ(completed("gibbon run --t"), "--timeout --tag --trace\n");
  EXPECT_EQ(completed("gibbon run -j 4 --ke"), "--keep-order\n");
  EXPECT_EQ(completed("gibbon run --progress = b"), "bar\n");
  EXPECT_EQ(completed("gibbon run --progress = bar --dr"), "--dry-run\n");
  EXPECT_EQ(completed("gibbon run -k tar --"), "\n");
  EXPECT_EQ(completed("gibbon run -- -"), "\n");
  EXPECT_EQ(completed("gibbon completion f"), "fish\n");
  EXPECT_EQ(completed("gibbon cancel --n"), "--now\n");
}

}  // namespace
}  // namespace agent::cli
