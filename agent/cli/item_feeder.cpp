#include "agent/cli/item_feeder.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/cli/present.h"
#include "protocol/limits.h"

namespace agent::cli {

namespace client = protocol::client;

namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr std::size_t arguments_at_once = 1'024;

client::Item to_wire(Item item) {
  if (const auto* too_long = std::get_if<TooLong>(&item)) return client::TooLong{.size_bytes = too_long->size_bytes};
  const auto bytes = std::as_bytes(std::span(std::get<std::string>(item)));
  return protocol::Bytes(bytes.begin(), bytes.end());
}

std::vector<Tie> ties_of(const std::vector<Source>& sources) {
  std::vector<Tie> ties;
  for (const Source& source : sources) ties.push_back(source.tie);
  return ties;
}

bool is_readable_now(int descriptor) {
  pollfd wanted{.fd = descriptor, .events = POLLIN, .revents = 0};
  return ::poll(&wanted, 1, 0) != 0;
}

}  // namespace

ItemFeeder::ItemFeeder(uv_loop_t* loop, const RunOptions& options, Callbacks callbacks)
    : loop_(loop), options_(options), callbacks_(std::move(callbacks)) {}

ItemFeeder::~ItemFeeder() = default;

bool ItemFeeder::open_sources() {
  for (const Source& source : options_.sources) {
    Stream& stream = streams_.emplace_back();
    stream.source = &source;
    if (!open(stream)) return false;
  }
  return true;
}

void ItemFeeder::start(protocol::JobId job) {
  assert(streams_.size() == options_.sources.size());
  job_ = job;
  chunk_.job = job;
  combiner_ = std::make_unique<Combiner>(ties_of(options_.sources), options_.rows_per_item);
  if (streams_.size() > 1) current_ = 1;
  work();
}

bool ItemFeeder::open(Stream& stream) {
  switch (stream.source->kind) {
    case Source::Kind::arguments: stream.name = "the arguments"; break;
    case Source::Kind::standard_input:
      stream.name = "standard input";
      stream.descriptor = STDIN_FILENO;
      break;
    case Source::Kind::file:
      stream.name = printable(stream.source->path);
      stream.file = exec::Descriptor(::open(stream.source->path.c_str(), O_RDONLY | O_CLOEXEC));
      stream.descriptor = stream.file.get();
      if (stream.descriptor < 0) {
        fail("cannot read " + stream.name + ": " + std::strerror(errno));
        return false;
      }
      break;
  }
  // An argument is an item, whatever lines it has, unless -d says where items end.
  const bool whole = stream.source->kind == Source::Kind::arguments && options_.delimiter == "\n";
  stream.splitter =
      std::make_unique<Splitter>(whole ? std::string(1, '\0') : options_.delimiter, options_.column_separator);
  return true;
}

ItemFeeder::Got ItemFeeder::read(Stream& stream, std::vector<Item>& items) {
  if (stream.source->kind == Source::Kind::arguments) {
    const auto& arguments = stream.source->arguments;
    for (std::size_t taken = 0; taken < arguments_at_once && stream.next_argument < arguments.size(); ++taken) {
      const std::string& argument = arguments[stream.next_argument++];
      if (argument.empty()) {
        items.emplace_back(std::string());
      } else {
        const auto split = stream.splitter->feed(argument, items);
        assert(split);  // what it may object to are NUL bytes
        stream.splitter->finish(items);
      }
    }
    stream.ended = stream.next_argument == arguments.size();
    return Got::items;
  }
  std::array<char, read_bytes> buffer;
  const ssize_t got = ::read(stream.descriptor, buffer.data(), buffer.size());
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return Got::nothing_yet;
  if (got < 0) {
    fail("cannot read " + stream.name + ": " + std::strerror(errno));
    return Got::failed;
  }
  if (got == 0) {
    stream.splitter->finish(items);
    stream.ended = true;
    return Got::items;
  }
  if (auto split = stream.splitter->feed({buffer.data(), static_cast<std::size_t>(got)}, items); !split) {
    fail(stream.name + ", item " + std::to_string(stream.splitter->items_seen() + 1) + ": " +
         std::string(to_string(split.error())));
    return Got::failed;
  }
  return Got::items;
}

// Goes on until there is nothing to read just now, the agent is behind, or the input has ended.
void ItemFeeder::work() {
  while (!stopped_ && (current_ == 0 ? feed_some() : hold_some())) continue;
}

bool ItemFeeder::hold_some() {
  Stream& stream = streams_[current_];
  if (stream.descriptor >= 0 && !is_readable_now(stream.descriptor)) return wait_for_input(), false;
  std::vector<Item> items;
  const Got got = read(stream, items);
  if (got == Got::failed) return false;
  if (got == Got::nothing_yet) return wait_for_input(), false;
  for (Item& item : items) combiner_->hold(current_, std::move(item));
  if (stream.ended) {
    current_ = current_ + 1 == streams_.size() ? 0 : current_ + 1;
    readiness_.close();
  } else if (stream.descriptor >= 0) {
    return wait_for_turn(), false;
  }
  return true;
}

