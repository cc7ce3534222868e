#include "crypto/chunk.h"

#include <cassert>
#include <limits>

#include "crypto/statement.h"

namespace crypto {

namespace {

constexpr std::size_t body_bytes_max = chunk_signed_bytes_max - signature_bytes;
constexpr std::size_t head_bytes_max = 16 + 10 + 10 + 2 + 1 + 32;  // all but the items
constexpr std::size_t item_head_bytes_max = 1 + 3;                 // which alternative, length
constexpr std::size_t too_long_bytes_max = 1 + 10;
static_assert(head_bytes_max + item_head_bytes_max + item_bytes_max <= body_bytes_max);
static_assert(head_bytes_max + chunk_items_max * too_long_bytes_max + chunk_item_bytes_max <= body_bytes_max);

template <class Wire>
struct ItemFields {
  Wire& wire;
  void operator()(auto& bytes) const { wire.bytes(bytes, item_bytes_max); }
  void operator()(TooLong& item) const { wire.number(item.size_bytes, item_bytes_max + 1); }
  void operator()(const TooLong& item) const { wire.number(item.size_bytes, item_bytes_max + 1); }
};

// Few enough items, small enough together, or a single one.
bool fits(const std::vector<Item>& items) {
  std::size_t bytes = 0;
  for (const Item& item : items) {
    if (const auto* text = std::get_if<std::vector<std::byte>>(&item)) bytes += text->size();
  }
  return bytes <= (items.size() == 1 ? item_bytes_max : chunk_item_bytes_max);
}

template <class Wire, class T>
void fields(Wire& wire, T& chunk) {
  wire.fixed(chunk.job);
  wire.number(chunk.number);
  wire.number(chunk.first_index);
  wire.list(chunk.items, {.most = chunk_items_max, .element_bytes_min = 2},
            [&wire](auto& item) { wire.alternative(item, ItemFields<Wire>{wire}); });
  wire.flag(chunk.last);
  wire.fixed(chunk.previous.bytes);
  wire.require(fits(chunk.items));
  wire.require(chunk.last || !chunk.items.empty());
  wire.require(chunk.items.size() <= std::numeric_limits<std::uint64_t>::max() - chunk.first_index);
  wire.require(chunk.number < std::numeric_limits<std::uint64_t>::max());
}

}  // namespace

tl::expected<std::vector<std::byte>, StatementError> encode_body(const ArgumentChunk& chunk) {
  Writer writer(body_bytes_max);
  fields(writer, chunk);
  return finished(writer);
}

tl::expected<ArgumentChunk, StatementError> decode_chunk_body(std::span<const std::byte> body) {
  Reader reader(body, body_bytes_max);
  ArgumentChunk chunk;
  fields(reader, chunk);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) return tl::unexpected(statement_error(fault));
  return chunk;
}

tl::expected<Sealed, StatementError> sign_chunk(const ArgumentChunk& chunk, const SigningPair& job_key) {
  auto body = encode_body(chunk);
  if (!body) return tl::unexpected(body.error());
  return seal(chunk_domain, std::move(*body), job_key);
}

tl::expected<OpenedChunk, StatementError> open_chunk(std::span<const std::byte> bytes, const Bytes16& job,
                                                     const PublicKey& job_key) {
  const auto statement = decode_signed(bytes, chunk_signed_bytes_max);
  if (!statement) return tl::unexpected(StatementError::malformed);
  if (!verify(chunk_domain, *statement, job_key)) return tl::unexpected(StatementError::bad_signature);
  auto chunk = decode_chunk_body(statement->body);
  if (!chunk) return tl::unexpected(chunk.error());
  if (chunk->job != job) return tl::unexpected(StatementError::wrong_job);
  return OpenedChunk{std::move(*chunk), statement_id(chunk_domain, statement->body)};
}

const char* to_string(ChainError error) {
  switch (error) {
    case ChainError::after_the_end: return "a chunk after the last one";
    case ChainError::wrong_number: return "not the next chunk";
    case ChainError::wrong_first_index: return "the items before it do not add up to its first index";
    case ChainError::wrong_predecessor: return "a chunk of another chain";
  }
  assert(false);
  return "";
}

tl::expected<void, ChainError> ChunkChain::extend(const OpenedChunk& next) {
  const ArgumentChunk& chunk = next.chunk;
  if (ended_) return tl::unexpected(ChainError::after_the_end);
  if (chunk.number != next_number_) return tl::unexpected(ChainError::wrong_number);
  if (chunk.previous != tip_) return tl::unexpected(ChainError::wrong_predecessor);
  if (chunk.first_index != next_index_) return tl::unexpected(ChainError::wrong_first_index);
  next_number_ += 1;
  next_index_ += chunk.items.size();
  tip_ = next.id;
  ended_ = chunk.last;
  return {};
}

}  // namespace crypto
