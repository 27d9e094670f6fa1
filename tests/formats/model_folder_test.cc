#include "formats/model_folder.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

TEST(ModelFolder, OfAGgufFileItIsWhatItsKeysSay) {
  const std::filesystem::path golden =
      std::filesystem::path(test::source_dir()) / "tests" / "goldens" / "gguf" / "smollm.gguf";
  const Folder folder = model_folder(golden);
  EXPECT_TRUE(folder.in_memory());
  EXPECT_EQ(folder.path(), golden);
  EXPECT_EQ(folder.names(),
            (std::vector<std::string>{"generation_config.json", "tokenizer.json", "tokenizer_config.json"}));
}

TEST(ModelFolder, OfAnythingElseItIsThePathItself) {
  const io_test::TempDir dir;
  EXPECT_FALSE(model_folder(dir.path()).in_memory());
  EXPECT_EQ(model_folder(dir / "tokenizer.json").path(), dir / "tokenizer.json");
}

}  // namespace
}  // namespace lq