bool ItemFeeder::feed_some() {
  Stream& first = streams_.front();
  push(pending_);
  if (!may_send() || stopped_) return false;
  if (combiner_->exhausted() || (first.ended && pending_.empty())) return finish(), false;
  if (first.descriptor >= 0 && !is_readable_now(first.descriptor)) {
    if (sent_ == stored_) flush_chunk();
    return wait_for_input(), false;
  }
  const Got got = read(first, pending_);
  if (got == Got::failed) return false;
  if (got == Got::nothing_yet) return wait_for_input(), false;
  std::ranges::reverse(pending_);
  push(pending_);
  if (sent_ == stored_) flush_chunk();
  if (first.descriptor >= 0 && !first.ended) return wait_for_turn(), false;
  return true;
}

void ItemFeeder::push(std::vector<Item>& items) {
  while (!stopped_) {
    while (may_send() && !stopped_) {
      std::optional<Item> item = combiner_->next();
      if (!item) break;
      add(*std::move(item));
    }
    if (!may_send() || stopped_ || items.empty() || combiner_->exhausted()) return;
    combiner_->push(std::move(items.back()));
    items.pop_back();
  }
}

void ItemFeeder::add(Item item) {
  const std::size_t bytes = std::holds_alternative<std::string>(item) ? std::get<std::string>(item).size() : 0;
  if (!chunk_.items.empty() && chunk_bytes_ + bytes > protocol::limits::chunk_bytes_max) flush_chunk();
  chunk_.items.push_back(to_wire(std::move(item)));
  chunk_bytes_ += bytes;
  if (chunk_.items.size() == protocol::limits::chunk_items_max || chunk_bytes_ > protocol::limits::chunk_bytes_max)
    flush_chunk();
}

void ItemFeeder::flush_chunk() {
  if (stopped_ || (chunk_.items.empty() && !chunk_.last)) return;
  client::Items full = std::exchange(chunk_, {});
  full.chunk = sent_++;
  chunk_.job = job_;
  chunk_.first = full.first + full.items.size();
  chunk_bytes_ = 0;
  callbacks_.on_chunk(std::move(full));
}

void ItemFeeder::finish() {
  combiner_->finish();
  while (std::optional<Item> item = combiner_->next()) add(*std::move(item));
  if (stopped_) return;
  chunk_.last = true;
  flush_chunk();
  stop();
}

void ItemFeeder::stored(std::uint64_t chunk) {
  if (chunk >= sent_) return;  // it says what can not be
  stored_ = std::max(stored_, chunk + 1);
  if (!stopped_ && combiner_ && !poll_ && !turn_) work();
  if (!stopped_ && sent_ == stored_) flush_chunk();
}

void ItemFeeder::stop() {
  stopped_ = true;
  poll_.reset();
  turn_.reset();
}

void ItemFeeder::wait_for_input() {
  if (poll_) return;
  if (!readiness_) {
    readiness_ = exec::Descriptor(epoll_create1(EPOLL_CLOEXEC));
    epoll_event wanted{.events = EPOLLIN, .data = {}};
    // Regular files are always readable and can not be watched.
    if (!readiness_ || epoll_ctl(readiness_.get(), EPOLL_CTL_ADD, streams_[current_].descriptor, &wanted) != 0) {
      readiness_.close();
      return wait_for_turn();
    }
  }
  auto poll = std::make_unique<uv_poll_t>();
  if (uv_poll_init(loop_, poll.get(), readiness_.get()) != 0) return wait_for_turn();
  poll_.reset(poll.release());
  poll_->data = this;
  auto on_readable = [](uv_poll_t* handle, int, int) noexcept {
    auto* self = shell::self_of<ItemFeeder>(handle);
    if (self == nullptr) return;
    self->poll_.reset();
    self->work();
  };
  uv_poll_start(poll_.get(), UV_READABLE, on_readable);
}

// Lets the rest of the loop run before the next read.
void ItemFeeder::wait_for_turn() {
  if (turn_) return;
  turn_.reset(new uv_idle_t{});
  uv_idle_init(loop_, turn_.get());
  turn_->data = this;
  auto on_turn = [](uv_idle_t* handle) noexcept {
    auto* self = shell::self_of<ItemFeeder>(handle);
    if (self == nullptr) return;
    self->turn_.reset();
    self->work();
  };
  uv_idle_start(turn_.get(), on_turn);
}

void ItemFeeder::fail(const std::string& problem) {
  stop();
  callbacks_.on_problem(problem);
}

}  // namespace agent::cli
