#include "agent/cli/job_record.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/cli/present.h"

namespace agent::cli {

tl::expected<std::optional<JobRecord::File>, shell::Problem> JobRecord::open_file(
    const std::optional<std::string>& path, const char* what, const char* option) {
  if (!path) return std::nullopt;
  File file{.path = *path, .stream = {}};
  errno = 0;
  file.stream.open(*path, std::ios::binary | std::ios::trunc);
  if (file.stream) return file;
  return tl::unexpected(shell::Problem{
      .message = std::string("cannot write ") + what + " " + printable(*path) + ": " + std::strerror(errno),
      .hint = std::string("name a file in a directory that you can write to: ") + option + " FILE"});
}

tl::expected<JobRecord, shell::Problem> JobRecord::open(const RunOptions& options) {
  JobRecord record;
  auto events = open_file(options.event_file, "the event record", "--events");
  if (!events) return tl::unexpected(events.error());
  record.events_ = *std::move(events);
  auto trace = open_file(options.trace_file, "the timeline", "--trace");
  if (!trace) return tl::unexpected(trace.error());
  record.trace_file_ = *std::move(trace);
  return record;
}

void JobRecord::add(const protocol::client::Result& result) {
  if (trace_file_) trace_.add(result);
}

void JobRecord::add(const protocol::client::Events& events) {
  if (events_) events_->stream << events.lines << std::flush;
  if (trace_file_) trace_.add(events.lines);
}

tl::expected<void, shell::Problem> JobRecord::finish() {
  if (trace_file_) trace_.write(trace_file_->stream);
  for (std::optional<File>* file : {&events_, &trace_file_}) {
    if (!*file || (*file)->stream.flush().good()) continue;
    return tl::unexpected(
        shell::Problem{.message = "cannot write all of " + printable((*file)->path), .hint = "is the disk full?"});
  }
  return {};
}

}  // namespace agent::cli
