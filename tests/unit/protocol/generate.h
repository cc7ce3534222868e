#pragma once
// Contents for messages, made by visitors of the same fields() that the codec uses (protocol/wire.h): what they fill in
// respects the limits named there. `Arbitrary` varies everything by a seed; `Largest` fills everything to its limit.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/client.h"
#include "protocol/fields_branch.h"
#include "protocol/fields_client.h"
#include "protocol/fields_job.h"
#include "protocol/fields_peer.h"
#include "protocol/message.h"
#include "protocol/wire.h"
#include "tests/unit/protocol/rng.h"

namespace protocol::test {

// `Derived` says how many, how long and which.
template <class Derived>
class Filler {
 public:
  static constexpr bool reading = true;

  template <class T>
  void operator()(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = self().number(1) != 0;
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(self().number(static_cast<std::uint64_t>(LastOf<T>::value)));
    } else if constexpr (std::is_integral_v<T> && std::is_unsigned_v<T>) {
      value = static_cast<T>(self().number(std::numeric_limits<T>::max()));
    } else if constexpr (std::is_integral_v<T>) {
      value = static_cast<T>(self().signed_number(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    } else if constexpr (is_id<T>) {
      std::remove_cvref_t<decltype(value.value())> rep{};
      (*this)(rep);
      value = T(rep);
    } else if constexpr (is_byte_array<T>) {
      for (std::byte& b : value) b = self().byte();
    } else if constexpr (is_optional<T>) {
      value.reset();
      if (self().number(1) != 0) (*this)(value.emplace());
    } else if constexpr (std::is_same_v<T, Interval>) {
      value.begin = self().number(std::numeric_limits<std::uint64_t>::max() - 1);
      value.end = value.begin + 1 + self().number(std::numeric_limits<std::uint64_t>::max() - value.begin - 1);
    } else {
      fields(self(), value);
      mend(value);
    }
  }

  void text(std::string& value, std::size_t max) { exact(value, max); }
  void exact(std::string& value, std::size_t max) {
    value.resize(self().size(max));
    for (char& c : value) c = static_cast<char>('a' + std::to_integer<int>(self().byte()) % 26);
  }
  void bytes(Bytes& value, std::size_t max) {
    value.resize(self().size(max));
    for (std::byte& b : value) b = self().byte();
  }
  template <class T>
  void list(std::vector<T>& values, std::size_t max) {
    values.resize(self().size(max));
    for (T& value : values) (*this)(value);
  }
  void texts(std::vector<std::string>& values, std::size_t max, std::size_t each) {
    values.resize(self().size(max));
    for (std::string& value : values) text(value, each);
  }
  void blobs(std::vector<Bytes>& values, std::size_t max, std::size_t each, std::size_t all) {
    values.resize(self().size(max));
    for (Bytes& value : values) {
      bytes(value, std::min(each, all));
      all -= value.size();
    }
  }
  template <class... A, class... Describe>
  void choice(std::variant<A...>& value, const Describe&... describe) {
    const std::uint64_t index = self().number(sizeof...(A) - 1);
    const auto describers = std::tie(describe...);
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      ((index == i ? std::get<i>(describers)(self(), value.template emplace<i>()) : void()), ...);
    }
    (std::index_sequence_for<A...>{});
  }
  void require(bool) {}

 private:
  Derived& self() { return static_cast<Derived&>(*this); }

  // What v.require() wants of the fields together.
  template <class T>
  void mend(T& m) {
    if constexpr (std::is_same_v<T, Walk>) m.hops_left = std::min(m.hops_left, limits::walk_hops_max);
    if constexpr (std::is_same_v<T, Ask> || std::is_same_v<T, Refer>) {
      m.hops_left = std::min(m.hops_left, limits::refer_hops_max);
    }
    if constexpr (std::is_same_v<T, Piece>) m.offset = std::min(m.offset, m.total) / 2;
    if constexpr (std::is_same_v<T, Piece>) m.content.resize(std::min(m.content.size(), m.total - m.offset));
    if constexpr (std::is_same_v<T, client::Items>) {
      if (!client::is_well_sized(m)) m.items.resize(1);
    }
  }
};

class Arbitrary : public Filler<Arbitrary> {
 public:
  // Lists and texts stay below `size_limit`, so that a test of every byte stays short.
  Arbitrary(std::uint64_t seed, std::size_t size_limit) : rng_(seed), size_limit_(size_limit) {}

  std::uint64_t number(std::uint64_t max) {
    const std::uint64_t any = rng_.any_size();
    return any <= max ? any : any % (max + 1);
  }
  std::int64_t signed_number(std::int64_t min, std::int64_t max) {
    const auto size = static_cast<std::int64_t>(rng_.any_size() >> 1U);
    return std::clamp(rng_.below(2) == 0 ? size : -size, min, max);
  }
  std::size_t size(std::size_t max) { return rng_.below(std::min(max, size_limit_) + 1); }
  std::byte byte() { return static_cast<std::byte>(rng_.below(256)); }
  void intervals(Intervals& values) {
    values.clear();
    std::uint64_t at = rng_.any_size() >> 8U;
    for (std::size_t left = rng_.below(size_limit_ + 1); left > 0; --left) {
      const Interval next{at, at + 1 + (rng_.any_size() >> 8U)};
      values.push_back(next);
      at = next.end + (rng_.any_size() >> 8U);
    }
  }

 private:
  Rng rng_;
  std::size_t size_limit_;
};

class Largest : public Filler<Largest> {
 public:
  std::uint64_t number(std::uint64_t max) { return max; }
  std::int64_t signed_number(std::int64_t min, std::int64_t) { return min; }
  std::size_t size(std::size_t max) { return max; }
  std::byte byte() { return std::byte{0xff}; }
  // The first list of a message takes all that its lists may hold together.
  void intervals(Intervals& values) {
    values.clear();
    const std::uint64_t first = std::numeric_limits<std::uint64_t>::max() - 2 * intervals_left_;
    for (std::uint64_t i = 0; i < intervals_left_; ++i) values.push_back({first + 2 * i, first + 2 * i + 1});
    intervals_left_ = 0;
  }

 private:
  std::size_t intervals_left_ = limits::intervals_per_message_max;
};

template <class Variant, class Visitor>
Variant make(std::size_t kind, Visitor&& visitor) {
  Variant message;
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    ((kind == i ? visitor(message.template emplace<i>()) : void()), ...);
  }
  (std::make_index_sequence<std::variant_size_v<Variant>>{});
  return message;
}

inline Envelope arbitrary_envelope(std::size_t kind, std::uint64_t seed, std::size_t size_limit) {
  Arbitrary visitor(seed, size_limit);
  Envelope envelope;
  visitor(envelope.sequence);
  visitor(envelope.heard);
  envelope.message = make<Message>(kind, visitor);
  return envelope;
}

inline client::ClientMessage arbitrary_client(std::size_t kind, std::uint64_t seed, std::size_t size_limit) {
  return make<client::ClientMessage>(kind, Arbitrary(seed, size_limit));
}

}  // namespace protocol::test
