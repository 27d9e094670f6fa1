#include "hub/curl/curl_library.h"

#include "base/error.h"
#include "base/shared_library.h"

namespace lq::hub {
namespace {

CurlLibrary open_curl() {
  const SharedLibrary library(LQ_CURL_LIBRARY, "a download", "libcurl4");
  CurlLibrary curl;
  library.find("curl_global_init", curl.global_init);
  library.find("curl_easy_init", curl.easy_init);
  library.find("curl_easy_setopt", curl.easy_setopt);
  library.find("curl_easy_getinfo", curl.easy_getinfo);
  library.find("curl_easy_perform", curl.easy_perform);
  library.find("curl_easy_strerror", curl.easy_strerror);
  library.find("curl_easy_cleanup", curl.easy_cleanup);
  library.find("curl_slist_append", curl.slist_append);
  library.find("curl_slist_free_all", curl.slist_free_all);
  LQ_CHECK(curl.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK, kIo, "libcurl does not start");
  return curl;
}

}  // namespace

const CurlLibrary& curl_library() {
  static const CurlLibrary library = open_curl();
  return library;
}

}  // namespace lq::hub
