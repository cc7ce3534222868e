#include "protocol/message.h"

namespace protocol {

Message::Message() = default;
Message::Message(const Message&) = default;
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(const Message&) = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;

bool Message::operator==(const Message& other) const {
  return static_cast<const AnyMessage&>(*this) == static_cast<const AnyMessage&>(other);
}

}  // namespace protocol
