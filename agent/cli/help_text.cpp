#include "agent/cli/help_text.h"

#include <algorithm>
#include <array>

namespace agent::cli {
namespace {

struct Prose {
  std::string_view command, usage, examples;
};

constexpr std::string_view run_examples =
    R"(Options end at the command. Its words are joined with blanks and given to /bin/sh, or $GIBBON_SHELL; replaced
arguments are quoted.
  {} the item   {.} without extension   {/} base name   {//} directory   {/.} base name without extension
  {1} {2.} one column   {#} number of the task   {%} slot   {lo} {hi} bounds of a piece of a range
  ::: items...   :::: files...   :::+ and ::::+ go item by item with the source before
Without a source the items are the lines of standard input; after -- and without a source the command runs once; without
a command the items are commands: gibbon run ::: 'echo a' 'echo b'

Tasks read nothing from standard input. Their environment is PATH, HOME, LANG, what --env names, and
  GIBBON_ITEM              the item; of a piece of a range GIBBON_LO and GIBBON_HI
  GIBBON_SEQ, GIBBON_SLOT  as {#} and {%}; GIBBON_BRANCH counts the iterations from 0
  GIBBON_ATTEMPT           0 in the first try, 1 in the second
  GIBBON_SCRATCH           a directory of the task's own, empty at its start and removed at its end
  GIBBON_JOB_ID, GIBBON_NODE, GIBBON_ROOT_NODE, GIBBON_CPUS, GIBBON_BIN (this program), GIBBON_AGENT (a mark)
What a task started ends with it. Of a task that was tried again the output of the last try is shown.
A job belongs to this command: when it ends, is killed or loses its terminal, the job is cancelled.

--halt: now ends what runs, soon starts nothing more; 1 is soon,fail=1 and 2 is now,fail=1.
--json, --jsonl: total and done count items or values of a range and are equal in the end; ok, failed, hits and running
count results, of pieces in a range. Errors are JSON too: on standard output, or on standard error after results.

Exit code:
  0         all fine; a search hit; --halt WHEN,success=N ended it
  1 to 100  so many tasks or pieces failed; 1 also: a search found nothing
  101       more failed; or a search found nothing, but pieces of it failed
  125       gibbon failed, or does not understand its options
  126, 127  the command, its shell or directory cannot be used, or is not there
  130, 143  Ctrl-C; TERM, HUP or cancelled from elsewhere (141: nobody reads the output any more)
  --halt WHEN,fail=1 (or done=1): the code of the task that ended it, 128 + signal if it was killed
  run -- COMMAND: its own code, 128 + signal if it was killed, 124 if --timeout ended it

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
    R"(JOB is all, last (the job launched last), %N for this agent's N-th job, an id or the beginning of one, or the
name of a job. Digits alone are the beginning of an id, never a number. Where several jobs are meant, none is cancelled and
they are listed.
Tasks get TERM and five seconds later KILL; with --now KILL at once.

Examples:
  gibbon cancel last
  gibbon cancel --now %3
  gibbon cancel 7f3a
)";

constexpr std::string_view agent_examples =
    R"(In a pool the agent listens at port 4422 of all addresses, or at another one if that is taken. A host is a name, an address
(IPv6 in brackets), or * for all addresses of this machine; port 0 is any. The same is settled in gibbon.toml of the state
directory, where what is typed counts more: listen = "HOST:PORT", seeds = ["HOST:PORT"], slots = N; and
allow_weak_sandbox = true, which lets jobs of everybody in the pool run here without a sandbox.

Examples:
  gibbon agent --slots 4
  gibbon agent --listen '*:7000' --seed alpha.example.org:4422
)";

constexpr std::string_view invite_examples =
    R"(The first invitation founds a pool, of which this machine is the first member. What is printed on standard output is the
line to type on the other machine; with -q it is the token alone. On a terminal it waits until the others have joined.
The token is a secret: it lets in whoever has it first.

Examples:
  gibbon invite
  gibbon invite --uses 20 --ttl 8h
  gibbon invite -q | ssh beta gibbon join -
)";

constexpr std::string_view join_examples =
    R"(TOKEN is what gibbon invite printed on the other machine; - reads it from standard input, where other users of this machine
cannot see it. Jobs of the user who invited may run here from then on, without a sandbox.

Examples:
  gibbon join gib1-...
  gibbon join --name beta-2 -
)";

constexpr std::string_view peers_examples =
    R"(--porcelain prints for each peer: id, name, address (or -), seconds since it was linked, round trip in milliseconds, slots,
roles (joined by +), version, with blanks between; blanks in names are written as _.

Examples:
  gibbon peers
  gibbon peers --json
)";

constexpr std::string_view simulate_examples =
    R"(The machines, their network and the time are simulated; what they decide is what agents decide.
ratio is the time taken over the ideal: what all power that was alive would have needed without any loss, or the longest
iteration where that is more. No iteration is longer than 100 times the mean: of wild lengths the true mean is smaller.

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
    {"agent", "Usage: gibbon agent [OPTIONS]", agent_examples},
    {"up", "Usage: gibbon up [OPTIONS]", "Examples:\n  gibbon up\n"},
    {"down", "Usage: gibbon down [OPTIONS]", "Examples:\n  gibbon down --now\n"},
    {"status", "Usage: gibbon status [OPTIONS]", "Examples:\n  gibbon status --json\n"},
    {"ps", "Usage: gibbon ps [OPTIONS]", "Examples:\n  gibbon ps -a\n"},
    {"cancel", "Usage: gibbon cancel [OPTIONS] JOB", cancel_examples},
    {"invite", "Usage: gibbon invite [OPTIONS]", invite_examples},
    {"join", "Usage: gibbon join [OPTIONS] TOKEN|-", join_examples},
    {"leave", "Usage: gibbon leave [OPTIONS]", "Examples:\n  gibbon leave\n"},
    {"peers", "Usage: gibbon peers [OPTIONS]", peers_examples},
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
