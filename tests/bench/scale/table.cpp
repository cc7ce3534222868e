#include "tests/bench/scale/table.h"

#include <array>
#include <cstdio>

namespace scale {

namespace {

std::string number(double value) {
  std::array<char, 40> text{};
  const bool whole = value >= 1000 || value <= -1000;
  const int length = std::snprintf(text.data(), text.size(), whole ? "%.0f" : "%.4g", value);
  return {text.data(), static_cast<std::size_t>(length)};
}

}  // namespace

Table::Table() {
  std::printf("%-24s | %-44s | %-9s | ok\n", "case", "figure", "bar");
}

void Table::print(std::string_view of, std::string_view figure, double value, std::string_view bar,
                  std::string_view verdict) {
  const std::string shown = number(value) + "  " + std::string(figure);
  std::printf("%-24.*s | %-44s | %-9.*s | %.*s\n", static_cast<int>(of.size()), of.data(), shown.c_str(),
              static_cast<int>(bar.size()), bar.data(), static_cast<int>(verdict.size()), verdict.data());
  (void)std::fflush(stdout);
}

void Table::row(std::string_view of, std::string_view figure, double value, double bar) {
  const bool good = value <= bar;
  good_ = good_ && good;
  print(of, figure, value, "<= " + number(bar), good ? "yes" : "NO");
}

void Table::row(std::string_view of, std::string_view figure, double value) {
  print(of, figure, value, "", "");
}

}  // namespace scale
