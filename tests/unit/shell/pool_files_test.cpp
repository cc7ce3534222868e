#include "agent/shell/pool_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/shell/pool_state.h"
#include "tests/unit/shell/small_disk.h"

namespace agent::shell {
namespace {

using testing::HasSubstr;

const std::vector<std::string> secret_files{"net.psk", "issuer.key", "issuer.cert"};
const std::vector<std::string> open_files{"trust", "node.cert", "user.cert", "pinned", "revoked"};

mode_t mode_of(const std::string& path) {
  struct stat status {};
  return lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777U : 0;
}

Problem problem_of(const StateDir& state) {
  const auto loaded = load_pool(state);
  EXPECT_FALSE(loaded);
  return loaded ? Problem{} : loaded.error();
}

crypto::Membership judged(const Bytes& chain, const Pool& pool, std::int64_t at) {
  const auto member = crypto::judge(chain, pool.credentials.trust, at, {}, crypto::Purpose::membership);
  EXPECT_TRUE(member) << to_string(member.error());
  return member.value_or(crypto::Membership{});
}

TEST(PoolFilesTest, AMachineInNoPoolHasNone) {
  const TemporaryDirectory root;
  const Machine machine(root.file("state"));
  const auto loaded = load_pool(machine.state);
  ASSERT_TRUE(loaded);
  EXPECT_FALSE(loaded->has_value());
  EXPECT_THAT(keep_revocations(machine.state, {}).error().message, HasSubstr("in no pool"));
}

TEST(PoolFilesTest, TheFounderIsANodeAUserAndAnIssuerOfItsPool) {
  const TemporaryDirectory directory;
  const Founder founder(directory.file("state"));
  const Pool pool = founder.pool();
  const crypto::SigningPair root(founder.root);
  EXPECT_EQ(pool.credentials.trust.roots, std::vector{root.public_key()});
  EXPECT_EQ(pool.credentials.trust.pool, crypto::root_id(root.public_key()).bytes);
  const crypto::Membership node = judged(pool.credentials.chain, pool, founded_ms);
  EXPECT_EQ(node.roles, (crypto::Roles{crypto::Role::run}));
  EXPECT_EQ(node.certificate.noise_key, pool.credentials.link_key.public_key());
  EXPECT_EQ(node.not_after_ms, founded_ms + year_ms);
  const crypto::Membership user = judged(pool.user_chain, pool, founded_ms);
  EXPECT_EQ(user.roles, (crypto::Roles{crypto::Role::submit, crypto::Role::admin}));
  EXPECT_EQ(user.not_after_ms, founded_ms + year_ms);
  ASSERT_TRUE(pool.issuer);
  const crypto::Membership issuer = judged(pool.issuer->chain, pool, founded_ms);
  EXPECT_EQ(issuer.ceiling,
            (crypto::Ceiling{.roles = {crypto::Role::run, crypto::Role::submit}, .life_ms_max = year_ms}));
  EXPECT_EQ(issuer.not_after_ms, founded_ms + 5 * year_ms);
  EXPECT_EQ(pool.credentials.network_keys.size(), 1U);
  EXPECT_TRUE(pool.pinned.empty());
}

TEST(PoolFilesTest, TheRootKeyIsInNoFile) {
  const TemporaryDirectory directory;
  const Founder founder(directory.file("state"));
  const auto seed = founder.root.bytes();
  const std::string secret(reinterpret_cast<const char*>(seed.data()), seed.size());
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(founder.state.path())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    EXPECT_EQ(read_file(entry.path()).find(secret), std::string::npos) << entry.path();
  }
  EXPECT_EQ(files, 3 + secret_files.size() + open_files.size());
}

TEST(PoolFilesTest, FilesHaveTheModesOfWhatIsInThem) {
  const TemporaryDirectory directory;
  const mode_t mask = umask(0);
  const Founder founder(directory.file("state"));
  umask(mask);
  EXPECT_EQ(mode_of(founder.state.file("pool")), 0700U);
  for (const auto& name : secret_files) EXPECT_EQ(mode_of(founder.state.file("pool/" + name)), 0600U) << name;
  for (const auto& name : open_files) EXPECT_EQ(mode_of(founder.state.file("pool/" + name)), 0644U) << name;
  EXPECT_EQ(mode_of(founder.state.file("link.key")), 0600U);
}

TEST(PoolFilesTest, ASecretThatOthersCanReadIsRefusedWithWhatToType) {
  const TemporaryDirectory directory;
  const Founder founder(directory.file("state"));
  for (const auto& name : secret_files) {
    const std::string path = founder.state.file("pool/" + name);
    ASSERT_EQ(chmod(path.c_str(), 0640), 0);
    const Problem problem = problem_of(founder.state);
    EXPECT_EQ(problem.message, path + " is secret and can be read by others (mode 0640)");
    EXPECT_EQ(problem.hint, "chmod 600 " + path);
    ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  }
  ASSERT_EQ(chmod(founder.state.file("link.key").c_str(), 0604), 0);
  EXPECT_EQ(problem_of(founder.state).hint, "chmod 600 " + founder.state.file("link.key"));
  ASSERT_EQ(chmod(founder.state.file("link.key").c_str(), 0600), 0);
  ASSERT_EQ(chmod(founder.state.file("pool/trust").c_str(), 0664), 0);
  EXPECT_EQ(problem_of(founder.state).hint, "chmod 644 " + founder.state.file("pool/trust"));
  ASSERT_EQ(chmod(founder.state.file("pool/trust").c_str(), 0644), 0);
  ASSERT_EQ(chmod(founder.state.file("pool").c_str(), 0750), 0);
  EXPECT_EQ(problem_of(founder.state).hint, "chmod 700 " + founder.state.file("pool"));
}

TEST(PoolFilesTest, ADamagedFileIsNamedAndLeftAsItIs) {
  const TemporaryDirectory directory;
  const Founder founder(directory.file("state"));
  std::vector<std::string> all = secret_files;
  all.insert(all.end(), open_files.begin(), open_files.end());
  for (const auto& name : all) {
    const std::string path = founder.state.file("pool/" + name);
    const std::string good = read_file(path);
    for (std::size_t at : {std::size_t{0}, good.size() / 2, good.size() - 1}) {
      std::string bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 1);
      for (const std::string& content : {bad, good.substr(0, at)}) {
        write_file(path, content);
        EXPECT_THAT(problem_of(founder.state).message, HasSubstr(path + " is damaged: "));
        EXPECT_FALSE(found_pool(founder.state, "again", founded_ms, Secrets(2).maker()));
        EXPECT_EQ(read_file(path), content);
      }
    }
    write_file(path, good);
  }
  EXPECT_TRUE(load_pool(founder.state));
}

