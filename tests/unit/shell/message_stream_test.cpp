#include "agent/shell/message_stream.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <random>

#include "agent/exec/descriptor.h"
#include "protocol/framing.h"
#include "tests/unit/shell/event_loop.h"
#include "tests/unit/shell/open_files.h"

namespace agent::shell {
namespace {

namespace client = protocol::client;
using testing::ElementsAre;

std::vector<std::byte> framed(const client::ClientMessage& message) {
  std::vector<std::byte> bytes;
  protocol::append_framed(bytes, client::encode(message));
  return bytes;
}

client::Done done(std::size_t number) {
  return {.text = "number " + std::to_string(number)};
}

// A stream at one end of a socket pair; the test holds the other end.
class MessageStreamTest : public testing::Test {
 protected:
  MessageStreamTest() {
    std::array<int, 2> ends{};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends.data()), 0);
    peer = exec::Descriptor(ends[1]);
    stream = std::make_unique<MessageStream>(loop.get(), ends[0],
                                             MessageStream::Callbacks{.on_message =
                                                                          [this](client::ClientMessage message) {
                                                                            received.push_back(std::move(message));
                                                                            if (on_message) on_message();
                                                                          },
                                                                      .on_closed =
                                                                          [this](const std::string& why) {
                                                                            ends_told.push_back(why);
                                                                            if (on_closed) on_closed();
                                                                          }});
  }

