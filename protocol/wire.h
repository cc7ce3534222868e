#pragma once
// From structs to msgpack and back, by one description per struct.
//
// For each struct T that travels there is one function
//   template <class V> void fields(V& v, Field<V, T> m)
// that hands its members to a visitor in wire order, with their limits (fields_*.h). Encoder and Decoder here, and the
// generators of the tests, are such visitors; a new field is one line there. A visitor V has `V::reading`, and:
//   v(x)                      integer, bool, enumeration, Id, byte array, struct, optional of these,
//                             variant with a fields() of its own that is one v.choice
//   v.text(s, max)            text for people: the encoder cuts it at `max` bytes, between characters
//   v.exact(s, max)           any other text
//   v.bytes(b, max)           opaque bytes
//   v.list(l, max)            structs or Ids
//   v.texts(l, max, each)     texts for people
//   v.blobs(l, max, each, all)  opaque byte strings, `each` and together `all` bytes at most
//   v.intervals(l)            sorted and disjoint; as one flat array begin, end, begin, end ...
//   v.choice(variant, f...)   [index, content]; f[i](v, alternative i) describes the content
//   v.require(condition)      what must hold of the fields together

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/ids.h"
#include "protocol/limits.h"
#include "protocol/message_peer.h"
#include "protocol/wire_reader.h"
#include "protocol/wire_writer.h"

namespace protocol {

template <class V, class T>
using Field = std::conditional_t<V::reading, T&, const T&>;

template <class T>
inline constexpr bool is_id = false;
template <class Tag, class Rep>
inline constexpr bool is_id<Id<Tag, Rep>> = true;

template <class T>
inline constexpr bool is_byte_array = false;
template <std::size_t size>
inline constexpr bool is_byte_array<std::array<std::byte, size>> = true;

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

template <class T>
inline constexpr bool is_variant = false;
template <class... A>
inline constexpr bool is_variant<std::variant<A...>> = true;

// Sorted, disjoint, begin < end.
[[nodiscard]] bool is_canonical(std::span<const Interval> intervals);
// The longest prefix of at most `bytes_max` bytes that ends between characters, if `text` is UTF-8.
[[nodiscard]] std::string_view cut(std::string_view text, std::size_t bytes_max);

// Counts the fields of a struct: how long its array is. The same for every value of a type.
class FieldCounter {
 public:
  static constexpr bool reading = false;
  std::size_t count = 0;

  template <class T>
  void operator()(const T&) {
    ++count;
  }
  void text(const std::string&, std::size_t) { ++count; }
  void exact(const std::string&, std::size_t) { ++count; }
  void bytes(const Bytes&, std::size_t) { ++count; }
  template <class T>
  void list(const std::vector<T>&, std::size_t) {
    ++count;
  }
  void texts(const std::vector<std::string>&, std::size_t, std::size_t) { ++count; }
  void blobs(const std::vector<Bytes>&, std::size_t, std::size_t, std::size_t) { ++count; }
  void intervals(const Intervals&) { ++count; }
  template <class Variant, class... Describe>
  void choice(const Variant&, const Describe&...) {
    ++count;
  }
  void require(bool) {}
};

template <class T>
[[nodiscard]] std::size_t field_count(const T& value) {
  FieldCounter counter;
  fields(counter, value);
  return counter.count;
}

// Writes fields. Everything exact is asserted to be within its limits.
class Encoder {
 public:
  static constexpr bool reading = false;
  explicit Encoder(WireWriter& out) : out_(out) {}

  template <class T>
  void operator()(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      out_.boolean(value);
    } else if constexpr (std::is_enum_v<T>) {
      assert(value <= LastOf<T>::value);
      out_.number(static_cast<std::uint64_t>(value));
    } else if constexpr (std::is_integral_v<T>) {
      integer(value);
    } else if constexpr (is_id<T>) {
      (*this)(value.value());
    } else if constexpr (is_byte_array<T>) {
      out_.bytes(value);
    } else if constexpr (is_optional<T>) {
      value ? (*this)(*value) : out_.nothing();
    } else if constexpr (is_variant<T>) {
      fields(*this, value);
    } else {
      out_.array(field_count(value));
      fields(*this, value);
    }
  }

  void text(const std::string& value, std::size_t bytes_max) { out_.text(cut(value, bytes_max)); }
  void exact(const std::string& value, std::size_t bytes_max) {
    assert(value.size() <= bytes_max);
    out_.text(value);
  }
  void bytes(const Bytes& value, std::size_t bytes_max) {
    assert(value.size() <= bytes_max);
    out_.bytes(value);
  }
  template <class T>
  void list(const std::vector<T>& values, std::size_t count_max) {
    array(values.size(), count_max);
    for (const T& value : values) (*this)(value);
  }
  void texts(const std::vector<std::string>& values, std::size_t count_max, std::size_t bytes_max) {
    array(values.size(), count_max);
    for (const std::string& value : values) text(value, bytes_max);
  }
  void blobs(const std::vector<Bytes>& values, std::size_t count_max, std::size_t bytes_max, std::size_t all_bytes_max);
  void intervals(const Intervals& values);
  template <class... A, class... Describe>
  void choice(const std::variant<A...>& value, const Describe&... describe) {
    static_assert(sizeof...(A) == sizeof...(Describe));
    out_.array(2);
    out_.number(value.index());
    const auto describers = std::tie(describe...);
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      ((value.index() == i ? std::get<i>(describers)(*this, *std::get_if<i>(&value)) : void()), ...);
    }
    (std::index_sequence_for<A...>{});
  }
  void require(bool condition) { assert(condition); }

 private:
  template <class T>
  void integer(T value) {
    if constexpr (std::is_signed_v<T>) {
      if (value < 0) return out_.negative(value);
    }
    out_.number(static_cast<std::uint64_t>(value));
  }
  void array(std::size_t count, std::size_t count_max) {
    assert(count <= count_max);
    out_.array(count);
  }

  WireWriter& out_;
  std::size_t intervals_left_ = limits::intervals_per_message_max;
};

