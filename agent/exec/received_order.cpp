#include "agent/exec/received_order.h"

#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

namespace agent::exec {

namespace {

constexpr std::size_t pointers_kept_max = 4096;

}  // namespace

ReceivedOrder::~ReceivedOrder() {
  forget();
}

bool ReceivedOrder::read(const wire::Order& order, std::span<char> strings, const Descriptor& apart) {
  forget();
  order_ = order;
  if (!order.strings_apart) return split(strings);
  struct stat status {};
  if (::fstat(apart.get(), &status) != 0) return false;
  if (order.string_bytes == 0 || static_cast<std::uint64_t>(status.st_size) != order.string_bytes) {
    errno = EBADMSG;
    return false;
  }
  void* const mapped = ::mmap(nullptr, order.string_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, apart.get(), 0);
  if (mapped == MAP_FAILED) return false;
  mapped_ = mapped;
  mapped_bytes_ = order.string_bytes;
  return split({static_cast<char*>(mapped), mapped_bytes_});
}

bool ReceivedOrder::split(std::span<char> strings) {
  errno = EBADMSG;
  const bool counts_fit =
      order_.argument_count <= strings.size() && order_.variable_count <= strings.size() - order_.argument_count;
  if (order_.string_bytes != strings.size() || strings.empty() || strings.back() != '\0' || !counts_fit) return false;
  if (order_.argument_count == 0) return false;
  pointers_.clear();
  pointers_.reserve(order_.argument_count + order_.variable_count + 3);
  pointers_.push_back(nullptr);
  char* at = strings.data();
  char* const end = at + strings.size();
  const auto next = [&at] { return std::exchange(at, at + std::strlen(at) + 1); };
  directory_ = next();
  for (std::uint64_t i = 0; i < order_.argument_count && at < end; ++i) pointers_.push_back(next());
  pointers_.push_back(nullptr);
  for (std::uint64_t i = 0; i < order_.variable_count && at < end; ++i) pointers_.push_back(next());
  pointers_.push_back(nullptr);
  return at == end && pointers_.size() == order_.argument_count + order_.variable_count + 3;
}

const char* ReceivedOrder::search_path() const {
  constexpr std::string_view name = "PATH=";
  const auto first = pointers_.begin() + static_cast<std::ptrdiff_t>(order_.argument_count) + 2;
  const auto path = std::find_if(first, pointers_.end() - 1,
                                 [&](const char* variable) { return std::string_view(variable).starts_with(name); });
  return path == pointers_.end() - 1 ? nullptr : *path + name.size();
}

void ReceivedOrder::forget() {
  if (mapped_ != nullptr) ::munmap(mapped_, mapped_bytes_);
  mapped_ = nullptr;
  directory_ = nullptr;
  pointers_.clear();
  if (pointers_.capacity() > pointers_kept_max) pointers_.shrink_to_fit();
}

}  // namespace agent::exec
