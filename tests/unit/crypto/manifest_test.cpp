#include "crypto/manifest.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "tests/unit/crypto/kinds.h"

namespace crypto {
namespace {

using samples::bytes_of;
using samples::created_ms;
using samples::not_after_ms;

const SigningPair user = samples::user_pair();

template <class Change>
Manifest changed(Change change) {
  Manifest manifest = samples::manifest();
  change(manifest);
  return manifest;
}

// Whether the sample can be signed and comes back equal after `change`. If not, the reason is a field.
template <class Change>
bool accepted(Change change) {
  const Manifest manifest = changed(change);
  const auto sealed = sign_manifest(manifest, user);
  if (!sealed) {
    EXPECT_EQ(sealed.error(), ManifestError::bad_field);
    return false;
  }
  const auto opened = open_manifest(sealed->bytes, manifest.created_ms, 0);
  EXPECT_TRUE(opened && opened->manifest == manifest && opened->id == sealed->id);
  return true;
}

TEST(manifest, comes_back_as_it_was_signed_with_its_id_and_the_name_of_its_user) {
  const Sealed sealed = samples::ManifestKind::sealed();
  const auto opened = open_manifest(sealed.bytes, created_ms, 0);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->manifest, samples::manifest());
  EXPECT_EQ(opened->id, sealed.id);
  EXPECT_EQ(opened->id, digest(manifest_domain, samples::body_of(sealed)));
  EXPECT_EQ(opened->user, key_id(user_domain, user.public_key()));
}

TEST(manifest, of_the_fewest_fields_is_accepted) {
  const auto sealed = sign_manifest(
      Manifest{.user_key = user.public_key(), .not_after_ms = 1, .program = NamedProgram{"true"}, .command = {"true"}},
      user);
  ASSERT_TRUE(sealed);
  EXPECT_TRUE(open_manifest(sealed->bytes, 0, 0));
}

TEST(manifest, is_signed_only_by_the_user_that_it_names) {
  EXPECT_EQ(sign_manifest(samples::manifest(), samples::job_pair()).error(), ManifestError::bad_field);
}

TEST(manifest, signed_by_another_than_its_user_has_a_bad_signature) {
  const auto body = encode_body(samples::manifest()).value();
  const Sealed sealed = seal(manifest_domain, body, samples::job_pair());
  EXPECT_EQ(open_manifest(sealed.bytes, created_ms, 0).error(), ManifestError::bad_signature);
}

TEST(manifest, is_valid_from_created_to_not_after_and_the_tolerance_on_both_sides) {
  const Sealed sealed = samples::ManifestKind::sealed();
  auto opened = [&](std::int64_t now, std::int64_t tolerance) { return open_manifest(sealed.bytes, now, tolerance); };
  EXPECT_EQ(opened(created_ms - 1, 0).error(), ManifestError::not_yet_valid);
  EXPECT_TRUE(opened(created_ms, 0));
  EXPECT_TRUE(opened(not_after_ms, 0));
  EXPECT_EQ(opened(not_after_ms + 1, 0).error(), ManifestError::expired);
  EXPECT_EQ(opened(created_ms - 601, 600).error(), ManifestError::not_yet_valid);
  EXPECT_TRUE(opened(created_ms - 600, 600));
  EXPECT_TRUE(opened(not_after_ms + 600, 600));
  EXPECT_EQ(opened(not_after_ms + 601, 600).error(), ManifestError::expired);
  EXPECT_EQ(opened(std::numeric_limits<std::int64_t>::min(), wall_ms_max).error(), ManifestError::not_yet_valid);
  EXPECT_EQ(opened(std::numeric_limits<std::int64_t>::max(), wall_ms_max).error(), ManifestError::expired);
}

TEST(manifest, that_is_expired_and_changed_is_refused_for_its_signature) {
  Sealed sealed = samples::ManifestKind::sealed();
  sealed.bytes.back() ^= std::byte{0x10};
  EXPECT_EQ(open_manifest(sealed.bytes, not_after_ms + 1, 0).error(), ManifestError::bad_signature);
}

TEST(manifest, lives_at_least_a_millisecond_and_at_most_30_days) {
  auto lives = [](std::int64_t from, std::int64_t to) {
    return accepted([&](Manifest& it) { it.created_ms = from, it.not_after_ms = to; });
  };
  EXPECT_TRUE(lives(5, 6));
  EXPECT_FALSE(lives(5, 5));
  EXPECT_FALSE(lives(5, 4));
  EXPECT_TRUE(lives(5, 5 + 2'592'000'000));
  EXPECT_FALSE(lives(5, 5 + 2'592'000'001));
  EXPECT_FALSE(lives(-1, 5));
  EXPECT_TRUE(lives(wall_ms_max - 1, wall_ms_max));
  EXPECT_FALSE(lives(wall_ms_max, wall_ms_max + 1));
}

TEST(manifest, certificate_and_program_are_bounded) {
  EXPECT_TRUE(accepted([](Manifest& it) { it.user_certificate.assign(certificate_bytes_max, std::byte{0}); }));
  EXPECT_FALSE(accepted([](Manifest& it) { it.user_certificate.assign(certificate_bytes_max + 1, std::byte{0}); }));
  auto named = [](std::string name) { return accepted([&](Manifest& it) { it.program = NamedProgram{name}; }); };
  EXPECT_TRUE(named(std::string(file_name_bytes_max, 'p')));
  EXPECT_FALSE(named(std::string(file_name_bytes_max + 1, 'p')));
  EXPECT_FALSE(named(""));
  EXPECT_FALSE(named(std::string("a\0b", 3)));
  EXPECT_FALSE(accepted([](Manifest& it) { it.program = BlobProgram{}; }));
  EXPECT_TRUE(accepted([](Manifest& it) { it.program = BlobProgram{Digest{}, ~std::uint64_t{0}, "p"}; }));
}

TEST(manifest, command_words_are_bounded_and_hold_no_nul) {
  auto words = [](std::vector<std::string> command) { return accepted([&](Manifest& it) { it.command = command; }); };
  EXPECT_TRUE(words({"\x01\xff{}"}));
  EXPECT_FALSE(words({"ok", std::string("a\0b", 3)}));
  EXPECT_TRUE(words({std::string(word_bytes_max, 'w')}));
  EXPECT_FALSE(words({std::string(word_bytes_max + 1, 'w')}));
  EXPECT_TRUE(words(std::vector<std::string>(command_words_max)));
  EXPECT_FALSE(words(std::vector<std::string>(command_words_max + 1)));
}

TEST(manifest, a_command_has_words_and_a_linked_function_need_not) {
  for (const BodyKind body : {BodyKind::command_per_iteration, BodyKind::command_per_piece}) {
    EXPECT_FALSE(accepted([&](Manifest& it) { it.body = body, it.command.clear(); }));
  }
  EXPECT_TRUE(accepted([](Manifest& it) { it.body = BodyKind::linked_function, it.command.clear(); }));
}

TEST(manifest, environment_names_are_names_and_a_variable_fits_one_word) {
  auto variable = [](std::string name, std::string value) {
    return accepted([&](Manifest& it) { it.environment = {{name, value}}; });
  };
  EXPECT_TRUE(variable("A", ""));
  EXPECT_TRUE(variable("A", "b=c"));
  EXPECT_FALSE(variable("", "b"));
  EXPECT_FALSE(variable("A=", "b"));
  EXPECT_FALSE(variable(std::string("A\0", 2), "b"));
  EXPECT_FALSE(variable("A", std::string("b\0", 2)));
  EXPECT_TRUE(variable("ABC", std::string(word_bytes_max - 4, 'v')));
  EXPECT_FALSE(variable("ABC", std::string(word_bytes_max - 3, 'v')));
  auto count = [](std::size_t variables) {
    return accepted([&](Manifest& it) {
      for (std::size_t i = it.environment.size(); i < variables; ++i) it.environment["V" + std::to_string(i)] = "";
    });
  };
  EXPECT_TRUE(count(environment_max));
  EXPECT_FALSE(count(environment_max + 1));
}

TEST(manifest, directory_is_absolute_or_empty_and_umask_a_umask) {
  auto directory = [](std::string path) { return accepted([&](Manifest& it) { it.directory = path; }); };
  EXPECT_TRUE(directory(""));
  EXPECT_TRUE(directory("/"));
  EXPECT_FALSE(directory("work"));
  EXPECT_FALSE(directory(std::string("/a\0b", 4)));
  EXPECT_TRUE(directory(std::string(file_name_bytes_max, '/')));
  EXPECT_FALSE(directory(std::string(file_name_bytes_max + 1, '/')));
  EXPECT_TRUE(accepted([](Manifest& it) { it.umask = 0777; }));
  EXPECT_FALSE(accepted([](Manifest& it) { it.umask = 01000; }));
}

bool range_accepted(ValueRange range, Space space) {
  return accepted([&](Manifest& it) { it.range = range, it.space = space; });
}

TEST(manifest, a_range_gives_exactly_the_iterations_of_its_space) {
  constexpr std::uint64_t all = ~std::uint64_t{0};
  EXPECT_TRUE(range_accepted({5, 1, 5}, BoundedSpace{1}));
  EXPECT_TRUE(range_accepted({0, 3, 9}, BoundedSpace{4}));
  EXPECT_TRUE(range_accepted({0, 3, 11}, BoundedSpace{4}));
  EXPECT_FALSE(range_accepted({0, 3, 12}, BoundedSpace{4}));
  EXPECT_FALSE(range_accepted({0, 3, 8}, BoundedSpace{4}));
  EXPECT_TRUE(range_accepted({1, 1, all}, BoundedSpace{all}));
  EXPECT_FALSE(range_accepted({0, 1, all}, BoundedSpace{all}));  // one too many
  EXPECT_FALSE(range_accepted({0, 1, all}, BoundedSpace{0}));
  EXPECT_TRUE(range_accepted({0, all, all}, BoundedSpace{2}));
  EXPECT_FALSE(range_accepted({0, 0, 9}, BoundedSpace{10}));
  EXPECT_FALSE(range_accepted({6, 1, 5}, BoundedSpace{0}));
  EXPECT_FALSE(range_accepted({0, 1, 9}, OpenSpace{}));
}

TEST(manifest, a_space_without_a_range_may_have_any_size) {
  for (const Space space : {Space(BoundedSpace{0}), Space(BoundedSpace{~std::uint64_t{0}}), Space(OpenSpace{})}) {
    EXPECT_TRUE(accepted([&](Manifest& it) { it.range.reset(), it.space = space; }));
  }
}

TEST(manifest, levels_redundancy_and_rules_are_bounded) {
  EXPECT_TRUE(accepted([](Manifest& it) { it.least_sandbox = 3; }));
  EXPECT_FALSE(accepted([](Manifest& it) { it.least_sandbox = 4; }));
  EXPECT_FALSE(accepted([](Manifest& it) { it.redundancy = 0; }));
  EXPECT_TRUE(accepted([](Manifest& it) { it.redundancy = 8; }));
  EXPECT_FALSE(accepted([](Manifest& it) { it.redundancy = 9; }));
  EXPECT_TRUE(accepted([](Manifest& it) { it.output_rules.assign(output_rules_max, "r"); }));
  EXPECT_FALSE(accepted([](Manifest& it) { it.output_rules.assign(output_rules_max + 1, "r"); }));
  EXPECT_FALSE(accepted([](Manifest& it) { it.output_rules = {std::string("a\0", 2)}; }));
  EXPECT_FALSE(accepted([](Manifest& it) { it.output_rules = {std::string(file_name_bytes_max + 1, 'r')}; }));
  EXPECT_FALSE(accepted([](Manifest& it) { it.nesting = static_cast<Nesting>(3); }));
  EXPECT_FALSE(accepted([](Manifest& it) { it.body = static_cast<BodyKind>(3); }));
}

TEST(manifest, halt_has_one_form_for_never_and_a_sensible_amount_otherwise) {
  auto halt = [](Halt value) { return accepted([&](Manifest& it) { it.policy.halt = value; }); };
  EXPECT_TRUE(halt({}));
  EXPECT_FALSE(halt({.when = HaltWhen::never, .amount = 1}));
  EXPECT_FALSE(halt({.when = HaltWhen::never, .what = HaltWhat::done}));
  EXPECT_FALSE(halt({.when = HaltWhen::never, .unit = HaltUnit::percent}));
  EXPECT_FALSE(halt({.when = HaltWhen::now, .amount = 0}));
  EXPECT_TRUE(halt({.when = HaltWhen::now, .amount = ~std::uint32_t{0}}));
  EXPECT_TRUE(halt({.when = HaltWhen::soon, .what = HaltWhat::done, .amount = 100, .unit = HaltUnit::percent}));
  EXPECT_FALSE(halt({.when = HaltWhen::soon, .what = HaltWhat::done, .amount = 101, .unit = HaltUnit::percent}));
  EXPECT_FALSE(halt({.when = static_cast<HaltWhen>(3), .amount = 1}));
  EXPECT_FALSE(halt({.when = HaltWhen::now, .what = static_cast<HaltWhat>(3), .amount = 1}));
  EXPECT_FALSE(halt({.when = HaltWhen::now, .amount = 1, .unit = static_cast<HaltUnit>(2)}));
}

TEST(manifest, policy_has_a_bounded_name_and_any_numbers) {
  EXPECT_TRUE(accepted([](Manifest& it) { it.policy.name = std::string(job_name_bytes_max, 'n'); }));
  EXPECT_FALSE(accepted([](Manifest& it) { it.policy.name = std::string(job_name_bytes_max + 1, 'n'); }));
  EXPECT_TRUE(accepted([](Manifest& it) { it.policy.name = "two\nlines"; }));
  EXPECT_TRUE(accepted([](Manifest& it) {
    constexpr std::uint32_t most = ~std::uint32_t{0};
    it.policy.retries = it.policy.lost_retries = it.policy.slots_max = most;
    it.policy.grain_ns = ~std::uint64_t{0};
    it.policy.found.reset();
    it.policy.branch_number = 0;
  }));
}

TEST(manifest, extensions_are_bounded) {
  auto extension = [](std::string key, std::size_t value_bytes) {
    return accepted([&](Manifest& it) { it.extensions[key] = std::vector<std::byte>(value_bytes); });
  };
  EXPECT_TRUE(extension(std::string(extension_key_bytes_max, 'k'), extension_value_bytes_max));
  EXPECT_FALSE(extension(std::string(extension_key_bytes_max + 1, 'k'), 0));
  EXPECT_FALSE(extension("k", extension_value_bytes_max + 1));
  EXPECT_FALSE(extension("", 1));
  auto count = [](std::size_t entries) {
    return accepted([&](Manifest& it) {
      it.extensions.clear();
      for (std::size_t i = 0; i < entries; ++i) it.extensions[std::to_string(i)] = {};
    });
  };
  EXPECT_TRUE(count(extensions_max));
  EXPECT_FALSE(count(extensions_max + 1));
}

// The body of a manifest without extensions, its two empty tables (critical entries, extensions) replaced.
tl::expected<Manifest, ManifestError> with_tables(std::string_view tables) {
  auto body = encode_body(changed([](Manifest& it) { it.extensions.clear(); })).value();
  body.resize(body.size() - 2);
  for (const std::byte byte : bytes_of(tables)) body.push_back(byte);
  return decode_manifest_body(body);
}

TEST(manifest, an_unknown_critical_entry_is_refused_and_an_unknown_extension_kept) {
  using std::string_view_literals::operator""sv;
  EXPECT_TRUE(with_tables("\0\0"sv));
  EXPECT_EQ(with_tables("\1\1k\1v\0"sv).error(), ManifestError::unknown_critical);
  const auto extended = with_tables("\0\1\1k\1v"sv);
  ASSERT_TRUE(extended);
  EXPECT_EQ(extended->extensions.at("k"), bytes_of("v"));
}

TEST(manifest, tables_out_of_order_or_with_a_repeated_key_are_malformed) {
  using std::string_view_literals::operator""sv;
  EXPECT_TRUE(with_tables("\0\2\1a\0\1b\0"sv));
  EXPECT_EQ(with_tables("\0\2\1b\0\1a\0"sv).error(), ManifestError::malformed);
  EXPECT_EQ(with_tables("\0\2\1a\0\1a\0"sv).error(), ManifestError::malformed);
  EXPECT_EQ(with_tables("\2\1b\0\1a\0\0"sv).error(), ManifestError::malformed);
}

TEST(manifest, is_at_most_256_kib_as_a_whole) {
  auto of_size = [](std::size_t word) {
    return changed([&](Manifest& it) { it.command = {std::string(131'000, 'a'), std::string(word, 'b')}; });
  };
  const std::size_t used = sign_manifest(of_size(100'000), user)->bytes.size();
  const std::size_t longest = 100'000 + (manifest_signed_bytes_max - used);
  const auto sealed = sign_manifest(of_size(longest), user);
  ASSERT_TRUE(sealed);
  EXPECT_EQ(sealed->bytes.size(), manifest_signed_bytes_max);
  EXPECT_TRUE(open_manifest(sealed->bytes, created_ms, 0));
  EXPECT_EQ(sign_manifest(of_size(longest + 1), user).error(), ManifestError::bad_field);
}

TEST(manifest, errors_have_words) {
  EXPECT_STREQ(to_string(ManifestError::malformed), "malformed");
  EXPECT_STREQ(to_string(ManifestError::bad_field), "a field is out of bounds");
  EXPECT_STREQ(to_string(ManifestError::unknown_critical), "it demands something that this version does not know");
  EXPECT_STREQ(to_string(ManifestError::bad_signature), "bad signature");
  EXPECT_STREQ(to_string(ManifestError::not_yet_valid), "not yet valid");
  EXPECT_STREQ(to_string(ManifestError::expired), "expired");
}

}  // namespace
}  // namespace crypto
