#include "crypto/chunk.h"

#include <gtest/gtest.h>

#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

using samples::bytes_of;

const SigningPair job_key = samples::job_pair();

bool accepted(const ArgumentChunk& chunk) {
  const auto sealed = sign_chunk(chunk, job_key);
  if (!sealed) {
    EXPECT_EQ(sealed.error(), StatementError::bad_field);
    return false;
  }
  const auto opened = open_chunk(sealed->bytes, samples::job, job_key.public_key());
  EXPECT_TRUE(opened && opened->chunk == chunk && opened->id == sealed->id);
  return true;
}

ArgumentChunk of_items(std::vector<Item> items) {
  ArgumentChunk chunk = samples::chunk();
  chunk.items = std::move(items);
  return chunk;
}

Item text(std::size_t size_bytes) {
  return std::vector<std::byte>(size_bytes, std::byte{'x'});
}

TEST(chunk, comes_back_as_it_was_signed) {
  EXPECT_TRUE(accepted(samples::chunk()));
}

TEST(chunk, holds_at_most_1024_items) {
  EXPECT_TRUE(accepted(of_items(std::vector<Item>(chunk_items_max, text(64)))));
  EXPECT_TRUE(accepted(of_items(std::vector<Item>(chunk_items_max, TooLong{~std::uint64_t{0}}))));
  EXPECT_FALSE(accepted(of_items(std::vector<Item>(chunk_items_max + 1, text(0)))));
}

TEST(chunk, holds_at_most_64_kib_in_several_items) {
  EXPECT_TRUE(accepted(of_items({text(chunk_item_bytes_max - 10), text(10)})));
  EXPECT_FALSE(accepted(of_items({text(chunk_item_bytes_max - 10), text(11)})));
  EXPECT_FALSE(accepted(of_items({text(chunk_item_bytes_max + 1), TooLong{}})));
}

TEST(chunk, holds_a_single_item_of_any_length_that_fits_a_command_line) {
  EXPECT_TRUE(accepted(of_items({text(item_bytes_max)})));
  EXPECT_FALSE(accepted(of_items({text(item_bytes_max + 1)})));
}

TEST(chunk, names_the_length_of_an_item_only_if_it_is_too_long) {
  EXPECT_TRUE(accepted(of_items({TooLong{item_bytes_max + 1}})));
  EXPECT_FALSE(accepted(of_items({TooLong{item_bytes_max}})));
}

TEST(chunk, is_empty_only_at_the_end) {
  ArgumentChunk chunk = of_items({});
  EXPECT_TRUE(accepted(chunk));
  chunk.last = false;
  EXPECT_FALSE(accepted(chunk));
}

TEST(chunk, has_indices_below_the_end_of_all_numbers) {
  ArgumentChunk chunk = of_items({text(1), text(1)});
  chunk.first_index = ~std::uint64_t{0} - 2;
  EXPECT_TRUE(accepted(chunk));
  chunk.first_index += 1;
  EXPECT_FALSE(accepted(chunk));
  chunk = of_items({text(1)});
  chunk.number = ~std::uint64_t{0} - 1;
  EXPECT_TRUE(accepted(chunk));
  chunk.number += 1;
  EXPECT_FALSE(accepted(chunk));
}

TEST(chunk, of_another_job_or_key_is_refused) {
  const Sealed sealed = samples::ChunkKind::sealed();
  EXPECT_EQ(open_chunk(sealed.bytes, samples::filled<Bytes16>(1), job_key.public_key()).error(),
            StatementError::wrong_job);
  EXPECT_EQ(open_chunk(sealed.bytes, samples::job, samples::user_pair().public_key()).error(),
            StatementError::bad_signature);
}

