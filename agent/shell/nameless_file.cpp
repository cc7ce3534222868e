#include "agent/shell/nameless_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace agent::shell {

namespace {

Problem disk_problem(const std::string& what, int error) {
  return {.message = what + ": " + std::strerror(error), .hint = error == ENOSPC ? "free some space on that disk" : ""};
}

}  // namespace

tl::expected<exec::Descriptor, Problem> open_nameless_file(const std::string& directory) {
  exec::Descriptor file(open(directory.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  // Not every file system has nameless files.
  std::string name = directory + "/XXXXXX";
  file = exec::Descriptor(mkostemp(name.data(), O_CLOEXEC));
  if (!file) return tl::unexpected(disk_problem("cannot make a file in " + directory, errno));
  (void)unlink(name.c_str());
  return file;
}

tl::expected<void, Problem> write_at(int file, std::span<const std::byte> bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t wrote = pwrite(file, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return tl::unexpected(disk_problem("cannot write to the state directory's disk", errno));
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
    offset += static_cast<std::uint64_t>(wrote);
  }
  return {};
}

tl::expected<std::vector<std::byte>, Problem> read_at(int file, std::uint64_t offset, std::size_t size) {
  std::vector<std::byte> bytes(size);
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = pread(file, bytes.data() + done, size - done, static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0)
      return tl::unexpected(disk_problem("cannot read from the state directory's disk", got < 0 ? errno : EIO));
    done += static_cast<std::size_t>(got);
  }
  return bytes;
}

}  // namespace agent::shell
