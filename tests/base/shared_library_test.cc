#include "base/shared_library.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace lq {
namespace {

template <typename Call>
std::string refusal_of(const Call& call) {
  try {
    call();
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(SharedLibrary, ItsFunctionsWork) {
  const SharedLibrary library("libm.so.6", "this test", "libc6");
  double (*cosine)(double) = nullptr;
  library.find("cos", cosine);
  ASSERT_NE(cosine, nullptr);
  EXPECT_EQ(cosine(0.0), 1.0);
}

TEST(SharedLibrary, MissingOneIsOneLineThatSaysWhoNeedsItAndWhereItIs) {
  const std::string text = refusal_of([] { SharedLibrary("libnobody-has-it.so.9", "this test", "nobody9"); });
  EXPECT_EQ(text, "this test needs libnobody-has-it.so.9, which this machine lacks (Debian: nobody9)");
}

TEST(SharedLibrary, MissingFunctionIsNamed) {
  const SharedLibrary library("libm.so.6", "this test", "libc6");
  void (*function)() = nullptr;
  const std::string text = refusal_of([&] { library.find("function_that_libm_lacks", function); });
  EXPECT_EQ(text, "this machine's libm.so.6 has no function_that_libm_lacks");
}

}  // namespace
}  // namespace lq
