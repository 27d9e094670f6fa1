// Which windows of a text are taken, and which of them are held out.
#include "calibrate/calibration_windows.h"

#include "calibrate_fixture.h"

namespace lq {
namespace {

using namespace calibrate_test;

class WindowsTest : public testing::Test {
 protected:
  WindowsTest() {
    write_tokenizer(dir_.path());
    tokenizer_ = Tokenizer::load(dir_.path());
  }
  CalibrationWindows cut(const std::string& name, const std::string& text, std::int64_t samples,
                         double hold_out) {
    put_file(dir_ / name, text);
    return calibration_windows(machine_.ctx, *tokenizer_, {{dir_ / name}, "text", samples, 10, hold_out});
  }
  using Numbers = std::vector<std::int64_t>;

  TempDir dir_;
  Machine machine_;
  std::unique_ptr<Tokenizer> tokenizer_;
};

TEST_F(WindowsTest, SpreadOverTheText) {
  const std::string text = random_text(79);
  const CalibrationWindows w = cut("a.txt", text, 3, 0.0);
  EXPECT_EQ(w.numbers, (Numbers{0, 2, 4}));  // of 7: the last nine tokens are dropped
  EXPECT_EQ(w.held_out, 0);
  for (std::int64_t i = 0; i < 3; ++i) {
    const auto want = ids_of(text.substr(static_cast<std::size_t>(20 * i), 10));
    EXPECT_TRUE(std::ranges::equal(w.window(i), want));
  }
  EXPECT_EQ(cut("a.txt", text, 100, 0.0).numbers, (Numbers{0, 1, 2, 3, 4, 5, 6}));
}

// Of several files each has its share, however long those before it are.
TEST_F(WindowsTest, SeveralFilesHaveEqualShares) {
  put_file(dir_ / "long.txt", random_text(5000));
  const std::string text = random_text(400);
  put_file(dir_ / "late.txt", text);
  const CalibrationWindows w = calibration_windows(
      machine_.ctx, *tokenizer_, {{dir_ / "long.txt", dir_ / "late.txt"}, "text", 4, 10, 0.0});
  EXPECT_EQ(w.numbers, (Numbers{0, 16, 32, 48})) << "of 64 windows, 32 of each";
  EXPECT_TRUE(std::ranges::equal(w.window(3), ids_of(text.substr(160, 10))));
}

TEST_F(WindowsTest, HeldOutOnesComeLast) {
  EXPECT_EQ(cut("a.txt", random_text(80), 8, 0.25).numbers, (Numbers{0, 1, 3, 4, 5, 7, 2, 6}));
  EXPECT_EQ(cut("a.txt", random_text(20), 8, 0.01).numbers, (Numbers{0, 1}));
  EXPECT_EQ(cut("a.txt", random_text(20), 8, 0.01).held_out, 1);
  EXPECT_EQ(cut("a.txt", random_text(10), 8, 0.5).held_out, 0);
  EXPECT_EQ(cut("a.txt", random_text(30), 8, 0.9).held_out, 2);
}

TEST_F(WindowsTest, DocumentsAreJoined) {
  // The tokenizer knows no line end: nothing, but for the documents themselves.
  const CalibrationWindows w = cut("a.jsonl",
                                   R"({"text": "abcdefg"})"
                                   "\n"
                                   R"({"text": "hijklmnopqrstu"})"
                                   "\n",
                                   8, 0.0);
  ASSERT_EQ(w.count(), 2);
  EXPECT_TRUE(std::ranges::equal(w.window(0), ids_of("abcdefghij")));
}

TEST_F(WindowsTest, LongTextsAreNotReadToTheirEnd) {
  EXPECT_EQ(cut("a.txt", random_text(100'000), 2, 0.0).numbers.back(), 16 * 16 * 2 / 2);
}

}  // namespace
}  // namespace lq
