#include "templates/jinja_runtime.h"

#include "templates/jinja_goldens.h"

namespace lq::jinja {
namespace {

TEST(JinjaListFilters, AreJinjas) { test::expect_goldens("lists"); }

}  // namespace
}  // namespace lq::jinja
