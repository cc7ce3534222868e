#pragma once
// Reads the sources of a list and feeds their items to the agent, chunk by chunk.
//
// The first source is a stream of any length; the others are read whole before it, since every item of the first is
// combined with them. Work starts before the stream ends: items leave as soon as nothing of ours is waiting to be
// stored, and in full chunks while something is. At most `chunks_under_way` are sent ahead of the agent's word, so an
// input that is faster than the agent is not read into memory. Nothing here blocks the loop but the reading of regular
// files: a pipe that says nothing for hours, wherever it stands among the sources, can still be interrupted.

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/cli/options.h"
#include "agent/cli/sources.h"
#include "agent/exec/descriptor.h"
#include "agent/shell/uv_handle.h"
#include "protocol/client.h"

namespace agent::cli {

class ItemFeeder {
 public:
  static constexpr std::uint64_t chunks_under_way = 8;

  struct Callbacks {
    std::function<void(protocol::client::Items)> on_chunk;
    // A source can not be read any further; what was read of it is not ended by that.
    std::function<void(const std::string& problem)> on_problem;
  };

  ItemFeeder(uv_loop_t* loop, const RunOptions& options, Callbacks callbacks);
  ~ItemFeeder();
  ItemFeeder(const ItemFeeder&) = delete;
  ItemFeeder& operator=(const ItemFeeder&) = delete;

  // Opens all sources. False: a problem was reported.
  [[nodiscard]] bool open_sources();
  // Feeds `job`. REQUIRES: open_sources() went well.
  void start(protocol::JobId job);
  // The agent holds this chunk and all before it.
  void stored(std::uint64_t chunk);
  // The job needs no more.
  void stop();

 private:
  // One source as a stream of items.
  struct Stream {
    const Source* source = nullptr;
    std::string name;  // for people
    exec::Descriptor file;
    int descriptor = -1;
    std::unique_ptr<Splitter> splitter;
    std::size_t next_argument = 0;
    bool ended = false;
  };

  [[nodiscard]] bool open(Stream& stream);
  // Reads or takes what there is: appends items, at least one unless the stream ended or would block.
  enum class Got { items, nothing_yet, failed };
  [[nodiscard]] Got read(Stream& stream, std::vector<Item>& items);
  void work();
  // One step each; false: there is something to wait for, or it is over.
  [[nodiscard]] bool hold_some();
  [[nodiscard]] bool feed_some();
  void push(std::vector<Item>& items);
  void add(Item item);
  void flush_chunk();
  void finish();
  void wait_for_input();
  void wait_for_turn();
  void fail(const std::string& problem);
  [[nodiscard]] bool may_send() const { return sent_ - stored_ < chunks_under_way; }

  uv_loop_t* loop_;
  const RunOptions& options_;
  protocol::JobId job_;
  Callbacks callbacks_;
  std::vector<Stream> streams_;
  std::size_t current_ = 0;  // the stream that is read: 1, 2, ..., and in the end 0
  std::unique_ptr<Combiner> combiner_;
  std::vector<Item> pending_;  // read, not combined yet (reversed: the next is the last)
  protocol::client::Items chunk_;
  std::size_t chunk_bytes_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t stored_ = 0;
  bool stopped_ = false;
  // Watches the current source. libuv makes what it polls non-blocking, which must not happen to a terminal that others
  // share; so it polls an epoll descriptor that watches the source.
  exec::Descriptor readiness_;
  shell::UvHandle<uv_poll_t> poll_;
  shell::UvHandle<uv_idle_t> turn_;
};

}  // namespace agent::cli
