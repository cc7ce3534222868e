#pragma once
// Who has how many bytes allocated: every block remembers whose it was when it was made, whoever frees it.
//
// The program's operator new is replaced for this (account.cpp). What is allocated outside any scope is nobody's.
// Invariant: bytes() is the sum over the living blocks of the account. An account must outlive its blocks.

#include <cstddef>
#include <cstdint>

namespace scale {

class Account {
 public:
  // While it lives, what is allocated goes to the account. Scopes do not nest.
  class Scope {
   public:
    explicit Scope(Account& account);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();
  };

  [[nodiscard]] std::int64_t bytes() const { return bytes_; }
  void add(std::int64_t bytes) { bytes_ += bytes; }

 private:
  std::int64_t bytes_ = 0;
};

}  // namespace scale
