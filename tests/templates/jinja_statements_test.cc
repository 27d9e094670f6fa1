#include "templates/jinja_interpreter.h"

#include "templates/jinja_goldens.h"

namespace lq::jinja {
namespace {

TEST(JinjaStatements, LoopsMacrosAndBlocksAreJinjas) { test::expect_goldens("statements"); }

TEST(JinjaStatements, StrictRefusesToPrintWhatIsNotDefined) {
  const Jinja jinja("{{ a }}{% if b is defined %}{{ b }}{% endif %}{{ c.d }}", "t");
  const nlohmann::ordered_json whole = {{"a", 1}, {"c", {{"d", 2}}}};
  EXPECT_EQ(jinja.render(whole, {.now = {}, .strict = true}), "12");
  const nlohmann::ordered_json part = {{"a", 1}, {"c", nlohmann::ordered_json::object()}};
  EXPECT_EQ(jinja.render(part), "1");
  try {
    jinja.render(part, {.now = {}, .strict = true});
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("t: line 1"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace lq::jinja
