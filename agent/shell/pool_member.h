#pragma once
// This node as a member of its pool, while the agent runs: who it is, what is signed in its name, and its links.
//
//   pool/ (pool_files.h) --Pool--> notary (signs and opens) --> exchange --> sockets (neighbours.h)
//                                  invitations --> newcomers (front_door.h)
//   seeds, peers met before (meeting_places.h) --> core
//
// The agent owns at most one. It appears at the start, or when the node becomes a member while the agent runs, and goes
// when the node leaves. Nothing about jobs is decided here.

#include <uv.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "agent/link/signed_notary.h"
#include "agent/shell/endpoint.h"
#include "agent/shell/invitations.h"
#include "agent/shell/meeting_places.h"
#include "agent/shell/neighbours.h"
#include "agent/shell/pool_files.h"
#include "agent/shell/problem.h"
#include "crypto/batch.h"
#include "protocol/client.h"

namespace agent::shell {

class PoolMember {
 public:
  struct Setup {
    const StateDir& state;  // outlives it
    std::uint32_t slots = 1;
    std::string version;              // of this program
    crypto::ExchangeKey instance;     // of this run of the agent
    const link::OwnResults& results;  // these two too
    link::ItemChunks& items;
    std::function<std::optional<core::Veto>(const crypto::OpenedManifest&)> veto;  // the owner's
  };
  struct Callbacks {
    std::function<void(core::Event)> post;
    std::function<void(const std::string&)> warn;  // for the log
    // Somebody got certificates for an invitation; and a link to somebody is up.
    std::function<void(const std::string& name, const protocol::NodeId& node, const protocol::Address& from)> on_let_in;
    std::function<void(const PeerLinks::Met&)> on_met;
  };
  // The problem is a membership of our own that does not hold.
  [[nodiscard]] static tl::expected<std::unique_ptr<PoolMember>, Problem> start(uv_loop_t* loop, Pool pool,
                                                                                const Setup& setup,
                                                                                Callbacks callbacks);

  struct Places {
    // Addresses and `*`, no names; port 0: any. Empty: nobody can come in. Nothing: all addresses of this machine, at
    // the usual port or, if that is taken, at another one.
    std::optional<std::vector<Endpoint>> listen;
    std::vector<Endpoint> seeds;
  };
  // Listens, and begins to look for others. Once. The problem is an address that was named and is not to be had.
  [[nodiscard]] tl::expected<void, Problem> open_up(const Places& places);
  // Where it listens, and where peers can reach that, likeliest first.
  [[nodiscard]] const std::vector<protocol::Address>& listening() const { return listening_; }
  [[nodiscard]] const std::vector<protocol::Address>& reachable() const { return reachable_; }

  // What a peer that is linked refused of ours lately, and why: a sentence, or nothing. Only reasons that last.
  [[nodiscard]] std::string refusal_of(const protocol::NodeId& node) const;

  // A new token for somebody who is to join. REQUIRES: terms within the bounds of Invitations; their addresses are ours
  // to know. The problem is a node that cannot invite.
  [[nodiscard]] tl::expected<crypto::TokenText, Problem> invite(Invitations::Terms terms);
  // The node leaves: everybody is told, and links are no more. Until `gone`, a second at most, it is to be kept.
  enum class Leaving { for_now, for_good };  // for good: nothing of the membership is written any more
  void part(Leaving how);
  [[nodiscard]] bool gone() const { return neighbours_.links().socket_count() == 0; }

  template <class Order>
  void carry_out(const Order& order) {
    neighbours_.carry_out(order);
  }
  // A result of a batch that came from a peer, and the name of the node that made it. REQUIRES: the batch is kept.
  struct Received {
    protocol::client::Result result;
    std::string executor;
  };
  [[nodiscard]] Received received_result(core::BatchId batch, std::uint32_t index);
  // What is kept of other jobs and other nodes is forgotten.
  void retain(const std::function<bool(const core::JobId&)>& job,
              const std::function<bool(const core::NodeId&)>& record);

  [[nodiscard]] link::Exchange& exchange() { return neighbours_.exchange(); }
  [[nodiscard]] link::SignedNotary& notary() { return notary_; }
  [[nodiscard]] const Pool& pool() const { return pool_; }
  // In its certificate; of a node without a link the beginning of its id.
  [[nodiscard]] std::string name_of(const protocol::NodeId& node) const;
  // Of this node, in its certificate.
  [[nodiscard]] const std::string& name() const { return self_.certificate.name; }
  [[nodiscard]] const PeerLinks& links() const { return neighbours_.links(); }

 private:
  PoolMember(uv_loop_t* loop, Pool pool, crypto::Membership self, const Setup& setup, Callbacks callbacks);
  [[nodiscard]] JoinDesk join_desk();
  void on_met(const PeerLinks::Met& met);
  void on_refuse(const protocol::NodeId& from, const protocol::Refuse& refuse);
  [[nodiscard]] tl::expected<void, Problem> listen_at(const Endpoint& endpoint);
  [[nodiscard]] tl::expected<void, Problem> listen_everywhere(std::uint16_t port);
  // What the core and, by a record, peers are to know of where we are and where others may be.
  void announce();
  [[nodiscard]] tl::expected<crypto::JoinAnswer, JoinDesk::No> answer(const link::JoinHost::Asked& asked,
                                                                      const protocol::Address& from);

  uv_loop_t* loop_;
  const StateDir& state_;
  Pool pool_;
  const crypto::Membership self_;
  const crypto::ExchangeKey instance_;
  Callbacks callbacks_;
  link::SignedNotary notary_;
  std::optional<Invitations> invitations_;  // where nodes are invited, if they can be
  Neighbours neighbours_;
  std::vector<protocol::Address> listening_;
  std::vector<protocol::Address> reachable_;
  std::unique_ptr<MeetingPlaces> places_;  // since `open_up`
  std::map<protocol::NodeId, std::string> refusals_;
  // The one that was asked for last: results of a batch are taken one after the other.
  std::optional<std::pair<core::BatchId, crypto::ResultBatch>> batch_;
};

}  // namespace agent::shell
