#include "agent/cli/job_record.h"

#include <cerrno>
#include <cstring>
#include <utility>

namespace agent::cli {

tl::expected<JobRecord, std::string> JobRecord::open(const std::string& path) {
  JobRecord record(path);
  errno = 0;
  record.file_.open(path, std::ios::binary | std::ios::trunc);
  if (!record.file_) return tl::unexpected(std::string(std::strerror(errno)));
  return record;
}

bool JobRecord::add(const protocol::client::Events& events) {
  file_ << events.lines << std::flush;
  return file_.good() || std::exchange(failed_, true);
}

}  // namespace agent::cli
