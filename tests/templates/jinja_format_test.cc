#include "templates/jinja_runtime.h"

#include "templates/jinja_goldens.h"

namespace lq::jinja {
namespace {

TEST(JinjaFormat, PercentAndBracesArePythons) { test::expect_goldens("format"); }

}  // namespace
}  // namespace lq::jinja
