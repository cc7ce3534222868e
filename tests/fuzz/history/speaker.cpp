#include "tests/fuzz/history/speaker.h"

#include <algorithm>
#include <chrono>

namespace agent::core::fuzz {

namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t last_index = ~std::uint64_t{0};

template <class Enum>
Enum enumerator(Input& in) {
  return static_cast<Enum>(in.below(static_cast<std::uint64_t>(protocol::LastOf<Enum>::value) + 1));
}

template <class T>
std::optional<T> pick(Input& in, const std::vector<T>& from) {
  if (from.empty()) return std::nullopt;
  return from[in.byte() % from.size()];
}

}  // namespace

std::uint64_t Input::number() {
  const std::uint8_t first = byte();
  if (first < 224) return first;
  if (first < 232) return last_index - (first - 224);
  if (first < 240) return std::uint64_t{1} << (32 + 4 * (first - 232));
  std::uint64_t all = 0;
  for (int i = 0; i < 8; ++i) all = all << 8 | byte();
  return all;
}

Duration Input::duration() {
  const std::uint8_t first = byte();
  if (first < 100) return std::chrono::milliseconds(first);
  if (first < 200) return std::chrono::seconds(first - 100);
  return Duration(static_cast<std::int64_t>(number()));
}

NodeId node_named(std::uint8_t number) {
  protocol::Bytes32 bytes{};
  bytes[0] = bytes[7] = std::byte(0x40 + 7 * number % 11);
  bytes[31] = std::byte(number + 1);
  return NodeId(bytes);
}

Address address_named(std::uint8_t number) {
  Address address{.port = 4747};
  address.ip[15] = std::byte(number + 1);
  return address;
}

JobId job_named(std::uint8_t number) {
  protocol::Bytes16 bytes{};
  bytes[15] = std::byte(number + 1);
  return JobId(bytes);
}

JobTerms read_terms(Input& in, const JobId& job) {
  JobTerms terms{.job = job};
  const std::uint8_t shape = in.byte();
  if ((shape & 1) == 0) terms.body = Body::command_per_piece;
  if ((shape & 6) != 0) terms.size = (shape & 8) != 0 ? in.number() : in.below(40);
  if ((shape & 16) != 0) terms.found = 3;
  terms.lowest_hit = (shape & 32) != 0;
  const std::uint8_t tries = in.byte();
  terms.retries = tries % 3;
  terms.started_at_most_once = tries / 3 % 4 == 3;
  terms.slots_max = (shape & 64) != 0 ? static_cast<std::uint32_t>(in.below(3)) : 0;
  terms.branch_number = static_cast<std::uint32_t>(in.below(5));
  if ((shape & 128) != 0) {
    const std::uint8_t rule = in.byte();
    terms.halt = {.when = static_cast<HaltRule::When>(rule % 3),
                  .what = static_cast<HaltRule::What>(rule / 3 % 3),
                  .amount = 1 + rule / 18U,
                  .unit = static_cast<HaltRule::Unit>(rule / 9 % 2)};
  }
  return terms;
}

std::vector<Interval> Speaker::intervals() {
  std::vector<Interval> all;
  const std::uint8_t shape = in_.byte();
  if (shape >= 240) {
    // As many as there may be gaps.
    const std::uint64_t count = std::uint64_t{16} << (shape - 240) / 2;
    for (std::uint64_t i = 0; i < count; ++i) all.push_back({.begin = 2 * i, .end = 2 * i + 1});
    return all;
  }
  std::uint64_t end = 0;
  for (int count = shape % 4; count > 0; --count) {
    const std::uint64_t gap = shape >= 160 ? in_.number() : in_.below(16);
    const std::uint64_t length = shape >= 160 ? in_.number() : 1 + in_.below(16);
    if (gap > last_index - end || length == 0 || length > last_index - end - gap) break;
    all.push_back({.begin = end + gap, .end = end + gap + length});
    end = all.back().end;
  }
  return all;
}

std::vector<protocol::Lent> Speaker::lent() {
  std::vector<protocol::Lent> all;
  for (std::uint64_t count = in_.below(3); count > 0; --count)
    all.push_back({.helper = node_named(static_cast<std::uint8_t>(in_.below(peer_count + 1))),
                   .attempt = Attempt(static_cast<std::uint32_t>(in_.number())),
                   .what = intervals()});
  return all;
}

LoopId Speaker::loop() {
  const std::uint8_t shape = in_.byte();
  if (shape < 128) {
    if (auto known = pick(in_, heard_.loops)) return *known;
  }
  LoopId id{.job = job_named(shape % job_count), .path = {}};
  for (int depth = shape % 16 == 15 ? 2 : 0; depth > 0; --depth)
    id.path.push_back({.iteration = in_.below(8), .ordinal = static_cast<std::uint32_t>(in_.below(2))});
  return id;
}

BranchId Speaker::branch() {
  const std::uint8_t shape = in_.byte();
  if (shape < 160) {
    if (auto known = pick(in_, heard_.granted)) return *known;
  }
  return BranchId(shape % 8);
}

