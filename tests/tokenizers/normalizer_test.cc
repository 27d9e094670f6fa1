#include "tokenizers/normalizer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/io_test_util.h"
#include "tokenizers/made_files.h"
#include "unicode/utf8.h"

namespace lq::tokenizers {
namespace {

std::string normalized_by(const nlohmann::json& spec, std::string text) {
  make_normalizer(spec, "f")->apply(text);
  return text;
}
std::string normalized_text(const std::string& spec, const std::string& text) {
  return normalized_by(nlohmann::json::parse(spec), text);
}

TEST(Normalizer, NullIsNone) { EXPECT_EQ(make_normalizer(nullptr, "f"), nullptr); }

TEST(Normalizer, NormalForms) {
  const std::string text = "\uFB01\u00E9e\u0301";  // the ligature fi, e with acute as one and as two
  EXPECT_EQ(normalized_text(R"({"type": "NFC"})", text), "\uFB01\u00E9\u00E9");
  EXPECT_EQ(normalized_text(R"({"type": "NFD"})", text), "\uFB01e\u0301e\u0301");
  EXPECT_EQ(normalized_text(R"({"type": "NFKC"})", text), "fi\u00E9\u00E9");
  EXPECT_EQ(normalized_text(R"({"type": "NFKD"})", text), "fie\u0301e\u0301");
}

TEST(Normalizer, LowercaseIsByCharacter) {
  EXPECT_EQ(normalized_text(R"({"type": "Lowercase"})", "A\u00C0\u0130z"), "a\u00E0i\u0307z");
  EXPECT_EQ(normalized_text(R"({"type": "Lowercase"})", "\u039F\u03A3"), "\u03BF\u03C3") << "no final sigma";
}

TEST(Normalizer, StripAccentsTakesMarksOnly) {
  EXPECT_EQ(normalized_text(R"({"type": "StripAccents"})", "e\u0301\u0903x"), "ex");
  EXPECT_EQ(normalized_text(R"({"type": "StripAccents"})", "\u00E9"), "\u00E9") << "composed: no mark";
}

TEST(Normalizer, StripTakesWhiteSpaceOffTheEnds) {
  const std::string text = "\t\u00A0 a b\u3000\n";
  EXPECT_EQ(normalized_text(R"({"type": "Strip"})", text), "a b");
  EXPECT_EQ(normalized_text(R"({"type": "Strip", "strip_right": false})", text), "a b\u3000\n");
  EXPECT_EQ(normalized_text(R"({"type": "Strip", "strip_left": false})", text), "\t\u00A0 a b");
  EXPECT_EQ(normalized_text(R"({"type": "Strip"})", " \u3000 "), "");
}

TEST(Normalizer, ReplaceAndPrepend) {
  EXPECT_EQ(normalized_text(R"({"type": "Replace", "pattern": {"String": " "}, "content": "_"})", "a  b"),
            "a__b");
  EXPECT_EQ(normalized_text(R"({"type": "Replace", "pattern": {"Regex": " +"}, "content": "_"})", "a  b"),
            "a_b");
  EXPECT_EQ(normalized_text(R"({"type": "Replace", "pattern": {"String": "b"}})", "abc"), "ac");
  EXPECT_EQ(normalized_text(R"({"type": "Prepend", "prepend": "_"})", "a"), "_a");
  EXPECT_EQ(normalized_text(R"({"type": "Prepend", "prepend": "_"})", ""), "") << "no text, no prefix";
}

TEST(Normalizer, NmtDropsControlsAndMakesOddSpacesPlain) {
  EXPECT_EQ(normalized_text(R"({"type": "Nmt"})", "\001a\tb\u200Bc\177\u008F\uFEFFd\u00A0"), "a b c d\u00A0");
}

TEST(Normalizer, ByteLevelSpellsBytes) {
  EXPECT_EQ(normalized_text(R"({"type": "ByteLevel"})", " \u00E9"), "\u0120\u00C3\u00A9");
}

TEST(Normalizer, BertByDefaultDoesAllOfItsSteps) {
  EXPECT_EQ(normalized_text(R"({"type": "BertNormalizer"})", "H\u00E9\tW\u4E2D\uFFFD\u200B\u00A0!"),
            "he w \u4E2D  !");
}

TEST(Normalizer, BertStepsCanBeTurnedOff) {
  const auto bert = [](const std::string& options, const std::string& text) {
    return normalized_text(R"({"type": "BertNormalizer", )" + options + "}", text);
  };
  EXPECT_EQ(bert(R"("lowercase": false)", "\u00C9"), "\u00C9") << "accents go with the upper case";
  EXPECT_EQ(bert(R"("lowercase": false, "strip_accents": true)", "\u00C9"), "E");
  EXPECT_EQ(bert(R"("strip_accents": false)", "\u00C9"), "\u00E9");
  EXPECT_EQ(bert(R"("clean_text": false)", "a\t\u00A0\uFFFD"), "a\t\u00A0\uFFFD");
  EXPECT_EQ(bert(R"("handle_chinese_chars": false)", "a\u4E2D"), "a\u4E2D");
}

// The first and last characters of BERT's ranges, and their neighbours.
TEST(Normalizer, BertKnowsWhichCharactersAreChinese) {
  const auto stands_alone = [](char32_t c) {
    std::string text;
    utf8::append(text, c);
    return normalized_text(R"({"type": "BertNormalizer", "clean_text": false})", text) == " " + text + " ";
  };
  for (const char32_t c : {0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0x20000, 0x2A6DF, 0x2B81F, 0x2B920, 0x2CEAF}) {
    EXPECT_TRUE(stands_alone(c)) << static_cast<std::uint32_t>(c);
  }
  for (const char32_t c : {0x33FF, 0x4DC0, 0xA000, 0x2A6E0, 0x2B820, 0x2CEB0, 0x3042}) {
    EXPECT_FALSE(stands_alone(c)) << static_cast<std::uint32_t>(c);
  }
}

TEST(Normalizer, PrecompiledReplacesShortGraphemesWhole) {
  const std::string map = made::charsmap({{"\uFB01", "fi"}, {"a", "b"}, {"a\u0301", "never the longest"}});
  const nlohmann::json spec = {{"type", "Precompiled"}, {"precompiled_charsmap", made::base64(map)}};
  EXPECT_EQ(normalized_by(spec, "x\uFB01a"), "xfib");
  EXPECT_EQ(normalized_by(spec, "a\u0301c"), "bc") << "three bytes: its shortest key stands for all of it";
  EXPECT_EQ(normalized_by(spec, "a\u0301\u0302\u0303"), "b\u0301\u0302\u0303") << "seven bytes: one by one";
  EXPECT_EQ(normalized_text(R"({"type": "Precompiled", "precompiled_charsmap": ""})", "a"), "a");
}

TEST(Normalizer, SequenceGoesInOrderAndMayNotBlowUp) {
  const nlohmann::json grow = {
      {"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", std::string(1024, 'a')}};
  const nlohmann::json lower = {{"type", "Lowercase"}};
  const auto sequence = [](const nlohmann::json& first, const nlohmann::json& second) {
    return nlohmann::json{{"type", "Sequence"}, {"normalizers", nlohmann::json::array({first, second})}};
  };
  EXPECT_EQ(normalized_by(sequence(lower, grow), "A").size(), 1024U);
  EXPECT_EQ(normalized_by(sequence(grow, lower), "A").size(), 1U);
  io_test::expect_error(ErrorCode::kUnsupported, {"f: normalizer: makes the text more than 64 times as long"},
                        [&] { normalized_by(sequence(grow, grow), "aa"); });
}

TEST(Normalizer, RefusesWhatItCannotRead) {
  const auto refused = [](ErrorCode code, std::string_view part, const std::string& spec) {
    io_test::expect_error(code, {"f: normalizer: ", part},
                          [&] { make_normalizer(nlohmann::json::parse(spec), "f"); });
  };
  refused(ErrorCode::kUnsupported, "normalizer of type 'Other'", R"({"type": "Other"})");
  refused(ErrorCode::kCorruptFile, "key 'pattern' is missing", R"({"type": "Replace"})");
  refused(ErrorCode::kCorruptFile, "key 'prepend' is missing", R"({"type": "Prepend"})");
  refused(ErrorCode::kCorruptFile, "key 'strip_left' is 1, but true or false was expected",
          R"({"type": "Strip", "strip_left": 1})");
  refused(ErrorCode::kCorruptFile, "key 'normalizers[0].type' is missing",
          R"({"type": "Sequence", "normalizers": [{}]})");
}

}  // namespace
}  // namespace lq::tokenizers
