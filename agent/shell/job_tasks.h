#pragma once
// How the iterations of one job become tasks on this machine: from its manifest, its items, and where it was launched.
//
// A job that was launched here runs in its caller's directory, under its umask and with its PATH. One of a peer is a
// guest: its tasks run at idle priority in their scratch directories, with this machine's PATH.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "agent/core/action.h"
#include "agent/exec/command.h"
#include "agent/exec/task.h"
#include "agent/shell/job_items.h"
#include "crypto/keys.h"
#include "crypto/manifest.h"
#include "protocol/client.h"

namespace agent::shell {

// What every job here is told about this agent.
struct Surroundings {
  std::string node;                // name of this machine
  std::string mark;                // GIBBON_AGENT of everything that runs here
  std::string program;             // path of this program (GIBBON_BIN)
  std::string output_directory;    // where outputs and items wait
  crypto::PublicKey trusted_user;  // whose jobs may be launched here
  crypto::KeyId node_id;
};

// The name that a client gives to its machine in the manifest, for GIBBON_ROOT_NODE.
inline constexpr const char* root_node_extension = "root-node";

class JobTasks {
 public:
  enum class Place : std::uint8_t { launched_here, guest };

  // `surroundings` and `items` outlive it. The problem is a command that means nothing.
  [[nodiscard]] static tl::expected<JobTasks, std::string> of(crypto::OpenedManifest opened, Place place,
                                                              const Surroundings& surroundings, JobItems& items);

  [[nodiscard]] const crypto::OpenedManifest& opened() const { return opened_; }
  [[nodiscard]] const crypto::Manifest& manifest() const { return opened_.manifest; }
  [[nodiscard]] protocol::JobId id() const { return protocol::JobId(opened_.manifest.job); }

  // The order for a task, to run in `scratch`; or why there is none (a fault of the arguments).
  [[nodiscard]] tl::expected<exec::TaskOrder, std::string> order(const core::StartTask& start,
                                                                 const std::string& scratch) const;
  // Whether what the task needs is here.
  [[nodiscard]] bool is_ready(const core::StartTask& start) const;
  // Of a list: the item of that iteration, else nothing. The problem is an item that fits no command line, or a disk.
  [[nodiscard]] tl::expected<std::string, std::string> item_text(std::uint64_t index) const;
  // First and last value of a range piece.
  void set_values(protocol::client::Result& result) const;

 private:
  JobTasks(crypto::OpenedManifest opened, exec::Template command, Place place, const Surroundings& surroundings,
           JobItems& items);
  [[nodiscard]] std::vector<std::string> environment(const core::StartTask& start, const std::string& scratch,
                                                     const std::string& item) const;
  void make_guest(std::map<std::string, std::string>& variables, const std::string& scratch) const;

  crypto::OpenedManifest opened_;
  exec::Template command_;
  Place place_;
  const Surroundings* surroundings_;
  JobItems* items_;
};

[[nodiscard]] exec::BodyKind body_of(const crypto::Manifest& manifest);

// The first value of a piece of a range and one past its last, in decimal (the latter may be 2^64 or more).
struct PieceValues {
  std::string low;
  std::string high;
};
[[nodiscard]] PieceValues values_of(const crypto::ValueRange& range, protocol::Interval piece);

}  // namespace agent::shell
