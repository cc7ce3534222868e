#include "agent/shell/pool_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "agent/exec/remove_tree.h"
#include "crypto/digest.h"

namespace agent::shell {

namespace {

constexpr const char* place = "pool";
constexpr const char* begun_place = "pool.new";
constexpr std::size_t digest_bytes = sizeof(crypto::Digest::bytes);
constexpr const char* how_to_mend = "restore it from a copy, or leave the pool and join again";

Problem cannot(const std::string& what, const std::string& path, int error) {
  return {.message = "cannot " + what + " " + path + ": " + std::strerror(error), .hint = {}};
}

std::string octal(mode_t mode) {
  std::array<char, 16> text{};
  (void)std::snprintf(text.data(), text.size(), "%04o", mode & 07777U);
  return text.data();
}

tl::expected<exec::Descriptor, Problem> open_state(const StateDir& state) {
  exec::Descriptor fd(open(state.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return tl::unexpected(cannot("open", state.path(), errno));
  return fd;
}

tl::expected<std::size_t, Problem> checked_size(int fd, const std::string& path, FileMode mode) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return tl::unexpected(cannot("look at", path, errno));
  if (!S_ISREG(status.st_mode))
    return tl::unexpected(Problem{.message = path + " is not a regular file", .hint = "move it away"});
  if (status.st_uid != geteuid()) {
    return tl::unexpected(
        Problem{.message = path + " belongs to user " + std::to_string(status.st_uid) + ", not to you",
                .hint = "chown " + std::to_string(geteuid()) + " " + path});
  }
  if (mode == FileMode::secret && (status.st_mode & 077U) != 0) {
    return tl::unexpected(
        Problem{.message = path + " is secret and can be read by others (mode " + octal(status.st_mode) + ")",
                .hint = "chmod 600 " + path});
  }
  if ((status.st_mode & 022U) != 0) {
    return tl::unexpected(Problem{.message = path + " can be changed by others (mode " + octal(status.st_mode) + ")",
                                  .hint = "chmod 644 " + path});
  }
  return static_cast<std::size_t>(status.st_size);
}

bool write_fully(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(fd, bytes.data(), bytes.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return true;
}

bool read_fully(int fd, std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t got = read(fd, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return true;
}

}  // namespace

tl::expected<std::optional<PoolFolder>, Problem> PoolFolder::open(const StateDir& state) {
  auto parent = open_state(state);
  if (!parent) return tl::unexpected(parent.error());
  const std::string path = state.file(place);
  exec::Descriptor fd(openat(parent->get(), place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) return tl::unexpected(cannot("open", path, errno));
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) return tl::unexpected(cannot("look at", path, errno));
  if (status.st_uid != geteuid() || (status.st_mode & 077U) != 0) {
    return tl::unexpected(Problem{.message = path + " can be entered by others (mode " + octal(status.st_mode) + ")",
                                  .hint = "chmod 700 " + path});
  }
  return PoolFolder(path, std::move(fd));
}

tl::expected<PoolFolder, Problem> PoolFolder::begin(const StateDir& state) {
  auto parent = open_state(state);
  if (!parent) return tl::unexpected(parent.error());
  const std::string path = state.file(begun_place);
  (void)exec::remove_tree(parent->get(), begun_place);
  if (mkdirat(parent->get(), begun_place, 0700) != 0) return tl::unexpected(cannot("make", path, errno));
  exec::Descriptor fd(openat(parent->get(), begun_place, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return tl::unexpected(cannot("open", path, errno));
  return PoolFolder(path, std::move(fd));
}

tl::expected<void, Problem> PoolFolder::take_place(const StateDir& state) {
  auto parent = open_state(state);
  if (!parent) return tl::unexpected(parent.error());
  // Fails where something is in the way that is not empty.
  if (renameat(parent->get(), begun_place, parent->get(), place) != 0)
    return tl::unexpected(cannot("write", state.file(place), errno));
  if (fsync(parent->get()) != 0) {
    const int error = errno;
    (void)renameat(parent->get(), place, parent->get(), begun_place);
    return tl::unexpected(cannot("write", state.file(place), error));
  }
  path_ = state.file(place);
  return {};
}

// Under its other name it is nothing that was ever begun, whenever the power goes.
tl::expected<void, Problem> PoolFolder::remove(const StateDir& state) {
  auto parent = open_state(state);
  if (!parent) return tl::unexpected(parent.error());
  (void)exec::remove_tree(parent->get(), begun_place);
  if (renameat(parent->get(), place, parent->get(), begun_place) != 0)
    return errno == ENOENT ? tl::expected<void, Problem>() : tl::unexpected(cannot("remove", state.file(place), errno));
  if (fsync(parent->get()) != 0) return tl::unexpected(cannot("remove", state.file(place), errno));
  (void)exec::remove_tree(parent->get(), begun_place);
  return {};
}

Problem PoolFolder::damaged(const std::string& name, const std::string& how) const {
  return {.message = file(name) + " is damaged: " + how, .hint = how_to_mend};
}

Problem PoolFolder::missing(const std::string& name) const {
  return {.message = file(name) + " is missing", .hint = how_to_mend};
}

tl::expected<std::optional<crypto::SecretBytes>, Problem> PoolFolder::read(const std::string& name,
                                                                           FileMode mode) const {
  const exec::Descriptor fd(openat(directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd && errno == ENOENT) return std::nullopt;
  if (!fd) return tl::unexpected(cannot("open", file(name), errno));
  const auto size = checked_size(fd.get(), file(name), mode);
  if (!size) return tl::unexpected(size.error());
  if (*size < digest_bytes || *size > file_bytes_max + digest_bytes)
    return tl::unexpected(damaged(name, "it has " + std::to_string(*size) + " bytes"));
  crypto::SecretBytes whole(*size);
  if (!read_fully(fd.get(), whole.writable())) return tl::unexpected(damaged(name, "it cannot be read to its end"));
  const auto said = whole.bytes().first(*size - digest_bytes);
  if (!std::ranges::equal(crypto::content_digest(said).bytes, whole.bytes().last(digest_bytes)))
    return tl::unexpected(damaged(name, "its digest is another one"));
  crypto::SecretBytes content(said.size());
  std::ranges::copy(said, content.writable().begin());
  return content;
}

tl::expected<void, Problem> PoolFolder::write(const std::string& name, std::span<const std::byte> content,
                                              FileMode mode) const {
  assert(content.size() <= file_bytes_max);
  crypto::SecretBytes whole(content.size() + digest_bytes);
  const auto behind = std::ranges::copy(content, whole.writable().begin()).out;
  std::ranges::copy(crypto::content_digest(content).bytes, behind);
  const std::string temporary = name + ".new";
  (void)unlinkat(directory_.get(), temporary.c_str(), 0);
  constexpr int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  const mode_t bits = mode == FileMode::secret ? 0600 : 0644;
  const exec::Descriptor fd(openat(directory_.get(), temporary.c_str(), flags, bits));
  if (!fd) return tl::unexpected(cannot("write", file(name), errno));
  const bool written = fchmod(fd.get(), bits) == 0 && write_fully(fd.get(), whole.bytes()) && fsync(fd.get()) == 0 &&
                       renameat(directory_.get(), temporary.c_str(), directory_.get(), name.c_str()) == 0;
  if (!written) {
    const int error = errno;
    (void)unlinkat(directory_.get(), temporary.c_str(), 0);
    return tl::unexpected(cannot("write", file(name), error));
  }
  if (fsync(directory_.get()) != 0) return tl::unexpected(cannot("write", file(name), errno));
  return {};
}

void PoolFolder::give_up() {
  const exec::Descriptor parent(openat(directory_.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent) (void)exec::remove_tree(parent.get(), begun_place);
}

}  // namespace agent::shell
