#include "agent/link/queues.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace agent::link {

void Outbox::push(protocol::Queue queue, std::span<const std::byte> message) {
  Bytes framed;
  framed.reserve(message.size() + sizeof(std::uint32_t));
  protocol::append_framed(framed, message);
  waiting_bytes_ += framed.size();
  queues_.at(static_cast<std::size_t>(queue)).messages.push_back(std::move(framed));
}

Bytes Outbox::next_frame() {
  const auto first = std::ranges::find_if(queues_, [](const Waiting& each) { return !each.messages.empty(); });
  assert(first != queues_.end());
  Bytes frame{static_cast<std::byte>(first - queues_.begin())};
  while (!first->messages.empty() && frame.size() < frame_bytes_max_) {
    const auto rest = std::span(first->messages.front()).subspan(first->sent);
    const auto part = rest.first(std::min(rest.size(), frame_bytes_max_ - frame.size()));
    frame.insert(frame.end(), part.begin(), part.end());
    first->sent += part.size();
    if (part.size() < rest.size()) break;
    first->messages.pop_front();
    first->sent = 0;
  }
  waiting_bytes_ -= frame.size() - 1;
  return frame;
}

tl::expected<std::vector<Bytes>, CloseReason> Inbox::take(std::span<const std::byte> frame) {
  if (frame.empty()) return tl::unexpected(CloseReason::malformed);
  const auto queue = std::to_integer<std::size_t>(frame.front());
  if (queue >= queue_count) return tl::unexpected(CloseReason::malformed);
  protocol::MessageReader& reader = readers_[queue];
  reader.feed(frame.subspan(1));
  std::vector<Bytes> messages;
  while (true) {
    auto next = reader.next();
    if (!next) {
      const bool long_one = next.error() == protocol::FramingError::message_too_long;
      return tl::unexpected(long_one ? CloseReason::too_long : CloseReason::malformed);
    }
    if (!*next) return messages;
    messages.push_back(**std::move(next));
  }
}

}  // namespace agent::link
