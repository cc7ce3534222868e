// Bytes made to hurt: the decoders answer with an error, at once and in little memory.

#include <gtest/gtest.h>

#include "protocol/client.h"
#include "protocol/codec.h"
#include "tests/unit/protocol/allocation.h"
#include "tests/unit/protocol/generate.h"
#include "tests/unit/protocol/raw.h"

namespace protocol {
namespace {

using test::raw;
using test::Raw;
using test::repeated;

// What decode held at most while it ran.
template <class Decode>
std::size_t peak_of(const Decode& decode_it) {
  test::reset_peak();
  const std::size_t before = test::bytes_held();
  decode_it();
  return test::peak_bytes_held() - before;
}

std::size_t bound_for(std::size_t input_bytes) {
  return limits::allocation_factor * input_bytes + limits::allocation_slack_bytes;
}

void expect_refused(const Raw& bytes, DecodeError why) {
  const std::size_t peak = peak_of([&] {
    const auto received = decode(bytes);
    ASSERT_FALSE(received);
    EXPECT_EQ(test::error_of(received), why) << to_string(received.error());
  });
  EXPECT_LE(peak, 1024U) << "refused before anything was allocated";
}

TEST(Hostile, array_header_of_4_billion_costs_nothing) {
  expect_refused(raw({0xdd, 0xff, 0xff, 0xff, 0xff}), DecodeError::truncated);
  expect_refused(raw({0xdd, 0xff, 0x00, 0x00, 0x00}), DecodeError::truncated);
  expect_refused(raw({0x93, 0, 0, 0xdd, 0xff, 0xff, 0xff, 0xff}), DecodeError::truncated);
  // As the interval list of a `settled`, the path of its loop, the records of a `shuffle`.
  expect_refused(
      raw({0x93, 0, 0, 0x94, 22, 1, 0x92, 0xc4, 16}) + repeated(0, 16) + raw({0x90, 0xdd, 0xff, 0xff, 0xff, 0xfe}),
      DecodeError::truncated);
  expect_refused(
      raw({0x93, 0, 0, 0x94, 22, 1, 0x92, 0xc4, 16}) + repeated(0, 16) + raw({0xdc, 0xff, 0xff}) + repeated(0, 70'000),
      DecodeError::too_long);
  expect_refused(raw({0x93, 0, 0, 0x93, 4, 1, 0x95}) + repeated(0xc4, 10), DecodeError::too_long);
}

TEST(Hostile, nesting_of_100000_levels_costs_nothing) {
  expect_refused(repeated(0x91, 100'000), DecodeError::wrong_type);
  expect_refused(raw({0x93}) + repeated(0x91, 100'000), DecodeError::wrong_type);
  // Where any type is let pass: the fields of an unknown kind.
  expect_refused(raw({0x93, 0, 0, 0x93, 99, 1}) + repeated(0x91, 100'000), DecodeError::too_deep);
  expect_refused(raw({0x93, 0, 0, 0x93, 99, 1}) + repeated(0x81, 100'000), DecodeError::wrong_type);
}

TEST(Hostile, declared_lengths_beyond_the_end_cost_nothing) {
  for (const Raw& header : {raw({0xdb, 0xff, 0xff, 0xff, 0xff}), raw({0xc6, 0xff, 0xff, 0xff, 0xff}),
                            raw({0xc9, 0xff, 0xff, 0xff, 0xff, 1}), raw({0xd9, 0xff}), raw({0xc5, 0xff, 0xff}),
                            raw({0xda, 0x01, 0x00}), raw({0xc8, 0xff, 0xff, 1})}) {
    expect_refused(header, DecodeError::truncated);
    expect_refused(raw({0x93, 0, 0, 0x94, 3, 1, 0}) + header, DecodeError::truncated);
    expect_refused(raw({0x93, 0, 0, 0x93, 99, 1}) + header, DecodeError::truncated);
  }
}

TEST(Hostile, map_header_of_4_billion_costs_nothing) {
  expect_refused(raw({0xdf, 0xff, 0xff, 0xff, 0xff}), DecodeError::wrong_type);
  expect_refused(raw({0x93, 0, 0, 0x93, 99, 1, 0xdf, 0xff, 0xff, 0xff, 0xff}), DecodeError::wrong_type);
}

TEST(Hostile, unknown_fields_of_many_elements_are_refused) {
  const auto unknown_with = [](std::size_t elements) {
    WireWriter out;
    out.array(elements);
    return raw({0x93, 0, 0, 0x93, 99, 1}) + out.take() + repeated(0, elements);
  };
  expect_refused(unknown_with(limits::unknown_elements_max - 1), DecodeError::unknown_kind);
  expect_refused(unknown_with(limits::unknown_elements_max), DecodeError::too_long);
}

TEST(Hostile, every_kind_at_its_limits_stays_in_the_memory_bound) {
  for (std::size_t kind = 0; kind < kind_count; ++kind) {
    Envelope sent;
    sent.message = test::make<Message>(kind, test::Largest());
    const auto bytes = encode(sent);
    const std::size_t peak = peak_of([&] { EXPECT_TRUE(decode(bytes)); });
    EXPECT_LE(peak, bound_for(bytes.size())) << name_of(static_cast<Kind>(kind));
  }
}

// Lists of the smallest elements that a list can have are what takes most memory per byte.
TEST(Hostile, lists_of_smallest_elements_stay_in_the_memory_bound) {
  client::Results results;
  results.results.assign(limits::results_per_message_max, client::Result{.covers = {0, 1}});
  client::Items items;
  items.items.assign(limits::chunk_items_max, Bytes{std::byte{'1'}});
  client::Jobs jobs;
  jobs.rows.resize(limits::jobs_per_message_max);
  client::Status status;
  status.notes.resize(limits::notes_max);
  for (const client::ClientMessage& message : {client::ClientMessage(results), client::ClientMessage(items),
                                               client::ClientMessage(jobs), client::ClientMessage(status)}) {
    const auto bytes = encode(message);
    const std::size_t peak = peak_of([&] {
      const auto received = client::decode_client(bytes);
      ASSERT_TRUE(received) << to_string(received.error());
      EXPECT_EQ(*received, message);
    });
    EXPECT_LE(peak, bound_for(bytes.size())) << client::name_of(client::kind_of(message));
  }
}

TEST(Hostile, random_changes_of_random_messages_stay_in_the_memory_bound) {
  test::Rng rng(1);
  for (int round = 0; round < 20'000; ++round) {
    const std::size_t kind = rng.below(kind_count + client::kind_count);
    Raw bytes = kind < kind_count ? encode(test::arbitrary_envelope(kind, rng.next(), 20))
                                  : encode(test::arbitrary_client(kind - kind_count, rng.next(), 20));
    for (std::uint64_t changes = 1 + rng.below(4); changes > 0; --changes) {
      bytes[rng.below(bytes.size())] = static_cast<std::byte>(rng.below(256));
    }
    const std::size_t peak = peak_of([&] {
      if (kind < kind_count) {
        (void)decode(bytes);
      } else {
        (void)client::decode_client(bytes);
      }
    });
    ASSERT_LE(peak, bound_for(bytes.size())) << "round " << round;
  }
}

TEST(Hostile, random_bytes_are_refused_or_travel) {
  test::Rng rng(2);
  for (int round = 0; round < 50'000; ++round) {
    Raw bytes(rng.below(64));
    for (std::byte& b : bytes) b = static_cast<std::byte>(rng.below(256));
    const auto received = decode(bytes);
    if (received) {
      ASSERT_EQ(decode(encode(*received)), received);
    }
    const auto from_client = client::decode_client(bytes);
    if (from_client) {
      ASSERT_EQ(client::decode_client(encode(*from_client)), from_client);
    }
  }
}

}  // namespace
}  // namespace protocol
