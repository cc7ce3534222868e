#pragma once
// What a certificate permits its holder to do, and how much of it.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <vector>

namespace crypto {

// Bit i of a set is role i; bit 0 stays free, since being a member takes a certificate and no role.
enum class Role : std::uint8_t {
  run = 1,     // execute for others
  submit = 2,  // originate jobs
  admin = 3,   // invite, revoke, drain
  issue = 4,   // sign certificates
};

class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(std::initializer_list<Role> roles) {
    for (const Role role : roles) bits_ = static_cast<std::uint8_t>(bits_ | 1U << static_cast<unsigned>(role));
  }
  [[nodiscard]] constexpr bool has(Role role) const { return (bits_ >> static_cast<unsigned>(role) & 1U) != 0; }
  [[nodiscard]] constexpr std::uint8_t bits() const { return bits_; }
  // Nothing if a bit is set that is no role.
  [[nodiscard]] static constexpr std::optional<Roles> of_bits(std::uint8_t bits);
  // What both permit.
  friend constexpr Roles operator&(Roles left, Roles right) {
    left.bits_ &= right.bits_;
    return left;
  }
  bool operator==(const Roles&) const = default;

 private:
  std::uint8_t bits_ = 0;
};

inline constexpr Roles all_roles{Role::run, Role::submit, Role::admin, Role::issue};

constexpr std::optional<Roles> Roles::of_bits(std::uint8_t bits) {
  if ((bits & ~all_roles.bits()) != 0) return std::nullopt;
  Roles roles;
  roles.bits_ = bits;
  return roles;
}

inline constexpr std::size_t projects_max = 8;
inline constexpr std::size_t project_bytes_max = 32;

struct Allowance {
  std::optional<std::uint32_t> parallel_max;         // tasks at a time; none: any number
  std::optional<std::vector<std::string>> projects;  // strictly ascending; none: any. No name at all permits nothing
  bool operator==(const Allowance&) const = default;
};
// What both permit.
[[nodiscard]] Allowance within(const Allowance& left, const Allowance& right);

}  // namespace crypto
