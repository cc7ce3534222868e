#include "agent/shell/job_tasks.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>
#include <limits>
#include <string_view>
#include <utility>

#include "agent/shell/system.h"

namespace agent::shell {

namespace {

constexpr std::string_view shell_variable = "GIBBON_SHELL";
// Those that not every task has.
constexpr std::array per_task_variables = {"GIBBON_LO", "GIBBON_HI", "GIBBON_ITEM"};
constexpr const char* path_of_last_resort = "/usr/local/bin:/usr/bin:/bin";
constexpr std::uint32_t guest_umask = 077;

}  // namespace

exec::BodyKind body_of(const crypto::Manifest& manifest) {
  if (manifest.range) return exec::BodyKind::range;
  return std::holds_alternative<crypto::OpenSpace>(manifest.space) ? exec::BodyKind::list : exec::BodyKind::single;
}

PieceValues values_of(const crypto::ValueRange& range, protocol::Interval piece) {
  const std::uint64_t last = (range.high - range.low) / range.step;  // index; at most 2^64-2
  exec::PieceBounds bounds =
      exec::piece_bounds({.low = range.low, .step = range.step, .count = last + 1}, piece.begin, piece.end);
  return {.low = std::move(bounds.low), .high = std::move(bounds.high)};
}

tl::expected<JobTasks, std::string> JobTasks::of(crypto::OpenedManifest opened, Place place,
                                                 const Surroundings& surroundings, JobItems& items) {
  const crypto::Manifest& manifest = opened.manifest;
  const exec::Form form = manifest.through_shell ? exec::Form::shell : exec::Form::direct;
  auto command = exec::parse_template(manifest.command, body_of(manifest), form);
  if (!command) return tl::unexpected("the job's command was refused: " + std::string(to_string(command.error())));
  return JobTasks(std::move(opened), *std::move(command), place, surroundings, items);
}

JobTasks::JobTasks(crypto::OpenedManifest opened, exec::Template command, Place place, const Surroundings& surroundings,
                   JobItems& items)
    : opened_(std::move(opened)),
      command_(std::move(command)),
      place_(place),
      surroundings_(&surroundings),
      items_(&items) {}

bool JobTasks::is_ready(const core::StartTask& start) const {
  if (body_of(manifest()) != exec::BodyKind::list) return true;
  const ItemStore* items = items_->find(id());
  return items != nullptr && items->has(start.piece.begin);
}

tl::expected<std::string, std::string> JobTasks::item_text(std::uint64_t index) const {
  if (body_of(manifest()) != exec::BodyKind::list) return std::string();
  ItemStore* items = items_->find(id());
  assert(items != nullptr && items->has(index));
  auto item = items->item(index);
  if (!item) return tl::unexpected(item.error().message);
  if (const auto* too_long = std::get_if<crypto::TooLong>(&*item)) {
    return tl::unexpected("the argument is " + std::to_string(too_long->size_bytes) +
                          " bytes long; the system takes at most " + std::to_string(crypto::item_bytes_max));
  }
  const auto& bytes = std::get<std::vector<std::byte>>(*item);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void JobTasks::set_values(protocol::client::Result& result) const {
  if (!manifest().range) return;
  PieceValues values = values_of(*manifest().range, result.covers);
  result.low = std::move(values.low);
  result.high = std::move(values.high);
}

tl::expected<exec::TaskOrder, std::string> JobTasks::order(const core::StartTask& start,
                                                           const std::string& scratch) const {
  auto item = item_text(start.piece.begin);
  if (!item) return tl::unexpected(item.error());
  const crypto::Manifest& from = manifest();
  const PieceValues values = from.range ? values_of(*from.range, start.piece) : PieceValues();
  exec::Bindings bindings{.item = *item,
                          .sequence = start.piece.begin + 1,
                          .slot = start.slot,
                          .node = surroundings_->node,
                          .low = values.low,
                          .high = values.high};
  if (auto shell = from.environment.find(std::string(shell_variable));
      shell != from.environment.end() && !shell->second.empty()) {
    bindings.shell = shell->second;
  }
  auto argv = exec::expand(command_, bindings);
  if (!argv) return tl::unexpected(std::string(to_string(argv.error())));
  const bool guest = place_ == Place::guest;
  exec::TaskOrder order;
  order.task = start.task.value();
  order.argv = *std::move(argv);
  order.environment = environment(start, scratch, *item);
  order.directory = guest ? std::string() : from.directory;
  order.umask = guest ? guest_umask : from.umask;
  order.priority = guest ? exec::Priority::guest : exec::Priority::normal;
  order.limits = {.memory_bytes = from.limits.memory_bytes, .file_bytes = from.limits.file_bytes};
  order.time_limit_ns = static_cast<std::int64_t>(std::min<std::uint64_t>(from.limits.time_ns, INT64_MAX));
  order.deadline_ns = start.deadline.time_since_epoch().count();
  return order;
}

std::vector<std::string> JobTasks::environment(const core::StartTask& start, const std::string& scratch,
                                               const std::string& item) const {
  std::map<std::string, std::string> variables = manifest().environment;
  // A job launched by a task may bring that task's along, and must not be told its numbers.
  for (const char* name : per_task_variables) variables.erase(name);
  variables["GIBBON_JOB_ID"] = to_hex(manifest().job);
  variables["GIBBON_SEQ"] = std::to_string(start.piece.begin + 1);
  variables["GIBBON_BRANCH"] = std::to_string(start.piece.begin);
  variables["GIBBON_ATTEMPT"] = std::to_string(start.attempt.value());
  variables["GIBBON_SLOT"] = std::to_string(start.slot);
  variables["GIBBON_CPUS"] = "1";
  variables["GIBBON_NODE"] = surroundings_->node;
  variables["GIBBON_ROOT_NODE"] = surroundings_->node;
  variables["GIBBON_BIN"] = surroundings_->program;
  variables[std::string(exec::scratch_variable)] = scratch;
  variables[std::string(exec::marker_variable)] = surroundings_->mark;
  if (place_ == Place::guest) make_guest(variables, scratch);
  if (manifest().range) {
    PieceValues values = values_of(*manifest().range, start.piece);
    variables["GIBBON_LO"] = std::move(values.low);
    variables["GIBBON_HI"] = std::move(values.high);
  } else if (body_of(manifest()) == exec::BodyKind::list) {
    variables["GIBBON_ITEM"] = item;
  }
  std::vector<std::string> list;
  for (const auto& [name, value] : variables) {
    // What execve(2) would refuse is left out: an item of full length, or one of several columns.
    if (name.size() + 1 + value.size() > exec::argument_bytes_max || value.find('\0') != value.npos) continue;
    list.push_back(name + "=" + value);
  }
  return list;
}

// What is called the same on every machine and lies elsewhere on each; and nothing is left outside of the scratch
// directory by those who ask for a place.
void JobTasks::make_guest(std::map<std::string, std::string>& variables, const std::string& scratch) const {
  const char* path = std::getenv("PATH");
  variables["PATH"] = path != nullptr ? path : path_of_last_resort;
  variables["HOME"] = scratch;
  variables["TMPDIR"] = scratch;
  const auto& extensions = manifest().extensions;
  const auto root = extensions.find(root_node_extension);
  variables["GIBBON_ROOT_NODE"] =
      root == extensions.end() ? std::string()
                               : std::string(reinterpret_cast<const char*>(root->second.data()), root->second.size());
}

}  // namespace agent::shell
