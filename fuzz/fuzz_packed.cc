// Hostile bytes as a packed matrix, and as its entry in config.json: refused with an Error or dequantized to
// finite values; never a crash, a read past the parts or an allocation that the bytes given do not back.
//
// Input: byte 0 chooses the form. Even: the JSON of a module follows. Odd: a header follows (bits, scale
// bits, type, block, block2, codebook, how to size the parts: a byte each; rows and cols: 8 each; offset: 4;
// what to resize: 1), then the bytes that fill the parts.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "formats/packed_module.h"
#include "quant/codebook/codebook_matrix.h"

namespace {

constexpr std::int64_t kMaxPart = 1 << 16;

struct Header {
  std::uint8_t bits, scale_bits, scale2, block, block2, codebook, sizing, resize;
  std::int64_t rows, cols;
  float offset;
};

// Takes a value off the front of the input; zeros where it is too short.
template <typename T>
T take(const std::uint8_t*& data, std::size_t& size) {
  T value{};
  const std::size_t n = std::min(sizeof(T), size);
  std::memcpy(&value, data, n);
  data += n;
  size -= n;
  return value;
}

// `count` bytes, the input over and over.
std::vector<std::uint8_t> fill(std::int64_t count, const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count), 0);
  for (std::size_t i = 0; i < bytes.size() && size > 0; ++i) bytes[i] = data[i % size];
  return bytes;
}

void require(bool condition) {
  if (!condition) std::abort();
}

void read_module(std::string_view text) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return;
  for (const std::int64_t version : {1, 2}) {
    try {
      const lq::PackedModule module = lq::packed_module_from_json(json, version, "fuzz");
      require(lq::packed_module_from_json(lq::packed_module_to_json(module), 2, "fuzz") == module);
      require(!lq::packed_tensor_specs("w", module).empty());
    } catch (const lq::Error&) {
    }
  }
}

void read_matrix(const std::uint8_t* data, std::size_t size) {
  Header h{};
  for (std::uint8_t* field :
       {&h.bits, &h.scale_bits, &h.scale2, &h.block, &h.block2, &h.codebook, &h.sizing}) {
    *field = take<std::uint8_t>(data, size);
  }
  h.rows = take<std::int64_t>(data, size);
  h.cols = take<std::int64_t>(data, size);
  h.offset = take<float>(data, size);
  h.resize = take<std::uint8_t>(data, size);
  const lq::CodebookConfig config{h.bits, h.scale_bits, static_cast<lq::ScaleDType>(h.scale2 % 4), h.block,
                                  h.block2 == 255 ? 256 : h.block2};
  const auto kind = h.codebook % 2 == 0 ? lq::CodebookKind::kNormalFloat : lq::CodebookKind::kUniformInt;
  std::int64_t sizes[3] = {h.sizing, h.resize, h.codebook};
  if (h.sizing % 4 != 3) {  // mostly the sizes that the shape needs, else no input would get further
    const lq::CodebookSizes needed = lq::codebook_sizes(h.rows, h.cols, config, "fuzz");
    if (std::max({needed.codes_bytes, needed.scales_bytes, needed.scales2_bytes}) > kMaxPart) return;
    sizes[0] = needed.codes_bytes;
    sizes[1] = needed.scales_bytes;
    sizes[2] = needed.scales2_bytes;
    if (h.sizing % 4 == 2) sizes[h.resize % 3] += h.resize % 2 == 0 ? 1 : -1;
  }
  std::vector<std::uint8_t> parts[3];
  for (int i = 0; i < 3; ++i)
    parts[i] = fill(sizes[i], data + std::min<std::size_t>(size, i), size - std::min<std::size_t>(size, i));
  const lq::CodebookMatrix matrix(h.rows, h.cols, config, kind, {parts[0], parts[1], parts[2], h.offset},
                                  "fuzz");
  require(matrix.storage_bytes() == sizes[0] + sizes[1] + sizes[2] + 4);
  const std::int64_t n = matrix.sizes().elements;
  lq::ThreadPool pool(1);
  std::vector<float> all(static_cast<std::size_t>(n));
  matrix.dequantize(pool, all.data());
  for (const float x : all) require(std::isfinite(x));
  const std::int64_t begin = h.rows / 3;
  const std::int64_t count = h.rows - begin - h.rows / 4;
  std::vector<float> rows(static_cast<std::size_t>(count * h.cols));
  matrix.dequantize_rows(begin, count, rows.data());
  require(std::equal(rows.begin(), rows.end(), all.begin() + begin * h.cols));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  try {
    if (data[0] % 2 == 0) {
      read_module({reinterpret_cast<const char*>(data + 1), size - 1});
    } else {
      read_matrix(data + 1, size - 1);
    }
  } catch (const lq::Error&) {
  }
  return 0;
}
