#include "agent/shell/state_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <system_error>
#include <utility>

#include "agent/exec/remove_tree.h"
#include "agent/shell/process_identity.h"
#include "agent/shell/system.h"

namespace agent::shell {

namespace {

constexpr std::size_t small_file_bytes_max = 64 * 1024;

std::string reason(int error) {
  return std::strerror(error);
}

Problem cannot(const std::string& what, const std::string& path, int error, std::string hint = {}) {
  return {.message = "cannot " + what + " " + path + ": " + reason(error), .hint = std::move(hint)};
}

tl::expected<void, Problem> check_private(int fd, const std::string& path, mode_t mode_wanted) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return tl::unexpected(cannot("look at", path, errno));
  if (status.st_uid != geteuid()) {
    return tl::unexpected(Problem{.message = path + " belongs to user " + std::to_string(status.st_uid) +
                                             ", not to you (" + std::to_string(geteuid()) + ")",
                                  .hint = "use a directory of your own: --state DIR"});
  }
  if ((status.st_mode & 077U) != 0) {
    std::array<char, 16> mode{};
    (void)std::snprintf(mode.data(), mode.size(), "%04o", status.st_mode & 07777U);
    const std::string wanted = mode_wanted == 0700 ? "700" : "600";
    return tl::unexpected(Problem{.message = path + " can be entered or read by others (mode " + mode.data() + ")",
                                  .hint = "chmod " + wanted + " " + path});
  }
  return {};
}

// REQUIRES: opened with O_NONBLOCK, since a FIFO would make us wait for somebody at its other end.
tl::expected<void, Problem> check_regular(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return tl::unexpected(cannot("look at", path, errno));
  if (S_ISREG(status.st_mode)) return {};
  return tl::unexpected(Problem{.message = path + " is not a regular file", .hint = "move it away"});
}

bool write_fully(int fd, const char* data, std::size_t size) {
  while (size > 0) {
    const ssize_t wrote = write(fd, data, size);
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return false;
    data += wrote;
    size -= static_cast<std::size_t>(wrote);
  }
  return true;
}

// Whoever only asks for the holder has the lock for a moment itself, and must not pass for one.
constexpr timespec lock_pause{.tv_sec = 0, .tv_nsec = 2'000'000};

bool locked_soon(int fd) {
  constexpr int tries_max = 20;
  for (int i = 0; i < tries_max; ++i) {
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
    (void)nanosleep(&lock_pause, nullptr);
  }
  return false;
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  std::string absolute = std::filesystem::absolute(path, error).lexically_normal().string();
  if (absolute.size() > 1 && absolute.back() == '/') absolute.pop_back();
  return absolute;
}

constexpr const char* elsewhere = "choose another place: --state DIR or GIBBON_STATE";

// Makes what is missing of the path; `made` has it afterwards, the outermost first, even where that did not go well.
tl::expected<void, Problem> make_with_parents(const std::string& absolute, std::vector<std::string>& made) {
  std::vector<std::string> missing;
  std::error_code ignored;
  for (std::filesystem::path path = absolute; !std::filesystem::exists(path, ignored) && path.has_relative_path();
       path = path.parent_path())
    missing.push_back(path.string());
  std::ranges::reverse(missing);
  for (const std::string& path : missing) {
    const bool last = path == absolute;
    if (mkdir(path.c_str(), last ? 0700 : 0777) == 0) {
      made.push_back(path);
    } else if (errno != EEXIST) {
      return tl::unexpected(cannot(last ? "make the state directory" : "make", path, errno, elsewhere));
    }
  }
  return {};
}

void remove_empty(const std::vector<std::string>& directories) {
  for (auto path = directories.rbegin(); path != directories.rend(); ++path)
    if (rmdir(path->c_str()) != 0) return;
}

}  // namespace

tl::expected<StateDir, Problem> StateDir::open(const std::string& path) {
  const std::string absolute = absolute_path(path);
  std::vector<std::string> made;
  if (auto there = make_with_parents(absolute, made); !there) {
    remove_empty(made);
    return tl::unexpected(there.error());
  }
  auto state = open_directory(absolute, 0);
  if (!state) {
    remove_empty(made);
    return state;
  }
  state->made_ = std::move(made);
  return state;
}

void StateDir::remove_if_made_and_empty() {
  remove_empty(std::exchange(made_, {}));
}

tl::expected<StateDir, Problem> StateDir::open_existing(const std::string& path) {
  return open_directory(absolute_path(path), O_NOFOLLOW);
}

tl::expected<StateDir, Problem> StateDir::open_directory(const std::string& absolute, int flags) {
  StateDir state;
  state.path_ = absolute;
  state.directory_ = exec::Descriptor(::open(absolute.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags));
  if (!state.directory_) {
    return tl::unexpected(cannot("open the state directory", absolute, errno, elsewhere));
  }
  if (auto good = check_private(state.directory_.get(), absolute, 0700); !good) return tl::unexpected(good.error());
  return state;
}

