#include "agent/cli/present.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <csignal>

#include "agent/cli/unicode.h"

namespace agent::cli {
namespace {

std::string escaped_byte(unsigned char byte) {
  switch (byte) {
    case '\n': return "\\n";
    case '\t': return "\\t";
    case '\r': return "\\r";
    case 0x1b: return "\\e";
    default: return fmt::format("\\x{:02x}", byte);
  }
}

// Characters that move, hide or turn round the text beside them: C1 controls, line and paragraph separators, marks of
// direction, the byte order mark, tags.
bool disturbs(char32_t c) {
  return (c >= 0x80 && c < 0xa0) || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
         (c >= 0x2060 && c <= 0x206f) || c == 0x061c || c == 0xfeff || (c >= 0xe0000 && c <= 0xe007f);
}

// One character, as it may be shown.
std::string shown(std::string_view bytes, char32_t character) {
  if (character == '\\') return "\\\\";
  if (character < 0x20 || character == 0x7f) return escaped_byte(static_cast<unsigned char>(character));
  if (disturbs(character)) return fmt::format("\\u{{{:x}}}", static_cast<std::uint32_t>(character));
  return std::string(bytes);
}

std::string plural(std::uint64_t number, std::string_view one) {
  return fmt::format("{} {}{}", number, one, number == 1 ? "" : "s");
}

}  // namespace

std::string printable(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view more = "...";
  std::string out;
  std::size_t cut = 0;  // where `out` may end so that `more` still fits
  while (!text.empty()) {
    const auto character = first_character(text);
    const auto piece = character ? shown(text.substr(0, character->length), character->value)
                                 : escaped_byte(static_cast<unsigned char>(text.front()));
    if (out.size() + piece.size() > bytes_max) {
      out.resize(cut);
      return out.append(more.substr(0, bytes_max - cut));
    }
    out += piece;
    if (out.size() + more.size() <= bytes_max) cut = out.size();
    text.remove_prefix(character ? character->length : 1);
  }
  return out;
}

std::string printable_item(std::string_view item, std::size_t bytes_max) {
  // What is cut off need not be copied first: every byte takes at least one.
  std::string text(item.substr(0, bytes_max + 1));
  std::ranges::replace(text, '\0', ' ');
  return printable(text, bytes_max);
}

std::string human_duration(std::chrono::nanoseconds duration) {
  assert(duration.count() >= 0);
  constexpr std::int64_t ms_ns = 1'000'000, tenth_ns = 100 * ms_ns, second_ns = 1'000 * ms_ns;
  const auto ns = duration.count();
  if (ns < tenth_ns - ms_ns / 2) return fmt::format("{} ms", (ns + ms_ns / 2) / ms_ns);
  if (ns < 60 * second_ns - tenth_ns / 2) {
    const auto tenths = (ns + tenth_ns / 2) / tenth_ns;
    return fmt::format("{}.{} s", tenths / 10, tenths % 10);
  }
  const auto seconds = ns / second_ns + (ns % second_ns >= second_ns / 2 ? 1 : 0);
  if (seconds < 3600) return fmt::format("{}m{:02}s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{}h{:02}m", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{}d{:02}h", seconds / 86'400, seconds / 3600 % 24);
}

std::string human_size(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 6> units = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1000) return fmt::format("{} B", bytes);
  std::size_t unit = 0;
  double value = static_cast<double>(bytes) / 1024;
  while (value >= 999.5 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  return value < 9.95 ? fmt::format("{:.1f} {}", value, units[unit]) : fmt::format("{:.0f} {}", value, units[unit]);
}

std::string signal_name(int signal) {
  struct Named {
    int number;
    std::string_view name;
  };
  constexpr auto names = std::to_array<Named>({{SIGHUP, "SIGHUP"},
                                               {SIGINT, "SIGINT"},
                                               {SIGQUIT, "SIGQUIT"},
                                               {SIGILL, "SIGILL"},
                                               {SIGTRAP, "SIGTRAP"},
                                               {SIGABRT, "SIGABRT"},
                                               {SIGBUS, "SIGBUS"},
                                               {SIGFPE, "SIGFPE"},
                                               {SIGKILL, "SIGKILL"},
                                               {SIGUSR1, "SIGUSR1"},
                                               {SIGSEGV, "SIGSEGV"},
                                               {SIGUSR2, "SIGUSR2"},
                                               {SIGPIPE, "SIGPIPE"},
                                               {SIGALRM, "SIGALRM"},
                                               {SIGTERM, "SIGTERM"},
                                               {SIGXCPU, "SIGXCPU"},
                                               {SIGXFSZ, "SIGXFSZ"},
                                               {SIGSYS, "SIGSYS"}});
  const auto found = std::ranges::find(names, signal, &Named::number);
  return found == names.end() ? fmt::format("signal {}", signal) : std::string(found->name);
}

Tagger::Tagger(std::string_view item) : tag_(item) {
  std::ranges::replace(tag_, '\0', ' ');
  tag_ += '\t';
}

void Tagger::feed(std::string_view output, std::string& text) {
  while (!output.empty()) {
    if (position_ == Position::line_start) text += tag_;
    const auto end = output.find('\n');
    const auto length = std::min(end == output.npos ? output.size() : end + 1, output.size());
    text += output.substr(0, length);
    position_ = end == output.npos ? Position::within : Position::line_start;
    output.remove_prefix(length);
  }
}

namespace {

std::string failed_line(const FailedTask& task) {
  constexpr std::size_t item_bytes = 60, error_bytes = 100;
  std::string how = task.reason.empty() ? "" : printable(task.reason);
  if (how.empty()) how = task.signal != 0 ? signal_name(task.signal) : fmt::format("exit {}", task.exit);
  auto line = fmt::format("  failed: {}", task.sequence);
  if (!task.item.empty()) line += " " + printable_item(task.item, item_bytes);
  line += ", " + how;
  if (!task.last_error_line.empty()) line += ": \"" + printable(task.last_error_line, error_bytes) + "\"";
  return line + "\n";
}

std::string_view words_of(RunSummary::Ending ending) {
  switch (ending) {
    case RunSummary::Ending::complete: return "";
    case RunSummary::Ending::halted: return "stopped by --halt: ";
    case RunSummary::Ending::cancelled: return "cancelled: ";
    case RunSummary::Ending::time_limit: return "time limit reached: ";
  }
  assert(false);
  return "";
}

std::string search_words(const RunSummary& summary) {
  switch (summary.search) {
    case RunSummary::Search::none: return "";
    case RunSummary::Search::hit: return summary.found ? "found in " + printable(*summary.found) + ": " : "found: ";
    case RunSummary::Search::not_found: return "not found: ";
  }
  assert(false);
  return "";
}

}  // namespace

namespace {

std::string who_did_it(const RunSummary& summary) {
  if (summary.nodes.size() < 2) return fmt::format("1 node ({})", plural(summary.slots, "slot"));
  std::string text = plural(summary.nodes.size(), "node") + ":";
  for (std::size_t i = 0; i < std::min(summary.nodes.size(), nodes_shown_max); ++i) {
    const protocol::client::NodeShare& share = summary.nodes[i];
    const std::string name = share.node.empty() ? "others" : printable(share.node);
    text += fmt::format("{} {} {}", i == 0 ? "" : ",", name, share.results);
  }
  if (summary.nodes.size() > nodes_shown_max)
    text += fmt::format(" and {} more", summary.nodes.size() - nodes_shown_max);
  return text;
}

}  // namespace

std::string end_summary(const RunSummary& summary) {
  const auto ok = summary.mode == RunMode::range ? plural(summary.ok, "piece") : std::to_string(summary.ok);
  auto text =
      fmt::format("gibbon: {}{}{} ok, {} failed", words_of(summary.ending), search_words(summary), ok, summary.failed);
  if (summary.lost > 0) text += fmt::format(", {} lost", summary.lost);
  if (summary.skipped > 0) text += fmt::format(", {} not finished", summary.skipped);
  text += fmt::format(" in {} on {}.", human_duration(summary.wall), who_did_it(summary));
  if (summary.private_agent) text += " No agent was running: used a private one.";
  text += "\n";
  const auto shown_count = std::min(summary.first_failed.size(), failed_shown_max);
  for (std::size_t i = 0; i < shown_count; ++i) text += failed_line(summary.first_failed[i]);
  const auto bad = summary.failed + summary.lost;
  if (shown_count > 0 && bad > shown_count) text += fmt::format("  and {} more\n", bad - shown_count);
  return text;
}

std::string_view last_line(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n\v\f";
  const auto end = text.find_last_not_of(blanks);
  if (end == text.npos) return {};
  text = text.substr(0, end + 1);
  const auto line = text.substr(text.rfind('\n') + 1);
  // A progress display that rewrites its line leaves its last state.
  return line.substr(line.rfind('\r') + 1);
}

std::string error_text(std::string_view message, std::string_view hint) {
  auto text = fmt::format("gibbon: {}\n", message);
  if (!hint.empty()) text += fmt::format("gibbon: {}\n", hint);
  return text;
}

}  // namespace agent::cli
