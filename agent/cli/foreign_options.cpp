#include "agent/cli/foreign_options.h"

#include <algorithm>
#include <array>

namespace agent::cli {
namespace {

struct Foreign {
  std::array<std::string_view, 4> names;
  std::string_view instead;
};

constexpr std::string_view tied = "sources that go item by item: ::: a b :::+ 1 2";
constexpr std::string_view several = "several items for each task: -N 3, as {1} to {3}";
constexpr std::string_view as_json = "each result as a line of JSON: --jsonl";
constexpr std::string_view braces = "the item is {}; {1} {2} and so on are its columns or the sources";
constexpr std::string_view one_machine = "tasks run on this machine";
constexpr std::string_view whole = "the output of a task is shown as a whole when it has ended";
constexpr std::string_view no_pipe = "tasks read no standard input: give them files, or the text as items";
constexpr std::string_view resources = "how many run at once is set by -j";

constexpr auto foreign_options = std::to_array<Foreign>({
    {{"--link", "--xapply"}, tied},
    {{"-n", "--max-args"}, several},
    {{"-X", "--context-replace"}, several},
    {{"-m", "--xargs"}, several},
    {{"-L", "-l", "--max-lines"}, several},
    {{"-s", "--max-chars"}, several},
    {{"--joblog"}, as_json},
    {{"--results", "--res"}, as_json},
    {{"--resume", "--resume-failed", "--retry-failed"}, "--retries N starts again what fails"},
    {{"-I", "-i", "--replace"}, braces},
    {{"-U", "--rpl", "--plus"}, braces},
    {{"--pipe", "--pipepart", "--spreadstdin", "--block"}, no_pipe},
    {{"--stdin", "--tty", "--interactive", "-p"}, no_pipe},
    {{"-S", "--sshlogin", "--sshloginfile", "--slf"}, one_machine},
    {{"--transfer", "--return", "--cleanup", "--trc"}, one_machine},
    {{"--basefile", "--bf", "--onall", "--nonall"}, one_machine},
    {{"--workdir", "--wd"}, "the directory of the tasks: --cwd DIR"},
    {{"--header"}, "leave the first line out: tail -n +2 FILE | gibbon run ..."},
    {{"--delay"}, "sleep in the command: 'sleep 1; ...'"},
    {{"--shuf"}, "shuffle the items before: shuf FILE | gibbon run ..."},
    {{"-u", "--ungroup", "--line-buffer", "--lb"}, whole},
    {{"--linebuffer", "--group"}, whole},
    {{"-t"}, "what would run: --dry-run; what ran: --jsonl"},
    {{"--tagstring"}, "the item in front of each line: --tag"},
    {{"--quote"}, "quote the command: '...'; replaced items are quoted already"},
    {{"-r", "--no-run-if-empty"}, "nothing runs without items anyway"},
    {{"-E", "--eof"}, "end the list before: sed '/END/Q' FILE | gibbon run ..."},
    {{"--trim"}, "trim before: sed 's/ *$//' FILE | gibbon run ..."},
    {{"--nice"}, "put it into the command: nice -n 10 ..."},
    {{"--load", "--memfree", "--memsuspend", "--noswap"}, resources},
    {{"--will-cite", "--citation", "--bibtex"}, "leave it out"},
    {{"--no-notice", "--gnu"}, "leave it out"},
    {{"--semaphore", "--sem", "--tmux", "--fg"}, ""},
    {{"--bg", "--sqlmaster", "--sqlworker", "--sqlandworker"}, ""},
});

}  // namespace

std::optional<std::string> instead_of_foreign(std::string_view name) {
  if (name.empty()) return std::nullopt;
  const auto has_name = [&](const Foreign& option) { return std::ranges::count(option.names, name) > 0; };
  const auto found = std::ranges::find_if(foreign_options, has_name);
  if (found == foreign_options.end()) return std::nullopt;
  return std::string(found->instead);
}

}  // namespace agent::cli
