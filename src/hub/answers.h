// What the hub answers, read strictly: it may be a proxy's page, or lie.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/http.h"

namespace lq::hub {

struct RevisionAnswer {
  std::string commit;              // 40 digits
  std::vector<std::string> files;  // checked by check_file_name, sorted, each once
};

// Of GET /api/models/ORG/NAME/revision/REV. Throws Error(kCorruptFile) starting with `who` for anything but
// the JSON that says so.
RevisionAnswer parse_revision(std::string_view body, std::string_view who);

struct FileAnswer {
  std::string etag;  // 64 digits: SHA-256 of the content; 40: SHA-1 of it as a blob of git
  std::int64_t size = 0;
};

// Of HEAD /ORG/NAME/resolve/COMMIT/FILE. Throws Error(kCorruptFile) starting with `who` where the headers do
// not say hash and size.
FileAnswer parse_file(const HttpResponse& head, std::string_view who);

// The first byte of "bytes 1000-1999/2000"; nothing for another text.
std::optional<std::int64_t> range_begin(std::string_view content_range);

}  // namespace lq::hub
