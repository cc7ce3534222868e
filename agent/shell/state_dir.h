#pragma once
// The directory that holds everything of one agent: keys, configuration, lock, socket, scratch and outputs.
//
//   lock          held (flock) by the agent that lives here; its pid inside
//   agent.sock    where local clients talk to it
//   user.key      32 bytes: the seed that signs jobs launched from here
//   node.key      32 bytes: the seed that names this node
//   gibbon.toml   the owner's settings (config.h)
//   jobs/ID       a job that has been accepted and has not ended; what an agent finds here at its start died with the
//   one before scratch/      private directories of running tasks output/       outputs on their way to a client
//
// Rules: the directory and the secrets in it belong to this user and to nobody else (mode 0700 and 0600), or it is not
// used at all; files that matter are written whole: temporary file, fsync, rename, fsync of the directory; a path
// is opened once and everything below it reached through that descriptor.

#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/exec/descriptor.h"
#include "agent/shell/problem.h"
#include "crypto/keys.h"

namespace agent::shell {

// A job that was accepted here.
struct JobNote {
  std::string id;    // 32 hex digits
  std::string name;  // as the user gave it, may be empty
};

class StateDir {
 public:
  // Opens `path`, making it (and its parents) where it is missing. Refuses one that belongs to somebody else or that
  // others may enter. Where that fails, nothing that it made is left.
  [[nodiscard]] static tl::expected<StateDir, Problem> open(const std::string& path);

  // Opens `path` only if it is there, and not if its last part is a link.
  [[nodiscard]] static tl::expected<StateDir, Problem> open_existing(const std::string& path);

  // A fresh private one below `parent`, locked, to be removed with remove_all(). Its name begins with private_prefix().
  // `hint` says what to do where `parent` takes none.
  [[nodiscard]] static tl::expected<StateDir, Problem> make_private(const std::string& parent, const std::string& hint);
  [[nodiscard]] static std::string private_prefix();

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }
  // A path of any state directory's socket that is short enough for sockaddr_un, whatever path() is.
  [[nodiscard]] std::string socket_path() const;

  // Becomes the agent of this directory until the process ends. Refused while another one is, also when somebody
  // removed the file that it has locked.
  [[nodiscard]] tl::expected<void, Problem> lock();
  // The pid of the agent that holds the lock, if one does.
  [[nodiscard]] std::optional<int> holder() const;

  // Reads a secret of 32 bytes, making a random one first where it is missing.
  [[nodiscard]] tl::expected<crypto::Seed, Problem> secret(const std::string& name) const;

  // Makes a sub-directory (0700) where it is missing.
  [[nodiscard]] tl::expected<void, Problem> make_subdirectory(const std::string& name) const;

  // Removes what is in a sub-directory.
  void clear_subdirectory(const std::string& name) const;

  [[nodiscard]] tl::expected<void, Problem> note_job(const JobNote& job) const;
  void forget_job(const std::string& id) const;
  // The jobs that were noted and not forgotten.
  [[nodiscard]] std::vector<JobNote> noted_jobs() const;

  // The word that marks the processes of the agent that lives here (GIBBON_AGENT); remains for the sweep after its
  // death. It holds for this very directory: in a copy, whose processes these never were, there is none.
  [[nodiscard]] std::optional<std::string> read_mark() const;
  [[nodiscard]] tl::expected<void, Problem> write_mark(const std::string& mark) const;

  // Takes back what open() made, as far as it is still empty.
  void remove_if_made_and_empty();

  // Removes the whole directory, never following links.
  void remove_all();

 private:
  [[nodiscard]] static tl::expected<StateDir, Problem> open_directory(const std::string& absolute, int flags);
  [[nodiscard]] tl::expected<void, Problem> write_whole(const std::string& name, const std::string& content) const;
  // What write_mark() wrote here, if it was here: the mark, and which process did.
  struct Mark {
    std::string word;
    std::string writer;  // process_identity()
  };
  [[nodiscard]] std::optional<Mark> whole_mark() const;
  [[nodiscard]] std::optional<int> marking_agent() const;
  [[nodiscard]] std::optional<int> agent_that_stays() const;
  [[nodiscard]] std::string directory_identity() const;
  [[nodiscard]] std::optional<std::string> read_small(const std::string& name) const;

  std::string path_;
  std::vector<std::string> made_;  // by open(): the directory and its parents as far as they were missing
  exec::Descriptor directory_;
  exec::Descriptor lock_;
};

}  // namespace agent::shell