TEST(PoolFilesTest, AMissingFileIsNamed) {
  const TemporaryDirectory directory;
  const Founder founder(directory.file("state"));
  for (const char* name : {"trust", "node.cert", "user.cert", "net.psk", "pinned", "revoked", "issuer.cert"}) {
    const std::string path = founder.state.file(std::string("pool/") + name);
    const std::string good = read_file(path);
    ASSERT_EQ(unlink(path.c_str()), 0);
    EXPECT_EQ(problem_of(founder.state).message, path + " is missing");
    write_file(path, good);
    ASSERT_EQ(chmod(path.c_str(), 0600), 0);
  }
  EXPECT_TRUE(load_pool(founder.state));
}

TEST(PoolFilesTest, FilesOfTwoMachinesDoNotMix) {
  const TemporaryDirectory directory;
  const Founder founder(directory.file("a"));
  const Founder other(directory.file("b"));
  const std::string key = read_file(founder.state.file("node.key"));
  write_file(founder.state.file("node.key"), read_file(other.state.file("node.key")));
  EXPECT_EQ(problem_of(founder.state).message,
            founder.state.file("pool/node.cert") + " is damaged: it is not about the keys of this machine");
  write_file(founder.state.file("node.key"), key);
  std::filesystem::copy_file(other.state.file("pool/issuer.key"), founder.state.file("pool/issuer.key"),
                             std::filesystem::copy_options::overwrite_existing);
  // The secrets of both are the same in this test, the keys of their machines are not.
  EXPECT_TRUE(load_pool(founder.state));
  std::filesystem::copy_file(other.state.file("pool/user.cert"), founder.state.file("pool/user.cert"),
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_THAT(problem_of(founder.state).message, HasSubstr("user.cert is damaged"));
}

TEST(PoolFilesTest, NobodyIsAMemberTwice) {
  const TemporaryDirectory directory;
  const Founder founder(directory.file("state"));
  const std::string before = read_file(founder.state.file("pool/trust"));
  const auto again = found_pool(founder.state, "alpha", founded_ms, Secrets(2).maker());
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("in a pool already"));
  EXPECT_EQ(read_file(founder.state.file("pool/trust")), before);
}

