#pragma once
// The one encoding of everything that is signed: a value has exactly one encoding, and nothing else decodes to it.
//
// Fields stand in fixed order without names. An integer is base 128, least significant group first, without leading
// zero groups (as LEB128); signed ones are zigzag-mapped first. Byte strings, texts, lists and tables have their number
// of elements in front; keys and digests, whose size is fixed, have not. A choice is its number, a flag or the presence
// of an optional is 0 or 1. Tables are in strictly ascending order of their keys. Nothing follows the last field.
//
// `Writer` and `Reader` have the same members, so that one function template names the fields of a type, in order and
// with their bounds, for both directions:
//
//   template <class Wire, class T>  // Writer and const T, or Reader and T
//   void fields(Wire& wire, T& value) { wire.number(value.count, 1, 8); wire.text(value.name, 256); ... }
//
// The first fault sticks: what comes after it writes nothing, or reads nothing and leaves the value as it is. Bounds
// are judged in both directions, so that what cannot be read is never signed. A reader checks every length and count
// against what is left of the input before it allocates.

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace crypto {

enum class WireFault {
  none,
  malformed,      // no value is encoded like this
  out_of_bounds,  // a value is, but it is not permitted here
};

struct ListBounds {
  std::size_t least = 0;  // elements
  std::size_t most = 0;
  std::size_t element_bytes_min = 1;  // no element has a shorter encoding
};

template <class T>
concept WireInteger = std::integral<T> && !std::same_as<T, bool>;

class Writer {
 public:
  static constexpr bool reading = false;

  // Faults when the encoding would be longer than `bytes_max`.
  explicit Writer(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  [[nodiscard]] WireFault fault() const { return fault_; }
  // What was written; only without a fault.
  [[nodiscard]] std::vector<std::byte> take();

  template <WireInteger T>
  void number(const T& value, std::type_identity_t<T> low = std::numeric_limits<T>::min(),
              std::type_identity_t<T> high = std::numeric_limits<T>::max()) {
    require(low <= value && value <= high);
    varint(std::signed_integral<T> ? zigzag(static_cast<std::int64_t>(value)) : static_cast<std::uint64_t>(value));
  }
  template <class E>
  requires std::is_enum_v<E>
  void choice(const E& value, E last) {
    number(static_cast<std::uint64_t>(value), 0, static_cast<std::uint64_t>(last));
  }
  void flag(const bool& value) { varint(value ? 1 : 0); }
  template <std::size_t N>
  void fixed(const std::array<std::byte, N>& value) {
    append(value);
  }
  void bytes(const std::vector<std::byte>& value, std::size_t bytes_max);
  void text(const std::string& value, std::size_t bytes_max);  // no NUL inside
  template <class T, class Element>
  void list(const std::vector<T>& values, ListBounds bounds, Element element) {
    number(values.size(), bounds.least, bounds.most);
    for (const T& value : values) element(value);
  }
  template <class T, class Element>
  void table(const std::map<std::string, T>& values, ListBounds bounds, std::size_t key_bytes_max, Element element) {
    number(values.size(), bounds.least, bounds.most);
    for (const auto& [key, value] : values) {
      text(key, key_bytes_max);
      element(value);
    }
  }
  template <class T, class Element>
  void maybe(const std::optional<T>& value, Element element) {
    flag(value.has_value());
    if (value) element(*value);
  }
  // `element` takes each of the alternatives.
  template <class... T, class Element>
  void alternative(const std::variant<T...>& value, Element element) {
    varint(value.index());
    std::visit(element, value);
  }
  void require(bool within_bounds) { fail_unless(within_bounds, WireFault::out_of_bounds); }

 private:
  static std::uint64_t zigzag(std::int64_t value);
  void fail_unless(bool good, WireFault fault) {
    if (!good && fault_ == WireFault::none) fault_ = fault;
  }
  void varint(std::uint64_t value);
  void append(std::span<const std::byte> bytes);

  std::size_t bytes_max_;
  std::vector<std::byte> written_;
  WireFault fault_ = WireFault::none;
};

class Reader {
 public:
  static constexpr bool reading = true;

  // Faults at once when there are more than `bytes_max` bytes.
  Reader(std::span<const std::byte> input, std::size_t bytes_max) : left_(input) { require(input.size() <= bytes_max); }
  // After the last field: anything left is a fault.
  [[nodiscard]] WireFault finish();

  template <WireInteger T>
  void number(T& value, std::type_identity_t<T> low = std::numeric_limits<T>::min(),
              std::type_identity_t<T> high = std::numeric_limits<T>::max()) {
    const std::uint64_t raw = varint();
    using Wide = std::conditional_t<std::signed_integral<T>, std::int64_t, std::uint64_t>;
    Wide wide{};
    if constexpr (std::signed_integral<T>) {
      wide = from_zigzag(raw);
    } else {
      wide = raw;
    }
    require(Wide{low} <= wide && wide <= Wide{high});
    if (ok()) value = static_cast<T>(wide);
  }
  template <class E>
  requires std::is_enum_v<E>
  void choice(E& value, E last) {
    std::uint64_t raw = 0;
    number(raw, 0, static_cast<std::uint64_t>(last));
    if (ok()) value = static_cast<E>(raw);
  }
  void flag(bool& value);
  template <std::size_t N>
  void fixed(std::array<std::byte, N>& value) {
    const std::span<const std::byte> taken = take(N);
    for (std::size_t i = 0; i < taken.size(); ++i) value[i] = taken[i];
  }
  void bytes(std::vector<std::byte>& value, std::size_t bytes_max);
  void text(std::string& value, std::size_t bytes_max);
  template <class T, class Element>
  void list(std::vector<T>& values, ListBounds bounds, Element element) {
    for (std::size_t todo = count(bounds); todo > 0 && ok(); --todo) element(values.emplace_back());
  }
  template <class T, class Element>
  void table(std::map<std::string, T>& values, ListBounds bounds, std::size_t key_bytes_max, Element element) {
    for (std::size_t todo = count(bounds); todo > 0 && ok(); --todo) {
      std::string key;
      text(key, key_bytes_max);
      fail_unless(values.empty() || values.rbegin()->first < key, WireFault::malformed);
      if (ok()) element(values[std::move(key)]);
    }
  }
  template <class T, class Element>
  void maybe(std::optional<T>& value, Element element) {
    bool present = false;
    flag(present);
    if (present) element(value.emplace());
  }
  template <class... T, class Element>
  void alternative(std::variant<T...>& value, Element element) {
    std::size_t index = 0;
    number(index, 0, sizeof...(T) - 1);
    if (!ok()) return;
    emplace(value, index, std::index_sequence_for<T...>{});
    std::visit(element, value);
  }
  void require(bool within_bounds) { fail_unless(within_bounds, WireFault::out_of_bounds); }

 private:
  static std::int64_t from_zigzag(std::uint64_t raw);
  template <class Variant, std::size_t... Index>
  static void emplace(Variant& value, std::size_t index, std::index_sequence<Index...>) {
    ((Index == index ? static_cast<void>(value.template emplace<Index>()) : void()), ...);
  }
  [[nodiscard]] bool ok() const { return fault_ == WireFault::none; }
  void fail_unless(bool good, WireFault fault) {
    if (!good && ok()) fault_ = fault;
  }
  std::uint64_t varint();
  // Number of elements that follow, 0 after a fault.
  std::size_t count(ListBounds bounds);
  // The next `size` bytes; none, and a fault, if there are fewer.
  std::span<const std::byte> take(std::size_t size);

  std::span<const std::byte> left_;
  WireFault fault_ = WireFault::none;
};

}  // namespace crypto
