#include "cli/path_names.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "support/io_test_util.h"

namespace lq::cli {
namespace {

TEST(PathNames, AreUtf8) {
  const io_test::TempDir folder;
  const std::string latin = (folder /
                             "m\xf6"
                             "del")
                                .string(),
                    utf8 = (folder /
                            "m\u00f6"
                            "del")
                               .string();
  check_path_names({"quantize", latin, utf8});  // neither is there
  std::filesystem::create_directories(utf8);
  std::filesystem::create_directories(latin);
  check_path_names({"quantize", utf8, "\xff"});  // no file's name
  io_test::expect_error(ErrorCode::kInvalidArgument,
                        {"m\uFFFD"
                         "del",
                         "not UTF-8"},
                        [&] {
                          check_path_names({"quantize", latin});
                        });
}

}  // namespace
}  // namespace lq::cli
