#include "agent/exec/output_file.h"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace agent::exec {

namespace {

constexpr mode_t private_file = 0600;

OutputError why_not_opened(int error_number) {
  const bool used_up = error_number == EMFILE || error_number == ENFILE;
  return used_up ? OutputError::no_descriptors : OutputError::directory_unusable;
}

// For file systems that cannot make a file without a name: it has one for a moment.
Descriptor open_and_unlink(const std::string& directory) {
  std::string path = directory + "/gibbon-output-XXXXXX";
  Descriptor file(::mkostemp(path.data(), O_APPEND | O_CLOEXEC));
  if (file) ::unlink(path.c_str());
  return file;
}

bool copy_all(int from, int to) {
  off_t offset = 0;
  constexpr std::size_t chunk_bytes = std::size_t{1} << 30;
  while (true) {
    const ssize_t copied = ::sendfile(to, from, &offset, chunk_bytes);
    if (copied == 0) return true;
    if (copied < 0 && errno != EINTR) return false;
  }
}

tl::expected<void, OutputError> copy_to(int from, const std::string& path) {
  const Descriptor copy(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, private_file));
  if (!copy) return tl::unexpected(errno == EEXIST ? OutputError::name_taken : OutputError::not_linkable);
  if (copy_all(from, copy.get())) return {};
  ::unlink(path.c_str());
  return tl::unexpected(OutputError::not_linkable);
}

}  // namespace

std::string_view to_string(OutputError error) {
  switch (error) {
    case OutputError::directory_unusable: return "output directory unusable";
    case OutputError::no_descriptors: return "no descriptors left";
    case OutputError::unreadable: return "output file unreadable";
    case OutputError::name_taken: return "the name is taken";
    case OutputError::not_linkable: return "the file cannot be put there";
  }
  assert(false);
  return {};
}

tl::expected<OutputFile, OutputError> OutputFile::open(const std::string& directory) {
  Descriptor file(::open(directory.c_str(), O_TMPFILE | O_RDWR | O_APPEND | O_CLOEXEC, private_file));
  const bool unsupported = !file && (errno == EOPNOTSUPP || errno == EISDIR || errno == EINVAL);
  if (unsupported) file = open_and_unlink(directory);
  if (!file) return tl::unexpected(why_not_opened(errno));
  return OutputFile(std::move(file));
}

tl::expected<std::uint64_t, OutputError> OutputFile::size() const {
  struct stat status {};
  if (::fstat(descriptor(), &status) != 0) return tl::unexpected(OutputError::unreadable);
  return static_cast<std::uint64_t>(status.st_size);
}

tl::expected<std::vector<std::byte>, OutputError> OutputFile::read(std::uint64_t offset, std::size_t length) const {
  std::vector<std::byte> bytes(length);
  std::size_t filled = 0;
  while (filled < length) {
    const auto at = static_cast<off_t>(offset + filled);
    const ssize_t got = ::pread(descriptor(), bytes.data() + filled, length - filled, at);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return tl::unexpected(OutputError::unreadable);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

tl::expected<void, OutputError> OutputFile::empty() {
  struct stat status {};
  if (::fstat(descriptor(), &status) != 0) return tl::unexpected(OutputError::unreadable);
  // Most tasks write to one stream or to none, and truncating is a transaction of the file system even then.
  const bool is_empty = status.st_size == 0 && status.st_blocks == 0;
  if (!is_empty && ::ftruncate(descriptor(), 0) != 0) return tl::unexpected(OutputError::unreadable);
  // Where nothing is appended, because a task has switched that off, the position counts.
  const bool restored = ::lseek(descriptor(), 0, SEEK_SET) == 0 && ::fcntl(descriptor(), F_SETFL, O_APPEND) == 0;
  if (!restored) return tl::unexpected(OutputError::unreadable);
  return {};
}

tl::expected<void, OutputError> OutputFile::link_to(const std::string& path) const {
  std::array<char, 32> self{};
  std::snprintf(self.data(), self.size(), "/proc/self/fd/%d", descriptor());
  if (::linkat(AT_FDCWD, self.data(), AT_FDCWD, path.c_str(), AT_SYMLINK_FOLLOW) == 0) return {};
  if (errno == EEXIST) return tl::unexpected(OutputError::name_taken);
  return copy_to(descriptor(), path);
}

}  // namespace agent::exec
