// libcurl's functions, opened at the first download: it brings thirty shared libraries that no other verb
// needs.
#pragma once

#include <curl/curl.h>

namespace lq::hub {

struct CurlLibrary {
  decltype(&curl_global_init) global_init = nullptr;
  decltype(&curl_easy_init) easy_init = nullptr;
  decltype(&curl_easy_setopt) easy_setopt = nullptr;
  decltype(&curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&curl_easy_perform) easy_perform = nullptr;
  decltype(&curl_easy_strerror) easy_strerror = nullptr;
  decltype(&curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&curl_slist_append) slist_append = nullptr;
  decltype(&curl_slist_free_all) slist_free_all = nullptr;
};

// Opened and started once, then the same for every caller and thread. Throws Error(kUnsupported) where the
// machine has no libcurl, or one without a function that we call; Error(kIo) where it does not start.
const CurlLibrary& curl_library();

}  // namespace lq::hub
