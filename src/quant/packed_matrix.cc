#include "quant/packed_matrix.h"

#include <utility>

#include "backends/cpu/packed_product.h"
#include "base/error.h"

namespace lq {

void check_packed_shape(std::int64_t rows, std::int64_t cols, std::string_view who) {
  LQ_CHECK(rows >= 1 && cols >= 1 && rows <= kMostElements / cols, kInvalidArgument,
           "{}: shape [{}, {}], but a packed matrix has between 1 and 2^42 elements", who, rows, cols);
}

PackedMatrix::PackedMatrix(QuantChoice choice, std::vector<PackedPart> parts,
                           const backends::PackedView& view, std::shared_ptr<const void> storage)
    : choice_(std::move(choice)), parts_(std::move(parts)), view_(view), storage_(std::move(storage)) {}

std::int64_t PackedMatrix::storage_bytes() const {
  std::int64_t bytes = 0;
  for (const PackedPart& part : parts_) bytes += static_cast<std::int64_t>(part.bytes.size());
  return bytes;
}

double PackedMatrix::bits_per_weight() const {
  return 8.0 * static_cast<double>(storage_bytes()) / static_cast<double>(rows() * cols());
}

void PackedMatrix::dequantize(ThreadPool& pool, float* out) const {
  backends::packed_decode(pool, view_, out);
}

}  // namespace lq
