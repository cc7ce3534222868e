// The seeds of the fuzz targets are made here, and committed. The test holds the files to what is made; to write them
// anew after the wire has changed: GIBBON_WRITE_CORPUS=1 test_protocol --gtest_filter='Corpus*'

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "protocol/client.h"
#include "protocol/codec.h"
#include "protocol/framing.h"
#include "tests/unit/protocol/generate.h"
#include "tests/unit/protocol/project_root.h"
#include "tests/unit/protocol/raw.h"

namespace protocol {
namespace {

using test::raw;
using test::Raw;
using test::repeated;

using Corpus = std::map<std::string, Raw>;

constexpr std::size_t seed_bytes_max = 2048;

// What hurts any decoder of msgpack; `front` is what comes before it in a message.
Corpus bombs(const std::string& name, const Raw& front) {
  return {
      {name + "_array_of_4_billion", front + raw({0xdd, 0xff, 0xff, 0xff, 0xff})},
      {name + "_map_of_4_billion", front + raw({0xdf, 0xff, 0xff, 0xff, 0xff})},
      {name + "_text_of_4_gb", front + raw({0xdb, 0xff, 0xff, 0xff, 0xff})},
      {name + "_bytes_of_4_gb", front + raw({0xc6, 0xff, 0xff, 0xff, 0xff})},
      {name + "_ext_of_4_gb", front + raw({0xc9, 0xff, 0xff, 0xff, 0xff, 1})},
      {name + "_deep_arrays", front + repeated(0x91, 2'000)},
      {name + "_deep_maps", front + repeated(0x81, 2'000)},
      {name + "_reserved_byte", front + raw({0xc1})},
      {name + "_float", front + raw({0xcb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0})},
      {name + "_negative", front + raw({0xd3, 0x80, 0, 0, 0, 0, 0, 0, 0})},
  };
}

Corpus message_corpus() {
  Corpus corpus = bombs("bare", {});
  corpus.merge(bombs("envelope", raw({0x93, 0, 0})));
  corpus.merge(bombs("unknown_kind", raw({0x93, 0, 0, 0x93, 0xcc, 99, 1})));
  corpus.merge(
      bombs("settled_intervals", raw({0x93, 0, 0, 0x94, 22, 1, 0x92, 0xc4, 16}) + repeated(0, 16) + raw({0x90})));
  corpus.merge(bombs("shuffle_records", raw({0x93, 0, 0, 0x93, 4, 1})));
  for (std::size_t kind = 0; kind < kind_count; ++kind) {
    const std::string name(name_of(static_cast<Kind>(kind)));
    corpus["valid_" + name] = encode(test::arbitrary_envelope(kind, kind, 3));
    Envelope empty;
    empty.message = test::make<Message>(kind, [](auto&) {});
    corpus["empty_" + name] = encode(empty);
  }
  corpus["bad_intervals"] = raw({0x93, 0, 0, 0x94, 18, 1, 9, 0x92, 1, 0x94, 5, 6, 1, 2});
  corpus["bad_enumerator"] = raw({0x93, 0, 0, 0x95, 16, 1, 5, 0xcc, 0xff, 0xa0});
  corpus["later_version"] = raw({0x93, 1, 0, 0x97, 17, 2, 5, 6, 0xc0, 0x92, 1, 2, 0xa1, 'x'});
  corpus["trailing_byte"] = raw({0x93, 1, 0, 0x94, 17, 1, 5, 6, 0});
  corpus["long_numbers"] =
      raw({0x93, 0xcf, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0xdc, 0, 4, 0xcd, 0, 17, 1, 0xd3, 0, 0, 0, 0, 0, 0, 0, 5, 6});
  return corpus;
}

Corpus client_corpus() {
  Corpus corpus = bombs("bare", {});
  corpus.merge(bombs("unknown_kind", raw({0x93, 0xcc, 99, 1})));
  corpus.merge(bombs("items", raw({0x97, 2, 1, 0xc4, 16}) + repeated(0, 16) + raw({0, 0})));
  corpus.merge(bombs("results", raw({0x95, 13, 1, 0xc4, 16}) + repeated(0, 16) + raw({0})));
  for (std::size_t kind = 0; kind < client::kind_count; ++kind) {
    const std::string name(client::name_of(static_cast<client::Kind>(kind)));
    corpus["valid_" + name] = client::encode(test::arbitrary_client(kind, kind, 3));
    corpus["empty_" + name] = client::encode(test::make<client::ClientMessage>(kind, [](auto& message) {
      if constexpr (requires { message.last; }) message.last = true;
    }));
  }
  corpus["too_long_item"] =
      raw({0x97, 2, 1, 0xc4, 16}) + repeated(0, 16) + raw({0, 0, 0x91, 0x92, 1, 0xce, 1, 0, 0, 0, 0xc3});
  return corpus;
}

Corpus framing_corpus() {
  Raw three;
  for (const std::size_t size : {1U, 300U, 7U}) append_framed(three, repeated(static_cast<int>(size % 256), size));
  return {
      {"three_messages_byte_by_byte", raw({0}) + three},
      {"three_messages_at_once", raw({255}) + three},
      {"three_messages_cut_in_prefix", raw({2}) + three},
      {"length_zero", raw({0, 0, 0, 0, 1, 9, 0, 0, 0, 0, 1})},
      {"length_4_gb", raw({3, 0xff, 0xff, 0xff, 0xff, 1})},
      {"length_one_over", raw({1, 0, 0, 2, 1}) + repeated(1, 513)},
      {"length_at_limit", raw({7, 0, 0, 2, 0}) + repeated(1, 512)},
      {"ends_in_prefix", raw({0, 0, 0})},
      {"ends_in_message", raw({0, 0, 0, 0, 9, 1})},
  };
}

void hold_to_files(const std::string& target, const Corpus& corpus) {
  const auto root = test::project_root();
  if (root.empty()) GTEST_SKIP() << "the source tree is not there";
  const auto folder = root / "tests" / "fuzz" / "corpus" / target;
  for (const auto& [name, bytes] : corpus) {
    ASSERT_LE(bytes.size(), seed_bytes_max) << name;
    if (std::getenv("GIBBON_WRITE_CORPUS")) {
      std::filesystem::create_directories(folder);
      std::ofstream(folder / name, std::ios::binary)
          .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    std::ifstream file(folder / name, std::ios::binary);
    const std::string held{std::istreambuf_iterator<char>(file), {}};
    const std::string made(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    EXPECT_TRUE(file && held == made) << target << "/" << name << " is not what is made here";
  }
}

TEST(Corpus, of_messages_is_as_made_here) {
  hold_to_files("protocol_message", message_corpus());
}
TEST(Corpus, of_client_messages_is_as_made_here) {
  hold_to_files("protocol_client", client_corpus());
}
TEST(Corpus, of_framing_is_as_made_here) {
  hold_to_files("protocol_framing", framing_corpus());
}

}  // namespace
}  // namespace protocol
