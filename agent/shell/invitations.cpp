#include "agent/shell/invitations.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <numeric>
#include <utility>

#include "crypto/canonical.h"

namespace agent::shell {

namespace {

constexpr const char* file_name = "invitations";
constexpr std::size_t secret_bytes = 32;
constexpr std::size_t count_bytes = 1;
constexpr std::size_t binding_bytes_max =
    3 * 32 + 2 + crypto::holder_name_bytes_max + 2 * (2 + crypto::chain_bytes_max);
constexpr std::size_t token_bytes_max = sizeof(crypto::TokenId::bytes) + 10 + 5 + 5 + 2;
static_assert(Invitations::tokens_max <= 255);
static_assert(count_bytes + Invitations::tokens_max * (secret_bytes + token_bytes_max) + 2 +
                  Invitations::bindings_max * binding_bytes_max <=
              PoolFolder::file_bytes_max);

tl::unexpected<Invitations::Refusal> refused(link::JoinRefusal why, std::string text = {}) {
  return tl::unexpected(Invitations::Refusal{.why = why, .text = std::move(text)});
}

// The issuer as others see it at that time.
tl::expected<crypto::Membership, Problem> issuer_of(const Pool& pool, std::int64_t now_wall_ms) {
  if (!pool.issuer) {
    return tl::unexpected(Problem{.message = "this machine cannot invite: it has no issuer key",
                                  .hint = "gibbon invite on the machine where the pool began"});
  }
  auto issuer = crypto::judge(pool.issuer->chain, pool.credentials.trust, now_wall_ms, pool.credentials.revoked,
                              crypto::Purpose::membership);
  if (!issuer) {
    return tl::unexpected(Problem{
        .message = "this machine cannot invite: its issuer certificate: " + std::string(to_string(issuer.error())),
        .hint = {}});
  }
  return *std::move(issuer);
}

// The root key that our own certificates stand on.
std::optional<crypto::PublicKey> own_root(const Pool& pool, std::int64_t now_wall_ms) {
  const crypto::Trust& trust = pool.credentials.trust;
  const auto root = std::ranges::find_if(trust.roots, [&](const crypto::PublicKey& each) {
    return crypto::judge(pool.credentials.chain, {trust.pool, {each}}, now_wall_ms, pool.credentials.revoked,
                         crypto::Purpose::membership)
        .has_value();
  });
  return root == trust.roots.end() ? std::nullopt : std::optional(*root);
}

template <std::size_t N>
std::array<std::byte, N> random_bytes(const MakeSecret& make_secret) {
  static_assert(N <= secret_bytes);
  std::array<std::byte, N> bytes{};
  const crypto::Secret<32> random = make_secret();
  std::copy_n(random.bytes().begin(), N, bytes.begin());
  return bytes;
}

}  // namespace

// All of the tokens but their secrets.
template <class Wire, class T>
void Invitations::fields(Wire& wire, T& tokens) {
  wire.list(tokens, {.most = tokens_max, .element_bytes_min = 12}, [&wire](auto& token) {
    wire.fixed(token.id.bytes);
    wire.number(token.not_after_ms, 0, crypto::wall_ms_max);
    wire.number(token.uses, 1, uses_max);
    wire.number(token.wrong_tries);
    wire.list(token.bindings, {.most = uses_max, .element_bytes_min = 3 * 32}, [&wire](auto& binding) {
      wire.fixed(binding.link_key.bytes);
      wire.fixed(binding.node_key.bytes);
      wire.fixed(binding.user_key.bytes);
      wire.text(binding.name, crypto::holder_name_bytes_max);
      wire.bytes(binding.node_chain, crypto::chain_bytes_max);
      wire.bytes(binding.user_chain, crypto::chain_bytes_max);
    });
  });
}

tl::expected<Invitations, Problem> Invitations::load(const StateDir& state, const Pool& pool) {
  auto folder = PoolFolder::open(state);
  if (!folder) return tl::unexpected(folder.error());
  if (!*folder) return tl::unexpected(Problem{.message = "this machine is in no pool", .hint = "gibbon join TOKEN"});
  Invitations invitations(**std::move(folder), pool);
  if (const auto read = invitations.read(); !read) return tl::unexpected(read.error());
  return invitations;
}

// In the file: how many, their secrets, the rest of them.
tl::expected<void, Problem> Invitations::read() {
  const auto content = folder_.read(file_name, FileMode::secret);
  if (!content) return tl::unexpected(content.error());
  if (!*content) return {};
  const auto bytes = (*content)->bytes();
  const std::size_t count = bytes.empty() ? 0 : std::to_integer<std::size_t>(bytes.front());
  const std::size_t secrets_bytes = count_bytes + count * secret_bytes;
  if (bytes.size() < secrets_bytes) return tl::unexpected(folder_.damaged(file_name, "it is too short"));
  crypto::Reader reader(bytes.subspan(secrets_bytes), PoolFolder::file_bytes_max);
  fields(reader, tokens_);
  if (reader.finish() != crypto::WireFault::none || tokens_.size() != count)
    return tl::unexpected(folder_.damaged(file_name, "it says something that cannot be"));
  for (std::size_t i = 0; i < count; ++i)
    tokens_[i].secret = crypto::Secret<32>(bytes.subspan(count_bytes + i * secret_bytes).first<secret_bytes>());
  return {};
}

tl::expected<void, Problem> Invitations::write() const {
  crypto::Writer writer(PoolFolder::file_bytes_max);
  fields(writer, tokens_);
  assert(writer.fault() == crypto::WireFault::none);
  const Bytes rest = writer.take();
  crypto::SecretBytes content(count_bytes + tokens_.size() * secret_bytes + rest.size());
  content.writable().front() = static_cast<std::byte>(tokens_.size());
  auto out = content.writable().begin() + count_bytes;
  for (const Token& token : tokens_) out = std::ranges::copy(token.secret.bytes(), out).out;
  std::ranges::copy(rest, out);
  return folder_.write(file_name, content.bytes(), FileMode::secret);
}

void Invitations::forget_old(std::int64_t now_wall_ms) {
  std::erase_if(tokens_, [&](const Token& token) { return now_wall_ms > token.not_after_ms + remembered_ms; });
}

tl::expected<crypto::TokenText, Problem> Invitations::invite(const Terms& terms, std::int64_t now_wall_ms,
                                                             const MakeSecret& make_secret) {
  assert(life_ms_min <= terms.life_ms && terms.life_ms <= life_ms_max && 1 <= terms.uses && terms.uses <= uses_max);
  if (const auto issuer = issuer_of(*pool_, now_wall_ms); !issuer) return tl::unexpected(issuer.error());
  const auto root = own_root(*pool_, now_wall_ms);
  if (!root) {
    return tl::unexpected(
        Problem{.message = "this machine cannot invite: its own certificate does not count now", .hint = {}});
  }
  forget_old(now_wall_ms);
  if (tokens_.size() == tokens_max) {
    return tl::unexpected(Problem{.message = std::to_string(tokens_max) + " invitations are remembered, and no more",
                                  .hint = "wait until one of them has expired for a day"});
  }
  crypto::JoinToken token;
  token.root = crypto::root_pin(*root);
  token.id = {random_bytes<sizeof(crypto::TokenId::bytes)>(make_secret)};
  token.secret = make_secret();
  token.not_after_ms = (now_wall_ms + terms.life_ms) / crypto::second_ms * crypto::second_ms;
  token.addresses = terms.addresses;
  auto text = crypto::write_token(token);
  if (!text) {
    return tl::unexpected(
        Problem{.message = "a token needs 1 to " + std::to_string(crypto::addresses_max) + " addresses of this machine",
                .hint = {}});
  }
  tokens_.push_back({.id = token.id,
                     .secret = std::move(token.secret),
                     .not_after_ms = token.not_after_ms,
                     .uses = terms.uses,
                     .wrong_tries = 0,
                     .bindings = {}});
  if (const auto written = write(); !written) {
    tokens_.pop_back();
    return tl::unexpected(written.error());
  }
  return *std::move(text);
}

Invitations::Token* Invitations::find(const crypto::TokenId& id) {
  const auto token = std::ranges::find(tokens_, id, &Token::id);
  return token == tokens_.end() || token->wrong_tries >= wrong_tries_max ? nullptr : &*token;
}

std::optional<crypto::Secret<32>> Invitations::secret_of(const crypto::TokenId& id) const {
  const auto token = std::ranges::find(tokens_, id, &Token::id);
  if (token == tokens_.end() || token->wrong_tries >= wrong_tries_max) return std::nullopt;
  return crypto::Secret<32>(token->secret.bytes());
}

void Invitations::on_wrong_try(const crypto::TokenId& id) {
  Token* token = find(id);
  if (token == nullptr) return;
  ++token->wrong_tries;
  // What cannot be written counts as long as we live.
  (void)write();
}

bool Invitations::is_name_given(const link::JoinHost::Asked& asked) const {
  return std::ranges::any_of(tokens_, [&](const Token& token) {
    return std::ranges::any_of(token.bindings, [&](const Binding& binding) {
      return binding.name == asked.request.name && binding.node_key != asked.request.node_key;
    });
  });
}

// Why it is not let in, whatever the issuer says.
std::optional<Invitations::Refusal> Invitations::objection(const Token& token, const link::JoinHost::Asked& asked,
                                                           const Surroundings& surroundings) const {
  const auto all_bindings = [](std::size_t sum, const Token& each) { return sum + each.bindings.size(); };
  if (token.bindings.size() >= token.uses) return Refusal{.why = link::JoinRefusal::used, .text = {}};
  const bool is_others = surroundings.is_others_name && surroundings.is_others_name(asked.request.name);
  if (is_others || is_name_given(asked)) return Refusal{.why = link::JoinRefusal::name_taken, .text = {}};
  if (std::accumulate(tokens_.begin(), tokens_.end(), std::size_t{0}, all_bindings) >= bindings_max)
    return Refusal{.why = link::JoinRefusal::unavailable, .text = "it has let in too many lately: try in a day"};
  return std::nullopt;
}

tl::expected<crypto::JoinAnswer, Invitations::Refusal> Invitations::answer(const link::JoinHost::Asked& asked,
                                                                           const Surroundings& surroundings,
                                                                           const MakeSecret& make_secret) {
  Token* token = find(asked.token);
  if (token == nullptr) return refused(link::JoinRefusal::unavailable, "the token is unknown here by now");
  if (surroundings.now_wall_ms > token->not_after_ms) return refused(link::JoinRefusal::expired);
  const auto bound = std::ranges::find(token->bindings, asked.link_key, &Binding::link_key);
  if (bound != token->bindings.end()) {
    const bool same_keys = bound->node_key == asked.request.node_key && bound->user_key == asked.request.user_key;
    if (!same_keys) return refused(link::JoinRefusal::used, "by this machine, with other keys");
    return answer_with(*bound, surroundings);
  }
  if (auto against = objection(*token, asked, surroundings)) return tl::unexpected(*std::move(against));
  auto binding = bind(asked, surroundings.now_wall_ms, make_secret);
  if (!binding) return tl::unexpected(binding.error());
  token->bindings.push_back(*std::move(binding));
  if (!write()) {
    token->bindings.pop_back();
    return refused(link::JoinRefusal::unavailable, "it cannot write to its disk");
  }
  return answer_with(token->bindings.back(), surroundings);
}

tl::expected<Invitations::Binding, Invitations::Refusal> Invitations::bind(const link::JoinHost::Asked& asked,
                                                                           std::int64_t now_wall_ms,
                                                                           const MakeSecret& make_secret) const {
  const auto issuer = issuer_of(*pool_, now_wall_ms);
  if (!issuer) return refused(link::JoinRefusal::unavailable, "its issuer certificate does not count now");
  const crypto::Ceiling& ceiling = *issuer->ceiling;
  crypto::Certificate node{
      .pool = pool_->credentials.trust.pool,
      .serial = random_bytes<sizeof(crypto::Bytes16)>(make_secret),
      .kind = crypto::HolderKind::node,
      .name = asked.request.name,
      .sign_key = asked.request.node_key,
      .noise_key = asked.link_key,
      .roles = crypto::Roles{crypto::Role::run} & ceiling.roles,
      .not_before_ms = now_wall_ms,
      .not_after_ms = std::min(now_wall_ms + std::min(year_ms, ceiling.life_ms_max), issuer->not_after_ms),
      .issuer = issuer->id};
  crypto::Certificate user = node;
  user.serial = random_bytes<sizeof(crypto::Bytes16)>(make_secret);
  user.kind = crypto::HolderKind::user;
  user.sign_key = asked.request.user_key;
  user.noise_key = std::nullopt;
  user.roles = crypto::Roles{crypto::Role::submit} & ceiling.roles;

  Binding binding{.link_key = asked.link_key,
                  .node_key = asked.request.node_key,
                  .user_key = asked.request.user_key,
                  .name = asked.request.name,
                  .node_chain = {},
                  .user_chain = {}};
  const auto chain_of = [this](const crypto::Certificate& certificate) -> tl::expected<Bytes, Refusal> {
    const auto sealed = crypto::sign_certificate(certificate, pool_->issuer->key);
    auto chain = crypto::decode_chain(pool_->issuer->chain);
    if (!sealed || !chain) return refused(link::JoinRefusal::unavailable, "no certificate can say what was asked for");
    chain->insert(chain->begin(), sealed->bytes);
    auto bytes = crypto::encode_chain(*chain);
    if (!bytes) return refused(link::JoinRefusal::unavailable, "its issuer is too far from the root");
    return *std::move(bytes);
  };
  auto node_chain = chain_of(node);
  auto user_chain = chain_of(user);
  if (!node_chain) return tl::unexpected(node_chain.error());
  if (!user_chain) return tl::unexpected(user_chain.error());
  binding.node_chain = *std::move(node_chain);
  binding.user_chain = *std::move(user_chain);
  return binding;
}

crypto::JoinAnswer Invitations::answer_with(const Binding& binding, const Surroundings& surroundings) const {
  crypto::JoinAnswer answer;
  answer.network_psk = crypto::Secret<32>(pool_->credentials.network_keys.front().bytes());
  answer.node_chain = binding.node_chain;
  answer.user_chain = binding.user_chain;
  answer.inviter = pool_->user_key.public_key();
  for (const auto& [id, entry] : pool_->credentials.revoked.entries()) {
    if (answer.revocations.size() == crypto::answered_revocations_max) break;
    answer.revocations.push_back(entry.bytes);
  }
  const auto peers = std::min(surroundings.peers.size(), crypto::answered_peers_max);
  answer.peers.assign(surroundings.peers.begin(), surroundings.peers.begin() + static_cast<std::ptrdiff_t>(peers));
  return answer;
}

std::size_t Invitations::open_tokens(std::int64_t now_wall_ms) const {
  return static_cast<std::size_t>(std::ranges::count_if(tokens_, [&](const Token& token) {
    return now_wall_ms <= token.not_after_ms && token.wrong_tries < wrong_tries_max &&
           token.bindings.size() < token.uses;
  }));
}

}  // namespace agent::shell
