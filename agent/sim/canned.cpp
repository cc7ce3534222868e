#include "agent/sim/canned.h"

#include <type_traits>

namespace agent::sim {

namespace {

enum class Label : std::uint8_t { terms = 0xa1, loop, peer, job, mandate, batch };

class Writer {
 public:
  explicit Writer(Label label) { (*this)(label); }

  template <class T>
  Writer& operator()(const T& value) {
    if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool>) {
      bytes.push_back(static_cast<std::byte>(value));
    } else if constexpr (std::is_integral_v<T>) {
      for (std::size_t i = 0; i < sizeof(T); ++i)
        bytes.push_back(static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i)));
    } else if constexpr (std::is_same_v<T, core::Duration>) {
      (*this)(value.count());
    } else if constexpr (requires {
                           value.size();
                           value.data();
                         }) {
      if constexpr (!requires { std::tuple_size<T>::value; }) (*this)(static_cast<std::uint32_t>(value.size()));
      for (const auto& each : value) (*this)(each);
    } else if constexpr (std::is_same_v<T, std::byte>) {
      bytes.push_back(value);
    } else if constexpr (requires { value.has_value(); }) {
      (*this)(value.has_value());
      if (value) (*this)(*value);
    } else if constexpr (requires { value.value(); }) {
      (*this)(value.value());
    } else {
      fields(*this, value);
    }
    return *this;
  }

  Bytes bytes;
};

class Reader {
 public:
  Reader(Label label, std::span<const std::byte> bytes) : left_(bytes) {
    Label found{};
    (*this)(found);
    good_ = good_ && found == label;
  }

  template <class T>
  Reader& operator()(T& value) {
    if constexpr (std::is_enum_v<T> || std::is_same_v<T, bool>) {
      value = static_cast<T>(take(1));
    } else if constexpr (std::is_integral_v<T>) {
      value = static_cast<T>(take(sizeof(T)));
    } else if constexpr (std::is_same_v<T, core::Duration>) {
      value = core::Duration(static_cast<std::int64_t>(take(8)));
    } else if constexpr (requires {
                           std::tuple_size<T>::value;
                           value.data();
                         }) {
      for (std::byte& each : value) each = static_cast<std::byte>(take(1));
    } else if constexpr (requires {
                           value.size();
                           value.data();
                         }) {
      const std::uint64_t count = take(4);
      if (count > left_.size()) good_ = false;
      for (std::uint64_t i = 0; good_ && i < count; ++i) (*this)(value.emplace_back());
    } else if constexpr (requires { value.has_value(); }) {
      if (take(1) != 0) (*this)(value.emplace());
    } else if constexpr (requires { value.value(); }) {
      auto inside = value.value();
      (*this)(inside);
      value = T(inside);
    } else {
      fields(*this, value);
    }
    return *this;
  }

  [[nodiscard]] bool finished() const { return good_ && left_.empty(); }

 private:
  std::uint64_t take(std::size_t width) {
    if (!good_ || left_.size() < width) {
      good_ = false;
      return 0;
    }
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < width; ++i) value |= std::to_integer<std::uint64_t>(left_[i]) << (8 * i);
    left_ = left_.subspan(width);
    return value;
  }

  std::span<const std::byte> left_;
  bool good_ = true;
};

// The fields of each struct, in order, once for both directions: `Struct` is const for a writer.
template <class T, class Struct>
concept same = std::is_same_v<std::remove_const_t<Struct>, T>;

template <class Archive, class Struct>
void fields(Archive& a, Struct& s) {
  if constexpr (same<core::JobTerms, Struct>) {
    a(s.job)(s.body)(s.size)(s.grain)(s.retries)(s.slots_max)(s.found)(s.lowest_hit)(s.halt)(s.user);
    a(s.branch_number)(s.started_at_most_once);
  } else if constexpr (same<core::HaltRule, Struct>) {
    a(s.when)(s.what)(s.amount)(s.unit);
  } else if constexpr (same<core::LoopTerms, Struct>) {
    a(s.path)(s.size)(s.branch_number)(s.opener)(s.instance);
  } else if constexpr (same<protocol::PathStep, Struct>) {
    a(s.iteration)(s.ordinal);
  } else if constexpr (same<core::Peer, Struct>) {
    a(s.node)(s.instance)(s.address);
  } else if constexpr (same<core::Address, Struct>) {
    a(s.ip)(s.port);
  } else if constexpr (same<core::MandateFact, Struct>) {
    a(s.job)(s.epoch)(s.sequence)(s.time_to_live);
  } else if constexpr (same<core::Epoch, Struct>) {
    a(s.number)(s.root);
  } else if constexpr (same<Batch, Struct>) {
    a(s.executor)(s.loop)(s.results);
  } else if constexpr (same<core::LoopId, Struct>) {
    a(s.job)(s.path);
  } else if constexpr (same<core::ResultFact, Struct>) {
    a(s.piece)(s.attempt)(s.outcome)(s.ran);
  } else {
    static_assert(same<core::Interval, Struct>);
    a(s.begin)(s.end);
  }
}

template <class T>
Bytes written(Label label, const T& value) {
  Writer writer(label);
  writer(value);
  return std::move(writer.bytes);
}

template <class T>
std::optional<T> read(Label label, std::span<const std::byte> bytes) {
  Reader reader(label, bytes);
  T value;
  reader(value);
  if (!reader.finished()) return std::nullopt;
  return value;
}

}  // namespace

Bytes can(const core::JobTerms& terms) {
  return written(Label::terms, terms);
}
Bytes can(const core::LoopTerms& loop) {
  return written(Label::loop, loop);
}
Bytes can(const core::Peer& peer) {
  return written(Label::peer, peer);
}
Bytes can(const core::JobId& job) {
  return written(Label::job, job);
}
Bytes can(const core::MandateFact& mandate) {
  return written(Label::mandate, mandate);
}
Bytes can(const Batch& batch) {
  return written(Label::batch, batch);
}

std::optional<core::JobTerms> open_terms(std::span<const std::byte> bytes) {
  return read<core::JobTerms>(Label::terms, bytes);
}
std::optional<core::LoopTerms> open_loop(std::span<const std::byte> bytes) {
  return read<core::LoopTerms>(Label::loop, bytes);
}
std::optional<core::Peer> open_peer(std::span<const std::byte> bytes) {
  return read<core::Peer>(Label::peer, bytes);
}
std::optional<core::JobId> open_job(std::span<const std::byte> bytes) {
  return read<core::JobId>(Label::job, bytes);
}
std::optional<core::MandateFact> open_mandate(std::span<const std::byte> bytes) {
  return read<core::MandateFact>(Label::mandate, bytes);
}
std::optional<Batch> open_batch(std::span<const std::byte> bytes) {
  return read<Batch>(Label::batch, bytes);
}

}  // namespace agent::sim
