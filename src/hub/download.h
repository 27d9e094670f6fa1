// One file of the hub into the cache.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hub/answers.h"
#include "hub/http.h"
#include "hub/hub_cache.h"

namespace lq::hub {

struct DownloadSource {
  std::string url;
  std::string token;
  std::string name;  // for messages: "ORG/NAME@REV config.json"
  double stall_seconds = 60.0;
};

// Fetches what is missing of cache.blob(file.etag): goes on with what an earlier download left beside it in
// ETAG.incomplete. on_bytes gets how many bytes there are. Throws Error(kIo) where the connection ends early
// (what came stays for the next try); Error(kCorruptFile) where more comes than announced, or content of
// another hash (what came is removed); Error(kNotFound) for other statuses.
void download(const DownloadSource& source, const FileAnswer& file, const HubCache& cache,
              const std::function<void(std::int64_t)>& on_bytes, const StopToken& stop);

// The message and the code for an answer that is no success. Throws always.
[[noreturn]] void refuse_status(const HttpResponse& response, const std::string& what);

}  // namespace lq::hub