std::string StateDir::private_prefix() {
  return "gibbon-" + std::to_string(geteuid()) + "-";
}

tl::expected<StateDir, Problem> StateDir::make_private(const std::string& parent, const std::string& hint) {
  std::string name = parent + "/" + private_prefix() + "XXXXXX";
  if (mkdtemp(name.data()) == nullptr)
    return tl::unexpected(cannot("make a private directory in", parent, errno, hint));
  auto state = open(name);
  if (!state) {
    (void)rmdir(name.c_str());
    return state;
  }
  if (auto locked = state->lock(); !locked) {
    state->remove_all();
    return tl::unexpected(locked.error());
  }
  return state;
}

std::string StateDir::socket_path() const {
  return "/proc/self/fd/" + std::to_string(directory_.get()) + "/agent.sock";
}

tl::expected<void, Problem> StateDir::lock() {
  const std::string path = file("lock");
  constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  lock_ = exec::Descriptor(openat(directory_.get(), "lock", flags, 0600));
  if (!lock_) return tl::unexpected(cannot("open", path, errno));
  if (auto regular = check_regular(lock_.get(), path); !regular) return regular;
  if (!locked_soon(lock_.get())) {
    lock_ = {};
    const auto pid = holder();
    return tl::unexpected(Problem{.message = "an agent" +
                                             (pid ? " (pid " + std::to_string(*pid) + ")" : std::string()) +
                                             " already uses the state directory " + path_,
                                  .hint = "gibbon status, or another directory: --state DIR"});
  }
  if (const auto pid = agent_that_stays()) {
    lock_ = {};
    return tl::unexpected(Problem{.message = "an agent (pid " + std::to_string(*pid) + ") uses the state directory " +
                                             path_ + ", although somebody removed its lock",
                                  .hint = "stop that agent: kill " + std::to_string(*pid)});
  }
  const std::string pid = std::to_string(getpid()) + "\n";
  if (ftruncate(lock_.get(), 0) != 0 || !write_fully(lock_.get(), pid.data(), pid.size())) {
    return tl::unexpected(cannot("write", path, errno));
  }
  return {};
}

// One that is ending has let go of its lock a moment before it is gone.
std::optional<int> StateDir::agent_that_stays() const {
  constexpr int tries_max = 500;
  std::optional<int> pid = marking_agent();
  for (int i = 0; pid && i < tries_max; ++i) {
    (void)nanosleep(&lock_pause, nullptr);
    pid = marking_agent();
  }
  return pid;
}

// Another process that has marked this directory as its own and lives.
std::optional<int> StateDir::marking_agent() const {
  const auto mark = whole_mark();
  int pid = 0;
  if (!mark || std::from_chars(mark->writer.data(), mark->writer.data() + mark->writer.size(), pid).ec != std::errc{})
    return std::nullopt;
  if (pid == getpid() || process_identity(pid) != mark->writer) return std::nullopt;
  return pid;
}

