#pragma once
// The tokens that this node gave out, and whom they let in. Kept in `invitations` of the pool's folder (pool_folder.h),
// written before anything that follows from it is said: a token that somebody holds, and an answer that somebody got,
// are known after a restart.
//
// A token lets in as many machines as it has uses, each by its link key. The first key that presents it is bound to it:
// the same keys get the same certificates again, so that a reply that was lost costs nothing; another key finds one use
// less. A token ends when it expires, and with its fifth wrong try, which also ends the right of those that it let in
// to ask again; what they were given stays theirs. Tokens that have expired are remembered for a day, to say so.
//
// When the file cannot be written, nobody is let in and no token is given out: who asked is told that it was the disk,
// and may ask again. A wrong try that cannot be written counts all the same, until a restart.
//
// What is given: `run` to the node, `submit` to the user, as far as the issuer may give them, for a year or as long as
// the issuer may; never `admin`, and never to a name that another node has.
//
// Invariants: what is in `tokens_` is what is in the file, but for wrong tries; a token has at most `uses` bindings.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "agent/link/join_session.h"
#include "agent/shell/pool_files.h"
#include "crypto/token.h"

namespace agent::shell {

class Invitations {
 public:
  static constexpr std::size_t tokens_max = 64;
  static constexpr std::size_t uses_max = 64;
  static constexpr std::size_t bindings_max = 512;  // of all tokens, so that the file stays in its bounds
  static constexpr std::uint32_t wrong_tries_max = 5;
  static constexpr std::int64_t life_ms_min = std::int64_t{60} * crypto::second_ms;
  static constexpr std::int64_t life_ms_max = 30 * crypto::day_ms;
  static constexpr std::int64_t remembered_ms = crypto::day_ms;

  // `pool` outlives it and has an issuer, or nobody can be invited.
  [[nodiscard]] static tl::expected<Invitations, Problem> load(const StateDir& state, const Pool& pool);

  struct Terms {
    std::int64_t life_ms = std::int64_t{3'600} * crypto::second_ms;  // life_ms_min ... life_ms_max
    std::uint32_t uses = 1;                                          // 1 ... uses_max
    std::vector<crypto::TokenAddress> addresses;                     // where this node can be reached
  };
  [[nodiscard]] tl::expected<crypto::TokenText, Problem> invite(const Terms& terms, std::int64_t now_wall_ms,
                                                                const MakeSecret& make_secret);

  // For JoinHost: of every token that is remembered and was not ended by wrong tries.
  [[nodiscard]] std::optional<crypto::Secret<32>> secret_of(const crypto::TokenId& id) const;
  // Somebody named that token and did not know its secret.
  void on_wrong_try(const crypto::TokenId& id);

  struct Refusal {
    link::JoinRefusal why;
    std::string text;  // at most refusal_text_bytes_max
    bool operator==(const Refusal&) const = default;
  };
  struct Surroundings {
    std::int64_t now_wall_ms = 0;
    std::vector<Bytes> peers;                              // signed records, at most answered_peers_max are told
    std::function<bool(std::string_view)> is_others_name;  // of a node that is known here; none: of nobody
  };
  [[nodiscard]] tl::expected<crypto::JoinAnswer, Refusal> answer(const link::JoinHost::Asked& asked,
                                                                 const Surroundings& surroundings,
                                                                 const MakeSecret& make_secret);

  // Those that can still be used then.
  [[nodiscard]] std::size_t open_tokens(std::int64_t now_wall_ms) const;

 private:
  struct Binding {
    crypto::ExchangeKey link_key;
    crypto::PublicKey node_key;
    crypto::PublicKey user_key;
    std::string name;
    Bytes node_chain;
    Bytes user_chain;
  };
  struct Token {
    crypto::TokenId id;
    crypto::Secret<32> secret;
    std::int64_t not_after_ms = 0;
    std::uint32_t uses = 1;
    std::uint32_t wrong_tries = 0;
    std::vector<Binding> bindings;
  };

  Invitations(PoolFolder folder, const Pool& pool) : folder_(std::move(folder)), pool_(&pool) {}
  template <class Wire, class T>
  static void fields(Wire& wire, T& tokens);
  [[nodiscard]] tl::expected<void, Problem> read();
  [[nodiscard]] tl::expected<void, Problem> write() const;
  void forget_old(std::int64_t now_wall_ms);
  [[nodiscard]] Token* find(const crypto::TokenId& id);
  [[nodiscard]] bool is_name_given(const link::JoinHost::Asked& asked) const;
  [[nodiscard]] std::optional<Refusal> objection(const Token& token, const link::JoinHost::Asked& asked,
                                                 const Surroundings& surroundings) const;
  [[nodiscard]] tl::expected<Binding, Refusal> bind(const link::JoinHost::Asked& asked, std::int64_t now_wall_ms,
                                                    const MakeSecret& make_secret) const;
  [[nodiscard]] crypto::JoinAnswer answer_with(const Binding& binding, const Surroundings& surroundings) const;

  PoolFolder folder_;
  const Pool* pool_;
  std::vector<Token> tokens_;
};

}  // namespace agent::shell
