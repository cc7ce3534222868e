#include "agent/cli/present_json.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "agent/cli/present.h"
#include "agent/cli/unicode.h"
#include "agent/exec/command.h"
#include "agent/shell/socket_address.h"
#include "agent/shell/system.h"

namespace agent::cli {
namespace {

using Json = nlohmann::ordered_json;
namespace client = protocol::client;

constexpr int format_version = 1;

std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U;
    };
    const unsigned group = byte(0) << 16U | byte(1) << 8U | byte(2);
    for (unsigned k = 0; k < 4; ++k) text += i + k > bytes.size() ? '=' : digits[group >> (18 - 6 * k) & 0x3fU];
  }
  return text;
}

std::string_view as_text(const protocol::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void put_text(Json& json, const std::string& name, std::string_view text) {
  json[name] = text;
  if (!is_utf8(text)) json[name + "_base64"] = base64(text);
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

double seconds(std::uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

void put_output(Json& json, const std::string& name, const client::Output& output) {
  if (const auto* bytes = std::get_if<protocol::Bytes>(&output)) {
    put_text(json, name, as_text(*bytes));
    return;
  }
  const auto& file = std::get<client::File>(output);
  auto& place = json[name];
  if (!file.path.empty()) put_text(place, "path", file.path);
  place["size"] = file.size_bytes;
}

void put_label(Json& json, const client::Result& result, RunMode mode) {
  switch (mode) {
    case RunMode::list: {
      std::string item(as_text(result.label));
      if (item.find('\0') != item.npos) {
        auto& columns = json["columns"] = Json::array();
        for (const auto column : exec::split_columns(item)) columns.push_back(column);
        std::ranges::replace(item, '\0', ' ');
      }
      put_text(json, "item", item);
      return;
    }
    case RunMode::range:
      json["lo"] = result.low;
      json["hi"] = result.high;
      return;
    case RunMode::single: return;
  }
}

Json result_object(const client::Result& result, RunMode mode) {
  Json json;
  json["v"] = format_version;
  json["seq"] = result.covers.begin + 1;
  put_label(json, result, mode);
  json["outcome"] = to_string(result.outcome);
  if (result.outcome != client::Outcome::skipped && result.outcome != client::Outcome::lost) {
    json["exit"] = result.signal == 0 ? Json(result.exit) : Json(nullptr);
    json["signal"] = result.signal != 0 ? Json(result.signal) : Json(nullptr);
  }
  if (!result.reason.empty()) put_text(json, "reason", result.reason);
  json["attempt"] = result.attempt;
  if (!result.node.empty()) put_text(json, "node", result.node);
  // Nobody was told when a task began that was lost, or whether it did.
  json["start"] = result.start_wall_ms == 0 ? Json(nullptr) : Json(shell::iso_time(result.start_wall_ms));
  json["duration"] = seconds(result.duration_ns);
  json["user"] = seconds(result.user_ns);
  json["system"] = seconds(result.system_ns);
  json["peak_kib"] = result.peak_kib;
  put_output(json, "stdout", result.out);
  put_output(json, "stderr", result.err);
  return json;
}

Json counts_object(const client::Counts& counts) {
  Json json;
  json["total"] = counts.total ? Json(*counts.total) : Json(nullptr);
  json["done"] = counts.committed;
  json["ok"] = counts.ok;
  json["failed"] = counts.failed;
  json["lost"] = counts.lost;
  json["hits"] = counts.hits;
  json["running"] = counts.running;
  json["retried"] = counts.retried;
  json["redone"] = counts.redone;
  return json;
}

Json verdict_object(const client::Verdict& verdict, int exit_code) {
  Json json;
  json["job"] = full_id(verdict.job);
  json["ending"] = to_string(verdict.ending);
  if (!verdict.reason.empty()) put_text(json, "reason", verdict.reason);
  json["counts"] = counts_object(verdict.counts);
  json["wall"] = seconds(verdict.wall_ns);
  json["task_time"] = seconds(verdict.task_time_ns);
  json["exit_code"] = exit_code;
  for (const client::NodeShare& share : verdict.nodes) {
    Json one;
    if (!share.node.empty()) put_text(one, "node", share.node);
    one["results"] = share.results;
    one["task_time"] = seconds(share.task_time_ns);
    json["nodes"].push_back(std::move(one));
  }
  return json;
}

// Null where there is none.
Json pool_object(const std::optional<client::PoolState>& pool) {
  if (!pool) return nullptr;
  Json json;
  json["id"] = shell::to_hex(pool->pool);
  put_text(json, "name", pool->name);
  put_text(json, "node", pool->node);
  auto& addresses = json["addresses"] = Json::array();
  for (const protocol::Address& address : pool->reachable) addresses.push_back(shell::text_of(address));
  json["links"] = pool->links;
  json["certificate_ends"] = shell::iso_time(pool->not_after_ms);
  json["why_no_help"] = pool->why_no_help.empty() ? Json(nullptr) : Json(pool->why_no_help);
  return json;
}

Json role_list(std::uint32_t roles) {
  Json list = Json::array();
  std::istringstream names(role_names(roles));
  for (std::string name; std::getline(names, name, '+');) list.push_back(name);
  return list;
}

}  // namespace

std::string json_result(const client::Result& result, RunMode mode) {
  return dumped(result_object(result, mode)) + "\n";
}

std::string json_verdict(const client::Verdict& verdict, int exit_code) {
  Json json;
  json["v"] = format_version;
  json["verdict"] = verdict_object(verdict, exit_code);
  return dumped(json) + "\n";
}

std::string json_run_opening() {
  return fmt::format("{{\"v\":{},\"results\":[", format_version);
}

std::string json_run_result(const client::Result& result, RunMode mode, std::uint64_t results_before) {
  return (results_before > 0 ? ",\n" : "\n") + dumped(result_object(result, mode));
}

std::string json_run_closing(const client::Verdict& verdict, int exit_code) {
  return "\n],\"verdict\":" + dumped(verdict_object(verdict, exit_code)) + "}\n";
}

std::string json_jobs(const std::vector<client::JobRow>& jobs) {
  Json json;
  json["v"] = format_version;
  auto& rows = json["jobs"] = Json::array();
  for (const auto& job : jobs) {
    Json row;
    row["job"] = full_id(job.job);
    row["number"] = job.number;
    put_text(row, "name", job.name);
    row["state"] = state_of(job);
    row["ending"] = job.ending ? Json(to_string(*job.ending)) : Json(nullptr);
    row["counts"] = counts_object(job.counts);
    row["start"] = shell::iso_time(job.start_wall_ms);
    row["elapsed"] = seconds(job.elapsed_ns);
    rows.push_back(std::move(row));
  }
  return dumped(json) + "\n";
}

std::string json_status(const client::Status& status, std::uint64_t pid) {
  Json json;
  json["v"] = format_version;
  put_text(json, "node", status.node);
  json["version"] = status.program_version;
  json["pid"] = pid;
  json["slots"] = status.slots;
  json["running"] = status.running;
  json["jobs"] = status.jobs;
  json["uptime"] = seconds(status.uptime_ns);
  put_text(json, "state_directory", status.state_directory);
  json["notes"] = status.notes;
  json["pool"] = pool_object(status.pool);
  return dumped(json) + "\n";
}

std::string json_peers(const client::Peers& peers) {
  Json json;
  json["v"] = format_version;
  json["pool"] = pool_object(peers.pool);
  auto& rows = json["peers"] = Json::array();
  for (const client::PeerRow& peer : peers.rows) {
    Json row;
    row["node"] = shell::to_hex(peer.node.value());
    put_text(row, "name", peer.name);
    row["address"] = peer.address.port == 0 ? Json(nullptr) : Json(shell::text_of(peer.address));
    row["dialled"] = peer.dialled;
    row["linked"] = seconds(peer.linked_ns);
    row["round_trip"] = seconds(peer.round_trip_ns);
    row["slots"] = peer.slots;
    row["roles"] = role_list(peer.roles);
    put_text(row, "version", peer.program_version);
    row["refusal"] = peer.refusal.empty() ? Json(nullptr) : Json(peer.refusal);
    rows.push_back(std::move(row));
  }
  return dumped(json) + "\n";
}

std::string json_version(std::string_view version) {
  Json json;
  json["v"] = format_version;
  json["version"] = version;
  return dumped(json) + "\n";
}

std::string json_error(std::string_view code, std::string_view message, std::string_view hint) {
  Json json;
  json["v"] = format_version;
  auto& error = json["error"];
  error["code"] = code;
  put_text(error, "message", message);
  put_text(error, "hint", hint);
  return dumped(json) + "\n";
}

}  // namespace agent::cli
