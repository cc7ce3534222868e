#pragma once
// What is kept of a run in a file for people who look at it later: the event record (--events), line by line as the
// agent tells it.

#include <fstream>
#include <string>
#include <tl/expected.hpp>

#include "protocol/client.h"

namespace agent::cli {

class JobRecord {
 public:
  // The error: why the file cannot be written.
  [[nodiscard]] static tl::expected<JobRecord, std::string> open(const std::string& path);

  // False, once: the file took no more.
  [[nodiscard]] bool add(const protocol::client::Events& events);
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit JobRecord(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::ofstream file_;
  bool failed_ = false;
};

}  // namespace agent::cli
