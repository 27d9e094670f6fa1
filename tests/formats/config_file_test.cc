#include "formats/config_file.h"

#include <gtest/gtest.h>

#include "support/io_test_util.h"

namespace lq {
namespace {

using io_test::expect_error;
using io_test::put_file;
using io_test::TempDir;

TEST(ConfigFile, IsReadFromItsDirectoryAndNamedInErrors) {
  const TempDir dir;
  put_file(dir / "m/config.json", R"({"hidden_size": 64, "layers": "many"})");
  const JsonObject config = load_config(dir / "m");
  EXPECT_EQ(config.integer("hidden_size"), 64);
  expect_error(ErrorCode::kCorruptFile, {"[config] " + (dir / "m/config.json").string() + ": key 'layers'"},
               [&] { (void)config.integer("layers"); });
  expect_error(ErrorCode::kNotFound, {(dir / "none/config.json").string()},
               [&] { load_config(dir / "none"); });
  put_file(dir / "big/config.json", std::string(4'000'001, ' '));
  expect_error(ErrorCode::kCorruptFile, {(dir / "big/config.json").string()},
               [&] { load_config(dir / "big"); });
}

}  // namespace
}  // namespace lq
