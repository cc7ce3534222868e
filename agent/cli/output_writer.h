#pragma once
// Writes results to standard output and standard error without ever holding up the loop.
//
// A reader of ours may be slow, or stopped for hours (`| less`); tasks must be renewed meanwhile. So writing is done on
// a thread of libuv's pool, one batch after another, in order; descriptors are used as they are, never made
// non-blocking, since they are shared with others. A batch is announced as written only when every byte of it is. A
// reader that has gone away ends all writing.

#include <uv.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/cli/options.h"
#include "protocol/client.h"

namespace agent::cli {

class OutputWriter {
 public:
  struct Callbacks {
    std::function<void(std::uint64_t sequence)> on_written;
    // `error` is an errno; nothing is written any more.
    std::function<void(int error)> on_failed;
    std::function<void()> on_drained;
  };

  OutputWriter(uv_loop_t* loop, const RunOptions& options, Callbacks callbacks);
  ~OutputWriter();
  OutputWriter(const OutputWriter&) = delete;
  OutputWriter& operator=(const OutputWriter&) = delete;

  void write(protocol::client::Results batch);
  // Text of our own, behind everything before it.
  void write_text(std::string text);
  [[nodiscard]] bool busy() const { return under_way_ || !waiting_.empty(); }

 private:
  struct Work;
  void begin_next();
  void finished(std::unique_ptr<Work> work);

  uv_loop_t* loop_;
  const RunOptions& options_;
  Callbacks callbacks_;
  std::deque<std::unique_ptr<Work>> waiting_;
  bool under_way_ = false;
  bool failed_ = false;
  std::uint64_t results_written_ = 0;  // of a JSON list
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace agent::cli
