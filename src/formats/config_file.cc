#include "formats/config_file.h"

#include "files/json_file.h"

namespace lq {
namespace {

constexpr std::uint64_t kConfigLimit =
    4'000'000;  // bytes; the largest real ones list labels and stay below 1 MB

}  // namespace

JsonObject load_config(const std::filesystem::path& directory) {
  const std::filesystem::path file = directory / kConfigName;
  return JsonObject::parse(read_text(file, kConfigLimit), "[config] " + file.string());
}

}  // namespace lq
