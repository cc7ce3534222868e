#include "agent/cli/output_writer.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "agent/cli/present.h"
#include "agent/cli/present_json.h"
#include "agent/exec/descriptor.h"

namespace agent::cli {

namespace client = protocol::client;

namespace {

constexpr std::size_t copy_bytes = 256 * 1024;
// A JSON text is in memory as a whole, here and at its reader. Of a longer output only the size is told.
constexpr std::size_t json_output_bytes_max = 16 * 1024 * 1024;

std::string_view text_of(const protocol::Bytes& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Returns 0 or an errno.
int write_fully(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(descriptor, text.data(), text.size());
    if (wrote >= 0) {
      text.remove_prefix(static_cast<std::size_t>(wrote));
    } else if (errno == EAGAIN) {
      pollfd wanted{.fd = descriptor, .events = POLLOUT, .revents = 0};
      (void)::poll(&wanted, 1, -1);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

// Gathers small texts for one stream and writes them together.
class Gathered {
 public:
  explicit Gathered(int descriptor) : descriptor_(descriptor) {}
  int add(std::string_view text) {
    text_ += text;
    return text_.size() >= copy_bytes ? flush() : 0;
  }
  int flush() {
    const int error = write_fully(descriptor_, text_);
    text_.clear();
    return error;
  }
  [[nodiscard]] bool empty() const { return text_.empty(); }

 private:
  int descriptor_;
  std::string text_;
};

int copy_tagged(std::string_view content, std::optional<Tagger>& tagger, Gathered& to) {
  if (!tagger) return to.add(content);
  std::string text;
  tagger->feed(content, text);
  return to.add(text);
}

int copy_output(const client::Output& output, const std::optional<std::string>& tag, Gathered& to) {
  std::optional<Tagger> tagger;
  if (tag) tagger.emplace(*tag);
  if (const auto* bytes = std::get_if<protocol::Bytes>(&output)) {
    return bytes->empty() ? 0 : copy_tagged(text_of(*bytes), tagger, to);
  }
  const exec::Descriptor file(open(std::get<client::File>(output).path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return errno;
  std::vector<char> buffer(copy_bytes);
  while (true) {
    const ssize_t got = read(file.get(), buffer.data(), buffer.size());
    if (got == 0) return 0;
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (const int error = copy_tagged({buffer.data(), static_cast<std::size_t>(got)}, tagger, to)) return error;
  }
}

// The item, or the bounds of a piece; nothing for a single command.
std::optional<std::string> tag_of(const client::Result& result) {
  if (!result.low.empty()) return result.low + " " + result.high;
  if (result.label.empty()) return std::nullopt;
  return std::string(text_of(result.label));
}

int copy_texts(const std::vector<client::Result>& results, bool tagged) {
  Gathered out(STDOUT_FILENO);
  Gathered err(STDERR_FILENO);
  for (const client::Result& result : results) {
    std::optional<std::string> tag;
    if (tagged) tag = tag_of(result);
    if (const int error = copy_output(result.out, tag, out)) return error;
    const auto* err_bytes = std::get_if<protocol::Bytes>(&result.err);
    if (err_bytes != nullptr && err_bytes->empty()) continue;
    // On a terminal the two streams appear in the order in which they are written.
    if (const int error = out.flush()) return error;
    if (const int error = copy_output(result.err, tag, err)) return error;
    if (const int error = err.flush()) return error;
  }
  return out.flush();
}

// The agent's files are gone when they were shown, so that JSON carries what is in them.
int read_into_memory(client::Output& output) {
  auto* file = std::get_if<client::File>(&output);
  if (file == nullptr) return 0;
  if (file->size_bytes > json_output_bytes_max) {
    file->path.clear();
    return 0;
  }
  const exec::Descriptor opened(open(file->path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened) return errno;
  protocol::Bytes content(static_cast<std::size_t>(file->size_bytes));
  std::size_t taken = 0;
  while (taken < content.size()) {
    const ssize_t got = read(opened.get(), content.data() + taken, content.size() - taken);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return EIO;
    taken += static_cast<std::size_t>(got);
  }
  output = std::move(content);
  return 0;
}

int copy_json(std::vector<client::Result>& results, const RunOptions& options, std::uint64_t results_before) {
  Gathered out(STDOUT_FILENO);
  for (client::Result& result : results) {
    if (const int error = read_into_memory(result.out)) return error;
    if (const int error = read_into_memory(result.err)) return error;
    const std::string text = options.format == OutputFormat::jsonl
                                 ? json_result(result, options.mode)
                                 : json_run_result(result, options.mode, results_before++);
    if (const int error = out.add(text)) return error;
    result = {};
  }
  return out.flush();
}

bool has_output(const client::Results& batch) {
  auto is_empty = [](const client::Output& output) {
    const auto* bytes = std::get_if<protocol::Bytes>(&output);
    return bytes != nullptr && bytes->empty();
  };
  for (const client::Result& result : batch.results) {
    if (!is_empty(result.out) || !is_empty(result.err)) return true;
  }
  return false;
}

}  // namespace

// What one turn of the thread writes: a batch of results, or a text of ours.
struct OutputWriter::Work {
  uv_work_t request{};
  OutputWriter* writer = nullptr;
  std::shared_ptr<bool> writer_alive;
  const RunOptions* options = nullptr;
  std::optional<client::Results> batch;
  std::uint64_t results_before = 0;
  std::string text;
  int error = 0;

  void run() {
    if (!batch) {
      error = write_fully(STDOUT_FILENO, text);
    } else if (options->format == OutputFormat::text) {
      error = copy_texts(batch->results, options->tag);
    } else {
      error = copy_json(batch->results, *options, results_before);
    }
  }
};

OutputWriter::OutputWriter(uv_loop_t* loop, const RunOptions& options, Callbacks callbacks)
    : loop_(loop), options_(options), callbacks_(std::move(callbacks)) {}

OutputWriter::~OutputWriter() {
  *alive_ = false;
}

void OutputWriter::write(client::Results batch) {
  auto work = std::make_unique<Work>();
  work->results_before = results_written_;
  results_written_ += batch.results.size();
  work->batch = std::move(batch);
  waiting_.push_back(std::move(work));
  begin_next();
}

void OutputWriter::write_text(std::string text) {
  auto work = std::make_unique<Work>();
  work->text = std::move(text);
  waiting_.push_back(std::move(work));
  begin_next();
}

void OutputWriter::begin_next() {
  while (!under_way_ && !waiting_.empty()) {
    std::unique_ptr<Work> work = std::move(waiting_.front());
    waiting_.pop_front();
    const bool nothing_to_write = work->batch && options_.format == OutputFormat::text && !has_output(*work->batch);
    if (failed_ || nothing_to_write) {
      if (work->batch) callbacks_.on_written(work->batch->sequence);
      if (!busy()) callbacks_.on_drained();
      continue;
    }
    under_way_ = true;
    work->writer = this;
    work->writer_alive = alive_;
    work->options = &options_;
    work->request.data = work.get();
    auto run = [](uv_work_t* request) noexcept { static_cast<Work*>(request->data)->run(); };
    auto done = [](uv_work_t* request, int) noexcept {
      std::unique_ptr<Work> finished(static_cast<Work*>(request->data));
      if (*finished->writer_alive) finished->writer->finished(std::move(finished));
    };
    uv_queue_work(loop_, &work->request, run, done);
    (void)work.release();
  }
}

void OutputWriter::finished(std::unique_ptr<Work> work) {
  under_way_ = false;
  if (work->error != 0 && !failed_) {
    failed_ = true;
    callbacks_.on_failed(work->error);
  }
  if (work->batch) callbacks_.on_written(work->batch->sequence);
  begin_next();
  if (!busy()) callbacks_.on_drained();
}

}  // namespace agent::cli
