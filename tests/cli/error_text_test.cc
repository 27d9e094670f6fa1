#include "cli/error_text.h"

#include <gtest/gtest.h>

namespace lq::cli {
namespace {

TEST(ErrorText, OptionsGetTheirDashes) {
  const std::set<std::string> options = {"rank", "data", "seq-len"};
  const auto text = [&](const Error& e) { return error_text(e, options); };
  EXPECT_EQ(text(OptionError("rank", "is 0, but must be at least 1")), "--rank is 0, but must be at least 1");
  EXPECT_EQ(text(OptionError("importance", "kfac needs `data`, a text")),
            "--importance kfac needs --data, a text");
  EXPECT_EQ(text(Error(ErrorCode::kNotFound, "a.txt: too short (`seq-len`, BOS included)")),
            "a.txt: too short (--seq-len, BOS included)");
  EXPECT_EQ(text(Error(ErrorCode::kIo, "run `lqlora quantize` again, or `rank")),
            "run `lqlora quantize` again, or `rank");
  EXPECT_EQ(text(Error(ErrorCode::kIo, "`rank``data`")), "--rank--data");
  EXPECT_EQ(option_text("Default: best with `early-stop`"), "Default: best with --early-stop");
}

}  // namespace
}  // namespace lq::cli
