#include "protocol/message.h"

#include <gtest/gtest.h>

#include <utility>

namespace protocol {
namespace {

Message busy() {
  return Busy{.request = 7, .free = {{.node_prefix = 1, .address = {}}}, .others = {}, .kept = true};
}

TEST(Message, is_a_variant_of_all_kinds_and_used_as_one) {
  static_assert(std::variant_size_v<Message> == kind_count);
  static_assert(std::is_same_v<std::variant_alternative_t<0, Message>, Hello>);
  EXPECT_EQ(kind_of(Message()), Kind::hello);
  EXPECT_EQ(kind_of(busy()), Kind::busy);
  const Message message = busy();
  EXPECT_TRUE(std::holds_alternative<Busy>(message));
  EXPECT_EQ(std::get_if<Offer>(&message), nullptr);
  EXPECT_TRUE(std::visit([](const auto& each) { return std::is_same_v<decltype(each), const Busy&>; }, message));
}

TEST(Message, a_copy_is_equal_and_its_own) {
  const Message message = busy();
  Message copy = message;
  EXPECT_EQ(copy, message);
  std::get<Busy>(copy).free.clear();
  EXPECT_NE(copy, message);
  copy = message;
  EXPECT_EQ(copy, message);
  EXPECT_NE(message, Message(Busy{}));
  EXPECT_NE(message, Message(Note{}));
}

TEST(Message, what_is_moved_takes_its_contents_along) {
  Message from = busy();
  const Message to = std::move(from);
  EXPECT_EQ(to, busy());
  Message assigned;
  assigned = Message(to);
  EXPECT_EQ(assigned, to);
  assigned = Note{.power_class = 3, .slots = 2};
  EXPECT_EQ(kind_of(assigned), Kind::note);
}

}  // namespace
}  // namespace protocol