TEST(PoolFilesTest, WhatWasBegunAndNotEndedIsNoMembership) {
  const TemporaryDirectory directory;
  const Machine machine(directory.file("state"));
  {
    const auto folder = PoolFolder::begin(machine.state);
    ASSERT_TRUE(folder && folder->write("trust", Bytes(40), FileMode::open));
  }
  ASSERT_TRUE(load_pool(machine.state));
  EXPECT_FALSE(load_pool(machine.state)->has_value());
  ASSERT_TRUE(found_pool(machine.state, "alpha", founded_ms, Secrets().maker()));
  EXPECT_TRUE(load_pool(machine.state)->has_value());
  EXPECT_FALSE(std::filesystem::exists(machine.state.file("pool.new")));
}

TEST(PoolFilesTest, NetworkKeysAndRevocationsAreKept) {
  const TemporaryDirectory directory;
  const Founder founder(directory.file("state"));
  Secrets random(3);
  std::vector<crypto::Secret<32>> keys;
  for (int i = 0; i < 2; ++i) keys.push_back(random.maker()());
  ASSERT_TRUE(keep_network_keys(founder.state, keys));
  crypto::RevocationSet revoked;
  const Pool before = founder.pool();
  const crypto::Revocation entry{.pool = before.credentials.trust.pool,
                                 .what = crypto::RevokedJob{},
                                 .since_ms = founded_ms,
                                 .until_ms = founded_ms + 1,
                                 .admin = before.user_key.public_key()};
  const auto sealed = crypto::sign_revocation(entry, before.user_key).value();
  (void)revoked.add(crypto::open_revocation(sealed.bytes, before.credentials.trust.pool).value());
  ASSERT_TRUE(keep_revocations(founder.state, revoked));
  const Pool after = founder.pool();
  ASSERT_EQ(after.credentials.network_keys.size(), 2U);
  EXPECT_TRUE(after.credentials.network_keys[0].same(keys[0]));
  EXPECT_TRUE(after.credentials.network_keys[1].same(keys[1]));
  EXPECT_EQ(after.credentials.revoked.digest(), revoked.digest());
  EXPECT_EQ(after.credentials.revoked.size(), 1U);
}

TEST(PoolFilesTest, CertificatesThatHaveExpiredAreNoDamage) {
  const TemporaryDirectory directory;
  const Machine machine(directory.file("state"));
  ASSERT_TRUE(found_pool(machine.state, "alpha", 1'000'000, Secrets().maker()));
  EXPECT_TRUE(load_pool(machine.state)->has_value());
}

TEST(PoolFilesTest, OnAFullDiskNobodyBecomesAMemberAndNothingIsLeft) {
  SmallDisk disk(1);
  if (!disk.is_mounted()) GTEST_SKIP() << "only root may mount";
  const Machine machine(disk.path() + "/state");
  ASSERT_TRUE(node_keys(machine.state));
  const std::string filler = disk.path() + "/filler";
  write_file(filler, std::string(2'000'000, 'x'));
  const auto founded = found_pool(machine.state, "alpha", founded_ms, Secrets().maker());
  ASSERT_FALSE(founded);
  EXPECT_THAT(founded.error().message, HasSubstr("No space left"));
  EXPECT_FALSE(std::filesystem::exists(machine.state.file("pool")));
  EXPECT_FALSE(std::filesystem::exists(machine.state.file("pool.new")));
  ASSERT_EQ(unlink(filler.c_str()), 0);
  EXPECT_TRUE(found_pool(machine.state, "alpha", founded_ms, Secrets().maker()));
}

}  // namespace
}  // namespace agent::shell
