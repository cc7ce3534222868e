#include "crypto/batch.h"

#include <cassert>
#include <limits>

#include "crypto/statement.h"

namespace crypto {

namespace {

constexpr std::size_t body_bytes_max = batch_signed_bytes_max - signature_bytes;
constexpr std::size_t varint_bytes_max = 10;
constexpr std::size_t path_bytes_max = 1 + path_depth_max * (varint_bytes_max + 5);
static_assert(16 + 32 + path_bytes_max + varint_bytes_max + 32 + signature_bytes <= batch_head_bytes_max);
static_assert(2 * inline_output_bytes_max + result_intervals_max * 2 * varint_bytes_max + result_reason_bytes_max +
                  256 <=
              batch_signed_bytes_max - batch_head_bytes_max);

// An interval as (gap to the end of the one before, length): lists that are out of order, overlap or touch have no
// encoding at all.
void interval_fields(Writer& wire, const Interval& interval, std::uint64_t& end_before, bool first) {
  const std::uint64_t gap_min = first ? 0 : 1;
  const bool ascending = interval.begin >= end_before && interval.begin - end_before >= gap_min;
  wire.require(ascending && interval.begin < interval.end);
  wire.number(interval.begin - end_before);
  wire.number(interval.end - interval.begin);
  end_before = interval.end;
}

void interval_fields(Reader& wire, Interval& interval, std::uint64_t& end_before, bool first) {
  constexpr std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t gap = 0;
  std::uint64_t length = 0;
  wire.number(gap, first ? 0 : 1, all - end_before);
  interval.begin = end_before + gap;
  wire.number(length, 1, all - interval.begin);
  interval.end = interval.begin + length;
  end_before = interval.end;
}

template <class Wire>
struct OutputFields {
  Wire& wire;
  void operator()(auto& bytes) const { wire.bytes(bytes, inline_output_bytes_max); }
  void operator()(BlobReference& blob) const { reference(blob); }
  void operator()(const BlobReference& blob) const { reference(blob); }
  void reference(auto& blob) const {
    wire.fixed(blob.digest.bytes);
    wire.number(blob.size_bytes);
  }
};

template <class Wire, class T>
void result_fields(Wire& wire, T& result) {
  std::uint64_t end_before = 0;
  bool first = true;
  wire.list(result.covers, {.least = 1, .most = result_intervals_max, .element_bytes_min = 2}, [&](auto& interval) {
    interval_fields(wire, interval, end_before, first);
    first = false;
  });
  wire.number(result.attempt);
  wire.choice(result.outcome, Outcome::lost);
  wire.number(result.exit_code);
  wire.number(result.signal);
  wire.text(result.reason, result_reason_bytes_max);
  wire.number(result.start_wall_ms);
  wire.number(result.duration_ns);
  wire.number(result.user_ns);
  wire.number(result.system_ns);
  wire.number(result.peak_kib);
  wire.alternative(result.out, OutputFields<Wire>{wire});
  wire.alternative(result.err, OutputFields<Wire>{wire});
  wire.number(result.sandbox_level, 0, sandbox_level_max);
}

constexpr std::size_t result_bytes_min = 3 + 10 + 4 + 1;  // intervals, numbers, outputs, level: at their shortest

template <class Wire, class T>
void fields(Wire& wire, T& batch) {
  wire.fixed(batch.job);
  wire.fixed(batch.manifest.bytes);
  path_fields(wire, batch.path, 0);
  wire.list(batch.results, {.least = 1, .most = batch_results_max, .element_bytes_min = result_bytes_min},
            [&wire](auto& result) { result_fields(wire, result); });
  wire.fixed(batch.executor.bytes);
}

}  // namespace

const char* to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok: return "ok";
    case Outcome::hit: return "hit";
    case Outcome::failed: return "failed";
    case Outcome::killed: return "killed";
    case Outcome::lost: return "lost";
  }
  assert(false);
  return "";
}

std::size_t encoded_bytes(const Result& result) {
  Writer writer(body_bytes_max);
  result_fields(writer, result);
  return writer.fault() == WireFault::none ? writer.take().size() : 0;
}

tl::expected<std::vector<std::byte>, StatementError> encode_body(const ResultBatch& batch) {
  Writer writer(body_bytes_max);
  fields(writer, batch);
  return finished(writer);
}

tl::expected<ResultBatch, StatementError> decode_batch_body(std::span<const std::byte> body) {
  Reader reader(body, body_bytes_max);
  ResultBatch batch;
  fields(reader, batch);
  if (const WireFault fault = reader.finish(); fault != WireFault::none) return tl::unexpected(statement_error(fault));
  return batch;
}

tl::expected<Sealed, StatementError> sign_batch(const ResultBatch& batch, const SigningPair& node_key) {
  if (batch.executor != node_key.public_key()) return tl::unexpected(StatementError::bad_field);
  auto body = encode_body(batch);
  if (!body) return tl::unexpected(body.error());
  return seal(batch_domain, std::move(*body), node_key);
}

tl::expected<OpenedBatch, StatementError> open_batch(std::span<const std::byte> bytes) {
  const auto statement = decode_signed(bytes, batch_signed_bytes_max);
  if (!statement) return tl::unexpected(StatementError::malformed);
  auto batch = decode_batch_body(statement->body);
  if (!batch) return tl::unexpected(batch.error());
  if (!verify(batch_domain, *statement, batch->executor)) return tl::unexpected(StatementError::bad_signature);
  const KeyId executor = key_id(node_domain, batch->executor);
  return OpenedBatch{std::move(*batch), statement_id(batch_domain, statement->body), executor};
}

}  // namespace crypto
