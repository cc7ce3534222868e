#include "crypto/token.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "crypto/base32.h"
#include "crypto/canonical.h"
#include "crypto/certificate.h"
#include "crypto/digest.h"
#include "crypto/noise_hash.h"
#include "crypto/statement.h"
#include "crypto/wall_time.h"

namespace crypto {

namespace {

constexpr std::string_view prefix = "gib1-";
constexpr std::size_t head_bytes = 4;  // length and complement
constexpr std::size_t secret_bytes = 32;
constexpr std::size_t check_bytes = 4;
constexpr std::size_t fields_bytes_max = 16 + 8 + 6 + 1 + addresses_max * (1 + 2 + host_name_bytes_max + 3);
constexpr std::size_t token_bytes_max = head_bytes + secret_bytes + fields_bytes_max + check_bytes;
static_assert(prefix.size() + base32_size(token_bytes_max) <= token_text_max);

// The head of a token, and where it ends.
struct Layout {
  std::size_t counted = 0;  // bytes of secret and fields
  [[nodiscard]] std::size_t whole() const { return head_bytes + counted + check_bytes; }
};

void write_head(std::span<std::byte> bytes, std::size_t counted) {
  bytes[0] = static_cast<std::byte>(counted >> 8U & 0xffU);
  bytes[1] = static_cast<std::byte>(counted & 0xffU);
  bytes[2] = ~bytes[0];
  bytes[3] = ~bytes[1];
}

std::optional<Layout> read_head(std::span<const std::byte> bytes) {
  if (bytes[2] != ~bytes[0] || bytes[3] != ~bytes[1]) return std::nullopt;
  return Layout{std::to_integer<std::size_t>(bytes[0]) << 8U | std::to_integer<std::size_t>(bytes[1])};
}

std::array<std::byte, check_bytes> check_of(std::span<const std::byte> bytes) {
  const Digest whole = digest(token_domain, bytes);
  std::array<std::byte, check_bytes> check{};
  std::copy_n(whole.bytes.begin(), check_bytes, check.begin());
  return check;
}

bool is_host_character(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') || c == '-' || c == '.' || c == '_';
}

template <class Wire>
struct PlaceFields {
  Wire& wire;
  void operator()(auto& place) const {
    if constexpr (requires { place.host; }) {
      wire.text(place.host, host_name_bytes_max);
      wire.require(!place.host.empty() && std::ranges::all_of(place.host, is_host_character));
      wire.number(place.port, 1);
    } else {
      address_fields(wire, place);
    }
  }
};

template <class Wire, class T>
void fields(Wire& wire, T& token) {
  wire.fixed(token.root.bytes);
  wire.fixed(token.id.bytes);
  std::int64_t seconds = token.not_after_ms / second_ms;
  wire.require(token.not_after_ms % second_ms == 0);
  wire.number(seconds, 0, wall_ms_max / second_ms);
  if constexpr (Wire::reading) token.not_after_ms = seconds * second_ms;
  wire.list(token.addresses, {.least = 1, .most = addresses_max, .element_bytes_min = 4},
            [&wire](auto& place) { wire.alternative(place, PlaceFields<Wire>{wire}); });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blank = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
}

// Of a token with the right letters in front: what follows them.
tl::expected<std::string_view, TokenError> behind_prefix(std::string_view text) {
  const std::string_view token = trimmed(text);
  auto small = [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  auto starts = [&](std::string_view with) {
    return token.size() >= with.size() && std::ranges::equal(token.substr(0, with.size()), with, {}, small);
  };
  if (starts(prefix)) return token.substr(prefix.size());
  const std::size_t dash = token.find('-');
  const bool other = starts("gib") && dash != std::string_view::npos && dash > 3 &&
                     std::ranges::all_of(token.substr(3, dash - 3), [](char c) { return '0' <= c && c <= '9'; });
  return tl::unexpected(other ? TokenError::other_version : TokenError::not_a_token);
}

struct TokenBytes {
  Secret<token_bytes_max> bytes;
  Layout layout;
};

// Characters back into bytes, as many as the head says and with the digest that they should have.
tl::expected<TokenBytes, TokenError> checked_bytes(std::string_view characters) {
  if (!std::ranges::all_of(characters, is_base32)) return tl::unexpected(TokenError::bad_character);
  TokenBytes token;
  if (characters.size() < base32_size(head_bytes)) return tl::unexpected(TokenError::truncated);
  const std::size_t sized = std::min(characters.size(), base32_size(token_bytes_max));
  const std::size_t there = from_base32(characters.substr(0, sized), token.bytes.writable());
  const auto layout = read_head(token.bytes.bytes().first(head_bytes));
  if (!layout || layout->counted < secret_bytes || layout->whole() > token_bytes_max) {
    return tl::unexpected(TokenError::mistyped);
  }
  token.layout = *layout;
  if (characters.size() < base32_size(layout->whole())) return tl::unexpected(TokenError::truncated);
  if (characters.size() > base32_size(layout->whole())) return tl::unexpected(TokenError::too_long);
  assert(there == layout->whole());
  const auto guarded = token.bytes.bytes().first(head_bytes + layout->counted);
  const auto check = token.bytes.bytes().subspan(guarded.size(), check_bytes);
  if (!std::ranges::equal(check_of(guarded), check)) return tl::unexpected(TokenError::mistyped);
  // The last character has bits to spare, which no digest guards.
  if (!base32_ends_with_zeros(characters, there)) return tl::unexpected(TokenError::mistyped);
  return token;
}

}  // namespace

std::string_view to_string(TokenError error) {
  switch (error) {
    case TokenError::not_a_token: return "this is no token: one begins with gib1-";
    case TokenError::other_version: return "a token of another version of the program";
    case TokenError::bad_character: return "a character that no token has";
    case TokenError::truncated: return "the end of the token is missing";
    case TokenError::too_long: return "something follows the end of the token";
    case TokenError::mistyped: return "mistyped: some character of the token is another one than it was";
    case TokenError::bad_field: return "the token says something that cannot be";
    case TokenError::expired: return "the token has expired";
  }
  assert(false);
  return {};
}

std::string_view TokenText::view() const {
  return {reinterpret_cast<const char*>(characters_.bytes().data()), size_};
}

tl::expected<TokenText, TokenError> write_token(const JoinToken& token) {
  Writer writer(fields_bytes_max);
  fields(writer, token);
  if (writer.fault() != WireFault::none) return tl::unexpected(TokenError::bad_field);
  const std::vector<std::byte> said = writer.take();
  const Layout layout{secret_bytes + said.size()};

  Secret<token_bytes_max> bytes;
  const auto out = bytes.writable();
  write_head(out, layout.counted);
  std::ranges::copy(token.secret.bytes(), out.begin() + head_bytes);
  std::ranges::copy(said, out.begin() + head_bytes + secret_bytes);
  const auto guarded = bytes.bytes().first(head_bytes + layout.counted);
  std::ranges::copy(check_of(guarded), out.begin() + static_cast<std::ptrdiff_t>(guarded.size()));

  TokenText text;
  const auto letters = std::as_bytes(std::span(prefix));
  std::ranges::copy(letters, text.characters_.writable().begin());
  text.size_ = prefix.size() +
               to_base32(bytes.bytes().first(layout.whole()), text.characters_.writable().subspan(prefix.size()));
  return text;
}

tl::expected<JoinToken, TokenError> read_token(std::string_view text, std::int64_t now_wall_ms,
                                               std::int64_t tolerance_ms) {
  assert(0 <= tolerance_ms && tolerance_ms <= wall_ms_max);
  const auto characters = behind_prefix(text);
  if (!characters) return tl::unexpected(characters.error());
  const auto token = checked_bytes(*characters);
  if (!token) return tl::unexpected(token.error());
  const auto counted = token->bytes.bytes().subspan(head_bytes, token->layout.counted);
  Reader reader(counted.subspan(secret_bytes), fields_bytes_max);
  JoinToken read;
  fields(reader, read);
  if (reader.finish() != WireFault::none) return tl::unexpected(TokenError::bad_field);
  read.secret = Secret<32>(counted.first<secret_bytes>());
  if (now_wall_ms > read.not_after_ms + tolerance_ms) return tl::unexpected(TokenError::expired);
  return read;
}

RootPin root_pin(const PublicKey& root) {
  RootPin pin;
  std::copy_n(root_id(root).bytes.begin(), pin.bytes.size(), pin.bytes.begin());
  return pin;
}

Secret<32> joining_psk(const JoinToken& token) {
  const auto salt = std::as_bytes(std::span(joining_psk_domain.text()));
  const DerivedSecrets derived = derive(NoiseHash::sha512, salt, token.secret.bytes());
  return Secret<32>(derived.outputs[0].bytes().first<32>());
}

std::vector<std::byte> joining_prologue(const TokenId& id) {
  const auto text = std::as_bytes(std::span(join_domain.text()));
  std::vector<std::byte> prologue(text.begin(), text.end());
  prologue.push_back(std::byte{0});
  prologue.insert(prologue.end(), id.bytes.begin(), id.bytes.end());
  return prologue;
}

}  // namespace crypto
