#include "crypto/start.h"

#include <sodium.h>

namespace crypto {

bool start() {
  return sodium_init() >= 0;
}

}  // namespace crypto
