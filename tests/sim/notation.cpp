#include "tests/sim/notation.h"

#include <cassert>
#include <charconv>
#include <type_traits>
#include <utility>

#include "agent/sim/names.h"
#include "tests/sim/notation_fields.h"
#include "tests/sim/notation_message_fields.h"

namespace sim_test {

namespace sim = agent::sim;

namespace {

struct Unit {
  std::string_view name;
  std::int64_t ns;
};
constexpr std::array units{Unit{"h", 3'600'000'000'000}, Unit{"min", 60'000'000'000}, Unit{"s", 1'000'000'000},
                           Unit{"ms", 1'000'000},        Unit{"us", 1'000},           Unit{"ns", 1}};

template <class T>
constexpr bool is_list = false;
template <class T>
constexpr bool is_list<std::vector<T>> = true;
template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;
template <class T>
concept named = requires {
  Names<T>::all;
};
// Ids that are counters, with their letter.
template <class T>
constexpr char letter = 0;
template <>
constexpr char letter<core::TaskId> = 'T';
template <>
constexpr char letter<core::ClientId> = 'C';
template <>
constexpr char letter<core::BranchId> = 'B';
template <>
constexpr char letter<core::BatchId> = 'K';
template <>
constexpr char letter<core::Attempt> = 'A';

std::string text_of_duration(std::int64_t ns) {
  for (const Unit& unit : units) {
    if (ns % unit.ns == 0 && ns != 0) return std::to_string(ns / unit.ns) + std::string(unit.name);
  }
  return "0s";
}

class Printer {
 public:
  // The fields that are not as the struct has them by default.
  template <class T>
  void put_fields(T& value) {
    std::vector<std::string> usual;
    T standard{};
    const auto note = [&](std::string_view, auto& member) { usual.push_back(text_of(member)); };
    fields(note, standard);
    std::size_t next = 0;
    bool first = true;
    const auto compare = [&](std::string_view name, auto& member) {
      const std::string here = text_of(member);
      if (here == usual[next++]) return;
      text.append(first ? "" : " ").append(name).append("=").append(here);
      first = false;
    };
    fields(compare, value);
  }

  template <class T>
  void put(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      text += value ? "yes" : "no";
    } else if constexpr (std::is_integral_v<T>) {
      text += std::to_string(value);
    } else if constexpr (named<T>) {
      text += Names<T>::all.at(static_cast<std::size_t>(value));
    } else if constexpr (std::is_same_v<T, core::Duration>) {
      text += text_of_duration(value.count());
    } else if constexpr (std::is_same_v<T, core::Instant>) {
      text += text_of_duration(value.time_since_epoch().count());
    } else if constexpr (letter<T> != 0) {
      text += letter<T> + std::to_string(value.value());
    } else if constexpr (is_optional<T>) {
      if (value) put(*value);
    } else {
      put_name(value);
    }
  }

  std::string text;

 private:
  template <class T>
  static std::string text_of(T& value) {
    Printer inside;
    inside.put(value);
    return std::move(inside.text);
  }

  template <class T>
  void put_name(T& value) {
    if constexpr (std::is_same_v<T, core::JobId>) {
      text += "J" + std::to_string(sim::number_of(value));
    } else if constexpr (std::is_same_v<T, core::NodeId>) {
      const auto node = sim::index_of(value);
      text += node ? "N" + std::to_string(*node) : "N?";
    } else if constexpr (std::is_same_v<T, core::Address>) {
      const auto node = sim::index_of(value);
      text += node ? "N" + std::to_string(*node) : "N?";
    } else if constexpr (std::is_same_v<T, core::InstanceKey> || std::is_same_v<T, core::UserId>) {
      text += std::to_string(last_word(value.value(), std::is_same_v<T, core::UserId> ? 28 : 24));
    } else if constexpr (std::is_same_v<T, core::Interval>) {
      text += std::to_string(value.begin) + ".." + std::to_string(value.end);
    } else if constexpr (std::is_same_v<T, core::LoopPath>) {
      if (value.empty()) text += "/";
      for (const protocol::PathStep& step : value)
        text += "/" + std::to_string(step.iteration) + "." + std::to_string(step.ordinal);
    } else {
      put_compound(value);
    }
  }

  template <class T>
  void put_compound(T& value) {
    if constexpr (is_list<T>) {
      text += '[';
      for (auto& each : value) {
        if (text.back() != '[') text += ' ';
        put(each);
      }
      text += ']';
    } else if constexpr (std::is_same_v<T, core::Message>) {
      text += protocol::name_of(protocol::kind_of(value));
      std::visit([this](auto& message) { put_compound(message); }, value);
    } else if constexpr (std::is_same_v<T, std::variant<std::uint64_t, protocol::Intervals>>) {
      if (const auto* count = std::get_if<0>(&value)) {
        text += "#" + std::to_string(*count);
      } else {
        put_compound(std::get<1>(value));
      }
    } else {
      text += '{';
      put_fields(value);
      text += '}';
    }
  }

  static std::uint32_t last_word(const protocol::Bytes32& bytes, std::size_t at) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; ++i) word = word << 8 | std::to_integer<std::uint32_t>(bytes[at + i]);
    return word;
  }
};

class Parser {
 public:
  explicit Parser(std::string_view text) : left_(text) {}

