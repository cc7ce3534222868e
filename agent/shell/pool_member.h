#pragma once
// This node as a member of its pool, while the agent runs: who it is, what is signed in its name, and its links.
//
//   pool/ (pool_files.h) --Pool--> notary (signs and opens) --> exchange --> sockets (neighbours.h)
//
// The agent owns at most one. It appears at the start, or when the node becomes a member while the agent runs, and goes
// when the node leaves. Nothing about jobs is decided here.

#include <uv.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#include "agent/link/signed_notary.h"
#include "agent/shell/neighbours.h"
#include "agent/shell/pool_files.h"
#include "agent/shell/problem.h"
#include "crypto/batch.h"
#include "protocol/client.h"

namespace agent::shell {

class PoolMember {
 public:
  struct Setup {
    std::uint32_t slots = 1;
    std::string version;                         // of this program
    crypto::ExchangeKey instance;                // of this run of the agent
    const link::OwnResults& results;             // these two outlive it
    link::ItemChunks& items;
    std::function<std::optional<core::Veto>(const crypto::OpenedManifest&)> veto;  // the owner's
  };
  struct Callbacks {
    std::function<void(core::Event)> post;
    std::function<void(const std::string&)> warn;  // for the log
  };
  // The problem is a membership of our own that does not hold.
  [[nodiscard]] static tl::expected<std::unique_ptr<PoolMember>, Problem> start(uv_loop_t* loop, Pool pool,
                                                                                const Setup& setup,
                                                                                Callbacks callbacks);

  // One more address to listen at; port 0: any. Returns it with its port.
  [[nodiscard]] tl::expected<protocol::Address, Problem> listen(const protocol::Address& address);
  // Where peers reach us and where somebody of the pool was said to be, for the core and for the record that peers pass
  // on. To be called when everything is listening.
  void announce(std::vector<protocol::Address> own, std::vector<protocol::Address> seeds);

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
  // Of this node, in its certificate.
  [[nodiscard]] const std::string& name() const { return self_.certificate.name; }
  [[nodiscard]] const PeerLinks& links() const { return neighbours_.links(); }

 private:
  PoolMember(uv_loop_t* loop, Pool pool, crypto::Membership self, const Setup& setup, Callbacks callbacks);

  Pool pool_;
  const crypto::Membership self_;
  const crypto::ExchangeKey instance_;
  Callbacks callbacks_;
  link::SignedNotary notary_;
  Neighbours neighbours_;
  // The one that was asked for last: results of a batch are taken one after the other.
  std::optional<std::pair<core::BatchId, crypto::ResultBatch>> batch_;
};

}  // namespace agent::shell
