#include "agent/cli/completion.h"

#include <algorithm>
#include <cassert>

#include "agent/cli/option_tree.h"

namespace agent::cli {
namespace {

using Value = OptionShape::Value;

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (const auto& word : words) {
    if (!text.empty()) text += between;
    text += word;
  }
  return text;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (auto at = text.find(what); at != text.npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
  return text;
}

std::vector<std::string> command_names(const OptionTree& tree) {
  std::vector<std::string> names;
  for (const auto& command : tree.commands())
    if (!command.name.empty()) names.push_back(command.name);
  return names;
}

std::vector<std::string> option_names(const CommandShape& command, bool (*wanted)(const OptionShape&)) {
  std::vector<std::string> names;
  for (const auto& option : command.options)
    if (wanted(option)) names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

bool is_any(const OptionShape&) {
  return true;
}
bool takes_next_word(const OptionShape& option) {
  return option.value == Value::required;
}

// ---- bash

std::string bash_values(const CommandShape& command) {
  std::string text;
  for (const auto& option : command.options) {
    if (option.value == Value::none) continue;
    std::string action = "compopt +o default";
    if (!option.choices.empty()) action = "COMPREPLY=($(compgen -W '" + joined(option.choices, " ") + "' -- \"$cur\"))";
    if (option.value_name == "FILE") action = "COMPREPLY=($(compgen -f -- \"$cur\"))";
    if (option.value_name == "DIR") action = "COMPREPLY=($(compgen -d -- \"$cur\"))";
    text += "        " + joined(option.names, "|") + ") " + action + "; return ;;\n";
  }
  return text;
}

// One arm of a `case` for each command, the program itself under ''.
template <class Text>
std::string bash_arms(const OptionTree& tree, Text text) {
  std::string arms;
  for (const auto& command : tree.commands())
    arms += "    " + (command.name.empty() ? std::string("''") : command.name) + ") " + text(command) + " ;;\n";
  return arms;
}

std::string bash_script(const OptionTree& tree) {
  const auto options = bash_arms(
      tree, [](const CommandShape& command) { return "options='" + joined(option_names(command, is_any), " ") + "'"; });
  const auto valued = bash_arms(tree, [](const CommandShape& command) {
    return "valued=' " + joined(option_names(command, takes_next_word), " ") + " '";
  });
  const auto values = bash_arms(
      tree, [](const CommandShape& command) { return "case $before in\n" + bash_values(command) + "      esac"; });
  const auto operands = bash_arms(tree, [&](const CommandShape& command) {
    const auto words = command.name.empty() ? command_names(tree) : command.operand_choices;
    return "operands='" + joined(words, " ") + "'";
  });
  return R"(# bash completion of gibbon

_gibbon_valued() {
  local valued
  case $1 in
)" + valued +
         R"(  esac
  [[ $valued == *" $2 "* ]]
}

_gibbon() {
  local cur=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command='' options operands word i
  # --name=value comes as three words.
  if [[ $cur == '=' ]]; then
    cur=''
  elif [[ $before == '=' ]]; then
    before=${COMP_WORDS[COMP_CWORD-2]}
  fi
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == '=' ]]; then
      ((i++))
    elif _gibbon_valued "$command" "$word" && [[ ${COMP_WORDS[i+1]} != '=' ]]; then
      ((i++))
      ((i >= COMP_CWORD)) && break
    elif [[ $word != -?* ]]; then
      # Behind the command of a task the words are the task's.
      [[ $command == run ]] && return
      [[ $command == '' ]] && command=$word
    elif [[ $word == '--' ]]; then
      return
    fi
  done
  if [[ $before == -* ]]; then
    case $command in
)" + values +
         R"(    esac
  fi
  case $command in
)" + options +
         R"(  esac
  case $command in
)" + operands +
         R"(  esac
  if [[ $cur == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  elif [[ $command == run ]]; then
    COMPREPLY=($(compgen -c -- "$cur"))
  else
    COMPREPLY=($(compgen -W "$operands" -- "$cur"))
  fi
}

complete -o default -F _gibbon gibbon
)";
}

// ---- zsh

std::string zsh_quoted(std::string text) {
  return replaced(std::move(text), "'", "'\\''");
}

// Inside the brackets of a specification.
std::string zsh_about(const std::string& about) {
  return zsh_quoted(replaced(replaced(replaced(replaced(about, "\\", "\\\\"), "[", "\\["), "]", "\\]"), ":", "\\:"));
}

std::string zsh_action(const OptionShape& option) {
  if (!option.choices.empty()) return "(" + joined(option.choices, " ") + ")";
  if (option.value_name == "FILE") return "_files";
  if (option.value_name == "DIR") return "_files -/";
  return " ";
}