  [[nodiscard]] bool finished() const { return good_ && left_.empty(); }
  [[nodiscard]] bool good() const { return good_; }

  std::string_view word() {
    const std::size_t end = std::min(left_.find_first_of(" =[]{}"), left_.size());
    const std::string_view found = left_.substr(0, end);
    left_.remove_prefix(end);
    return found;
  }

  // The fields of a struct, in any order, up to `end` or to the end of the text.
  template <class T>
  void members(T& value, char end) {
    while (good_) {
      while (left_.starts_with(' ')) left_.remove_prefix(1);
      if (left_.empty() || left_.front() == end) return;
      const std::string_view wanted = word();
      if (!take('=')) return;
      bool found = false;
      auto visit = [&](std::string_view name, auto& member) {
        if (found || name != wanted) return;
        found = true;
        get(member);
      };
      fields(visit, value);
      good_ = good_ && found;
    }
  }

  template <class T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      const std::string_view text = word();
      good_ = good_ && (text == "yes" || text == "no");
      value = text == "yes";
    } else if constexpr (std::is_integral_v<T>) {
      value = number<T>(word());
    } else if constexpr (named<T>) {
      value = static_cast<T>(place_of(Names<T>::all, word()));
    } else if constexpr (std::is_same_v<T, core::Duration>) {
      value = duration(word());
    } else if constexpr (std::is_same_v<T, core::Instant>) {
      value = core::Instant(duration(word()));
    } else if constexpr (letter<T> != 0) {
      using Rep = std::remove_cvref_t<decltype(value.value())>;
      value = T(number<Rep>(after(letter<T>, word())));
    } else if constexpr (is_optional<T>) {
      get(value.emplace());
    } else {
      get_name(value);
    }
  }

 private:
  template <class T>
  void get_name(T& value) {
    if constexpr (std::is_same_v<T, core::JobId>) {
      value = sim::job_id(number<std::uint32_t>(after('J', word())));
    } else if constexpr (std::is_same_v<T, core::NodeId>) {
      value = sim::node_id(number<std::uint32_t>(after('N', word())));
    } else if constexpr (std::is_same_v<T, core::Address>) {
      value = sim::address_of(number<std::uint32_t>(after('N', word())));
    } else if constexpr (std::is_same_v<T, core::InstanceKey>) {
      value = sim::instance_key(0, number<std::uint32_t>(word()));
    } else if constexpr (std::is_same_v<T, core::UserId>) {
      value = sim::user_id(number<std::uint32_t>(word()));
    } else if constexpr (std::is_same_v<T, core::Interval>) {
      const std::string_view text = word();
      const std::size_t dots = text.find("..");
      if (dots == text.npos) return fail();
      value = {.begin = number<std::uint64_t>(text.substr(0, dots)),
               .end = number<std::uint64_t>(text.substr(dots + 2))};
    } else if constexpr (std::is_same_v<T, core::LoopPath>) {
      get_path(value);
    } else {
      get_compound(value);
    }
  }

  void get_path(core::LoopPath& path) {
    std::string_view text = word();
    path.clear();
    if (text == "/") return;
    while (good_ && !text.empty()) {
      text = after('/', text);
      const std::string_view step = text.substr(0, text.find('/'));
      text.remove_prefix(step.size());
      const std::size_t dot = step.find('.');
      if (dot == step.npos) return fail();
      path.push_back({.iteration = number<std::uint64_t>(step.substr(0, dot)),
                      .ordinal = number<std::uint32_t>(step.substr(dot + 1))});
    }
  }

  template <class T>
  void get_compound(T& value) {
    if constexpr (is_list<T>) {
      if (!take('[')) return;
      while (good_ && !left_.empty() && left_.front() != ']') {
        get(value.emplace_back());
        if (left_.starts_with(' ')) left_.remove_prefix(1);
      }
      (void)take(']');
    } else if constexpr (std::is_same_v<T, core::Message>) {
      get_message(value, word(), std::make_index_sequence<std::variant_size_v<core::Message>>());
    } else if constexpr (std::is_same_v<T, std::variant<std::uint64_t, protocol::Intervals>>) {
      if (left_.starts_with('#')) {
        value = number<std::uint64_t>(after('#', word()));
      } else {
        get_compound(value.template emplace<1>());
      }
    } else {
      if (!take('{')) return;
      members(value, '}');
      (void)take('}');
    }
  }

  template <std::size_t... index>
  void get_message(core::Message& message, std::string_view kind, std::index_sequence<index...>) {
    const bool found = ((protocol::name_of(static_cast<protocol::Kind>(index)) == kind &&
                         (get_compound(message.emplace<index>()), true)) ||
                        ...);
    good_ = good_ && found;
  }

  template <class All>
  std::size_t place_of(const All& all, std::string_view wanted) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (all[i] == wanted) return i;
    }
    fail();
    return 0;
  }

  template <class T>
  T number(std::string_view text) {
    T value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) fail();
    return value;
  }

  core::Duration duration(std::string_view text) {
    const std::size_t digits = std::min(text.find_first_not_of("-0123456789"), text.size());
    for (const Unit& unit : units) {
      if (text.substr(digits) == unit.name)
        return core::Duration(number<std::int64_t>(text.substr(0, digits)) * unit.ns);
    }
    fail();
    return {};
  }

  std::string_view after(char first, std::string_view text) {
    if (!text.starts_with(first)) fail();
    return text.empty() ? text : text.substr(1);
  }

  bool take(char wanted) {
    if (!left_.starts_with(wanted)) good_ = false;
    if (good_) left_.remove_prefix(1);
    return good_;
  }
  void fail() { good_ = false; }

  std::string_view left_;
  bool good_ = true;
};

