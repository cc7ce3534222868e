#include "tests/bench/scale/account.h"

#include <cstdlib>
#include <new>

namespace scale {

namespace {

Account* paying = nullptr;  // the program has one thread

struct Head {
  Account* account;
  std::size_t bytes;
};
static_assert(sizeof(Head) % __STDCPP_DEFAULT_NEW_ALIGNMENT__ == 0);

void* allocate(std::size_t bytes) {
  auto* head = static_cast<Head*>(std::malloc(sizeof(Head) + bytes));
  if (head == nullptr) std::abort();
  *head = {.account = paying, .bytes = bytes};
  if (paying != nullptr) paying->add(static_cast<std::int64_t>(bytes));
  return head + 1;
}

void release(void* block) {
  if (block == nullptr) return;
  Head* head = static_cast<Head*>(block) - 1;
  if (head->account != nullptr) head->account->add(-static_cast<std::int64_t>(head->bytes));
  std::free(head);
}

}  // namespace

Account::Scope::Scope(Account& account) {
  paying = &account;
}

Account::Scope::~Scope() {
  paying = nullptr;
}

}  // namespace scale

void* operator new(std::size_t bytes) {
  return scale::allocate(bytes);
}

void* operator new[](std::size_t bytes) {
  return scale::allocate(bytes);
}

void operator delete(void* block) noexcept {
  scale::release(block);
}

void operator delete[](void* block) noexcept {
  scale::release(block);
}

void operator delete(void* block, std::size_t) noexcept {
  scale::release(block);
}

void operator delete[](void* block, std::size_t) noexcept {
  scale::release(block);
}
