#pragma once
// The directory of one membership, `pool/` in the state directory: files that appear whole, or not at all.
//
// `pool/` is made under another name and renamed when everything in it is on the disk; it never replaces one that is
// there. A file in it is replaced whole: temporary file, fsync, rename, fsync of the directory. Each ends with a digest
// of what is before it, so that a damaged one is told from a good one. What is damaged, and what others can read
// (secrets) or change (the rest), is a problem that names the file and says what to type.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "agent/exec/descriptor.h"
#include "agent/shell/problem.h"
#include "agent/shell/state_dir.h"
#include "crypto/secret_bytes.h"

namespace agent::shell {

enum class FileMode : std::uint8_t { secret, open };  // 0600, 0644

// The directory of one membership: its files, whole.
class PoolFolder {
 public:
  static constexpr std::size_t file_bytes_max = std::size_t{4} * 1'024 * 1'024;

  // The one in that state directory; nothing if the node is no member.
  [[nodiscard]] static tl::expected<std::optional<PoolFolder>, Problem> open(const StateDir& state);

  // An empty one, that is none yet and takes the place of what was begun earlier and not ended.
  [[nodiscard]] static tl::expected<PoolFolder, Problem> begin(const StateDir& state);
  // The one that was begun is the membership from now on. REQUIRES: made by `begin`.
  [[nodiscard]] tl::expected<void, Problem> take_place(const StateDir& state);

  // The node is no member any more, at once and for good. No effect where there is none.
  [[nodiscard]] static tl::expected<void, Problem> remove(const StateDir& state);

  // Nothing is left of it. REQUIRES: made by `begin`, and not in its place.
  void give_up();

  // Nothing if there is no such file.
  [[nodiscard]] tl::expected<std::optional<crypto::SecretBytes>, Problem> read(const std::string& name,
                                                                               FileMode mode) const;
  // After a problem the old file is there, or the new one, and it is not known whether that lasts.
  [[nodiscard]] tl::expected<void, Problem> write(const std::string& name, std::span<const std::byte> content,
                                                  FileMode mode) const;
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] Problem missing(const std::string& name) const;
  [[nodiscard]] Problem damaged(const std::string& name, const std::string& how) const;

 private:
  PoolFolder(std::string path, exec::Descriptor directory) : path_(std::move(path)), directory_(std::move(directory)) {}

  std::string path_;
  exec::Descriptor directory_;
};

}  // namespace agent::shell
