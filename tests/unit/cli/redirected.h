#pragma once
// Standard streams of this process, for the length of a test, as something else.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>

#include "agent/exec/descriptor.h"

namespace agent::cli {

// While it lives, descriptor `number` is `to`.
class Redirected {
 public:
  Redirected(int number, int to) : number_(number), saved_(fcntl(number, F_DUPFD_CLOEXEC, 10)) {
    (void)std::fflush(nullptr);
    if (dup2(to, number) != number) ADD_FAILURE() << "descriptor " << number << " cannot be redirected";
  }
  ~Redirected() {
    (void)std::fflush(nullptr);
    std::clearerr(stdout);
    if (saved_ < 0) {
      ::close(number_);
    } else {
      dup2(saved_, number_);
      ::close(saved_);
    }
  }
  Redirected(const Redirected&) = delete;
  Redirected& operator=(const Redirected&) = delete;

 private:
  int number_;
  int saved_;
};

struct Pipe {
  Pipe() {
    std::array<int, 2> ends{};
    EXPECT_EQ(pipe2(ends.data(), O_CLOEXEC), 0);
    reading = exec::Descriptor(ends[0]);
    writing = exec::Descriptor(ends[1]);
  }
  // Everything until the writing ends are closed.
  [[nodiscard]] std::string rest() const {
    std::string all;
    std::array<char, 65'536> buffer{};
    ssize_t got = 0;
    while ((got = read(reading.get(), buffer.data(), buffer.size())) > 0)
      all.append(buffer.data(), static_cast<std::size_t>(got));
    return all;
  }
  void say(const std::string& text) const {
    EXPECT_EQ(write(writing.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }

  exec::Descriptor reading;
  exec::Descriptor writing;
};

}  // namespace agent::cli
