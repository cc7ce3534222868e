#include "protocol/kind.h"

namespace protocol {

std::string_view name_of(Kind kind) {
  return kind_table[static_cast<std::size_t>(kind)].name;
}

std::string_view to_string(Role role) {
  switch (role) {
    case Role::member: return "member";
    case Role::run: return "run";
    case Role::submit: return "submit";
    case Role::admin: return "admin";
    case Role::issue: return "issue";
  }
  assert(false);
  return {};
}

std::string_view to_string(Standing standing) {
  switch (standing) {
    case Standing::any: return "any";
    case Standing::asked: return "asked";
    case Standing::branch_end: return "branch end";
    case Standing::branch_helper: return "branch helper";
    case Standing::branch_master: return "branch master";
    case Standing::loop_granter: return "loop granter";
    case Standing::loop_master: return "loop master";
    case Standing::loop_ancestor: return "loop ancestor";
    case Standing::job_root: return "job root";
    case Standing::job_deputy: return "job deputy";
  }
  assert(false);
  return {};
}

std::string_view to_string(Proof proof) {
  switch (proof) {
    case Proof::none: return "-";
    case Proof::peer_records: return "peer records";
    case Proof::grant: return "grant";
    case Proof::mandate: return "mandate";
    case Proof::batches: return "batches";
    case Proof::job_key: return "job key";
    case Proof::user_key: return "user key";
    case Proof::admin_key: return "admin key";
    case Proof::node_key: return "node key";
    case Proof::certificate: return "certificate";
    case Proof::content: return "content";
  }
  assert(false);
  return {};
}

}  // namespace protocol
