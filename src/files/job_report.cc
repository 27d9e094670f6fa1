#include "files/job_report.h"

#include <utility>

#include "base/error.h"
#include "files/json_file.h"

namespace lq {

nlohmann::json job_report(const std::filesystem::path& out) {
  const auto path = out / "lqlora.json";
  nlohmann::json manifest = read_json(path);
  LQ_CHECK(manifest.contains("report"), kCorruptFile, "{}: no report in it", path.string());
  return std::move(manifest["report"]);
}

}  // namespace lq
