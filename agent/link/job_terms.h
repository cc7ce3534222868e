#pragma once
// What the core needs of signed statements, out of what crypto/ opened.
//
// A value that the core has no room for, or that would make it do something else than the statement says, is refused
// and never cut: two agents that cut differently would disagree about one job. What concerns only how a task is run
// (sandbox, outputs, where the program comes from) is no term of the core's; whoever starts tasks judges that.

#include <cstdint>
#include <optional>

#include "agent/core/peer_event.h"
#include "agent/core/terms.h"
#include "agent/link/notary.h"
#include "crypto/batch.h"
#include "crypto/ending.h"
#include "crypto/loop_statement.h"
#include "crypto/mandate.h"
#include "crypto/manifest.h"
#include "crypto/peer_record.h"

namespace agent::link {

// Nothing: functions of linked programs, several executors of one iteration, a grain of nothing or of centuries.
// `lowest_hit` is its client's wish and not in the manifest.
[[nodiscard]] std::optional<core::JobTerms> terms_of(const crypto::Manifest& manifest, const crypto::KeyId& user);

// The core's number of an opening is the first eight bytes of the statement's instance, big-endian. Nothing: the other
// eight are not zeros, so that two openings could have one number; or the path names the iteration after the last.
[[nodiscard]] std::optional<core::LoopTerms> loop_terms_of(const crypto::LoopStatement& statement,
                                                           const crypto::KeyId& opener);
[[nodiscard]] crypto::Bytes16 instance_of(std::uint64_t opening);

// `age` is not filled in.
[[nodiscard]] core::MandateFact fact_of(const crypto::Mandate& mandate);
// Nothing: a time to live that is no whole number of milliseconds, or out of a mandate's bounds.
[[nodiscard]] std::optional<crypto::Mandate> mandate_of(const core::MandateFact& fact);

// What was killed has failed; `lost` stays what it is. Nothing: one of the results covers anything but one interval, or
// took centuries.
[[nodiscard]] std::optional<OpenedBatch> facts_of(const crypto::OpenedBatch& batch);

// At the likeliest of its addresses, the first; of a node that only dials, the address is of zeros, and nobody can be
// reached there.
[[nodiscard]] core::Peer peer_of(const crypto::OpenedPeerRecord& record);

[[nodiscard]] crypto::LoopPath path_of(const core::LoopPath& path);
[[nodiscard]] crypto::Epoch epoch_of(const core::Epoch& epoch);

}  // namespace agent::link
