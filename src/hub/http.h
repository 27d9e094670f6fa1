// One request to a web server. The only use of libcurl (curl/http.cc); builds without it refuse
// (no_curl/http.cc).
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>

#include "base/stop.h"

namespace lq::hub {

struct HttpRequest {
  std::string url;    // http or https
  std::string token;  // sent as a bearer to the host of `url` and to no other; empty: none
  std::string range;  // "1000-": the rest of a file; empty: all of it
  bool head = false;  // headers alone
  // To the end of redirects (at most 8; from https to https only); else the first answer.
  bool follow = true;
  double stall_seconds = 60.0;  // without a byte a second for so long: given up
};

struct HttpResponse {
  int status = 0;
  std::map<std::string, std::string> headers;  // of the last answer; names in lower case
  // Empty where there is none.
  std::string header(const std::string& name) const {
    const auto at = headers.find(name);
    return at == headers.end() ? std::string() : at->second;
  }
};

// Whether the answer is of use: its body goes to the sink only then. Headers are complete.
using HttpAccept = std::function<bool(const HttpResponse& head)>;
using HttpSink = std::function<void(const char* bytes, std::size_t size)>;

bool http_available();
// Throws Error(kIo) naming the URL and the reason where the connection fails, stalls or ends before what was
// announced; Error(kInterrupted); whatever accept and sink throw; Error(kUnsupported) without libcurl. Any
// status is an answer.
HttpResponse http(const HttpRequest& request, const HttpAccept& accept, const HttpSink& sink,
                  const StopToken& stop);

}  // namespace lq::hub
