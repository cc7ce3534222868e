// The table of kinds, and protocol/README.md, which is the same table for people.

#include "protocol/kind.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "protocol/client.h"
#include "tests/unit/protocol/project_root.h"

namespace protocol {
namespace {

TEST(Kind, names_are_distinct) {
  std::set<std::string_view> names;
  for (const KindRow& row : kind_table) names.insert(row.name);
  EXPECT_EQ(names.size(), kind_count);
  EXPECT_FALSE(names.contains(""));
}

TEST(Kind, words_of_the_table_are_distinct) {
  std::set<std::string_view> words;
  for (int i = 0; i <= static_cast<int>(Standing::job_deputy); ++i) words.insert(to_string(static_cast<Standing>(i)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(Standing::job_deputy) + 1);
  words.clear();
  for (int i = 0; i <= static_cast<int>(Proof::content); ++i) words.insert(to_string(static_cast<Proof>(i)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(Proof::content) + 1);
  words.clear();
  for (int i = 0; i <= static_cast<int>(Role::issue); ++i) words.insert(to_string(static_cast<Role>(i)));
  EXPECT_EQ(words.size(), static_cast<std::size_t>(Role::issue) + 1);
}

TEST(Kind, only_content_is_bulk) {
  for (const KindRow& row : kind_table) {
    EXPECT_EQ(row.check.queue == Queue::bulk, row.kind == Kind::piece) << row.name;
  }
}

TEST(Kind, only_recruiting_travels_as_datagrams) {
  for (const KindRow& row : kind_table) {
    const bool recruiting = row.kind >= Kind::shuffle && row.kind <= Kind::refer;
    EXPECT_EQ(row.check.carrier == Carrier::link_or_datagram, recruiting) << row.name;
  }
}

// Cells of the rows of the table under `heading`, by the name in the first cell: its first word in `code` quotes.
std::map<std::string, std::vector<std::string>> table_under(const std::string& heading) {
  std::ifstream readme(test::project_root() / "protocol" / "README.md");
  std::map<std::string, std::vector<std::string>> rows;
  bool inside = false;
  for (std::string line; std::getline(readme, line);) {
    if (line.starts_with("#")) inside = line.find(heading) != std::string::npos;
    if (!inside || !line.starts_with("| `")) continue;
    std::istringstream cells(line.substr(1));
    std::vector<std::string> row;
    for (std::string cell; std::getline(cells, cell, '|');) {
      const auto first = cell.find_first_not_of(' ');
      const auto last = cell.find_last_not_of(' ');
      row.push_back(first == std::string::npos ? "" : cell.substr(first, last - first + 1));
    }
    const std::string name = row[0].substr(1, row[0].find('`', 1) - 1);
    EXPECT_FALSE(rows.contains(name)) << "two rows for " << name;
    rows[name] = row;
  }
  return rows;
}

std::string size_text(std::size_t bytes) {
  return bytes % 1024 == 0 ? std::to_string(bytes / 1024) + " KiB" : std::to_string(bytes) + " B";
}

// Columns: kind, direction, role, standing, proof, carrier, largest, fields.
TEST(Readme, has_one_right_row_for_each_kind_of_message) {
  const auto rows = table_under("Messages between agents");
  for (const KindRow& row : kind_table) {
    const auto found = rows.find(std::string(row.name));
    ASSERT_NE(found, rows.end()) << row.name << " has no row";
    const auto& cells = found->second;
    ASSERT_EQ(cells.size(), 8U) << row.name;
    EXPECT_FALSE(cells[1].empty()) << row.name;
    EXPECT_EQ(cells[2], to_string(row.check.role)) << row.name;
    EXPECT_EQ(cells[3], to_string(row.check.standing)) << row.name;
    EXPECT_EQ(cells[4], to_string(row.check.proof)) << row.name;
    const bool datagram = row.check.carrier == Carrier::link_or_datagram;
    EXPECT_EQ(cells[5], row.check.queue == Queue::bulk ? "bulk" : datagram ? "control, d" : "control") << row.name;
    EXPECT_EQ(cells[6], size_text(row.check.bytes_max)) << row.name;
    EXPECT_FALSE(cells[7].empty()) << row.name;
  }
  EXPECT_EQ(rows.size(), kind_count) << "a row that names no kind";
}

// Columns: kind, sender, fields.
TEST(Readme, has_one_right_row_for_each_kind_of_the_client_socket) {
  const auto rows = table_under("The client socket");
  for (std::size_t i = 0; i < client::kind_count; ++i) {
    const auto kind = static_cast<client::Kind>(i);
    const auto found = rows.find(std::string(client::name_of(kind)));
    ASSERT_NE(found, rows.end()) << client::name_of(kind) << " has no row";
    ASSERT_GE(found->second.size(), 3U) << client::name_of(kind);
    EXPECT_EQ(found->second[1], client::sender_of(kind) == client::Sender::client ? "client" : "agent")
        << client::name_of(kind);
  }
  EXPECT_EQ(rows.size(), client::kind_count) << "a row that names no kind";
}

}  // namespace
}  // namespace protocol
