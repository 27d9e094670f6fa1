#include "models/model_spec.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace lq {
namespace {

// The one rule of the longest sequence: the model's context, but no bound where rotation stretches.
TEST(ModelSpec, LongestSequence) {
  ModelSpec spec;
  spec.max_positions = 64;
  check_sequence_length(spec, 64, "who");
  try {
    check_sequence_length(spec, 65, "FILE: finetune.seq-len");
    FAIL() << "accepted";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(
        e.what(),
        "FILE: finetune.seq-len: 65 tokens exceed the model's context of 64 (max_position_embeddings)");
  }
  for (const RopeType type : {RopeType::kLinear, RopeType::kLlama3, RopeType::kYarn}) {
    spec.rope.type = type;
    EXPECT_EQ(spec.longest_sequence(), 64);
  }
  spec.rope.type = RopeType::kDynamic;
  check_sequence_length(spec, 1 << 20, "who");
}

}  // namespace
}  // namespace lq
