// A launcher that is told nonsense.

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>

#include "agent/exec/message_socket.h"
#include "agent/exec/received_order.h"
#include "agent/exec/wire.h"
#include "tests/unit/exec/launcher_fixture.h"

namespace agent::exec {

namespace {

wire::Order order_of(std::uint64_t arguments, std::uint64_t variables, const std::string& strings) {
  return {.argument_count = arguments, .variable_count = variables, .string_bytes = strings.size()};
}

bool is_readable(const wire::Order& order, std::string strings) {
  ReceivedOrder received;
  return received.read(order, strings, Descriptor());
}

TEST(ReceivedOrder, splits_directory_arguments_and_environment) {
  std::string strings("/dir\0prog\0\0A=1\0PATH=/x\0", 23);
  ReceivedOrder received;
  ASSERT_TRUE(received.read(order_of(2, 2, strings), strings, Descriptor()));
  EXPECT_STREQ(received.directory(), "/dir");
  EXPECT_STREQ(received.argv()[0], "prog");
  EXPECT_STREQ(received.argv()[1], "");
  EXPECT_EQ(received.argv()[2], nullptr);
  EXPECT_STREQ(received.environment()[0], "A=1");
  EXPECT_EQ(received.environment()[2], nullptr);
  EXPECT_STREQ(received.search_path(), "/x");
}

TEST(ReceivedOrder, refuses_counts_and_lengths_that_do_not_add_up) {
  const std::string strings("/dir\0prog\0A=1\0", 14);
  EXPECT_TRUE(is_readable(order_of(1, 1, strings), strings));
  EXPECT_FALSE(is_readable(order_of(1, 0, strings), strings));
  EXPECT_FALSE(is_readable(order_of(0, 2, strings), strings));
  EXPECT_FALSE(is_readable(order_of(2, 1, strings), strings));
  EXPECT_FALSE(is_readable(order_of(1, 2, strings), strings));
  EXPECT_FALSE(is_readable(order_of(UINT64_MAX, 1, strings), strings));
  EXPECT_FALSE(is_readable(order_of(1, UINT64_MAX, strings), strings));
  EXPECT_FALSE(is_readable(order_of(UINT64_MAX, UINT64_MAX, strings), strings));
  EXPECT_FALSE(is_readable(order_of(1, 1, strings), strings.substr(0, 13)));
  EXPECT_FALSE(is_readable(order_of(1, 1, strings.substr(0, 13)), strings.substr(0, 13)));
  EXPECT_FALSE(is_readable(order_of(0, 0, ""), ""));
  wire::Order apart = order_of(1, 1, strings);
  apart.strings_apart = true;
  EXPECT_FALSE(is_readable(apart, ""));
}

// A launcher without `Launcher`: what it is sent is ours to choose.
class RawLauncher : public LauncherTest {
 protected:
  RawLauncher() {
    std::array<int, 2> pair{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()), 0);
    socket_ = Descriptor(pair[0]);
    const Descriptor theirs(pair[1]);
    const std::string agent = std::to_string(::getpid());
    const std::string scratch = scratch_parent_.path() + "/gibbon-scratch-raw";
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(theirs.get(), wire::socket_number);
      ::execl("/proc/self/exe", wire::launcher_name, agent.c_str(), scratch.c_str(), nullptr);
      ::_exit(127);
    }
  }
  ~RawLauncher() override {
    socket_.close();
    int status = -1;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  }

  // Its answer, or nothing if it hangs up.
  std::optional<wire::Report> ask(const void* message, std::size_t length) {
    EXPECT_TRUE(send_message(socket_.get(), {{message, length}}, {}));
    pollfd answered{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    EXPECT_EQ(::poll(&answered, 1, 20'000), 1);
    wire::Report report;
    std::array<Descriptor, wire::descriptors_max> none;
    const auto got = receive_message(socket_.get(), {reinterpret_cast<char*>(&report), sizeof report}, none);
    return got == sizeof report ? std::optional(report) : std::nullopt;
  }

  Descriptor socket_;
  pid_t pid_ = -1;
};

TEST_F(RawLauncher, leaves_when_it_is_told_what_it_does_not_know) {
  const std::array<std::uint32_t, 4> unknown{99, 0, 0, 0};
  EXPECT_EQ(ask(unknown.data(), sizeof unknown), std::nullopt);
}

TEST_F(RawLauncher, leaves_at_a_cut_message) {
  EXPECT_EQ(ask("x", 1), std::nullopt);
}

TEST_F(RawLauncher, leaves_at_a_word_of_wrong_length) {
  const wire::Stop stop{};
  EXPECT_EQ(ask(&stop, sizeof stop - 1), std::nullopt);
}

TEST_F(RawLauncher, says_that_an_order_is_unreadable_and_goes_on) {
  for (int i = 0; i < 2; ++i) {
    const wire::Order order{.task = 7, .argument_count = 5, .variable_count = 5, .string_bytes = 0};
    const auto report = ask(&order, sizeof order);
    ASSERT_TRUE(report);
    EXPECT_FALSE(report->has_started);
    EXPECT_EQ(report->exited.task, 7U);
    EXPECT_EQ(report->exited.reason, EndReason::could_not_start);
    EXPECT_EQ(report->exited.failure->step, SetUpStep::order);
  }
}

TEST_F(RawLauncher, says_that_announced_descriptors_are_missing) {
  const wire::Order order{.new_standard_output = true, .strings_apart = true, .argument_count = 1, .string_bytes = 4};
  const auto report = ask(&order, sizeof order);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->exited.failure->step, SetUpStep::order);
}

}  // namespace

}  // namespace agent::exec
