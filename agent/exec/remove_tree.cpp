#include "agent/exec/remove_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string_view>

#include "agent/exec/descriptor.h"

namespace agent::exec {

namespace {

constexpr mode_t owner_all = 0700;

struct CloseDirectory {
  void operator()(DIR* open) const { ::closedir(open); }
};
using OpenDirectory = std::unique_ptr<DIR, CloseDirectory>;

// Opens a directory (never a link to one) and makes sure that we may list and change it. Null and errno otherwise.
OpenDirectory open_unlocked(int parent, const char* name) {
  constexpr int flags = O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  const Descriptor place(::openat(parent, name, O_PATH | flags));
  if (!place) return nullptr;
  struct stat status {};
  if (::fstat(place.get(), &status) != 0) return nullptr;
  if ((status.st_mode & owner_all) != owner_all) {
    std::array<char, 32> self{};
    std::snprintf(self.data(), self.size(), "/proc/self/fd/%d", place.get());
    if (::chmod(self.data(), owner_all) != 0) return nullptr;
  }
  Descriptor listed(::openat(place.get(), ".", O_RDONLY | flags));
  if (!listed) return nullptr;
  OpenDirectory open(::fdopendir(listed.get()));
  if (open != nullptr) static_cast<void>(listed.release());
  return open;
}

// The next entry that is not the directory itself or its parent.
const char* next_entry(DIR* open) {
  while (const dirent* entry = ::readdir(open)) {
    const std::string_view name(entry->d_name);
    if (name != "." && name != "..") return entry->d_name;
  }
  return nullptr;
}

enum class Removal { done, not_empty, failed };

// Removes a file, a link or an empty directory. errno tells why it failed.
Removal remove_simple(int parent, const char* name) {
  if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return Removal::done;
  if (errno != EISDIR) return Removal::failed;
  if (::unlinkat(parent, name, AT_REMOVEDIR) == 0) return Removal::done;
  return errno == ENOTEMPTY || errno == EEXIST ? Removal::not_empty : Removal::failed;
}

// One removal: empties the directory `top` in rounds, in each of which every directory in it is emptied of all but its
// own non-empty directories, and these are moved into `top` for a later round.
class Emptying {
 public:
  explicit Emptying(DIR* top) : top_(top) {}

  // 0, or the errno of what could not be removed.
  int run() {
    do {
      progress_ = false;
      failure_ = 0;
      ::rewinddir(top_);
      while (const char* name = next_entry(top_)) remove_from_top(name);
      // An entry that was moved here may have been missed, so there is an end only after a round that found nothing.
    } while (progress_);
    return failure_;
  }

 private:
  void remove_from_top(const char* name) {
    const int top = ::dirfd(top_);
    Removal removal = remove_simple(top, name);
    if (removal == Removal::not_empty) {
      flatten(name);
      removal = remove_simple(top, name);
    }
    note(removal);
  }

  void flatten(const char* name) {
    const OpenDirectory below = open_unlocked(::dirfd(top_), name);
    if (below == nullptr) return note(Removal::failed);
    while (const char* entry = next_entry(below.get())) {
      const Removal removal = remove_simple(::dirfd(below.get()), entry);
      note(removal == Removal::not_empty ? move_to_top(::dirfd(below.get()), entry) : removal);
    }
  }

  // A directory can be moved only by who may write in it, since its ".." changes.
  Removal move_to_top(int parent, const char* name) {
    if (open_unlocked(parent, name) == nullptr) return Removal::failed;
    while (true) {
      std::array<char, 40> moved{};
      std::snprintf(moved.data(), moved.size(), "moved-%ju", static_cast<std::uintmax_t>(moved_count_++));
      if (::renameat(parent, name, ::dirfd(top_), moved.data()) == 0) return Removal::done;
      const bool taken = errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR;
      if (!taken) return Removal::failed;
    }
  }

  void note(Removal removal) {
    if (removal == Removal::done) {
      progress_ = true;
    } else {
      failure_ = removal == Removal::failed ? errno : ENOTEMPTY;
    }
  }

  DIR* const top_;
  std::uint64_t moved_count_ = 0;
  bool progress_ = false;
  int failure_ = 0;
};

}  // namespace

int remove_tree(int parent, const std::string& name) {
  const Removal removal = remove_simple(parent, name.c_str());
  if (removal == Removal::done) return 0;
  if (removal == Removal::failed) return errno;
  const OpenDirectory top = open_unlocked(parent, name.c_str());
  if (top == nullptr) return errno;
  if (const int failure = Emptying(top.get()).run()) return failure;
  return ::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 ? 0 : errno;
}

}  // namespace agent::exec
