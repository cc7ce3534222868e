#include <array>
#include <cassert>
#include <type_traits>

#include "protocol/client.h"
#include "protocol/fields_client.h"
#include "protocol/wire.h"

namespace protocol::client {
namespace {

constexpr std::array<std::string_view, kind_count> kind_names = {
    "hello",        "submit",     "items",      "shown",      "cancel_job", "get_status", "list_jobs",
    "get_progress", "stop_agent", "welcome",    "refused",    "accepted",   "stored",     "results",
    "progress",     "verdict",    "status",     "jobs",       "done",       "warning",    "invite",
    "enter_pool",   "leave_pool", "list_peers", "invitation", "joined",     "peers",
    "events"};

template <Kind kind>
using MessageOf = std::variant_alternative_t<static_cast<std::size_t>(kind), ClientMessage>;
static_assert(std::is_same_v<MessageOf<Kind::shown>, Shown> && std::is_same_v<MessageOf<Kind::stop_agent>, StopAgent> &&
              std::is_same_v<MessageOf<Kind::results>, Results> && std::is_same_v<MessageOf<Kind::warning>, Warning> &&
              std::is_same_v<MessageOf<Kind::list_peers>, ListPeers> && std::is_same_v<MessageOf<Kind::peers>, Peers> &&
              std::is_same_v<MessageOf<Kind::events>, Events>);
static_assert(!kind_names.back().empty(), "every kind has its name");

std::size_t size_bound(const Output& output) {
  const auto* file = std::get_if<File>(&output);
  return 16 + (file ? file->path.size() : std::get<Bytes>(output).size());
}

}  // namespace

std::string_view name_of(Kind kind) {
  return kind_names[static_cast<std::size_t>(kind)];
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::ok: return "ok";
    case Outcome::hit: return "hit";
    case Outcome::failed: return "failed";
    case Outcome::killed: return "killed";
    case Outcome::lost: return "lost";
    case Outcome::skipped: return "skipped";
  }
  assert(false);
  return {};
}

std::string_view to_string(Ending ending) {
  switch (ending) {
    case Ending::done: return "done";
    case Ending::hit: return "hit";
    case Ending::not_found: return "not found";
    case Ending::stopped: return "stopped";
    case Ending::cancelled: return "cancelled";
    case Ending::failed: return "failed";
  }
  assert(false);
  return {};
}

std::string_view to_string(JobState state) {
  switch (state) {
    case JobState::queued: return "queued";
    case JobState::running: return "running";
    case JobState::ending: return "ending";
    case JobState::ended: return "ended";
  }
  assert(false);
  return {};
}

std::string_view to_string(RefusalCode code) {
  switch (code) {
    case RefusalCode::bad_message: return "bad message";
    case RefusalCode::version: return "version";
    case RefusalCode::not_owner: return "not owner";
    case RefusalCode::bad_manifest: return "bad manifest";
    case RefusalCode::bad_items: return "bad items";
    case RefusalCode::no_such_job: return "no such job";
    case RefusalCode::ambiguous_job: return "ambiguous job";
    case RefusalCode::job_ended: return "job ended";
    case RefusalCode::limit: return "limit";
    case RefusalCode::shutting_down: return "shutting down";
    case RefusalCode::disk: return "disk";
    case RefusalCode::pool: return "pool";
  }
  assert(false);
  return {};
}

bool is_well_sized(const Items& chunk) {
  if (chunk.items.size() <= 1) return chunk.last || !chunk.items.empty();
  std::size_t bytes = 0;
  for (const Item& item : chunk.items) {
    if (const auto* text = std::get_if<Bytes>(&item)) bytes += text->size();
  }
  return bytes <= limits::chunk_bytes_max;
}

std::vector<std::byte> encode(const ClientMessage& message) {
  WireWriter out;
  Encoder encoder(out);
  write_kind(encoder, out, message);
  std::vector<std::byte> written = out.take();
  assert(written.size() <= limits::message_bytes_max);
  return written;
}

tl::expected<ClientMessage, DecodeError> decode_client(std::span<const std::byte> input) {
  if (input.size() > limits::message_bytes_max) return tl::unexpected(DecodeError::too_large);
  WireReader in(input);
  Decoder decoder(in);
  ClientMessage message;
  read_kind(decoder, in, message);
  in.finish();
  if (const auto error = in.error()) return tl::unexpected(*error);
  return message;
}

std::size_t encoded_size_bound(const Result& result) {
  // An array header of 3, eleven numbers of at most 9, and the headers of the six texts and byte strings.
  constexpr std::size_t fixed = 3 + 11 * 9 + 6 * 5;
  return fixed + result.reason.size() + result.label.size() + result.low.size() + result.high.size() +
         result.node.size() + size_bound(result.out) + size_bound(result.err);
}

}  // namespace protocol::client
