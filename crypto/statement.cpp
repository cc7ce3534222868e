#include "crypto/statement.h"

#include <cassert>

namespace crypto {

StatementError statement_error(WireFault fault) {
  assert(fault != WireFault::none);
  return fault == WireFault::malformed ? StatementError::malformed : StatementError::bad_field;
}

tl::expected<std::vector<std::byte>, StatementError> finished(Writer& writer) {
  if (writer.fault() != WireFault::none) return tl::unexpected(statement_error(writer.fault()));
  return writer.take();
}

}  // namespace crypto
