#include "formats/gguf/gguf_rows.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "formats/gguf/gguf_form.h"
#include "quant/ggml/plain_encode.h"

namespace lq {
namespace {

constexpr std::int64_t kRowsAtOnce = 256;

std::int64_t bytes_of_row(const GgufRows& tensor) {
  const ggml::GgmlTypeInfo& info = ggml::type_info(tensor.type);
  return tensor.cols / info.weights * info.bytes;
}

std::int64_t row_at(const GgufRows& tensor, std::int64_t stored) {
  return tensor.head_dim == 0 ? stored : gguf_row_of_stored(stored, tensor.head_dim);
}

}  // namespace

double write_gguf_rows(ThreadPool& pool, GgufWriter& writer, const GgufRows& tensor, const float* w,
                       std::string_view who) {
  const std::int64_t stride = bytes_of_row(tensor);
  std::vector<std::byte> bytes(static_cast<std::size_t>(std::min(kRowsAtOnce, tensor.rows) * stride));
  std::vector<double> errors(static_cast<std::size_t>(tensor.rows));
  for (std::int64_t begin = 0; begin < tensor.rows; begin += kRowsAtOnce) {
    const std::int64_t count = std::min(kRowsAtOnce, tensor.rows - begin);
    pool.run(count, [&](std::int64_t i) {
      const float* row = w + row_at(tensor, begin + i) * tensor.cols;
      std::vector<float> changed;
      if (tensor.added != 0.0F) {
        changed.assign(row, row + tensor.cols);
        for (float& x : changed) x += tensor.added;
        row = changed.data();
      }
      errors[static_cast<std::size_t>(begin + i)] =
          ggml::encode_plain(tensor.type, row, tensor.cols, bytes.data() + i * stride);
    });
    writer.append(tensor.name, bytes.data(), static_cast<std::size_t>(count * stride));
  }
  double error = 0.0;
  for (const double e : errors) error += e;
  LQ_CHECK(std::isfinite(error), kUnsupported, "{}: a weight is beyond the range of {}; choose another type",
           who, ggml::type_info(tensor.type).name);
  return error;
}

void write_gguf_blocks(GgufWriter& writer, const GgufRows& tensor, std::span<const std::uint8_t> blocks) {
  const auto stride = static_cast<std::size_t>(bytes_of_row(tensor));
  LQ_CHECK(blocks.size() == static_cast<std::size_t>(tensor.rows) * stride, kInternal,
           "[gguf] {}: {} bytes of blocks for {} rows of {}", tensor.name, blocks.size(), tensor.rows,
           stride);
  std::vector<std::uint8_t> ordered(blocks.size());
  for (std::int64_t row = 0; row < tensor.rows; ++row) {
    std::memcpy(ordered.data() + static_cast<std::size_t>(row) * stride,
                blocks.data() + static_cast<std::size_t>(row_at(tensor, row)) * stride, stride);
  }
  writer.append(tensor.name, ordered.data(), ordered.size());
}

}  // namespace lq