std::uint64_t Speaker::request() {
  const std::uint8_t shape = in_.byte();
  if (shape < 160) {
    if (auto known = pick(in_, heard_.asked)) return *known;
  }
  return shape % 8;
}

protocol::Hint Speaker::hint() {
  const std::uint8_t shape = in_.byte();
  const std::uint8_t node = shape % (peer_count + 2);
  protocol::Hint told{.node_prefix = prefix_of(node_named(node)), .address = address_named(shape / 16)};
  if (shape >= 250) told.node_prefix = 0;
  return told;
}

protocol::Grant Speaker::grant() {
  protocol::Grant grant{.branch = branch(), .request = request(), .loop = loop(), .manifest = {}, .statements = {}};
  grant.intervals = intervals();
  grant.attempt = Attempt(static_cast<std::uint32_t>(in_.number()));
  const std::uint8_t shape = in_.byte();
  grant.copies = shape % 8 == 5;
  if (shape % 2 == 1) grant.pieces = intervals();
  if (shape % 4 == 3 && !grant.pieces.empty())
    grant.histories.push_back({.iteration = grant.pieces.front().begin,
                               .tries = static_cast<std::uint32_t>(in_.number()),
                               .deaths = {node_named(1)}});
  for (std::uint64_t count = shape / 64; count > 0; --count) {
    const auto node = static_cast<std::uint8_t>(in_.below(peer_count + 1));
    grant.refuges.push_back(
        {.role = enumerator<protocol::RefugeRole>(in_), .node = node_named(node), .address = address_named(node)});
  }
  return grant;
}

protocol::Holds Speaker::holds() {
  protocol::Holds holds{.branch = {.sender_is = enumerator<protocol::Side>(in_), .branch = branch()}};
  holds.attempt = Attempt(static_cast<std::uint32_t>(in_.number()));
  holds.todo = intervals();
  holds.started = intervals();
  holds.lent = lent();
  holds.unsettled = intervals();
  holds.last = !in_.one_in(4);
  return holds;
}

protocol::Report Speaker::report() {
  protocol::Report report{.branch = branch(), .number = in_.number(), .batches = {}};
  report.power_per_megasecond = in_.number();
  report.remaining = in_.number();
  report.started = intervals();
  report.lent = lent();
  return report;
}

Message Speaker::message_about_work(std::uint64_t kind) {
  switch (kind) {
    case 0:
    case 1: return grant();
    case 2: return protocol::Accept{.branch = branch()};
    case 3: return protocol::Refuse{.branch = branch(), .why = enumerator<protocol::RefuseReason>(in_), .reason = "no"};
    case 4: return protocol::Want{.branch = branch(), .iterations = in_.number()};
    case 5: {
      protocol::Recall recall{.branch = branch(), .what = in_.number()};
      if (in_.one_in(2)) recall.what = intervals();
      return recall;
    }
    case 6:
      return protocol::Returned{.branch = branch(),
                                .intervals = intervals(),
                                .why = enumerator<protocol::ReturnReason>(in_),
                                .still_lent = lent()};
    case 7:
    case 8:
    case 9: return report();
    case 10: return protocol::Received{.branch = branch(), .number = in_.number()};
    case 11: return protocol::Settled{.loop = loop(), .intervals = intervals()};
    case 12: return protocol::Resend{.loop = loop(), .intervals = intervals()};
    case 13:
      return protocol::Cancel{
          .branch = branch(), .intervals = intervals(), .why = enumerator<protocol::CancelReason>(in_)};
    case 14: return protocol::Ended{.job = job_named(static_cast<std::uint8_t>(in_.below(job_count))), .statement = {}};
    case 15: {
      const LoopId id = loop();
      return protocol::Orphan{.loop = id,
                              .master = node_named(static_cast<std::uint8_t>(in_.below(peer_count + 1))),
                              .branch = branch(),
                              .todo = intervals(),
                              .started = intervals(),
                              .lent = intervals(),
                              .finished = intervals(),
                              .mandate = {},
                              .last = !in_.one_in(4)};
    }
    default: {
      const LoopId id = loop();
      return protocol::Adopt{.loop = id,
                             .former = branch(),
                             .branch = branch(),
                             .wanted = intervals(),
                             .to_send = intervals(),
                             .settled = intervals(),
                             .mandate = {},
                             .refuges = {}};
    }
  }
}

