#pragma once
// What was measured next to what is allowed, a row per figure: `case | figure | bar | ok`. Rows appear as they come.

#include <optional>
#include <string>
#include <string_view>

namespace scale {

class Table {
 public:
  Table();

  // `value` is at most `bar`, or the row and the table are not good.
  void row(std::string_view of, std::string_view figure, double value, double bar);
  // Measured, and nothing is asked of it.
  void row(std::string_view of, std::string_view figure, double value);
  [[nodiscard]] bool good() const { return good_; }

 private:
  void print(std::string_view of, std::string_view figure, double value, std::string_view bar,
             std::string_view verdict);

  bool good_ = true;
};

}  // namespace scale
