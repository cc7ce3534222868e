#pragma once
// A file without a name that tasks write their output to.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "agent/exec/descriptor.h"

namespace agent::exec {

enum class OutputError : std::uint8_t {
  directory_unusable,  // no file can be made there
  no_descriptors,      // this process or the system has no descriptor left
  unreadable,          // the disk failed, or the file cannot be emptied
  name_taken,          // `link_to`: there is something of that name
  not_linkable,        // `link_to`: the directory refuses it, or the disk is full
};
[[nodiscard]] std::string_view to_string(OutputError error);

// Lives on the disk of its directory, so a gigabyte of output costs no memory of ours; it has no name, so nothing is
// left of it when the last descriptor is closed, whoever crashes. It is opened for appending: several writers of one
// task do not overwrite each other, and after `empty` writing goes on at 0. The descriptor is shared with the launcher
// (one open file description), so a task could have changed its flags; `empty` sets them right again.
class OutputFile {
 public:
  // Mode 0600, in the existing `directory`.
  [[nodiscard]] static tl::expected<OutputFile, OutputError> open(const std::string& directory);

  [[nodiscard]] int descriptor() const { return descriptor_.get(); }
  // Length in bytes at this moment.
  [[nodiscard]] tl::expected<std::uint64_t, OutputError> size() const;
  // `length` bytes from `offset` on; fewer only if the file ends before.
  [[nodiscard]] tl::expected<std::vector<std::byte>, OutputError> read(std::uint64_t offset, std::size_t length) const;
  [[nodiscard]] tl::expected<void, OutputError> empty();
  // Gives it the name `path`, which must not exist. By a hard link; where that is impossible (another file system, or
  // one without nameless files) by a copy, which takes time in proportion to the length.
  [[nodiscard]] tl::expected<void, OutputError> link_to(const std::string& path) const;

 private:
  explicit OutputFile(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}
  Descriptor descriptor_;
};

}  // namespace agent::exec
