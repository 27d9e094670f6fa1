// What is missing: tests/base/shared_library_test.cc.
#include "hub/curl/curl_library.h"

#include <gtest/gtest.h>

#include <string>

namespace lq::hub {
namespace {

TEST(CurlLibrary, IsOpenedOnceAndEveryFunctionIsThere) {
  const CurlLibrary& curl = curl_library();
  EXPECT_EQ(&curl, &curl_library());
  EXPECT_NE(curl.easy_setopt, nullptr);
  EXPECT_NE(curl.easy_getinfo, nullptr);
  EXPECT_NE(curl.slist_append, nullptr);
  CURL* const handle = curl.easy_init();
  ASSERT_NE(handle, nullptr);
  EXPECT_EQ(curl.easy_setopt(handle, CURLOPT_URL, "nothing://of-that-kind"), CURLE_OK);
  const CURLcode code = curl.easy_perform(handle);
  EXPECT_EQ(code, CURLE_UNSUPPORTED_PROTOCOL);
  EXPECT_NE(std::string(curl.easy_strerror(code)), "");
  curl.easy_cleanup(handle);
}

}  // namespace
}  // namespace lq::hub
