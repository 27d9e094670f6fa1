// Builds without libcurl have the same symbols, and they refuse by name.
#include "hub/http.h"

#include <gtest/gtest.h>

#include <string>

#include "base/error.h"

namespace lq::hub {
namespace {

TEST(HubWithoutCurl, RefusesEveryRequestAndSaysWhatIsMissing) {
  EXPECT_FALSE(http_available());
  bool asked = false;
  HttpRequest request;
  request.url = "https://example.org/model";
  try {
    http(
        request,
        [&](const HttpResponse&) {
          asked = true;
          return true;
        },
        [&](const char*, std::size_t) { asked = true; }, StopToken());
    ADD_FAILURE() << "no error";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kUnsupported);
    for (const char* word : {"https://example.org/model", "without libcurl", "libcurl4-openssl-dev"}) {
      EXPECT_NE(std::string(e.what()).find(word), std::string::npos) << e.what();
    }
  }
  EXPECT_FALSE(asked);
}

}  // namespace
}  // namespace lq::hub
