#include "tokenizers/tokenizer_files.h"

#include <gtest/gtest.h>

#include <fstream>

#include "base/error.h"
#include "files/json_file.h"
#include "support/io_test_util.h"

namespace lq::tokenizers {
namespace {

TEST(TokenizerFiles, JsonAsTheLibraryReadsIt) {
  EXPECT_EQ(parse_tokenizer_json(R"({"a": 1, "a": 2})", "f")["a"], 2) << "the last of equal keys counts";
  EXPECT_EQ(parse_tokenizer_json(R"(["[[[\"[", "\\"])", "f").size(), 2U);
  const auto nested = [](int depth) {
    return std::string(static_cast<std::size_t>(depth), '[') +
           std::string(static_cast<std::size_t>(depth), ']');
  };
  EXPECT_TRUE(parse_tokenizer_json(nested(kJsonDepthLimit), "f").is_array());
  for (const std::string& bad :
       {nested(kJsonDepthLimit + 1), std::string("[1"), std::string("]][["), std::string("\"\xff\"")}) {
    try {
      parse_tokenizer_json(bad, "f");
      ADD_FAILURE() << bad.substr(0, 20);
    } catch (const Error& e) {
      EXPECT_EQ(e.code(), ErrorCode::kCorruptFile);
      EXPECT_EQ(std::string(e.what()).rfind("f: ", 0), 0U);
    }
  }
}

TEST(TokenizerFiles, BytesOfAFile) {
  const io_test::TempDir folder;
  const std::string bytes("a\0b\r\n\xff", 6);
  std::ofstream(folder.path() / "x", std::ios::binary) << bytes;
  EXPECT_EQ(read_tokenizer_file(folder.path() / "x"), bytes);
  const auto code = [](const std::filesystem::path& path) {
    try {
      read_tokenizer_file(path);
    } catch (const Error& e) {
      return e.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code(folder.path() / "none"), ErrorCode::kNotFound);
  EXPECT_EQ(code(folder.path()), ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace lq::tokenizers