template <class Variant, class All>
std::string print_one(const Variant& one, const All& names) {
  Printer printer;
  Variant copy = one;
  std::visit([&](auto& value) { printer.put_fields(value); }, copy);
  const std::string_view name = names[one.index()];
  return std::string(name) + (printer.text.empty() ? "" : " ") + printer.text;
}

template <class Variant, class All, std::size_t... index>
std::optional<Variant> parse_one(std::string_view line, const All& names, std::index_sequence<index...>) {
  Parser parser(line);
  const std::string_view name = parser.word();
  std::optional<Variant> result;
  const auto attempt = [&]<std::size_t at>() {
    if (names[at] != name) return;
    Variant value(std::in_place_index<at>);
    parser.members(std::get<at>(value), '\0');
    if (parser.finished()) result = std::move(value);
  };
  (attempt.template operator()<index>(), ...);
  return result;
}

}  // namespace

std::string print(const core::Event& event) {
  return print_one(event, event_names);
}

std::string print(const core::Action& action) {
  return print_one(action, action_names);
}

std::optional<core::Event> parse_event(std::string_view line) {
  return parse_one<core::Event>(line, event_names, std::make_index_sequence<std::variant_size_v<core::Event>>());
}

std::optional<core::Action> parse_action(std::string_view line) {
  return parse_one<core::Action>(line, action_names, std::make_index_sequence<std::variant_size_v<core::Action>>());
}

}  // namespace sim_test
