#include "templates/jinja_interpreter.h"

#include "templates/jinja_goldens.h"

namespace lq::jinja {
namespace {

TEST(JinjaStatements, LoopsMacrosAndBlocksAreJinjas) { test::expect_goldens("statements"); }

}  // namespace
}  // namespace lq::jinja
