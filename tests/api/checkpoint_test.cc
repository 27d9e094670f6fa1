#include "lqlora/checkpoint.h"

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

}  // namespace
}  // namespace lqlora
