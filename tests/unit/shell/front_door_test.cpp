#include "agent/shell/front_door.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/exec/descriptor.h"
#include "agent/link/first_word.h"
#include "agent/shell/socket_address.h"
#include "agent/shell/system.h"
#include "tests/unit/link/small_pool.h"
#include "tests/unit/shell/event_loop.h"
#include "tests/unit/shell/loopback.h"

namespace agent::shell {
namespace {

using testing::ElementsAre;

class FrontDoorTest : public testing::Test {
 protected:
  FrontDoorTest() : credentials(link::test::credentials_of(1, wall_now_ms() - crypto::day_ms)) {
    const auto listening = door.listen(loopback());
    EXPECT_TRUE(listening);
    at = listening.value_or(protocol::Address{});
  }
  // A socket that is connected to the door.
  exec::Descriptor knock() {
    const sockaddr_storage to = sockaddr_from(at);
    exec::Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
    return socket;
  }
  static void say(const exec::Descriptor& socket, std::string_view text) {
    EXPECT_EQ(send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  // Whether the other end has hung up, without a word.
  static bool is_hung_up(const exec::Descriptor& socket) {
    char byte = 0;
    return recv(socket.get(), &byte, 1, MSG_DONTWAIT) == 0;
  }

  EventLoop loop;
  link::Credentials credentials;
  bool has_room = true;
  std::vector<FrontDoor::Arrival> arrivals;
  std::vector<std::string> refusals;
  std::vector<crypto::TokenId> asked_for;
  FrontDoor door{loop.get(),
                 credentials,
                 {.has_room = [this] { return has_room; },
                  .on_link = [this](FrontDoor::Arrival arrival) { arrivals.push_back(std::move(arrival)); },
                  .on_refused = [this](const protocol::Address&, const std::string& why) { refusals.push_back(why); },
                  .joins = {.find_secret = [this](const crypto::TokenId& token) -> std::optional<crypto::Secret<32>> {
                              asked_for.push_back(token);
                              return std::nullopt;
                            },
                            .answer = {},
                            .on_wrong_try = {}}}};
  protocol::Address at;
};

TEST_F(FrontDoorTest, a_link_is_handed_on_with_all_that_it_has_said) {
  const auto socket = knock();
  say(socket, "gib1");
  ASSERT_TRUE(loop.run_until([&] { return door.visitor_count() == 1; }));
  loop.settle();
  EXPECT_TRUE(arrivals.empty()) << "it may still be a newcomer";
  say(socket, "link and more");
  ASSERT_TRUE(loop.run_until([&] { return arrivals.size() == 1; }));
  const auto begun =
      std::string_view(reinterpret_cast<const char*>(arrivals[0].begun.data()), arrivals[0].begun.size());
  EXPECT_EQ(begun, "gib1link and more");
  ASSERT_TRUE(loop.run_until([&] { return door.visitor_count() == 0; }));
  door.no_stranger_any_more(arrivals[0].from);
  EXPECT_TRUE(refusals.empty());
}

TEST_F(FrontDoorTest, another_word_is_hung_up_on_without_an_answer) {
  const auto socket = knock();
  say(socket, "GET / HTTP/1.1\r\n");
  ASSERT_TRUE(loop.run_until([&] { return is_hung_up(socket); }));
  EXPECT_THAT(refusals, ElementsAre("it speaks another protocol"));
}

TEST_F(FrontDoorTest, a_newcomer_with_an_unknown_token_is_hung_up_on_without_an_answer) {
  const auto socket = knock();
  say(socket, "gib1join12345678");
  ASSERT_TRUE(loop.run_until([&] { return is_hung_up(socket); }));
  ASSERT_EQ(asked_for.size(), 1U);
  EXPECT_EQ(asked_for[0].bytes[7], std::byte{'8'});
  EXPECT_THAT(refusals, ElementsAre("it wanted to join: its token is unknown here"));
}

TEST_F(FrontDoorTest, who_says_nothing_is_hung_up_on_in_time) {
  const auto socket = knock();
  say(socket, "gib1");
  const core::Instant began = boot_now();
  ASSERT_TRUE(loop.run_until([&] { return is_hung_up(socket); }));
  EXPECT_GE(boot_now() - began, link::Connection::greeting_patience - std::chrono::milliseconds(100));
  EXPECT_THAT(refusals, ElementsAre("it did not say in time what it wants"));
}

TEST_F(FrontDoorTest, who_only_looks_is_not_told_of) {
  knock();
  loop.settle();
  EXPECT_TRUE(loop.run_until([&] { return door.visitor_count() == 0; }));
  EXPECT_TRUE(refusals.empty());
}

TEST_F(FrontDoorTest, without_room_nobody_is_kept_waiting) {
  has_room = false;
  const auto socket = knock();
  ASSERT_TRUE(loop.run_until([&] { return is_hung_up(socket); }));
  EXPECT_THAT(refusals, ElementsAre("this process has too many sockets"));
}

TEST_F(FrontDoorTest, strangers_are_bounded_until_they_are_known) {
  std::vector<exec::Descriptor> sockets;
  for (std::size_t i = 0; i < link::Admission::strangers_max + 10; ++i) {
    sockets.push_back(knock());
    loop.settle();
  }
  ASSERT_TRUE(loop.run_until([&] { return refusals.size() == 10; }));
  EXPECT_EQ(door.visitor_count(), link::Admission::strangers_max);
  EXPECT_EQ(refusals[0], "too many come in at once");
  for (const auto& socket : sockets) (void)send(socket.get(), "gib1link", 8, MSG_NOSIGNAL);
  ASSERT_TRUE(loop.run_until([&] { return arrivals.size() == link::Admission::strangers_max; }));
  const auto one_more = knock();
  ASSERT_TRUE(loop.run_until([&] { return refusals.size() == 11; })) << "they are strangers still";
  for (const auto& arrival : arrivals) door.no_stranger_any_more(arrival.from);
  const auto another = knock();
  ASSERT_TRUE(loop.run_until([&] { return door.visitor_count() == 1; }));
}

TEST_F(FrontDoorTest, closed_it_lets_nobody_in) {
  const auto waiting = knock();
  ASSERT_TRUE(loop.run_until([&] { return door.visitor_count() == 1; }));
  door.close();
  ASSERT_TRUE(loop.run_until([&] { return is_hung_up(waiting); }));
  const sockaddr_storage to = sockaddr_from(at);
  const exec::Descriptor late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(
      loop.run_until([&] { return connect(late.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0; }));
}

}  // namespace
}  // namespace agent::shell
