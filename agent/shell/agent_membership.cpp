// How the node comes into a pool, lets others in and leaves: another part of agent.cpp.

#include <algorithm>
#include <cassert>
#include <utility>

#include "agent/shell/agent.h"
#include "agent/shell/client_session.h"
#include "agent/shell/log.h"
#include "agent/shell/socket_address.h"
#include "agent/shell/system.h"

namespace agent::shell {

namespace client = protocol::client;
using client::RefusalCode;

namespace {

constexpr const char* root_key_file = "root.key";

tl::unexpected<Refusal> refused(Problem problem, RefusalCode code = RefusalCode::pool) {
  return tl::unexpected(Refusal{.code = code, .problem = std::move(problem)});
}

std::int64_t own_end_ms(const Pool& pool) {
  const auto chain = crypto::decode_chain(pool.credentials.chain);
  const auto first = crypto::decode_signed(chain.value().front(), crypto::certificate_signed_bytes_max);
  return crypto::decode_certificate_body(first.value().body).value().not_after_ms;
}

// Empty: somebody may help.
std::string why_no_help(const PoolMember& member) {
  const auto linked = member.links().linked();
  if (linked.empty()) return "nobody is linked";
  std::string why;
  for (const PeerLinks::Linked& each : linked) {
    const std::string refusal = member.refusal_of(each.met.node);
    if (refusal.empty()) return {};
    why = each.met.member.certificate.name + " refused: " + refusal;
  }
  return linked.size() == 1 ? why : "all " + std::to_string(linked.size()) + " peers refuse; " + why;
}

}  // namespace

// --- in --------------------------------------------------------------------------------------------------------------

tl::expected<void, Problem> Agent::take_up_membership() {
  auto pool = load_pool(state_);
  if (!pool) return tl::unexpected(pool.error());
  if (!*pool) return {};
  return enter(**std::move(pool), options_.places);
}

tl::expected<void, Problem> Agent::enter(Pool pool, const PoolMember::Places& places) {
  assert(!member_);
  auto member = PoolMember::start(
      loop_, std::move(pool),
      {.state = state_,
       .slots = options_.slots,
       .version = options_.version,
       .instance = instance_.public_key(),
       .results = tasks_,
       .items = items_,
       .veto = [this](const crypto::OpenedManifest& opened) { return veto(opened); }},
      {.post = [this](core::Event event) { post(std::move(event)); },
       .warn = [](const std::string& text) { log(LogLevel::warning, text); },
       .on_let_in =
           [this](const std::string& name, const protocol::NodeId& node, const protocol::Address& from) {
             log(LogLevel::info, "\"" + name + "\" joins the pool, from " + text_of(from));
             tell_watchers({.node = node, .name = name, .address = from, .slots = std::nullopt});
           },
       .on_met =
           [this](const PeerLinks::Met& met) {
             const std::string& name = met.member.certificate.name;
             log(LogLevel::info, "linked with " + name + " at " + text_of(met.address) + " (" +
                                     short_id(met.node.value()) + ", " + std::to_string(met.hello.slots) + " slots)");
             tell_watchers({.node = met.node, .name = name, .address = met.address, .slots = met.hello.slots});
           }});
  if (!member) return tl::unexpected(member.error());
  // The core hears of addresses from within, and may want to dial at once.
  member_ = *std::move(member);
  if (auto open = member_->open_up(places); !open) {
    member_.reset();
    return open;
  }
  surroundings_.node = member_->name();
  std::string at;
  for (const protocol::Address& address : member_->listening()) at += (at.empty() ? "" : ", ") + text_of(address);
  log(LogLevel::info, "member \"" + member_->name() + "\" of the pool of " +
                          pool_name(member_->pool().credentials.chain) + " (" +
                          short_id(member_->pool().credentials.trust.pool) + "), " +
                          (at.empty() ? "listens nowhere" : "listens at " + at));
  return {};
}

// The root key is on the disk before anything is signed with it.
tl::expected<std::string, Problem> Agent::found(const std::string& name) {
  const std::string called = name.empty() ? node_name() : name;
  if (!crypto::sensible_holder_name(called) || called.size() > crypto::holder_name_bytes_max) {
    return tl::unexpected(Problem{.message = "\"" + called + "\" is no name for a machine of a pool: it is too long",
                                  .hint = "choose another one: gibbon invite --name NAME"});
  }
  const auto root = state_.secret(root_key_file);
  if (!root) return tl::unexpected(root.error());
  if (auto made = found_pool(state_, called, wall_now_ms(), *root, secrets_of_this_machine()); !made)
    return tl::unexpected(made.error());
  return state_.file(root_key_file);
}

tl::expected<client::Invitation, Refusal> Agent::invite(ClientSession& session, const client::Invite& wanted) {
  if (shutting_down_) return refused({.message = "the agent is stopping", .hint = "start it again: gibbon up"});
  constexpr auto life_min = static_cast<std::uint64_t>(Invitations::life_ms_min);
  constexpr auto life_max = static_cast<std::uint64_t>(Invitations::life_ms_max);
  if (wanted.life_ms < life_min || wanted.life_ms > life_max)
    return refused({.message = "an invitation is good for a minute to 30 days", .hint = "gibbon invite --ttl 1h"});
  if (wanted.uses < 1 || wanted.uses > Invitations::uses_max) {
    return refused({.message = "an invitation works 1 to " + std::to_string(Invitations::uses_max) + " times",
                    .hint = "gibbon invite --uses 1"});
  }
  client::Invitation invitation{.uses = wanted.uses};
  if (!member_) {
    const auto is_member = PoolFolder::open(state_);
    if (!is_member) return refused(is_member.error());
    if (!*is_member) {
      if (core_.job_count() > 0) {
        return refused({.message = "jobs run here that belong to no pool", .hint = "wait for them, and invite again"});
      }
      auto root_key = found(wanted.name);
      if (!root_key) return refused(root_key.error());
      invitation.root_key = *std::move(root_key);
    }
    if (auto entered = take_up_membership(); !entered) return refused(entered.error());
  }
  const std::int64_t now = wall_now_ms();
  const auto token = member_->invite({.life_ms = static_cast<std::int64_t>(wanted.life_ms), .uses = wanted.uses});
  if (!token) return refused(token.error());
  invitation.token = token->view();
  invitation.not_after_ms = now + static_cast<std::int64_t>(wanted.life_ms);
  invitation.pool = *pool_state();
  log(LogLevel::info, "an invitation was made, for " + std::to_string(wanted.life_ms / 60'000) + " minutes");
  if (wanted.watch) watchers_.push_back(session.id());
  return invitation;
}

void Agent::tell_watchers(const client::Joined& joined) {
  for (const core::ClientId watcher : std::vector(watchers_)) {
    const auto session = sessions_.find(watcher);
    if (session != sessions_.end()) session->second->send(joined);
  }
}

tl::expected<std::string, Refusal> Agent::enter_pool() {
  if (shutting_down_) return refused({.message = "the agent is stopping", .hint = "start it again: gibbon up"});
  if (!member_) {
    // A job belongs to a pool or to none from its beginning.
    if (core_.job_count() > 0)
      return refused(
          {.message = "jobs run here that belong to no pool", .hint = "when they have ended: gibbon down, gibbon up"});
    if (auto entered = take_up_membership(); !entered) return refused(entered.error());
  }
  if (!member_) return refused({.message = "this machine is in no pool", .hint = "gibbon join TOKEN"});
  return "member of the pool of " + pool_name(member_->pool().credentials.chain);
}

// --- out -------------------------------------------------------------------------------------------------------------

tl::expected<std::string, Refusal> Agent::leave_pool(client::Haste how) {
  const auto folder = PoolFolder::open(state_);
  if (!member_ && folder && !*folder) return refused({.message = "this machine is in no pool", .hint = {}});
  if (core_.own_job_count() > 0 && how == client::Haste::polite) {
    const std::size_t count = core_.own_job_count();
    return refused({.message = std::to_string(count) + (count == 1 ? " job runs" : " jobs run") + " here",
                    .hint = "wait for the end, gibbon cancel all, or gibbon leave --now"},
                   RefusalCode::limit);
  }
  const std::string name = member_ ? pool_name(member_->pool().credentials.chain) : std::string();
  if (auto forgotten = forget_pool(state_); !forgotten) return refused(forgotten.error(), RefusalCode::disk);
  std::vector<protocol::JobId> running;
  for (const auto& [job, held] : held_)
    if (!held.verdict) running.push_back(job);
  for (const protocol::JobId job : running) post(core::CancelRequested{.job = job, .how = core::StopHow::kill});
  part(PoolMember::Leaving::for_good);
  return name.empty() ? "left the pool" : "left the pool of " + name;
}

// What it has of the pool goes when it has said good-bye. The core hears that nobody is there any more.
void Agent::part(PoolMember::Leaving how) {
  if (!member_) return;
  log(LogLevel::info, "leaves its pool: says good-bye to " + std::to_string(member_->links().link_count()));
  member_->part(how);
  parted_.push_back(std::move(member_));
  if (how == PoolMember::Leaving::for_good) {
    surroundings_.node = node_name();
    post(core::AddressesKnown{.own = {}, .seeds = {}});
  }
  farewell_timer_.reset(new uv_timer_t{});
  uv_timer_init(loop_, farewell_timer_.get());
  farewell_timer_->data = this;
  auto on_timeout = [](uv_timer_t* timer) noexcept {
    if (auto* self = self_of<Agent>(timer)) self->parted_.clear();
  };
  constexpr auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(PeerSocket::farewell_patience).count();
  uv_timer_start(farewell_timer_.get(), on_timeout, static_cast<std::uint64_t>(wait) + 100, 0);
}

// --- what is said of it ----------------------------------------------------------------------------------------------

std::optional<client::PoolState> Agent::pool_state() const {
  if (!member_) return std::nullopt;
  const Pool& pool = member_->pool();
  client::PoolState state{.pool = pool.credentials.trust.pool,
                          .name = pool_name(pool.credentials.chain),
                          .node = member_->name(),
                          .reachable = member_->reachable(),
                          .links = static_cast<std::uint32_t>(member_->links().link_count()),
                          .not_after_ms = own_end_ms(pool),
                          .why_no_help = {}};
  state.why_no_help = why_no_help(*member_);
  return state;
}

client::Peers Agent::peers() const {
  client::Peers peers{.pool = pool_state(), .rows = {}};
  if (!member_) return peers;
  const core::Instant now = boot_now();
  const auto ns = [](core::Duration duration) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(0, duration.count()));
  };
  for (const PeerLinks::Linked& linked : member_->links().linked()) {
    const PeerLinks::Met& met = linked.met;
    peers.rows.push_back({.node = met.node,
                          .name = met.member.certificate.name,
                          .address = met.address,
                          .dialled = met.dialled,
                          .linked_ns = ns(now - linked.since),
                          .round_trip_ns = ns(met.round_trip),
                          .slots = met.hello.slots,
                          .roles = met.member.roles.bits() | 1U << static_cast<unsigned>(protocol::Role::member),
                          .program_version = met.hello.program_version,
                          .refusal = member_->refusal_of(met.node)});
    if (peers.rows.size() == protocol::limits::peers_per_message_max) break;
  }
  std::ranges::sort(peers.rows, {}, &client::PeerRow::name);
  return peers;
}

}  // namespace agent::shell
