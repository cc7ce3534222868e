#include "protocol/codec.h"

#include <cassert>

#include "protocol/fields_branch.h"
#include "protocol/fields_job.h"
#include "protocol/fields_peer.h"
#include "protocol/wire.h"

namespace protocol {

std::vector<std::byte> encode(const Envelope& envelope) {
  WireWriter out;
  Encoder encoder(out);
  out.array(3);
  out.number(envelope.sequence);
  out.number(envelope.heard);
  write_kind(encoder, out, envelope.message);
  std::vector<std::byte> written = out.take();
  assert(written.size() <= check_of(kind_of(envelope.message)).bytes_max);
  return written;
}

tl::expected<Envelope, DecodeError> decode(std::span<const std::byte> input) {
  if (input.size() > limits::message_bytes_max) return tl::unexpected(DecodeError::too_large);
  WireReader in(input);
  Decoder decoder(in);
  Envelope envelope;
  if (in.array() != 3) in.fail(DecodeError::wrong_type);
  decoder(envelope.sequence);
  decoder(envelope.heard);
  read_kind(decoder, in, envelope.message);
  in.finish();
  if (in.ok() && input.size() > check_of(kind_of(envelope.message)).bytes_max) in.fail(DecodeError::too_large);
  if (const auto error = in.error()) return tl::unexpected(*error);
  return envelope;
}

}  // namespace protocol
