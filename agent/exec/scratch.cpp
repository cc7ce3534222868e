#include "agent/exec/scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>

#include "agent/exec/clock.h"
#include "agent/exec/remove_tree.h"

namespace agent::exec {

namespace {

constexpr mode_t owner_all = 0700;
// Change times advance by ticks of at most 10 ms (HZ=100).
constexpr std::int64_t tick_ns_max = 20'000'000;
// A sweep that finds a directory in the instant between its making and its locking holds the lock for a moment.
constexpr int lock_tries_max = 200;

std::string directory_part(const std::string& path) {
  return path.substr(0, path.rfind('/') + 1);
}
std::string name_part(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::int64_t changed_ns(const struct stat& status) {
  return std::int64_t{status.st_ctim.tv_sec} * ns_per_second + status.st_ctim.tv_nsec;
}

// True only if it was read to the end and nothing but itself and its parent was there.
bool is_empty(int directory) {
  alignas(dirent64) std::array<char, 1024> entries;
  if (::lseek(directory, 0, SEEK_SET) != 0) return false;
  while (true) {
    const ssize_t length = ::getdents64(directory, entries.data(), entries.size());
    if (length <= 0) return length == 0;
    std::size_t at = 0;
    while (at < static_cast<std::size_t>(length)) {
      const char* const entry = entries.data() + at;
      const std::string_view name(entry + offsetof(dirent64, d_name));
      if (name != "." && name != "..") return false;
      decltype(dirent64::d_reclen) entry_bytes = 0;
      std::memcpy(&entry_bytes, entry + offsetof(dirent64, d_reclen), sizeof entry_bytes);
      at += entry_bytes;
    }
  }
}

}  // namespace

Scratch::Scratch(const std::string& path)
    : path_(path),
      name_(name_part(path)),
      parent_(::open(directory_part(path).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

int Scratch::make_ready() {
  if (directory_ && is_in_place()) return 0;
  directory_.close();
  if (!parent_) return ENOENT;
  int failure = 0;
  for (int i = 0; i < lock_tries_max; ++i) {
    failure = make();
    if (failure != EAGAIN) break;
    constexpr timespec millisecond{.tv_sec = 0, .tv_nsec = 1'000'000};
    ::nanosleep(&millisecond, nullptr);
  }
  return failure;
}

// Somebody may have removed it meanwhile, or moved it, with all that is above it or alone.
bool Scratch::is_in_place() const {
  struct stat ours {};
  struct stat named {};
  return ::fstat(directory_.get(), &ours) == 0 && ::lstat(path_.c_str(), &named) == 0 && named.st_ino == ours.st_ino &&
         named.st_dev == ours.st_dev;
}

// EAGAIN: a sweep was quicker.
int Scratch::make() {
  if (::mkdirat(parent_.get(), name_.c_str(), owner_all) != 0) {
    if (errno != EEXIST) return errno;
    if (const int failure = remove_tree(parent_.get(), name_)) return failure;
    if (::mkdirat(parent_.get(), name_.c_str(), owner_all) != 0) return errno;
  }
  Descriptor made(::openat(parent_.get(), name_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made) return errno == ENOENT ? EAGAIN : errno;
  if (::flock(made.get(), LOCK_EX | LOCK_NB) != 0) return errno == EWOULDBLOCK ? EAGAIN : errno;
  struct stat status {};
  if (::fstat(made.get(), &status) != 0) return errno;
  if (status.st_nlink == 0) return EAGAIN;
  directory_ = std::move(made);
  if (!is_in_place()) {  // what is above it has been moved
    remove();
    return ENOENT;
  }
  remember({.inode = status.st_ino, .mode = status.st_mode, .changed_ns = changed_ns(status)});
  return 0;
}

void Scratch::clean() {
  if (directory_ && !as_good_as_new()) remove();
}

bool Scratch::as_good_as_new() {
  struct stat status {};
  if (::fstat(directory_.get(), &status) != 0) return false;
  const Look look{.inode = status.st_ino, .mode = status.st_mode, .changed_ns = changed_ns(status)};
  if (look == empty_look_ && look_is_settled_) return true;
  struct stat named {};
  if (::fstatat(parent_.get(), name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) return false;
  const bool in_place = named.st_ino == status.st_ino && named.st_dev == status.st_dev;
  if (!in_place || look.mode != empty_look_.mode || !is_empty(directory_.get())) return false;
  remember(look);
  return true;
}

void Scratch::remember(const Look& look) {
  empty_look_ = look;
  look_is_settled_ = clock_ns(CLOCK_REALTIME) - look.changed_ns > tick_ns_max;
}

void Scratch::remove() {
  if (!directory_) return;
  directory_.close();
  static_cast<void>(remove_tree(parent_.get(), name_));
}

}  // namespace agent::exec
