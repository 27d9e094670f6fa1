#include "templates/jinja_runtime.h"

#include "templates/jinja_goldens.h"

namespace lq::jinja {
namespace {

TEST(JinjaValueFilters, NumbersTestsAndJsonAreJinjas) { test::expect_goldens("values"); }

}  // namespace
}  // namespace lq::jinja
