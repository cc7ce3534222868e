#include "agent/link/connection.h"

#include <gtest/gtest.h>

#include "agent/link/first_word.h"
#include "protocol/codec.h"
#include "tests/unit/link/small_pool.h"

namespace agent::link {
namespace {

namespace samples = crypto::samples;
using test::certificate_of;
using test::chain_of;
using test::credentials_of;
using test::link_key;
using test::node_key;
using test::secret;
using test::TwoEnds;
using test::wall_ms;

constexpr std::size_t dialler = 0;
constexpr std::size_t listener = 1;

protocol::Message piece_of(std::size_t bytes) {
  return protocol::Piece{.digest = {}, .offset = 0, .total = bytes, .content = Bytes(bytes, std::byte{5})};
}

CloseReason why(const TwoEnds& link, std::size_t side) {
  const auto closing = link.closing(side);
  EXPECT_TRUE(closing);
  return closing ? closing->why : CloseReason{};
}

TEST(Connection, two_members_meet_and_each_knows_who_the_other_is) {
  TwoEnds link;
  link.run();
  for (const std::size_t side : {dialler, listener}) {
    EXPECT_TRUE(link.ends[side].connection->open());
    const auto opened = link.all<Connection::Opened>(side);
    ASSERT_EQ(opened.size(), 1U);
    const auto other = static_cast<unsigned char>(side == dialler ? 2 : 1);
    EXPECT_EQ(opened[0].member.certificate, certificate_of(other));
    EXPECT_EQ(opened[0].node,
              protocol::NodeId(crypto::key_id(crypto::node_domain, node_key(other).public_key()).bytes));
    EXPECT_EQ(opened[0].hello.slots, side == dialler ? 2U : 1U);
    EXPECT_EQ(opened[0].hello.wall_time_ms, static_cast<std::uint64_t>(wall_ms));
  }
}

TEST(Connection, messages_come_whole_and_in_order_wherever_the_stream_is_cut) {
  for (const std::size_t cut : {1U, 2U, 7U, 100U, 65'536U}) {
    TwoEnds link;
    link.cut = cut;
    link.run();
    for (std::uint64_t request = 1; request <= 20; ++request) link.say(dialler, protocol::Release{.request = request});
    link.say(listener, piece_of(1'000));
    link.run();
    const auto arrived = link.all<Connection::Arrived>(listener);
    ASSERT_EQ(arrived.size(), 20U) << cut;
    for (std::uint64_t request = 1; request <= 20; ++request) {
      EXPECT_EQ(arrived[request - 1].envelope,
                (protocol::Envelope{.sequence = 7, .heard = 3, .message = protocol::Release{.request = request}}));
    }
    EXPECT_EQ(link.all<Connection::Arrived>(dialler).size(), 1U);
  }
}

TEST(Connection, control_goes_before_bulk_that_waits) {
  TwoEnds link;
  link.run();
  for (int i = 0; i < 40; ++i) link.say(dialler, piece_of(60'000));
  link.say(dialler, protocol::Release{.request = 9});
  const Bytes first = link.ends[dialler].connection->take_output();
  link.ends[listener].connection->receive(first, link.now, link.ends[listener].news);
  const auto arrived = link.all<Connection::Arrived>(listener);
  ASSERT_FALSE(arrived.empty());
  EXPECT_TRUE(std::holds_alternative<protocol::Release>(arrived.front().envelope.message));
  link.run();
  EXPECT_EQ(link.all<Connection::Arrived>(listener).size(), 41U);
}

TEST(Connection, a_stranger_is_told_nothing) {
  Credentials stranger = credentials_of(1);
  stranger.network_keys.clear();
  stranger.network_keys.push_back(secret(0x71));
  TwoEnds link(std::move(stranger));
  link.run();
  EXPECT_EQ(why(link, listener), CloseReason::stranger);
  EXPECT_TRUE(link.ends[listener].connection->over());
  EXPECT_TRUE(link.ends[dialler].news.empty());
  link.ends[dialler].connection->on_end(link.ends[dialler].news);
  EXPECT_EQ(why(link, dialler), CloseReason::lost);
}

TEST(Connection, the_network_key_before_the_present_one_is_good_for_a_while) {
  Credentials late = credentials_of(1);
  late.network_keys.clear();
  late.network_keys.push_back(secret(0x6f));
  Credentials both = credentials_of(2);
  both.network_keys.push_back(secret(0x6f));
  TwoEnds link(std::move(late), std::move(both));
  link.run();
  EXPECT_TRUE(link.ends[dialler].connection->open());
  EXPECT_TRUE(link.ends[listener].connection->open());
}

TEST(Connection, who_shows_a_certificate_that_does_not_count_is_told_why) {
  crypto::Certificate expired = certificate_of(1);
  expired.not_before_ms -= 90 * crypto::day_ms;
  expired.not_after_ms = wall_ms - crypto::day_ms;
  Credentials late = credentials_of(1);
  late.chain = chain_of(expired);
  TwoEnds link(std::move(late));
  link.run();
  ASSERT_EQ(why(link, listener), CloseReason::certificate);
  EXPECT_EQ(link.closing(listener)->certificate, crypto::CertificateError::expired);
  ASSERT_EQ(why(link, dialler), CloseReason::bye);
  EXPECT_EQ(link.closing(dialler)->said->why, protocol::ByeReason::certificate);
  EXPECT_EQ(to_text(*link.closing(dialler)), "it hung up: its certificate does not count here: expired");
}

TEST(Connection, nobody_is_shown_our_certificate_whose_own_does_not_count) {
  Credentials foreign = credentials_of(2);
  foreign.chain = chain_of(certificate_of(3));
  TwoEnds link(credentials_of(1), std::move(foreign));
  link.run();
  EXPECT_EQ(why(link, dialler), CloseReason::not_its_key);
  EXPECT_TRUE(link.ends[listener].news.empty());
}

TEST(Connection, a_revoked_member_is_not_let_in) {
  Credentials knowing = credentials_of(2);
  crypto::Revocation revoked = samples::revocation();
  revoked.what = crypto::RevokedNode{link_key(1).public_key()};
  const auto sealed = crypto::sign_revocation(revoked, samples::admin_pair()).value();
  (void)knowing.revoked.add(crypto::open_revocation(sealed.bytes, samples::pool()).value());
  TwoEnds link(credentials_of(1), std::move(knowing));
  link.run();
  EXPECT_EQ(link.closing(listener)->certificate, crypto::CertificateError::revoked);
  EXPECT_EQ(link.closing(dialler)->said->why, protocol::ByeReason::revoked);
}

TEST(Connection, two_agents_with_one_identity_do_not_meet) {
  TwoEnds link(credentials_of(1), credentials_of(1));
  link.run();
  EXPECT_EQ(why(link, dialler), CloseReason::ourselves);
}

TEST(Connection, a_persons_certificate_makes_no_link) {
  crypto::Certificate person = certificate_of(1);
  person.kind = crypto::HolderKind::user;
  person.noise_key.reset();
  Credentials wrong = credentials_of(1);
  wrong.chain = chain_of(person);
  TwoEnds link(std::move(wrong));
  link.run();
  EXPECT_EQ(why(link, listener), CloseReason::not_a_node);
}

TEST(Connection, who_does_not_introduce_itself_in_time_is_hung_up_on) {
  TwoEnds link;
  link.collect(dialler);
  ASSERT_EQ(link.ends[listener].connection->deadline(), link.now.at + Connection::greeting_patience);
  link.now.at += Connection::greeting_patience;
  link.ends[listener].connection->on_time(link.now, link.ends[listener].news);
  EXPECT_EQ(why(link, listener), CloseReason::timed_out);
  EXPECT_EQ(link.ends[listener].connection->deadline(), std::nullopt);
}

TEST(Connection, of_a_stranger_no_more_is_read_than_a_handshake_needs) {
  TwoEnds link;
  std::vector<Connection::News>& news = link.ends[listener].news;
  Connection& connection = *link.ends[listener].connection;
  Bytes long_frame = write_link_word();
  long_frame.insert(long_frame.end(), 2, std::byte{0x01});  // promises 257 bytes
  connection.receive(long_frame, link.now, news);
  EXPECT_EQ(why(link, listener), CloseReason::too_long);

  TwoEnds slow;
  Bytes promise = write_link_word();
  promise.insert(promise.end(), {std::byte{0x00}, std::byte{0xff}});
  slow.ends[listener].connection->receive(promise, slow.now, slow.ends[listener].news);
  slow.ends[listener].connection->receive(Bytes(Connection::stranger_bytes_max), slow.now, slow.ends[listener].news);
  EXPECT_TRUE(slow.ends[listener].connection->closed());
}

TEST(Connection, who_wants_something_else_than_a_link_is_a_stranger_at_its_first_word) {
  const crypto::TokenId token{};
  for (Bytes word : {write_join_word(token), samples::bytes_of("GET / HTTP/1.1\r\n")}) {
    TwoEnds link;
    for (const std::byte byte : word)
      link.ends[listener].connection->receive({&byte, 1}, link.now, link.ends[listener].news);
    EXPECT_EQ(why(link, listener), CloseReason::stranger);
    EXPECT_TRUE(link.ends[listener].connection->over());
  }
  TwoEnds link;
  const Bytes first = link.ends[dialler].connection->take_output();
  EXPECT_TRUE(std::holds_alternative<LinkComes>(read_first_word(first)));
}

TEST(Connection, a_changed_byte_ends_it_wherever_it_is) {
  std::size_t opened = 0;
  for (std::size_t at = 0; at < 1'500; at += 11) {
    TwoEnds link;
    std::size_t passed = 0;
    for (int round = 0; round < 8; ++round) {
      for (const std::size_t side : {dialler, listener}) {
        Bytes part = link.ends[side].connection->take_output();
        if (passed <= at && at < passed + part.size()) part[at - passed] ^= std::byte{0x20};
        passed += part.size();
        link.ends[1 - side].connection->receive(part, link.now, link.ends[1 - side].news);
      }
      if (round == 4) link.say(dialler, piece_of(300));
    }
    if (passed <= at) continue;
    const bool both = link.ends[dialler].connection->open() && link.ends[listener].connection->open();
    EXPECT_FALSE(both && link.all<Connection::Arrived>(listener).size() == 1) << at;
    opened += both ? 1 : 0;
  }
  EXPECT_LT(opened, 150U);
}

TEST(Connection, nothing_is_said_before_hello_and_nothing_after_bye) {
  TwoEnds link;
  link.say(dialler, protocol::Release{.request = 1});
  link.run();
  EXPECT_TRUE(link.all<Connection::Arrived>(listener).empty());
  link.say(dialler, protocol::Release{.request = 2});
  link.ends[dialler].connection->hang_up({.why = protocol::ByeReason::idle, .reason = "nothing to do"},
                                         link.ends[dialler].news);
  link.say(dialler, protocol::Release{.request = 3});
  EXPECT_FALSE(link.ends[dialler].connection->over());
  link.run();
  EXPECT_TRUE(link.ends[dialler].connection->over());
  EXPECT_EQ(link.all<Connection::Arrived>(listener).size(), 1U);
  EXPECT_EQ(why(link, listener), CloseReason::bye);
  EXPECT_EQ(link.closing(listener)->said->why, protocol::ByeReason::idle);
}

TEST(Connection, a_stream_that_ends_without_a_word_is_lost) {
  TwoEnds link;
  link.run();
  link.ends[listener].connection->on_end(link.ends[listener].news);
  EXPECT_EQ(why(link, listener), CloseReason::lost);
  link.ends[listener].connection->on_end(link.ends[listener].news);
  EXPECT_EQ(link.all<Connection::Closed>(listener).size(), 1U);
}

TEST(Connection, who_does_not_read_is_hung_up_on) {
  TwoEnds link;
  link.run();
  for (int i = 0; i < 400 && !link.closing(dialler); ++i) link.say(dialler, piece_of(65'000));
  EXPECT_EQ(why(link, dialler), CloseReason::too_slow);
  EXPECT_LE(link.ends[dialler].connection->waiting_bytes(), Connection::waiting_bytes_max);
}

TEST(Connection, after_a_day_a_new_handshake_is_due) {
  TwoEnds link;
  link.run();
  link.now.at += Connection::session_life;
  link.ends[dialler].connection->on_time(link.now, link.ends[dialler].news);
  EXPECT_EQ(why(link, dialler), CloseReason::worn_out);
  link.run();
  EXPECT_EQ(why(link, listener), CloseReason::bye);
}

TEST(Connection, a_program_that_speaks_only_later_versions_is_told_ours) {
  TwoEnds link;
  link.ends[listener].connection = std::make_unique<Connection>(
      Connection::Setup{.credentials = link.ends[listener].credentials,
                        .side = crypto::HandshakeSide::responder,
                        .make_secret = [] { return secret(0x55); },
                        .hello = {.version = 9, .version_least = 9, .program_version = "9.0"}},
      link.now);
  link.run();
  EXPECT_EQ(why(link, dialler), CloseReason::version);
  ASSERT_EQ(why(link, listener), CloseReason::bye);
  EXPECT_EQ(to_text(*link.closing(listener)), "it hung up: this agent is 1.0");
}

}  // namespace
}  // namespace agent::link
