#include "protocol/wire_writer.h"

#include <cassert>
#include <limits>
#include <msgpack.hpp>

namespace protocol {
namespace {

// What msgpack::packer writes to.
class Sink {
 public:
  explicit Sink(std::vector<std::byte>& target) : target_(target) {}
  void write(const char* bytes, std::size_t size) {
    const auto* first = reinterpret_cast<const std::byte*>(bytes);
    target_.insert(target_.end(), first, first + size);
  }

 private:
  std::vector<std::byte>& target_;
};

std::uint32_t length_of(std::size_t size) {
  assert(size <= std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(size);
}

template <class Pack>
void pack(std::vector<std::byte>& target, const Pack& write) {
  Sink sink(target);
  msgpack::packer<Sink> packer(sink);
  write(packer);
}

}  // namespace

void WireWriter::array(std::size_t count) {
  pack(written_, [&](auto& packer) { packer.pack_array(length_of(count)); });
}

void WireWriter::number(std::uint64_t value) {
  pack(written_, [&](auto& packer) { packer.pack_uint64(value); });
}

void WireWriter::negative(std::int64_t value) {
  assert(value < 0);
  pack(written_, [&](auto& packer) { packer.pack_int64(value); });
}

void WireWriter::boolean(bool value) {
  pack(written_, [&](auto& packer) { value ? packer.pack_true() : packer.pack_false(); });
}

void WireWriter::nothing() {
  pack(written_, [](auto& packer) { packer.pack_nil(); });
}

void WireWriter::text(std::string_view value) {
  pack(written_, [&](auto& packer) {
    packer.pack_str(length_of(value.size()));
    packer.pack_str_body(value.data(), length_of(value.size()));
  });
}

void WireWriter::bytes(std::span<const std::byte> value) {
  pack(written_, [&](auto& packer) {
    packer.pack_bin(length_of(value.size()));
    packer.pack_bin_body(reinterpret_cast<const char*>(value.data()), length_of(value.size()));
  });
}

}  // namespace protocol
