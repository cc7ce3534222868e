#include "agent/cli/private_agent.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "agent/exec/orphans.h"
#include "agent/exec/remove_tree.h"
#include "agent/shell/system.h"

namespace agent::cli {

namespace {

// Private directories whose agent is dead: their lock is free. What still runs of them carries their mark.
void remove_dead_ones(const std::string& parent) {
  const std::string prefix = shell::StateDir::private_prefix();
  std::vector<std::string> names;
  if (DIR* listing = opendir(parent.c_str())) {
    while (const dirent* entry = readdir(listing)) {
      if (std::string_view(entry->d_name).starts_with(prefix)) names.emplace_back(entry->d_name);
    }
    closedir(listing);
  }
  for (const std::string& name : names) {
    auto state = shell::StateDir::open_existing(parent + "/" + name);
    // One without a mark is being set up just now.
    if (!state || !state->read_mark() || !state->lock()) continue;
    (void)exec::sweep_processes(*state->read_mark());
    state->remove_all();
  }
}

}  // namespace

tl::expected<std::unique_ptr<PrivateAgent>, shell::Problem> PrivateAgent::start(uv_loop_t* loop,
                                                                                const PrivateAgentOptions& options) {
  remove_dead_ones(options.parent);
  auto state = shell::StateDir::make_private(options.parent, options.parent_hint);
  if (!state) return tl::unexpected(state.error());
  std::unique_ptr<PrivateAgent> self(new PrivateAgent(*std::move(state), crypto::SigningPair(shell::random_seed())));
  shell::AgentOptions agent_options{.slots = options.slots,
                                    .program = options.program,
                                    .version = options.version,
                                    .trusted_user = self->user_.public_key(),
                                    .on_ended = options.on_ended};
  auto agent = shell::Agent::start(loop, self->state_, agent_options);
  if (!agent) {
    self->state_.remove_all();
    return tl::unexpected(agent.error());
  }
  self->agent_ = *std::move(agent);
  return self;
}

PrivateAgent::~PrivateAgent() {
  agent_.reset();
  state_.remove_all();
}

void PrivateAgent::abandon() const {
  constexpr int tries_max = 500;
  if (fork() != 0) return;
  setsid();
  close_range(0, ~0U, 0);
  for (int tries = 0; tries < tries_max && exec::remove_tree(AT_FDCWD, state_.path()) != 0; ++tries) {
    usleep(10'000);
  }
  std::_Exit(0);
}

tl::expected<int, shell::Problem> PrivateAgent::connect() {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()) != 0) {
    return tl::unexpected(
        shell::Problem{.message = std::string("cannot make a socket: ") + std::strerror(errno), .hint = ""});
  }
  agent_->serve(ends[0]);
  return ends[1];
}

}  // namespace agent::cli