// Reads fields. After the first error nothing more is read and every list stays short; the error is the reader's.
// Memory is charged before it is taken, against `limits::allocation_factor` x the input and the slack.
class Decoder {
 public:
  static constexpr bool reading = true;
  explicit Decoder(WireReader& in)
      : in_(in), bytes_left_(limits::allocation_factor * in.left() + limits::allocation_slack_bytes - parser_bytes) {}

  template <class T>
  void operator()(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = in_.boolean();
    } else if constexpr (std::is_enum_v<T>) {
      value = static_cast<T>(in_.number(static_cast<std::uint64_t>(LastOf<T>::value)));
    } else if constexpr (std::is_integral_v<T> && std::is_unsigned_v<T>) {
      value = static_cast<T>(in_.number(std::numeric_limits<T>::max()));
    } else if constexpr (std::is_integral_v<T>) {
      value = static_cast<T>(in_.signed_number(std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
    } else if constexpr (is_id<T>) {
      std::remove_cvref_t<decltype(value.value())> rep{};
      (*this)(rep);
      value = T(rep);
    } else if constexpr (is_byte_array<T>) {
      exactly(value);
    } else if constexpr (is_optional<T>) {
      if (!in_.nothing()) (*this)(value.emplace());
    } else if constexpr (is_variant<T>) {
      fields(*this, value);
    } else {
      fields_of(value, in_.array());
    }
  }

  // The fields of a struct out of `count` values; those of a later version are passed over.
  template <class T>
  void fields_of(T& value, std::size_t count) {
    const std::size_t known = field_count(value);
    if (!in_.ok()) return;
    if (count < known) return in_.fail(DecodeError::missing_field);
    if (count - known > limits::unknown_fields_max) return in_.fail(DecodeError::too_long);
    fields(*this, value);
    in_.skip(count - known);
  }

  void text(std::string& value, std::size_t bytes_max) { exact(value, bytes_max); }
  void exact(std::string& value, std::size_t bytes_max);
  void bytes(Bytes& value, std::size_t bytes_max);
  template <class T>
  void list(std::vector<T>& values, std::size_t count_max) {
    resize(values, in_.array(), count_max);
    for (T& value : values) {
      if (in_.ok()) (*this)(value);
    }
  }
  void texts(std::vector<std::string>& values, std::size_t count_max, std::size_t bytes_max);
  void blobs(std::vector<Bytes>& values, std::size_t count_max, std::size_t bytes_max, std::size_t all_bytes_max);
  void intervals(Intervals& values);
  template <class... A, class... Describe>
  void choice(std::variant<A...>& value, const Describe&... describe) {
    static_assert(sizeof...(A) == sizeof...(Describe));
    if (in_.array() != 2) return in_.fail(DecodeError::bad_value);
    const std::uint64_t index = in_.number(sizeof...(A) - 1);
    if (!in_.ok()) return;
    const auto describers = std::tie(describe...);
    [&]<std::size_t... i>(std::index_sequence<i...>) {
      ((index == i ? std::get<i>(describers)(*this, value.template emplace<i>()) : void()), ...);
    }
    (std::index_sequence_for<A...>{});
  }
  void require(bool condition) {
    if (!condition) in_.fail(DecodeError::bad_value);
  }

 private:
  static constexpr std::size_t parser_bytes = 1024;  // msgpack's own stack
  static constexpr std::size_t string_bytes = 32;    // what a string takes besides its text

  // Takes `size` bytes off the budget.
  [[nodiscard]] bool charge(std::size_t size);
  void exactly(std::span<std::byte> value);

  template <class T>
  void resize(std::vector<T>& values, std::size_t count, std::size_t count_max) {
    if (count > count_max) return in_.fail(DecodeError::too_long);
    if (in_.ok() && charge(count * sizeof(T))) values.resize(count);
  }

  WireReader& in_;
  std::size_t bytes_left_;
  std::size_t intervals_left_ = limits::intervals_per_message_max;
};

// `[kind, version, fields ...]` of a variant whose index is the kind.
template <class Variant>
void write_kind(Encoder& encoder, WireWriter& out, const Variant& message) {
  std::visit(
      [&](const auto& content) {
        out.array(2 + field_count(content));
        out.number(message.index());
        out.number(1);
        fields(encoder, content);
      },
      message);
}

// The reverse. A kind that is not known fails with `unknown_kind` only if the rest is well formed.
template <class Variant>
void read_kind(Decoder& decoder, WireReader& in, Variant& message) {
  using Read = void (*)(Decoder&, Variant&, std::size_t);
  static constexpr auto reads = []<std::size_t... i>(std::index_sequence<i...>) {
    return std::array<Read, sizeof...(i)>{
        [](Decoder& d, Variant& m, std::size_t count) { d.fields_of(m.template emplace<i>(), count); }...};
  }
  (std::make_index_sequence<std::variant_size_v<Variant>>{});

  const std::size_t count = in.array();
  if (in.ok() && count < 2) return in.fail(DecodeError::missing_field);
  const std::uint64_t kind = in.number(std::numeric_limits<std::uint64_t>::max());
  const std::uint64_t version = in.number(std::numeric_limits<std::uint32_t>::max());
  if (!in.ok()) return;
  if (version == 0) return in.fail(DecodeError::bad_version);
  if (kind < reads.size()) return reads[kind](decoder, message, count - 2);
  in.skip(count - 2);
  in.finish();
  in.fail(DecodeError::unknown_kind);
}

}  // namespace protocol
