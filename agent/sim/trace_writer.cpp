#include "agent/sim/trace_writer.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <ostream>

namespace agent::sim {

namespace {

using core::Duration;

constexpr Duration word_length = std::chrono::microseconds(20);

// Microseconds with their fraction, as the format has them.
std::string stamp(Duration span) {
  std::array<char, 40> text{};
  const std::int64_t ns = span.count();
  const int length = std::snprintf(text.data(), text.size(), "%lld.%03d", static_cast<long long>(ns / 1000),
                                   static_cast<int>(ns % 1000));
  return {text.data(), static_cast<std::size_t>(length)};
}

std::string quoted(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

TraceWriter::TraceWriter(std::ostream& out) : out_(out) {
  out_ << "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
}

void TraceWriter::begin_record() {
  out_ << (first_ ? "\n" : ",\n");
  first_ = false;
}

void TraceWriter::process(Process process, std::string_view name) {
  begin_record();
  out_ << R"({"ph":"M","name":"process_name","pid":)" << process << R"(,"args":{"name":)" << quoted(name) << "}}";
  begin_record();
  out_ << R"({"ph":"M","name":"process_sort_index","pid":)" << process << R"(,"args":{"sort_index":)" << process
       << "}}";
}

void TraceWriter::name_thread(Process process, Thread thread) {
  if (!threads_.emplace(process, thread).second) return;
  begin_record();
  const std::string name = thread == messages_thread ? "messages" : "slot " + std::to_string(thread);
  out_ << R"({"ph":"M","name":"thread_name","pid":)" << process << R"(,"tid":)" << thread << R"(,"args":{"name":")"
       << name << "\"}}";
}

void TraceWriter::slice(Process process, Thread thread, Duration from, Duration to, std::string_view name,
                        std::string_view category) {
  name_thread(process, thread);
  begin_record();
  out_ << R"({"ph":"X","pid":)" << process << R"(,"tid":)" << thread << R"(,"ts":)" << stamp(from) << R"(,"dur":)"
       << stamp(std::max(Duration(1), to - from)) << R"(,"name":)" << quoted(name) << R"(,"cat":)" << quoted(category)
       << "}";
}

void TraceWriter::instant(Process process, Duration at, std::string_view name) {
  name_thread(process, messages_thread);
  begin_record();
  out_ << R"({"ph":"i","s":"p","pid":)" << process << R"(,"tid":)" << messages_thread << R"(,"ts":)" << stamp(at)
       << R"(,"name":)" << quoted(name) << "}";
}

TraceWriter::Point TraceWriter::word(Process process, Duration at, std::string_view name) {
  const Duration from = std::max(at, said_until_[process]);
  said_until_[process] = from + word_length;
  slice(process, messages_thread, from, from + word_length, name, "message");
  return {.process = process, .thread = messages_thread, .at = from + word_length / 2};
}

void TraceWriter::arrow(std::string_view name, const Point& from, const Point& to) {
  const std::uint64_t number = next_arrow_++;
  for (const bool start : {true, false}) {
    const Point& end = start ? from : to;
    begin_record();
    out_ << R"({"ph":")" << (start ? "s" : "f") << R"(","pid":)" << end.process << R"(,"tid":)" << end.thread
         << R"(,"ts":)" << stamp(end.at) << R"(,"id":)" << number << (start ? "" : R"(,"bp":"e")") << R"(,"name":)"
         << quoted(name) << R"(,"cat":)" << quoted(name) << "}";
  }
}

void TraceWriter::end() {
  out_ << "\n]}\n";
}

}  // namespace agent::sim
