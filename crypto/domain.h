#pragma once
// What a signature or a digest is about. Every statement is signed and named as `domain \0 body`, so that a body of one
// kind never passes for another kind's, whatever its bytes are. No domain contains a NUL, so no `domain \0 body` of one
// domain begins like that of another. A change in the meaning of a body gets a new domain (`-v2`), not a version field.
//
// All domains stand here; crypto/README.md says who signs what.

#include <array>
#include <cstddef>
#include <string_view>

namespace crypto {

class Domain {
 public:
  template <std::size_t N>
  consteval explicit Domain(const char (&literal)[N]) : text_(literal, N - 1) {}
  [[nodiscard]] constexpr std::string_view text() const { return text_; }

 private:
  std::string_view text_;
};

inline constexpr Domain manifest_domain{"gibbon-manifest-v1"};
inline constexpr Domain mandate_domain{"gibbon-mandate-v1"};
inline constexpr Domain ending_domain{"gibbon-ending-v1"};
inline constexpr Domain chunk_domain{"gibbon-chunk-v1"};
inline constexpr Domain batch_domain{"gibbon-batch-v1"};
inline constexpr Domain loop_statement_domain{"gibbon-loop-v2"};
inline constexpr Domain certificate_domain{"gibbon-cert-v1"};
inline constexpr Domain revocation_domain{"gibbon-revocation-v1"};
inline constexpr Domain peer_record_domain{"gibbon-peer-v1"};
inline constexpr Domain join_domain{"gibbon-join-v1"};
inline constexpr Domain join_user_domain{"gibbon-join-user-v1"};
inline constexpr Domain revocation_set_domain{"gibbon-revocation-set-v1"};
inline constexpr Domain token_domain{"gibbon-token-v1"};
inline constexpr Domain joining_psk_domain{"gibbon-joining-psk-v1"};
inline constexpr Domain root_domain{"gibbon-root-v1"};
inline constexpr Domain user_domain{"gibbon-user-v1"};
inline constexpr Domain node_domain{"gibbon-node-v1"};

inline constexpr std::array all_domains{
    manifest_domain,    mandate_domain,     ending_domain,      chunk_domain, batch_domain,     loop_statement_domain,
    certificate_domain, revocation_domain,  peer_record_domain, join_domain,  join_user_domain, revocation_set_domain,
    token_domain,       joining_psk_domain, root_domain,        user_domain,  node_domain};

}  // namespace crypto
