// Two members and a wire between them that cuts, changes and loses bytes, as the input says.
//
// Whatever happens: what arrives was said, in order and without gaps; who is closed says nothing more and is told of
// nothing more; what waits is bounded. On a wire that changes nothing, everything arrives.

#include <cassert>
#include <cstdint>
#include <span>

#include "tests/unit/link/small_pool.h"

namespace agent::link {
namespace {

using test::TwoEnds;

class Wire {
 public:
  explicit Wire(std::span<const std::uint8_t> input) : input_(input) {}

  void run() {
    while (!input_.empty()) happen();
    if (!honest_) return;
    link_.cut = 1 + byte();
    link_.run();
    for (const std::size_t side : {0U, 1U}) {
      check(side);
      if (link_.ends[side].connection->open()) assert(arrived(side).size() == said_[1 - side]);
    }
  }

 private:
  std::uint8_t byte() {
    if (input_.empty()) return 0;
    const std::uint8_t first = input_.front();
    input_ = input_.subspan(1);
    return first;
  }

  void happen() {
    const std::uint8_t what = byte();
    const std::size_t side = what & 1U;
    TwoEnds::End& end = link_.ends[side];
    switch (what / 2 % 8) {
      case 0: link_.collect(side); break;
      case 1: deliver(end, byte()); break;
      case 2: deliver(end, 4'096); break;
      case 3: say(side, 1); break;
      case 4: say(side, byte()); break;
      case 5: change(end); break;
      case 6: pass(side); break;
      default: finish(side); break;
    }
    check(side);
  }

  void deliver(TwoEnds::End& end, std::size_t most) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(most, end.coming.size()));
    const Bytes part(end.coming.begin(), end.coming.begin() + count);
    end.coming.erase(end.coming.begin(), end.coming.begin() + count);
    end.connection->receive(part, link_.now, end.news);
  }

  void say(std::size_t side, unsigned times) {
    for (; times > 0 && link_.ends[side].connection->open(); --times)
      link_.say(side, protocol::Release{.request = ++said_[side]});
  }

  void change(TwoEnds::End& end) {
    if (end.coming.empty()) return;
    honest_ = false;
    const std::size_t at = byte() * end.coming.size() / 256;
    if (const std::uint8_t bits = byte(); bits != 0) {
      end.coming[at] ^= std::byte{bits};
    } else {
      end.coming.erase(end.coming.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }

  void pass(std::size_t side) {
    link_.now.at += std::chrono::milliseconds(byte() * 20);
    Connection& connection = *link_.ends[side].connection;
    const auto deadline = connection.deadline();
    const bool due = deadline && *deadline <= link_.now.at;
    connection.on_time(link_.now, link_.ends[side].news);
    assert(!due || connection.closed());
    honest_ = honest_ && !due;
  }

  void finish(std::size_t side) {
    honest_ = false;
    if (byte() % 2 == 0) return link_.ends[side].connection->on_end(link_.ends[side].news);
    link_.ends[side].connection->hang_up({.why = protocol::ByeReason::leaving, .reason = "enough"},
                                         link_.ends[side].news);
  }

  [[nodiscard]] std::vector<std::uint64_t> arrived(std::size_t side) const {
    std::vector<std::uint64_t> numbers;
    for (const auto& each : link_.all<Connection::Arrived>(side))
      numbers.push_back(std::get<protocol::Release>(each.envelope.message).request);
    return numbers;
  }

  void check(std::size_t side) const {
    std::uint64_t next = 1;
    for (const std::uint64_t number : arrived(side)) assert(number == next++ && number <= said_[1 - side]);
    const TwoEnds::End& end = link_.ends[side];
    const std::size_t closed = link_.all<Connection::Closed>(side).size();
    assert(closed == (end.connection->closed() ? 1U : 0U));
    assert(closed == 0 || std::holds_alternative<Connection::Closed>(end.news.back()));
    assert(link_.all<Connection::Opened>(side).size() <= 1);
    assert(end.connection->waiting_bytes() <= Connection::waiting_bytes_max + 4'096);
  }

  std::span<const std::uint8_t> input_;
  TwoEnds link_;
  std::array<std::uint64_t, 2> said_{};
  bool honest_ = true;
};

}  // namespace
}  // namespace agent::link

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  agent::link::Wire(std::span(bytes, std::min<std::size_t>(size, 512))).run();
  return 0;
}
