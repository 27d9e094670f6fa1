#include "hub/http.h"

#include "base/error.h"

namespace lq::hub {

bool http_available() { return false; }

HttpResponse http(const HttpRequest& request, const HttpAccept& /*accept*/, const HttpSink& /*sink*/,
                  const StopToken& /*stop*/) {
  fail(ErrorCode::kUnsupported,
       "{}: this lqlora was built without libcurl, and downloads nothing (install libcurl4-openssl-dev and "
       "build again)",
       request.url);
}

}  // namespace lq::hub
