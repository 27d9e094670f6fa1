#include "formats/side_files.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

TEST(SideFiles, CopiesTokenizerAndGenerationFilesOnly) {
  const io_test::TempDir dir;
  const std::vector<std::string> wanted = {"1_Pooling/config.json",
                                           "added_tokens.json",
                                           "additional_chat_templates/rag.jinja",
                                           "additional_chat_templates/tool_use.jinja",
                                           "chat_template.jinja",
                                           "chat_template.json",
                                           "config_sentence_transformers.json",
                                           "generation_config.json",
                                           "merges.txt",
                                           "modules.json",
                                           "qwen.tiktoken",
                                           "sentence_bert_config.json",
                                           "special_tokens_map.json",
                                           "tokenizer.json",
                                           "tokenizer.model",
                                           "tokenizer_config.json",
                                           "vocab.json",
                                           "vocab.txt"};
  for (const std::string& name : wanted) io_test::put_file(dir / ("from/" + name), "content of " + name);
  for (const std::string name :
       {"config.json", "model.safetensors", "README.md", "LICENSE", "notes.txt",
        "model.safetensors.index.json", "vocab.txt.bak", "additional_chat_templates/notes.txt"}) {
    io_test::put_file(dir / ("from/" + name), "x");
  }
  std::filesystem::create_directories(dir / "from/sub.tiktoken");
  std::filesystem::create_directories(dir / "to");
  EXPECT_EQ(copy_side_files(dir / "from", dir / "to"), wanted);
  std::set<std::string> below(wanted.begin(), wanted.end());
  below.insert({"1_Pooling", "additional_chat_templates"});
  EXPECT_EQ(io_test::names_below(dir / "to"), below);
  for (const std::string& name : wanted) {
    EXPECT_EQ(io_test::get_file(dir / ("to/" + name)), "content of " + name);
  }
  io_test::expect_error(ErrorCode::kIo, {"none"}, [&] { side_files(dir / "none"); });
}

}  // namespace
}  // namespace lq