  void say(std::span<const std::byte> bytes) {
    ASSERT_EQ(write(peer.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }
  void say(const client::ClientMessage& message) { say(framed(message)); }
  [[nodiscard]] bool ended() {
    return loop.run_until([this] { return !ends_told.empty(); });
  }
  // What the peer can read now, as messages; `at_end` tells whether the end of the stream follows.
  std::vector<client::ClientMessage> heard() {
    std::vector<std::byte> buffer(1 << 20);
    std::vector<client::ClientMessage> messages;
    while (true) {
      const ssize_t got = read(peer.get(), buffer.data(), buffer.size());
      at_end = got == 0;
      if (got <= 0) return messages;
      peer_reader.feed(std::span(buffer).first(static_cast<std::size_t>(got)));
      while (auto message = *peer_reader.next()) messages.push_back(*client::decode_client(*message));
    }
  }

  EventLoop loop;
  std::unique_ptr<MessageStream> stream;
  exec::Descriptor peer;
  protocol::MessageReader peer_reader;
  bool at_end = false;
  std::vector<client::ClientMessage> received;
  std::vector<std::string> ends_told;
  std::function<void()> on_message;
  std::function<void()> on_closed;
};

class MessageStreamCutTest : public MessageStreamTest, public testing::WithParamInterface<unsigned> {};

TEST_P(MessageStreamCutTest, MessagesArriveWholeHoweverTheyAreCut) {
  std::mt19937 random(GetParam());
  std::vector<client::ClientMessage> sent;
  std::vector<std::byte> bytes;
  for (std::size_t i = 0; i < 200; ++i) {
    sent.emplace_back(client::Done{.text = std::string(random() % 200, 'x')});
    protocol::append_framed(bytes, client::encode(sent.back()));
  }
  for (std::span<const std::byte> rest = bytes; !rest.empty();) {
    const std::size_t cut = std::min<std::size_t>(rest.size(), 1 + random() % 300);
    say(rest.first(cut));
    rest = rest.subspan(cut);
    if (random() % 3 == 0) uv_run(loop.get(), UV_RUN_NOWAIT);
  }
  ASSERT_TRUE(loop.run_until([&] { return received.size() >= sent.size(); }));
  EXPECT_EQ(received, sent);
  EXPECT_TRUE(ends_told.empty());
}

INSTANTIATE_TEST_SUITE_P(Seeds, MessageStreamCutTest, testing::Range(1U, 9U));

TEST_F(MessageStreamTest, SendsInOrderAndKeepsMessagesWhole) {
  std::vector<client::ClientMessage> sent;
  for (std::size_t i = 0; i < 1'000; ++i) {
    sent.emplace_back(done(i));
    stream->send(sent.back());
  }
  std::vector<client::ClientMessage> got;
  ASSERT_TRUE(loop.run_until([&] {
    for (auto& message : heard()) got.push_back(std::move(message));
    return got.size() >= sent.size();
  }));
  EXPECT_EQ(got, sent);
  EXPECT_TRUE(loop.run_until([&] { return stream->queued_bytes() == 0; }));
}

TEST_F(MessageStreamTest, AnOrderlyEndHasNoReasonAndIsToldOnce) {
  say(done(1));
  peer.close();
  ASSERT_TRUE(ended());
  loop.settle();
  EXPECT_THAT(ends_told, ElementsAre(""));
  EXPECT_THAT(received, ElementsAre(client::ClientMessage(done(1))));
  stream->send(done(2));
  stream->finish();
  EXPECT_EQ(stream->queued_bytes(), 0U);
  loop.settle();
  EXPECT_EQ(ends_told.size(), 1U);
}

TEST_F(MessageStreamTest, TheFirstThingThatIsNoMessageEndsIt) {
  say(done(1));
  const std::array garbage = {std::byte{0}, std::byte{0}, std::byte{0}, std::byte{1}, std::byte{0xc1}};
  say(garbage);
  say(done(2));
  ASSERT_TRUE(ended());
  EXPECT_THAT(received, ElementsAre(client::ClientMessage(done(1))));
  EXPECT_THAT(ends_told, ElementsAre(testing::StartsWith("not a message: ")));
  EXPECT_TRUE(heard().empty());
  EXPECT_TRUE(at_end);
}

TEST_F(MessageStreamTest, AnOversizeLengthEndsItBeforeAnythingFollows) {
  const std::array length = {std::byte{0xff}, std::byte{0xff}, std::byte{0xff}, std::byte{0xff}};
  say(length);
  ASSERT_TRUE(ended());
  EXPECT_THAT(ends_told, ElementsAre(testing::StartsWith("not a message: ")));
}

TEST_F(MessageStreamTest, APeerThatDoesNotReadIsHungUpOnAtTheBound) {
  const client::Results large{.results = {{.covers = {.begin = 0, .end = 1}, .out = protocol::Bytes(64 * 1024)}}};
  const std::size_t size = framed(large).size();
  std::size_t sent = 0;
  while (ends_told.empty() && sent < 4 * MessageStream::queue_bytes_max) {
    ASSERT_LE(stream->queued_bytes(), MessageStream::queue_bytes_max);
    stream->send(large);
    sent += size;
  }
  EXPECT_THAT(ends_told, ElementsAre("the other side does not read"));
  EXPECT_GT(sent, MessageStream::queue_bytes_max - (1 << 20));
  EXPECT_LE(sent, MessageStream::queue_bytes_max + 2 * size + (1 << 20));
  loop.settle();
  EXPECT_EQ(ends_told.size(), 1U);
}

TEST_F(MessageStreamTest, FinishingWritesWhatWasSentAndReadsNothingMore) {
  const client::Results large{.results = {{.covers = {.begin = 0, .end = 1}, .out = protocol::Bytes(64 * 1024)}}};
  for (int i = 0; i < 30; ++i) stream->send(large);
  stream->send(done(1));
  stream->finish();
  stream->send(done(2));
  stream->finish();
  say(done(3));
  std::vector<client::ClientMessage> got;
  ASSERT_TRUE(loop.run_until([&] {
    for (auto& message : heard()) got.push_back(std::move(message));
    return at_end;
  }));
  ASSERT_EQ(got.size(), 31U);
  EXPECT_EQ(got.back(), client::ClientMessage(done(1)));
  ASSERT_TRUE(ended());
  EXPECT_TRUE(received.empty());
  EXPECT_THAT(ends_told, ElementsAre(""));
}

TEST_F(MessageStreamTest, MessagesThatCameTogetherStopAtFinish) {
  on_message = [this] { stream->finish(); };
  std::vector<std::byte> both = framed(done(1));
  const auto second = framed(done(2));
  both.insert(both.end(), second.begin(), second.end());
  say(both);
  ASSERT_TRUE(ended());
  EXPECT_THAT(received, ElementsAre(client::ClientMessage(done(1))));
}

TEST_F(MessageStreamTest, MayBeDestroyedInsideItsCallbacks) {
  for (const bool by_message : {true, false}) {
    SCOPED_TRACE(by_message);
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    std::unique_ptr<MessageStream> other;
    // The callback's own state must outlive the stream that it destroys.
    const auto state = std::make_shared<std::vector<std::string>>(100, "state of the callback");
    auto destroy = [&other, state] {
      other.reset();
      EXPECT_EQ(state->back(), "state of the callback");
    };
    bool called = false;
    other = std::make_unique<MessageStream>(
        loop.get(), ends[0],
        MessageStream::Callbacks{.on_message =
                                     [&called, destroy, by_message, large = std::array<char, 512>{}](auto) {
                                       called = true;
                                       if (by_message) destroy();
                                       EXPECT_EQ(large[511], 0);
                                     },
                                 .on_closed =
                                     [destroy, by_message, large = std::array<char, 512>{}](const std::string& why) {
                                       EXPECT_FALSE(by_message) << why;
                                       destroy();
                                       EXPECT_EQ(large[511], 0);
                                     }});
    const auto twice = framed(done(1));
    ASSERT_GT(write(ends[1], twice.data(), twice.size()), 0);
    ASSERT_GT(write(ends[1], twice.data(), twice.size()), 0);
    close(ends[1]);
    ASSERT_TRUE(loop.run_until([&] { return other == nullptr; }));
    EXPECT_TRUE(called);
  }
}

TEST_F(MessageStreamTest, MayBeDestroyedWhenSendingHangsUp) {
  on_closed = [this] { stream.reset(); };
  const client::Results large{.results = {{.covers = {.begin = 0, .end = 1}, .out = protocol::Bytes(64 * 1024)}}};
  for (int i = 0; stream && i < 2'000; ++i) stream->send(large);
  EXPECT_EQ(stream, nullptr);
  EXPECT_EQ(ends_told.size(), 1U);
}

TEST_F(MessageStreamTest, APeerThatGoesWhileWritingEndsItOnce) {
  const client::Results large{.results = {{.covers = {.begin = 0, .end = 1}, .out = protocol::Bytes(64 * 1024)}}};
  for (int i = 0; i < 50; ++i) stream->send(large);
  peer.close();
  ASSERT_TRUE(ended());
  loop.settle();
  EXPECT_EQ(ends_told.size(), 1U);
}

TEST_F(MessageStreamTest, NoDescriptorIsLeft) {
  stream.reset();
  loop.settle();
  const std::size_t before = open_descriptor_count();
  for (int i = 0; i < 50; ++i) {
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    MessageStream other(loop.get(), ends[0], {.on_message = [](auto) {}, .on_closed = [](const auto&) {}});
    other.send(done(1));
    if (i % 2 == 0) other.finish();
    close(ends[1]);
  }
  loop.settle();
  EXPECT_EQ(open_descriptor_count(), before);
}

}  // namespace
}  // namespace agent::shell
