#include "hub/http.h"

#include <algorithm>
#include <cctype>
#include <exception>
#include <memory>
#include <string_view>

#include "base/error.h"
#include "base/printable.h"
#include "base/version.h"
#include "hub/curl/curl_library.h"

namespace lq::hub {
namespace {

constexpr long kRedirects = 8;
constexpr long kConnectSeconds = 30;
constexpr std::size_t kHeaderLimit = 256;  // headers, and each at most this many times 64 bytes

struct EasyCleanup {
  void operator()(CURL* handle) const { curl_library().easy_cleanup(handle); }
};
struct ListCleanup {
  void operator()(curl_slist* list) const { curl_library().slist_free_all(list); }
};

// What curl's callbacks, which may not throw, work on.
struct Transfer {
  CURL* handle = nullptr;
  const HttpAccept* accept = nullptr;
  const HttpSink* sink = nullptr;
  const StopToken* stop = nullptr;
  HttpResponse response;
  bool asked = false, accepted = false;
  std::exception_ptr thrown;

  template <typename Call>
  bool guarded(const Call& call) {
    try {
      return call();
    } catch (...) {
      thrown = std::current_exception();
      return false;
    }
  }
};

std::string trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return std::string(text);
}

std::size_t on_header(const char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  const std::string_view line(bytes, size * count);
  const bool good = t.guarded([&] {
    if (line.starts_with("HTTP/")) t.response.headers.clear();  // of the next answer, after a redirect
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.starts_with("HTTP/")) return true;
    if (t.response.headers.size() >= kHeaderLimit || line.size() > 64 * kHeaderLimit) return false;
    std::string name(line.substr(0, colon));
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    t.response.headers[name] = trimmed(line.substr(colon + 1));
    return true;
  });
  return good ? line.size() : 0;
}

std::size_t on_body(const char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& t = *static_cast<Transfer*>(user);
  const bool good = t.guarded([&] {
    if (!t.asked) {
      long status = 0;
      curl_library().easy_getinfo(t.handle, CURLINFO_RESPONSE_CODE, &status);
      t.response.status = static_cast<int>(status);
      t.accepted = (*t.accept)(t.response);
      t.asked = true;
    }
    if (t.accepted) (*t.sink)(bytes, size * count);
    return true;
  });
  return good ? size * count : 0;
}

int on_progress(void* user, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  auto& t = *static_cast<Transfer*>(user);
  return t.guarded([&] {
    t.stop->check();
    return true;
  })
             ? 0
             : 1;
}

}  // namespace

bool http_available() { return true; }

HttpResponse http(const HttpRequest& request, const HttpAccept& accept, const HttpSink& sink,
                  const StopToken& stop) {
  const CurlLibrary& curl = curl_library();
  const std::unique_ptr<CURL, EasyCleanup> handle(curl.easy_init());
  LQ_CHECK(handle != nullptr, kIo, "{}: libcurl does not start", printable(request.url));
  Transfer t;
  t.handle = handle.get();
  t.accept = &accept;
  t.sink = &sink;
  t.stop = &stop;
  const std::string agent = fmt::format("lqlora/{}", kVersion);
  const auto set = [&](CURLoption option, auto value) { curl.easy_setopt(t.handle, option, value); };
  const char* const protocols = request.url.starts_with("https:") ? "https" : "http,https";
  set(CURLOPT_URL, request.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_REDIR_PROTOCOLS_STR, protocols);
  set(CURLOPT_USERAGENT, agent.c_str());
  set(CURLOPT_FOLLOWLOCATION, request.follow ? 1L : 0L);
  set(CURLOPT_MAXREDIRS, kRedirects);
  set(CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, std::max(1L, static_cast<long>(request.stall_seconds)));
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_NOBODY, request.head ? 1L : 0L);
  if (!request.range.empty()) set(CURLOPT_RANGE, request.range.c_str());
  // curl takes an Authorization header along to the same host only.
  std::unique_ptr<curl_slist, ListCleanup> headers;
  if (!request.token.empty()) {
    headers.reset(curl.slist_append(nullptr, fmt::format("Authorization: Bearer {}", request.token).c_str()));
    set(CURLOPT_HTTPHEADER, headers.get());
  }
  set(CURLOPT_HEADERFUNCTION, on_header);
  set(CURLOPT_HEADERDATA, &t);
  set(CURLOPT_WRITEFUNCTION, on_body);
  set(CURLOPT_WRITEDATA, &t);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, on_progress);
  set(CURLOPT_XFERINFODATA, &t);
  const CURLcode code = curl.easy_perform(t.handle);
  if (t.thrown) std::rethrow_exception(t.thrown);
  LQ_CHECK(code == CURLE_OK, kIo, "{}: {}", printable(request.url),
           code == CURLE_OPERATION_TIMEDOUT ? "nothing has come for too long" : curl.easy_strerror(code));
  long status = 0;
  curl.easy_getinfo(t.handle, CURLINFO_RESPONSE_CODE, &status);
  t.response.status = static_cast<int>(status);
  return t.response;
}

}  // namespace lq::hub
