#include "lqlora/checkpoint.h"

#include <sys/stat.h>
#include <unistd.h>

#include <functional>

#include "api_fixture.h"

namespace lqlora {
namespace {

TEST(ApiCheckpoint, ListsAndReadsTensors) {
  Context context({.threads = 2});
  const Checkpoint checkpoint = Checkpoint::open(quill());
  EXPECT_FALSE(checkpoint.is_packed());
  EXPECT_NE(checkpoint.config().find("\"LlamaForCausalLM\""), std::string::npos);
  const auto tensors = checkpoint.tensors();
  EXPECT_EQ(tensors.size(), 3U + 6U * 9U);
  const std::vector<float> norm = checkpoint.read("model.norm.weight");
  EXPECT_EQ(norm.size(), 256U);
  EXPECT_EQ(checkpoint.hash(context).size(), 32U);
  EXPECT_NE(error_of([&] { checkpoint.read("model.none.weight"); }).find("model.none.weight"),
            std::string::npos);
  EXPECT_NE(error_of([&] { Checkpoint::open("/nowhere/model"); }).find("/nowhere/model"), std::string::npos);
}

TEST(ApiCheckpoint, WhatCannotBeReadIsNamed) {
  const lq::io_test::TempDir dir;
  const std::string header = R"({"codes":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})";
  std::string bytes(8, '\0');
  bytes[0] = static_cast<char>(header.size());
  lq::io_test::put_file(dir / "model.safetensors", bytes + header + "abcd");
  const Checkpoint checkpoint = Checkpoint::open(dir / "model.safetensors");
  const auto error = error_of([&] { checkpoint.read("codes"); });
  EXPECT_NE(error.find("model.safetensors: tensor 'codes': "), std::string::npos) << error;
  EXPECT_NE(error.find("U8"), std::string::npos) << error;
}

TEST(ApiCheckpoint, WhatIsClosedToUsIsNotMissing) {
  const lq::io_test::TempDir dir;
  lq::io_test::put_file(dir / "closed/tokenizer.json", "{}");
  ::chmod(dir.path().c_str(), 0755);
  ::chmod((dir / "closed").c_str(), 0);
  const auto refused = [&](const std::function<void()>& call) {
    return lq::io_test::in_child([&] {
      if (::geteuid() == 0 && ::seteuid(65534) != 0) return false;
      return lq::io_test::throws(ErrorCode::kIo, {"closed", "Permission denied"}, call);
    });
  };
  EXPECT_TRUE(refused([&] { Checkpoint::open(dir / "closed"); }));
  EXPECT_TRUE(refused([&] { Checkpoint::open(dir / "closed/model.safetensors"); }));
  EXPECT_TRUE(refused([&] { Tokenizer::load(dir / "closed"); }));
  EXPECT_TRUE(refused([&] { Tokenizer::load(dir / "closed/tokenizer.json"); }));
  ::chmod((dir / "closed").c_str(), 0755);
}

}  // namespace
}  // namespace lqlora
