#include "crypto/roles.h"

#include <algorithm>
#include <iterator>

namespace crypto {

Allowance within(const Allowance& left, const Allowance& right) {
  Allowance both = left;
  if (!left.parallel_max || (right.parallel_max && *right.parallel_max < *left.parallel_max)) {
    both.parallel_max = right.parallel_max;
  }
  if (!left.projects) {
    both.projects = right.projects;
  } else if (right.projects) {
    both.projects->clear();
    std::ranges::set_intersection(*left.projects, *right.projects, std::back_inserter(*both.projects));
  }
  return both;
}

}  // namespace crypto
