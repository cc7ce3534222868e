#include "agent/cli/help_text.h"

#include <algorithm>
#include <array>

namespace agent::cli {
namespace {

struct Prose {
  std::string_view command, usage, examples;
};

constexpr std::string_view run_examples =
    R"(Options end at the command. Words of the command are joined with blanks; replaced arguments are quoted.
  {} the item   {.} without extension   {/} base name   {//} directory   {/.} base name without extension
  {1} {2.} one column   {#} number of the task   {%} slot   {lo} {hi} bounds of a piece of a range
  ::: items...   :::: files...   :::+ and ::::+ go item by item with the source before
Without a source the items are the lines of standard input; after -- and without a source the command runs once.

Exit code: 0 all fine, 1-100 tasks that failed, 101 more of them; of a single command its own.

Examples:
  gibbon run 'sleep 1; echo {}' ::: a b c d
  gibbon run gzip -9 {} ::: *.log
  find . -name '*.wav' -print0 | gibbon run -0 flac -s {}
  gibbon run --tag -k ./sim {1} {2} ::: 1 2 3 ::: low high
  gibbon run --range 0..1e9 ./search {lo} {hi}
  gibbon run -- make test
)";

constexpr std::string_view program_examples = R"(Examples:
  gibbon run 'sleep 1; echo {}' ::: a b c d
  gibbon help run
)";

constexpr std::string_view cancel_examples =
    R"(JOB is an id or the beginning of one, %N for this agent's N-th job, last, or all.

Examples:
  gibbon cancel last
  gibbon cancel --now %3
)";

constexpr std::string_view simulate_examples =
    R"(The machines, their network and the time are simulated; what they decide is what agents decide.
ratio is the time taken over what all power that was alive would have needed without any loss.

Examples:
  gibbon simulate --nodes 500 --powers 1:4 --iterations 20000 --cost 1s
  gibbon simulate --nodes 200 --kill 10% --lengths pareto:1.5 --trace run.json
)";

constexpr std::string_view completion_examples = R"(Examples:
  gibbon completion bash >~/.local/share/bash-completion/completions/gibbon
  gibbon completion zsh >~/.zfunc/_gibbon
  gibbon completion fish >~/.config/fish/completions/gibbon.fish
)";

constexpr auto proses = std::to_array<Prose>({
    {"", "Usage: gibbon [OPTIONS] COMMAND ...", program_examples},
    {"run", "Usage: gibbon run [OPTIONS] [--] COMMAND [::: ITEM... | :::: FILE...]...", run_examples},
    {"agent", "Usage: gibbon agent [OPTIONS]", "Examples:\n  gibbon agent --slots 4\n"},
    {"up", "Usage: gibbon up [OPTIONS]", "Examples:\n  gibbon up\n"},
    {"down", "Usage: gibbon down [OPTIONS]", "Examples:\n  gibbon down --now\n"},
    {"status", "Usage: gibbon status [OPTIONS]", "Examples:\n  gibbon status --json\n"},
    {"ps", "Usage: gibbon ps [OPTIONS]", "Examples:\n  gibbon ps -a\n"},
    {"cancel", "Usage: gibbon cancel [OPTIONS] JOB", cancel_examples},
    {"simulate", "Usage: gibbon simulate [OPTIONS]", simulate_examples},
    {"version", "Usage: gibbon version [OPTIONS]", "Examples:\n  gibbon version\n"},
    {"completion", "Usage: gibbon completion bash|zsh|fish", completion_examples},
    {"help", "Usage: gibbon help [COMMAND]", "Examples:\n  gibbon help run\n"},
});

const Prose& prose_of(std::string_view command) {
  const auto found = std::ranges::find(proses, command, &Prose::command);
  return found == proses.end() ? proses.front() : *found;
}

}  // namespace

std::string_view usage_of(std::string_view command) {
  return prose_of(command).usage;
}

std::string_view examples_of(std::string_view command) {
  return prose_of(command).examples;
}

}  // namespace agent::cli