std::optional<int> StateDir::holder() const {
  const exec::Descriptor probe(openat(directory_.get(), "lock", O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!probe) return std::nullopt;
  if (flock(probe.get(), LOCK_SH | LOCK_NB) == 0) return std::nullopt;  // released again on close
  const auto content = read_small("lock");
  int pid = 0;
  if (!content || std::from_chars(content->data(), content->data() + content->size(), pid).ec != std::errc{})
    return std::nullopt;
  return pid;
}

tl::expected<crypto::Seed, Problem> StateDir::secret(const std::string& name) const {
  const std::string path = file(name);
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  exec::Descriptor fd(openat(directory_.get(), name.c_str(), flags));
  if (!fd && errno == ENOENT) {
    const crypto::Seed fresh = random_seed();
    const std::string temporary = name + "." + to_hex(random_bytes16());
    exec::Descriptor made(
        openat(directory_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    const auto* bytes = reinterpret_cast<const char*>(fresh.bytes().data());
    if (!made || !write_fully(made.get(), bytes, fresh.bytes().size()) || fsync(made.get()) != 0) {
      const int error = errno;
      (void)unlinkat(directory_.get(), temporary.c_str(), 0);
      return tl::unexpected(cannot("write", path, error));
    }
    // Two that make the key at once: the first link wins, both read it.
    const bool linked =
        linkat(directory_.get(), temporary.c_str(), directory_.get(), name.c_str(), 0) == 0 || errno == EEXIST;
    const int error = errno;
    (void)unlinkat(directory_.get(), temporary.c_str(), 0);
    if (!linked) return tl::unexpected(cannot("write", path, error));
    (void)fsync(directory_.get());
    fd = exec::Descriptor(openat(directory_.get(), name.c_str(), flags));
  }
  if (!fd) return tl::unexpected(cannot("open", path, errno));
  if (auto regular = check_regular(fd.get(), path); !regular) return tl::unexpected(regular.error());
  if (auto good = check_private(fd.get(), path, 0600); !good) return tl::unexpected(good.error());
  crypto::Seed seed;
  std::array<char, 1> beyond{};
  const bool whole =
      read(fd.get(), seed.writable().data(), seed.writable().size()) == static_cast<ssize_t>(seed.bytes().size()) &&
      read(fd.get(), beyond.data(), beyond.size()) == 0;
  if (!whole) {
    return tl::unexpected(Problem{.message = path + " is damaged: a key has 32 bytes",
                                  .hint = "restore it from a copy, or remove it to get a new one"});
  }
  return seed;
}

tl::expected<void, Problem> StateDir::make_subdirectory(const std::string& name) const {
  if (mkdirat(directory_.get(), name.c_str(), 0700) != 0 && errno != EEXIST) {
    return tl::unexpected(cannot("make", file(name), errno));
  }
  const exec::Descriptor made(openat(directory_.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!made) return tl::unexpected(cannot("open", file(name), errno));
  return check_private(made.get(), file(name), 0700);
}

void StateDir::clear_subdirectory(const std::string& name) const {
  (void)exec::remove_tree(directory_.get(), name);
  (void)mkdirat(directory_.get(), name.c_str(), 0700);
}

tl::expected<void, Problem> StateDir::note_job(const JobNote& job) const {
  if (auto made = make_subdirectory("jobs"); !made) return made;
  return write_whole("jobs/" + job.id, job.name);
}

void StateDir::forget_job(const std::string& id) const {
  (void)unlinkat(directory_.get(), ("jobs/" + id).c_str(), 0);
}

std::vector<JobNote> StateDir::noted_jobs() const {
  std::vector<JobNote> jobs;
  const int fd = openat(directory_.get(), "jobs", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return jobs;
  DIR* listing = fdopendir(fd);
  if (listing == nullptr) return jobs;
  while (const dirent* entry = readdir(listing)) {
    const std::string id = entry->d_name;
    if (id.size() != 32 || id.find_first_not_of("0123456789abcdef") != std::string::npos) continue;
    jobs.push_back({.id = id, .name = read_small("jobs/" + id).value_or("")});
  }
  closedir(listing);
  return jobs;
}

std::optional<std::string> StateDir::read_mark() const {
  auto mark = whole_mark();
  if (!mark) return std::nullopt;
  return std::move(mark->word);
}

std::optional<StateDir::Mark> StateDir::whole_mark() const {
  std::istringstream lines(read_small("mark").value_or(""));
  Mark mark;
  std::string place;
  if (!std::getline(lines, mark.word) || !std::getline(lines, place) || !std::getline(lines, mark.writer))
    return std::nullopt;
  if (place != directory_identity()) return std::nullopt;
  return mark;
}

std::string StateDir::directory_identity() const {
  struct stat status {};
  if (fstat(directory_.get(), &status) != 0) return {};
  return std::to_string(status.st_dev) + " " + std::to_string(status.st_ino);
}

tl::expected<void, Problem> StateDir::write_mark(const std::string& mark) const {
  return write_whole("mark", mark + "\n" + directory_identity() + "\n" + process_identity(getpid()) + "\n");
}

void StateDir::remove_all() {
  lock_ = {};
  directory_ = {};
  (void)exec::remove_tree(AT_FDCWD, path_);
}

tl::expected<void, Problem> StateDir::write_whole(const std::string& name, const std::string& content) const {
  const std::string temporary = name + "." + to_hex(random_bytes16());
  const exec::Descriptor fd(
      openat(directory_.get(), temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return tl::unexpected(cannot("write", file(name), errno));
  if (!write_fully(fd.get(), content.data(), content.size()) || fsync(fd.get()) != 0 ||
      renameat(directory_.get(), temporary.c_str(), directory_.get(), name.c_str()) != 0) {
    const int error = errno;
    (void)unlinkat(directory_.get(), temporary.c_str(), 0);
    return tl::unexpected(cannot("write", file(name), error));
  }
  (void)fsync(directory_.get());
  return {};
}

std::optional<std::string> StateDir::read_small(const std::string& name) const {
  const exec::Descriptor fd(openat(directory_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd || !check_regular(fd.get(), name)) return std::nullopt;
  std::string content;
  std::array<char, 4096> buffer{};
  while (content.size() < small_file_bytes_max) {
    const ssize_t got = read(fd.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    content.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return content;
}

}  // namespace agent::shell