// Four chunks of 2, 1, 3 and 0 items, as a root makes them: from what the chain says that comes next.
std::vector<OpenedChunk> four_chunks(const Digest& manifest = samples::manifest_id) {
  std::vector<OpenedChunk> chunks;
  ChunkChain chain(manifest);
  for (const std::size_t items : {2U, 1U, 3U, 0U}) {
    const ArgumentChunk chunk{.job = samples::job,
                              .number = chain.next_number(),
                              .first_index = chain.next_index(),
                              .items = std::vector<Item>(items, text(items)),
                              .last = items == 0,
                              .previous = chain.tip()};
    const auto sealed = sign_chunk(chunk, job_key).value();
    chunks.push_back(open_chunk(sealed.bytes, samples::job, job_key.public_key()).value());
    EXPECT_TRUE(chain.extend(chunks.back()));
  }
  return chunks;
}

TEST(chunk_chain, is_followed_to_its_end) {
  ChunkChain chain(samples::manifest_id);
  for (const OpenedChunk& chunk : four_chunks()) {
    EXPECT_FALSE(chain.ended());
    ASSERT_TRUE(chain.extend(chunk));
    EXPECT_EQ(chain.tip(), chunk.id);
  }
  EXPECT_TRUE(chain.ended());
  EXPECT_EQ(chain.next_number(), 4u);
  EXPECT_EQ(chain.next_index(), 6u);
}

TEST(chunk_chain, refuses_a_missing_a_swapped_and_a_repeated_chunk_and_goes_on_with_the_right_one) {
  const auto chunks = four_chunks();
  ChunkChain chain(samples::manifest_id);
  EXPECT_EQ(chain.extend(chunks[1]), tl::unexpected(ChainError::wrong_number));
  ASSERT_TRUE(chain.extend(chunks[0]));
  EXPECT_EQ(chain.extend(chunks[0]), tl::unexpected(ChainError::wrong_number));
  EXPECT_EQ(chain.extend(chunks[2]), tl::unexpected(ChainError::wrong_number));
  EXPECT_EQ(chain.extend(chunks[3]), tl::unexpected(ChainError::wrong_number));
  EXPECT_EQ(chain.next_number(), 1u);
  EXPECT_EQ(chain.next_index(), 2u);
  EXPECT_EQ(chain.tip(), chunks[0].id);
  EXPECT_TRUE(chain.extend(chunks[1]));
}

TEST(chunk_chain, refuses_a_chunk_of_another_chain) {
  const auto others = four_chunks(Digest{samples::filled<Bytes32>(0x23)});
  const auto chunks = four_chunks();
  ChunkChain chain(samples::manifest_id);
  EXPECT_EQ(chain.extend(others[0]), tl::unexpected(ChainError::wrong_predecessor));
  ASSERT_TRUE(chain.extend(chunks[0]));
  EXPECT_EQ(chain.extend(others[1]), tl::unexpected(ChainError::wrong_predecessor));
}

TEST(chunk_chain, refuses_a_first_index_that_the_items_before_do_not_give) {
  const auto chunks = four_chunks();
  ChunkChain chain(samples::manifest_id);
  ASSERT_TRUE(chain.extend(chunks[0]));
  OpenedChunk shifted = chunks[1];
  shifted.chunk.first_index += 1;
  EXPECT_EQ(chain.extend(shifted), tl::unexpected(ChainError::wrong_first_index));
  EXPECT_TRUE(chain.extend(chunks[1]));
}

TEST(chunk_chain, has_nothing_after_its_end) {
  const auto chunks = four_chunks();
  ChunkChain chain(samples::manifest_id);
  for (const OpenedChunk& chunk : chunks) ASSERT_TRUE(chain.extend(chunk));
  OpenedChunk more = chunks[3];
  more.chunk.number = 4;
  more.chunk.previous = chain.tip();
  EXPECT_EQ(chain.extend(more), tl::unexpected(ChainError::after_the_end));
}

TEST(chunk_chain, errors_have_words) {
  EXPECT_STREQ(to_string(ChainError::after_the_end), "a chunk after the last one");
  EXPECT_STREQ(to_string(ChainError::wrong_number), "not the next chunk");
  EXPECT_STREQ(to_string(ChainError::wrong_first_index), "the items before it do not add up to its first index");
  EXPECT_STREQ(to_string(ChainError::wrong_predecessor), "a chunk of another chain");
}

}  // namespace
}  // namespace crypto
