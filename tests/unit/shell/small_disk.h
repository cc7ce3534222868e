#pragma once
// A file system of a few MiB in memory, mounted for one test.

#include <sys/mount.h>

#include <string>

#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {

// Only root may mount: is_mounted() tells whether there is one.
class SmallDisk {
 public:
  explicit SmallDisk(unsigned mebibytes)
      : mounted_(mount("small", directory_.path().c_str(), "tmpfs", 0,
                       ("mode=0700,size=" + std::to_string(mebibytes) + "m").c_str()) == 0) {}
  ~SmallDisk() {
    if (mounted_) (void)umount2(directory_.path().c_str(), MNT_DETACH);
  }
  SmallDisk(const SmallDisk&) = delete;
  SmallDisk& operator=(const SmallDisk&) = delete;

  [[nodiscard]] bool is_mounted() const { return mounted_; }
  [[nodiscard]] const std::string& path() const { return directory_.path(); }

 private:
  TemporaryDirectory directory_;
  bool mounted_;
};

}  // namespace agent::shell
