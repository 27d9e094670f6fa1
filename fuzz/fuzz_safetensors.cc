// A safetensors file from outside: whatever is accepted must be consistent enough to be mapped without
// another check, and must come back the same from our own writer's header.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/safetensors_header.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  lq::SafetensorsHeader header;
  try {
    const std::uint64_t length =
        lq::safetensors_header_length(reinterpret_cast<const std::byte*>(data), size, "fuzz");
    header = lq::parse_safetensors_header(file.substr(8, length), size, "fuzz");
  } catch (const lq::Error&) {
    return 0;
  }
  std::uint64_t end = 0;
  std::vector<lq::TensorSpec> specs;
  for (const auto& entry : header.entries) {
    require(entry.begin == end && entry.end >= entry.begin);
    require(entry.end - entry.begin == entry.spec.bytes());
    end = entry.end;
    specs.push_back(entry.spec);
  }
  require(header.data_begin + end == size);

  lq::SafetensorsHeader layout;
  const std::string bytes = lq::make_safetensors_header(specs, header.metadata, layout);
  const auto again =
      lq::parse_safetensors_header(std::string_view(bytes).substr(8), bytes.size() + end, "fuzz");
  require(again.metadata == header.metadata && again.entries.size() == specs.size());
  for (std::size_t i = 0; i < specs.size(); ++i) require(again.entries[i].spec == layout.entries[i].spec);
  return 0;
}
