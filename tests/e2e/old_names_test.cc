// Old names of options give the same job: what one run has finished, the other finds finished.
#include <gtest/gtest.h>

#include "e2e/run_program.h"

namespace lq::e2e {
namespace {

// Runs `first`, then `second` into the same folder: the latter has nothing to compute.
void expect_same_job(const std::string& first, const std::string& second, const std::string& out) {
  const Outcome made = lqlora("--quiet " + first + " -o " + out);
  ASSERT_EQ(made.code, 0) << made.errors;
  const Outcome again = lqlora("--quiet " + second + " -o " + out);
  EXPECT_EQ(again.code, 0) << again.errors;
  EXPECT_NE(again.out.find("finished before"), std::string::npos) << again.out;
}

TEST(OldNames, OfQuantize) {
  const io_test::TempDir dir;
  const std::string start = "quantize " + quill() + " --include '*layers.0.self_attn*' --nf 3 --rank 4 ";
  expect_same_job(start + "--weights none --codebook int", start + "--importance none --format int",
                  (dir / "q").string());
  const Outcome other = lqlora("--quiet " + start + "--format nf -o " + (dir / "q").string());
  EXPECT_EQ(other.code, 1) << "another format is another job";
}

TEST(OldNames, OfFinetune) {
  const io_test::TempDir dir;
  io_test::put_file(dir / "text.txt", "It was a cold evening, and the lamps were lit along the quay.\n");
  const std::string q = (dir / "q").string();
  ASSERT_EQ(lqlora("--quiet quantize " + quill() + " --nf 3 --rank 2 -o " + q).code, 0);
  const std::string start = "finetune " + q + " --data " + (dir / "text.txt").string() +
                            " --seq-len 16 --batch-size 1 --max-steps 1 --rank 2 ";
  expect_same_job(start + "--init beside", start + "--init stacked", (dir / "a").string());
  expect_same_job(start + "--init beside", start + "--freeze-lora --resume", (dir / "a").string());
}

}  // namespace
}  // namespace lq::e2e
