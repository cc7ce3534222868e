// Every member of every struct that travels is named in its fields(): one forgotten there would silently stay behind,
// and a round trip made by the same fields() would not notice.

#include <gtest/gtest.h>

#include <utility>

#include "protocol/fields_client.h"
#include "tests/unit/protocol/generate.h"

namespace protocol {
namespace test {

struct Anything {
  template <class T>
  operator T() const;  // never defined, only its type is asked for
};

}  // namespace test

namespace {

using test::Anything;

template <class T, std::size_t... i>
constexpr bool takes(std::index_sequence<i...>) {
  return requires {
    T{((void)i, Anything{})...};
  };
}

// How many members an aggregate has: the most initialisers that it takes.
template <class T, std::size_t most = 20>
constexpr std::size_t member_count() {
  if constexpr (most == 0) {
    return 0;
  } else if constexpr (takes<T>(std::make_index_sequence<most>{})) {
    return most;
  } else {
    return member_count<T, most - 1>();
  }
}

static_assert(member_count<Interval>() == 2 && member_count<client::Result>() == 17 &&
              member_count<client::GetStatus>() == 0);

template <class T>
void expect_all_travel() {
  EXPECT_EQ(field_count(T{}), member_count<T>()) << testing::internal::GetTypeName<T>();
}

template <class... T>
void expect_all_travel(const std::variant<T...>*) {
  (expect_all_travel<T>(), ...);
}

TEST(Fields, name_every_member_of_every_message) {
  expect_all_travel(static_cast<const Message*>(nullptr));
  expect_all_travel(static_cast<const client::ClientMessage*>(nullptr));
}

TEST(Fields, name_every_member_of_the_structs_inside) {
  using Inside = std::variant<PathStep, Interval, Address, Hint, MandateShare, BranchRef, Lent, RevocationDigest,
                              BranchDigest, LoopId, History, ChunkName, Refuge, Epoch, client::TooLong, client::File,
                              client::Result, client::Counts, client::JobRow, client::PoolState, client::PeerRow>;
  expect_all_travel(static_cast<const Inside*>(nullptr));
}

}  // namespace
}  // namespace protocol
