#include "templates/jinja_text.h"

#include "templates/jinja_goldens.h"

namespace lq::jinja {
namespace {

TEST(JinjaText, MethodsAndFiltersOfTextAreJinjas) { test::expect_goldens("text"); }

TEST(JinjaText, CountsCharacters) {
  EXPECT_EQ(count_characters("aé😀"), 3);
  EXPECT_EQ(character_range("aé😀b", 1, 3), "é😀");
  EXPECT_EQ(character_range("aé", 1, 9), "é");
  EXPECT_EQ(adjusted("é", 4, "-", Adjust::kRight), "---é");
}

}  // namespace
}  // namespace lq::jinja