std::string zsh_option(const OptionShape& option) {
  std::string text;
  for (const auto& name : option.names) {
    const bool is_long = name.starts_with("--");
    std::string spec = "'*" + name;
    if (option.value == Value::required) spec += is_long ? "=" : "+";
    if (option.value == Value::attached) spec += "=-";
    spec += "[" + zsh_about(option.about) + "]";
    if (option.value != Value::none) {
      // A name of a value ends at a colon.
      const auto name_end = option.value_name.find_first_of("[:");
      const std::string_view optional = option.value == Value::attached ? "::" : ":";
      spec += std::string(optional) + option.value_name.substr(0, name_end) + ":" + zsh_action(option);
    }
    text += "      " + spec + "' \\\n";
  }
  return text;
}

std::string zsh_options(const CommandShape& command) {
  std::string text;
  for (const auto& option : command.options) text += zsh_option(option);
  return text;
}

std::string zsh_operands(const CommandShape& command) {
  if (command.name == "run") return "      '(-)1:command:_command_names -e' '*::arguments:_normal'";
  if (!command.operand_choices.empty()) return "      '1:operand:(" + joined(command.operand_choices, " ") + ")'";
  return command.name == "cancel" ? "      '1:job:(last all)'" : "      && return";
}

std::string zsh_script(const OptionTree& tree) {
  std::string names, arms;
  for (const auto& command : tree.commands()) {
    if (command.name.empty()) continue;
    names += "    '" + command.name + ":" + zsh_quoted(command.about) + "'\n";
    arms += "  " + command.name + ")\n    _arguments -s -S -A '-*' \\\n" + zsh_options(command) +
            zsh_operands(command) + "\n    ;;\n";
  }
  return R"(#compdef gibbon

_gibbon_commands() {
  local -a commands
  commands=(
)" + names +
         R"(  )
  _describe command commands
}

_gibbon() {
  local curcontext=$curcontext state line
  _arguments -C -s -A '-*' \
)" + zsh_options(tree.commands().front()) +
         R"(      '1:command:_gibbon_commands' '*::arguments:->arguments'
  [[ $state == arguments ]] || return
  case $words[1] in
)" + arms +
         R"(  esac
}

if [[ $funcstack[1] == _gibbon ]]; then
  _gibbon "$@"
else
  compdef _gibbon gibbon
fi
)";
}

// ---- fish

std::string fish_quoted(const std::string& text) {
  return "'" + replaced(replaced(text, "\\", "\\\\"), "'", "\\'") + "'";
}

std::string fish_option(const OptionShape& option) {
  std::string text;
  for (const auto& name : option.names)
    text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
  if (option.value == Value::required)
    text += option.value_name == "FILE" || option.value_name == "DIR" ? " -r" : " -x";
  if (!option.choices.empty()) text += " -a " + fish_quoted(joined(option.choices, " "));
  if (option.value_name == "DIR") text += " -a '(__fish_complete_directories)'";
  return text + " -d " + fish_quoted(option.about);
}

std::string fish_script(const OptionTree& tree) {
  std::string valued, lines;
  for (const auto& command : tree.commands()) {
    const auto label = command.name.empty() ? std::string("none") : command.name;
    valued += "            case " + label + "\n                contains -- $word " +
              joined(option_names(command, takes_next_word), " ") + "; and set skip 1\n";
    const std::string condition = "complete -c gibbon -n '__gibbon_at " + label + "'";
    for (const auto& option : command.options) lines += condition + fish_option(option) + "\n";
    if (!command.operand_choices.empty())
      lines += condition + " -a " + fish_quoted(joined(command.operand_choices, " ")) + "\n";
    if (command.name.empty()) continue;
    lines += "complete -c gibbon -n '__gibbon_at none' -a " + command.name + " -d " + fish_quoted(command.about) + "\n";
  }
  return R"(# fish completion of gibbon

# Succeeds if the words so far lead to options of the command named: none (before the command), or one of them. Behind
# the command of a task it is `task`.
function __gibbon_at
    set -l place none
    set -l skip 0
    for word in (commandline -opc)[2..-1]
        if test $skip = 1
            set skip 0
            continue
        end
        if test "$word" = --
            set place task
            break
        end
        if string match -q -- '-?*' $word
            switch $place
)" + valued +
         R"(            end
            continue
        end
        switch $place
            case none
                set place $word
            case run
                set place task
                break
        end
    end
    test "$place" = $argv[1]
end

complete -c gibbon -f
complete -c gibbon -n '__gibbon_at run; and not string match -q -- "-*" (commandline -ct)' -a '(__fish_complete_command)'
complete -c gibbon -n '__gibbon_at task' -F
)" + lines;
}

}  // namespace

std::string completion_script(Shell shell) {
  const OptionTree tree;
  switch (shell) {
    case Shell::bash: return bash_script(tree);
    case Shell::zsh: return zsh_script(tree);
    case Shell::fish: return fish_script(tree);
  }
  assert(false);
  return {};
}

}  // namespace agent::cli
