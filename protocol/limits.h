#pragma once
// Every bound of the wire, in one place, related to each other at compile time.
//
// A decoder checks a count or a length against its bound *and* against what is left of the input before it allocates.
// An encoder asserts the bounds of everything exact and cuts texts that are only for people (see codec.h).
// `_bytes` and `_count` come before `_max`; a bound without a unit counts elements.

#include <cstddef>
#include <cstdint>

namespace protocol::limits {

inline constexpr std::size_t kib = 1'024;

// Messages and frames.
inline constexpr std::size_t message_bytes_max = 1'024 * kib;  // one framed message, its length prefix not counted
inline constexpr std::size_t frame_bytes_max = 65'535;         // one Noise transport message (Noise specification, 3)
inline constexpr std::size_t datagram_bytes_max = 1'200;       // below the least MTU of IPv6, headers and seal included
inline constexpr std::size_t datagram_seal_bytes = 80;
inline constexpr std::size_t datagram_message_bytes_max = datagram_bytes_max - datagram_seal_bytes;

// Encoding.
inline constexpr std::size_t unknown_fields_max = 16;       // trailing fields of a later version that are skipped
inline constexpr std::size_t unknown_elements_max = 1'024;  // values inside all of them
inline constexpr std::size_t depth_max = 8;                 // arrays inside arrays
// A decode holds at most `allocation_factor` x its input + `allocation_slack_bytes`. The slack pays for lists of many
// small elements, whose structs are larger than their shortest encodings.
inline constexpr std::size_t allocation_factor = 4;
inline constexpr std::size_t allocation_slack_bytes = 128 * kib;

// Names and texts.
inline constexpr std::size_t reason_bytes_max = 256;  // texts for people: reasons, hints, warnings
inline constexpr std::size_t event_lines_bytes_max = 512 * kib;  // of the event record, in one message
inline constexpr std::size_t node_shares_max = 256;   // nodes named in a verdict
inline constexpr std::size_t name_bytes_max = 256;    // names of nodes, jobs, programs, tags, versions
inline constexpr std::size_t path_bytes_max = 4'096;  // PATH_MAX of Linux
inline constexpr std::size_t decimal_bytes_max = 40;  // of a 128-bit number, with its sign
inline constexpr std::size_t tags_max = 16;
inline constexpr std::size_t tag_bytes_max = 32;

// Loops and branches.
inline constexpr std::size_t path_depth_max = 32;
inline constexpr std::size_t intervals_per_message_max = 16'384;  // over all lists of one message
inline constexpr std::size_t ancestors_max = 8;
inline constexpr std::size_t deputies_max = 8;
inline constexpr std::size_t refuges_max = ancestors_max + deputies_max;
inline constexpr std::size_t lent_max = 1'024;       // helpers named in one message
inline constexpr std::size_t histories_max = 1'024;  // iterations with tries or deaths in one grant
inline constexpr std::size_t deaths_max = 3;         // the third fails the iteration
inline constexpr std::size_t batches_per_report_max = 256;
inline constexpr std::size_t branches_per_beat_max = 1'024;
inline constexpr std::size_t mandates_per_beat_max = 256;

// Recruiting.
inline constexpr std::size_t records_max = 4;    // of a shuffle
inline constexpr std::size_t hints_max = 2;      // free peers named by a busy one
inline constexpr std::size_t addresses_max = 2;  // other peers named by it
inline constexpr std::uint8_t walk_hops_max = 4;
inline constexpr std::uint8_t refer_hops_max = 3;

// Signed things, opaque here.
inline constexpr std::size_t record_bytes_max = 230;
inline constexpr std::size_t manifest_bytes_max = 256 * kib;
inline constexpr std::size_t mandate_bytes_max = 256;
inline constexpr std::size_t statement_bytes_max = 1'024;   // loop statement, `ended`, `succession`
inline constexpr std::size_t request_bytes_max = 16 * kib;  // follow, control, renew
inline constexpr std::size_t certificate_bytes_max = 4'096;
inline constexpr std::size_t revocation_bytes_max = 256;
inline constexpr std::size_t revocations_max = 1'024;
inline constexpr std::size_t journal_records_max = 256;
inline constexpr std::size_t journal_record_bytes_max = 512 * kib;
inline constexpr std::size_t journal_bytes_max = 768 * kib;     // of all records in one `log`
inline constexpr std::size_t signature_overhead_bytes = 1'024;  // what signing may add to a chunk or a batch

// Items: the arguments of a list. Formed and numbered by the client.
inline constexpr std::size_t chunk_items_max = 1'024;
inline constexpr std::size_t chunk_bytes_max = 64 * kib;  // of item texts, unless the chunk holds one item alone
inline constexpr std::size_t item_bytes_max = 131'071;    // MAX_ARG_STRLEN of Linux - 1: longer fits no command line
inline constexpr std::size_t signed_chunk_bytes_max = item_bytes_max + signature_overhead_bytes;
inline constexpr std::size_t grant_chunks_max = 64;              // chunks that ride along
inline constexpr std::size_t grant_chunk_bytes_max = 256 * kib;  // all of them
inline constexpr std::size_t grant_chunk_names_max = 1'024;      // chunks that are named by digest

// Results and content.
inline constexpr std::size_t inline_output_bytes_max = 64 * kib;  // more of it is a file or a blob
inline constexpr std::size_t batch_bytes_max = 512 * kib;
inline constexpr std::size_t report_batch_bytes_max = 640 * kib;  // all batches of one report
inline constexpr std::size_t piece_bytes_max = 64 * kib;          // so that control messages wait behind at most one
inline constexpr std::size_t results_per_message_max = 256;       // client socket
inline constexpr std::size_t jobs_per_message_max = 256;
inline constexpr std::size_t notes_max = 64;
inline constexpr std::size_t token_bytes_max = 1'400;     // an invitation, as it is typed
inline constexpr std::size_t own_addresses_max = 8;       // where one node can be reached
inline constexpr std::size_t peers_per_message_max = 1'024;

// Credit: what may be under way unacknowledged, per link and per client.
inline constexpr std::size_t credit_bytes_max = 4'096 * kib;
inline constexpr std::size_t credit_results_max = 4'096;

static_assert(signed_chunk_bytes_max <= grant_chunk_bytes_max, "a grant can carry the largest chunk");
static_assert(chunk_bytes_max <= item_bytes_max, "a lone long item is what makes the largest chunk");
static_assert(2 * inline_output_bytes_max + item_bytes_max + path_bytes_max <= message_bytes_max / 2,
              "a result with its label and both outputs inline fits a message with room to spare");
static_assert(2 * inline_output_bytes_max + signature_overhead_bytes <= batch_bytes_max,
              "a batch can carry a result with both outputs inline");
static_assert(batch_bytes_max + signature_overhead_bytes <= report_batch_bytes_max);
static_assert(report_batch_bytes_max + intervals_per_message_max * 18 + lent_max * 64 <= message_bytes_max,
              "a full report fits (an interval takes at most 18 bytes)");
static_assert(manifest_bytes_max + grant_chunk_bytes_max + path_depth_max * statement_bytes_max +
                      intervals_per_message_max * 18 + histories_max * (16 + deaths_max * 34) +
                      grant_chunk_names_max * 44 + refuges_max * 64 + 2 * statement_bytes_max <=
                  message_bytes_max,
              "a full grant fits");
static_assert(journal_record_bytes_max <= journal_bytes_max && journal_bytes_max < message_bytes_max);
static_assert(revocations_max * (revocation_bytes_max + 3) < message_bytes_max);
static_assert(records_max * (record_bytes_max + 2) + 32 <= datagram_message_bytes_max, "a shuffle fits a datagram");
static_assert(path_depth_max * 15 + 128 <= datagram_message_bytes_max, "a probe of the deepest loop fits a datagram");
static_assert(piece_bytes_max + 256 <= message_bytes_max);
static_assert(credit_bytes_max >= message_bytes_max && credit_results_max >= results_per_message_max,
              "a full message never waits for credit for ever");
static_assert(peers_per_message_max * (2 * name_bytes_max + reason_bytes_max + 128) < message_bytes_max);
static_assert(jobs_per_message_max * (2 * reason_bytes_max + name_bytes_max) < message_bytes_max);

}  // namespace protocol::limits
