#pragma once
// The private directory in which a launcher's tasks may write.

#include <cstdint>
#include <string>

#include "agent/exec/descriptor.h"

namespace agent::exec {

// Names of scratch directories begin so; nothing else below the scratch parent is ever removed.
inline constexpr const char* scratch_prefix = "gibbon-scratch-";

// Made when first needed, mode 0700, and kept for the next task while it is empty and unchanged: making and removing a
// directory for each task would cost a quarter of the time of a short one. Whether a task has touched it is seen by its
// change time, which costs one fstat; while that time is so fresh that the clock's tick may hide a later change, its
// entries are listed as well.
//
// While it exists it is locked (flock on the directory), so that a sweep can tell it from what dead launchers left.
// Everything is done below the parent's descriptor, by name and without following links: a task may have moved the
// directory away or put anything else in its place.
class Scratch {
 public:
  // `path`: absolute, its parent exists; the last part begins with `scratch_prefix`.
  explicit Scratch(const std::string& path);

  [[nodiscard]] const std::string& path() const { return path_; }
  // It exists, is empty and ours. Returns 0 or an errno.
  [[nodiscard]] int make_ready();
  // REQUIRES: nothing runs that could still write there. Removes it unless it is as good as new. What cannot be removed
  // makes the next `make_ready` fail.
  void clean();
  void remove();

 private:
  struct Look {
    std::uint64_t inode = 0;
    std::uint32_t mode = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const Look&) const = default;
  };
  [[nodiscard]] int make();
  [[nodiscard]] bool is_in_place() const;
  [[nodiscard]] bool as_good_as_new();
  // Remembers how it looks now, when it is known to be empty.
  void remember(const Look& look);

  const std::string path_;
  const std::string name_;
  Descriptor parent_;
  Descriptor directory_;  // open exactly while the directory is there and ours
  Look empty_look_;
  bool look_is_settled_ = false;  // any later change is bound to show another change time
};

}  // namespace agent::exec
