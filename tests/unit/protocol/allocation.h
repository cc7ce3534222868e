#pragma once
// How much memory a stretch of a test held at once: operator new and delete of this test program count.

#include <cstddef>

namespace protocol::test {

// Bytes that new and delete have handed out and not taken back; and the most of it since reset_peak().
std::size_t bytes_held();
std::size_t peak_bytes_held();
void reset_peak();

}  // namespace protocol::test