Message Speaker::message() {
  const std::uint64_t kind = in_.below(36);
  switch (kind) {
    case 0: return protocol::Hello{};
    case 1: {
      protocol::Beat beat{.stall_ns = in_.number(), .mandates = {}, .branches = {}};
      std::uint64_t count = in_.below(4);
      if (count == 3) count = 1'024;
      const std::uint64_t first = in_.below(8);
      for (std::uint64_t i = 0; i < count; ++i)
        beat.branches.push_back({.branch = {.sender_is = i % 2 == 0 ? protocol::Side::helper : protocol::Side::master,
                                            .branch = BranchId(first + i)},
                                 .digest = i});
      return beat;
    }
    case 2:
    case 3:
    case 4: return holds();
    case 5: return protocol::Bye{};
    case 6: return protocol::Shuffle{};
    case 7: return protocol::Shuffled{};
    case 8: return protocol::Walk{.record = {}, .hops_left = in_.byte()};
    case 9:
    case 10:
      return protocol::Probe{.request = in_.number(),
                             .job = job_named(static_cast<std::uint8_t>(in_.below(job_count))),
                             .user = {},
                             .path = {},
                             .priority = in_.byte(),
                             .iterations = in_.number(),
                             .round_trip_ns = in_.number()};
    case 11:
    case 12:
      return protocol::Offer{.request = request(),
                             .held_ns = in_.number(),
                             .power_class = in_.byte(),
                             .slots = static_cast<std::uint32_t>(in_.number())};
    case 13: return protocol::Busy{.request = request(), .free = {hint()}, .others = {hint()}, .kept = in_.one_in(2)};
    case 14: return protocol::Release{.request = in_.number()};
    case 15: return protocol::Note{.slots = static_cast<std::uint32_t>(in_.number())};
    case 16:
    case 17: return protocol::Ask{.request = in_.number(), .tags = {}, .hops_left = in_.byte()};
    case 18: return protocol::Refer{.request = request(), .better = hint(), .hops_left = in_.byte()};
    default: return message_about_work(kind - 19);
  }
}

MandateFact Speaker::mandate(const JobId& job) {
  const std::uint8_t shape = in_.byte();
  MandateFact fact{.job = job, .epoch = {}, .sequence = shape, .time_to_live = 60s, .age = {}};
  if (shape < 200) return fact;
  fact.sequence = in_.number();
  fact.time_to_live = in_.duration();
  fact.age = in_.duration();
  return fact;
}

BatchFact Speaker::batch(std::uint64_t number) {
  BatchFact batch{.batch = BatchId(number),
                  .executor = node_named(static_cast<std::uint8_t>(1 + in_.below(peer_count))),
                  .size_bytes = in_.number(),
                  .results = {}};
  for (std::uint64_t count = 1 + in_.below(3); count > 0; --count) {
    for (Interval piece : intervals()) {
      if (batch.results.size() == 2'000) break;
      const std::uint8_t shape = in_.byte();
      batch.results.push_back({.piece = piece,
                               .attempt = Attempt(shape < 224 ? 0 : static_cast<std::uint32_t>(in_.number())),
                               .outcome = static_cast<Outcome>(shape % 4),
                               .ran = shape < 200 ? Duration(1ms) : in_.duration()});
    }
  }
  return batch;
}

void Speaker::prove(const protocol::Grant& grant, Proofs& proofs) {
  const std::uint8_t shape = in_.byte();
  if (shape == 255) return;
  proofs.terms = read_terms(in_, shape >= 250 ? job_named(0) : grant.loop.job);
  if (shape % 16 == 14) proofs.terms->grain = in_.duration();
  LoopPath path;
  for (const protocol::PathStep& step : grant.loop.path) {
    if (shape == 254) break;
    path.push_back(step);
    proofs.loops.push_back({.path = path,
                            .size = shape % 8 == 7 ? in_.number() : in_.below(40),
                            .branch_number = static_cast<std::uint32_t>(in_.below(5)),
                            .opener = node_named(peer_),
                            .instance = in_.byte()});
  }
  if (shape < 240) proofs.mandates.push_back(mandate(grant.loop.job));
}

Proofs Speaker::proofs(const Message& message, std::uint64_t& next_batch) {
  Proofs proofs;
  if (const auto* grant = std::get_if<protocol::Grant>(&message)) prove(*grant, proofs);
  if (std::holds_alternative<protocol::Beat>(message) && in_.one_in(2))
    proofs.mandates.push_back(mandate(job_named(static_cast<std::uint8_t>(in_.below(job_count)))));
  if (std::holds_alternative<protocol::Report>(message)) {
    for (std::uint64_t count = in_.below(3); count > 0; --count) proofs.batches.push_back(batch(next_batch++));
  }
  const bool shuffles = std::holds_alternative<protocol::Shuffle>(message) ||
                        std::holds_alternative<protocol::Shuffled>(message) ||
                        std::holds_alternative<protocol::Walk>(message);
  if (!shuffles) return proofs;
  std::uint64_t count = in_.below(protocol::limits::records_max + 1);
  if (std::holds_alternative<protocol::Walk>(message)) count = 1;
  for (; count > 0; --count) {
    const std::uint8_t shape = in_.byte();
    const std::uint8_t node = shape % 16;
    proofs.records.push_back({.node = node_named(node), .instance = {}, .address = address_named(shape / 16)});
  }
  return proofs;
}

MessageReceived Speaker::say(std::uint64_t& next_batch) {
  MessageReceived said{.from = node_named(peer_), .sequence = ++heard_.sent, .heard = heard_.received};
  const std::uint8_t shape = in_.byte();
  if (shape >= 250) said.sequence = in_.number();
  if (shape >= 240) said.heard = in_.number();
  said.message = message();
  said.proofs = proofs(said.message, next_batch);
  if (const auto* grant = std::get_if<protocol::Grant>(&said.message)) heard_.loops.push_back(grant->loop);
  return said;
}

}  // namespace agent::core::fuzz
