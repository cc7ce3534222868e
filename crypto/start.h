#pragma once

namespace crypto {

// Prepares the library below (chooses the fastest code for this processor). Call once in main before anything else of
// this room; further calls are harmless. False: the system cannot provide what is needed, and the program must not go
// on.
[[nodiscard]] bool start();

}  // namespace crypto
