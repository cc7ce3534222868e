#include "agent/shell/process_identity.h"

#include <sstream>

#include "agent/exec/proc_file.h"

namespace agent::shell {

std::string process_identity(pid_t pid) {
  constexpr int fields_between = 18;  // of proc(5) stat: those behind the state and before the time of the start
  const std::string number = std::to_string(pid);
  const std::string text = exec::read_proc_file("/proc/" + number + "/stat");
  // The name in parentheses may contain anything, so what follows the last one counts.
  const std::size_t name_end = text.rfind(')');
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  char state = 0;
  fields >> state;
  std::string field;
  for (int i = 0; i < fields_between; ++i) fields >> field;
  std::string start;
  if (!(fields >> start) || state == 'Z' || state == 'X') return {};
  const std::string boot = exec::read_proc_file("/proc/sys/kernel/random/boot_id");
  return number + " " + start + " " + boot.substr(0, boot.find('\n'));
}

}  // namespace agent::shell
