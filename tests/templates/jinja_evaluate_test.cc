#include "templates/jinja_interpreter.h"

#include "templates/jinja_goldens.h"

namespace lq::jinja {
namespace {

TEST(JinjaEvaluate, ExpressionsAreJinjas) { test::expect_goldens("expressions"); }

}  // namespace
}  // namespace lq::jinja
