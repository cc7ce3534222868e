#pragma once
// A state directory of a pool's first machine, and a newcomer with its own.

#include <memory>
#include <string>

#include "agent/shell/invitations.h"
#include "tests/unit/shell/temporary_directory.h"

namespace agent::shell {

inline constexpr std::int64_t founded_ms = 1'790'000'000'000;

// Secrets that are others each time and the same in every run.
class Secrets {
 public:
  explicit Secrets(unsigned char kind = 1) : kind_(kind) {}
  MakeSecret maker() {
    return [this] {
      crypto::Secret<32> secret;
      ++made_;
      secret.writable()[0] = std::byte{kind_};
      secret.writable()[1] = static_cast<std::byte>(made_ >> 8U);
      secret.writable()[2] = static_cast<std::byte>(made_ & 0xffU);
      return secret;
    };
  }

 private:
  unsigned char kind_;
  unsigned made_ = 0;
};

struct Machine {
  explicit Machine(const std::string& path) : state(StateDir::open(path).value()) {}
  Pool pool() const {
    auto loaded = load_pool(state);
    EXPECT_TRUE(loaded && *loaded) << (loaded ? "no pool" : loaded.error().message);
    return **std::move(loaded);
  }
  StateDir state;
};

struct Founder : Machine {
  explicit Founder(const std::string& path) : Machine(path) {
    Secrets random;
    auto made = found_pool(state, "alpha", founded_ms, random.maker());
    EXPECT_TRUE(made) << made.error().message;
    if (made) root = *std::move(made);
  }
  crypto::Seed root;
};

}  // namespace agent::shell
