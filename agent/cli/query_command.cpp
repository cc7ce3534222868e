#include "agent/cli/query_command.h"

#include <cstdio>

#include "agent/cli/agent_connection.h"
#include "agent/cli/conversation.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/present.h"
#include "agent/cli/present_json.h"
#include "agent/shell/system.h"

namespace agent::cli {

namespace client = protocol::client;

namespace {

int complain(const shell::Problem& problem, OutputFormat format, const char* code, int exit_code) {
  if (format == OutputFormat::text) {
    const std::string text = error_text(problem.message, problem.hint);
    (void)std::fwrite(text.data(), 1, text.size(), stderr);
  } else {
    const std::string json = json_error(code, problem.message, problem.hint);
    (void)std::fputs(json.c_str(), stdout);
    if (!json.ends_with('\n')) (void)std::fputc('\n', stdout);
  }
  return exit_code;
}

int print(const std::string& text) {
  (void)std::fwrite(text.data(), 1, text.size(), stdout);
  if (!text.empty() && text.back() != '\n') (void)std::fputc('\n', stdout);
  return std::fflush(stdout) == 0 ? exit_ok : exit_failed;
}

int exit_code_of(client::RefusalCode code) {
  switch (code) {
    case client::RefusalCode::no_such_job:
    case client::RefusalCode::ambiguous_job:
    case client::RefusalCode::job_ended: return exit_no_such_job;
    case client::RefusalCode::not_owner: return exit_refused;
    case client::RefusalCode::bad_message:
    case client::RefusalCode::version:
    case client::RefusalCode::bad_manifest:
    case client::RefusalCode::bad_items:
    case client::RefusalCode::limit:
    case client::RefusalCode::shutting_down:
    case client::RefusalCode::disk:
    case client::RefusalCode::pool: return exit_failed;
  }
  return exit_failed;
}

// Asks `question`; hands an `Answer` to `show`, which returns the exit code.
template <class Answer, class Show>
int ask(const client::ClientMessage& question, const QueryContext& context, OutputFormat format, const Show& show) {
  auto socket = connect_to_agent(context.state_directory);
  if (!socket) return complain(socket.error(), format, "unreachable", exit_no_agent);
  if (!*socket) {
    return complain({.message = "no agent runs here (" + context.state_directory + ")", .hint = "gibbon up starts one"},
                    format, "no_agent", exit_no_agent);
  }
  auto conversation = Conversation::open(*std::move(*socket), context.version);
  if (!conversation) return complain(conversation.error(), format, "unreachable", exit_no_agent);
  auto answer = conversation->ask(question);
  if (!answer) return complain(answer.error(), format, "unreachable", exit_no_agent);
  if (const auto* refused = std::get_if<client::Refused>(&*answer)) {
    // It may name jobs by what their users called them.
    constexpr std::size_t bytes_max = 1024;
    return complain({.message = printable(refused->message, bytes_max), .hint = refused->hint}, format,
                    std::string(to_string(refused->code)).c_str(), exit_code_of(refused->code));
  }
  if (const auto* wanted = std::get_if<Answer>(&*answer)) return show(*wanted, conversation->welcome());
  return complain({.message = "the agent answered something else", .hint = ""}, format, "unreachable", exit_failed);
}

}  // namespace

int show_status(const StatusOptions& options, const QueryContext& context) {
  return ask<client::Status>(
      client::GetStatus{}, context, options.format, [&](const client::Status& status, const client::Welcome& welcome) {
        return print(options.format == OutputFormat::text ? status_table(status, welcome.pid, shell::wall_now_ms())
                                                          : json_status(status, welcome.pid));
      });
}

int list_jobs(const PsOptions& options, const QueryContext& context) {
  return ask<client::Jobs>(
      client::ListJobs{.all = options.all}, context, options.format,
      [&](const client::Jobs& jobs, const client::Welcome&) {
        if (options.format != OutputFormat::text) return print(json_jobs(jobs.rows));
        return print(context.verbosity == Verbosity::quiet ? job_ids(jobs.rows) : job_table(jobs.rows));
      });
}

int list_peers(const PeersOptions& options, const QueryContext& context) {
  return ask<client::Peers>(client::ListPeers{}, context, options.format,
                            [&](const client::Peers& peers, const client::Welcome&) {
                              if (options.format != OutputFormat::text) return print(json_peers(peers));
                              if (!peers.pool) {
                                return complain({.message = "this machine is in no pool",
                                                 .hint = "gibbon invite founds one; gibbon join TOKEN joins one"},
                                                options.format, "no_pool", exit_failed);
                              }
                              return print(options.porcelain ? peer_columns(peers.rows) : peer_table(peers.rows));
                            });
}

int cancel_jobs(const CancelOptions& options, const QueryContext& context) {
  const client::CancelJob question{.selector = options.selector,
                                   .how = options.now ? client::Haste::now : client::Haste::polite};
  return ask<client::Done>(question, context, OutputFormat::text, [](const client::Done& done, const client::Welcome&) {
    (void)std::fputs(("gibbon: " + done.text + "\n").c_str(), stderr);
    return exit_ok;
  });
}

}  // namespace agent::cli
