#pragma once
// What is kept of a run in files for people who look at it later: the event record (--events), line by line as the
// agent tells it, and the picture of it (--trace), written at the end.

#include <fstream>
#include <optional>
#include <string>
#include <tl/expected.hpp>

#include "agent/cli/job_trace.h"
#include "agent/cli/options.h"
#include "agent/shell/problem.h"
#include "protocol/client.h"

namespace agent::cli {

class JobRecord {
 public:
  // A file that cannot be written is a problem now, rather than when the job has ended.
  [[nodiscard]] static tl::expected<JobRecord, shell::Problem> open(const RunOptions& options);

  void add(const protocol::client::Result& result);
  void add(const protocol::client::Events& events);
  // The problem: of a file that did not take all of it.
  [[nodiscard]] tl::expected<void, shell::Problem> finish();

 private:
  struct File {
    std::string path;
    std::ofstream stream;
  };
  [[nodiscard]] static tl::expected<std::optional<File>, shell::Problem> open_file(
      const std::optional<std::string>& path, const char* what, const char* option);

  std::optional<File> events_;
  std::optional<File> trace_file_;
  JobTrace trace_;
};

}  // namespace agent::cli
