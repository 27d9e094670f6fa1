// Hostile bytes as a matrix in a trellis code: refused with an Error or decoded to finite values, the fast
// way and the plain one alike; never a crash, a read past the parts or an allocation that the bytes given do
// not back.
//
// Input: a header (bits, state bits, block / 32, how to size the parts, what to resize: a byte each; rows and
// cols: 8 each; offset: 4), then the bytes that fill the parts.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"
#include "quant/trellis/trellis_format.h"
#include "quant/trellis/trellis_layout.h"
#include "quant/trellis/trellis_reference.h"

namespace {

constexpr std::int64_t kMaxPart = 1 << 16;

struct Input {
  const std::uint8_t* data;
  std::size_t size;

  // Takes a value off the front; zeros where it is too short.
  template <typename T>
  T take() {
    T value{};
    const std::size_t n = std::min(sizeof(T), size);
    std::memcpy(&value, data, n);
    data += n;
    size -= n;
    return value;
  }

  // `count` bytes, the input from `from` on over and over.
  std::vector<std::uint8_t> fill(std::int64_t count, std::size_t from) const {
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count), 0);
    for (std::size_t i = 0; i < bytes.size() && size > 0; ++i) bytes[i] = data[(i + from) % size];
    return bytes;
  }
};

void require(bool condition) {
  if (!condition) std::abort();
}

void read_matrix(Input in) {
  const int bits = in.take<std::uint8_t>();
  const int state_bits = in.take<std::uint8_t>();
  const int block = 32 * in.take<std::uint8_t>();
  const auto sizing = in.take<std::uint8_t>();
  const auto resize = in.take<std::uint8_t>();
  const auto rows = in.take<std::int64_t>();
  const auto cols = in.take<std::int64_t>();
  const auto offset = in.fill(4, 0);
  in.take<std::uint32_t>();
  const lq::TrellisFormat format;
  const std::string parameters =
      format.parse(lq::to_string(lq::TrellisConfig{bits, state_bits, block}), "fuzz");
  std::int64_t sizes[3] = {sizing, resize, block};
  if (sizing % 4 != 3) {  // mostly the sizes that the shape needs, else no input would get further
    std::int64_t most = 0;
    const auto specs = format.parts(parameters, rows, cols, "fuzz");
    for (std::size_t i = 0; i < 3; ++i) {
      sizes[i] = static_cast<std::int64_t>(specs[i].bytes());
      most = std::max(most, sizes[i]);
    }
    if (most > kMaxPart) return;
    if (sizing % 4 == 2) sizes[resize % 3] += resize % 2 == 0 ? 1 : -1;
  }
  const std::vector<std::uint8_t> parts[3] = {in.fill(sizes[0], 0), in.fill(sizes[1], 1),
                                              in.fill(sizes[2], 2)};
  const std::vector<std::span<const std::uint8_t>> bytes = {parts[0], parts[1], parts[2], offset};
  const lq::PackedMatrix matrix = format.open(parameters, rows, cols, bytes, "fuzz", {});
  require(matrix.storage_bytes() == sizes[0] + sizes[1] + sizes[2] + 4);
  const std::int64_t n = rows * cols;
  lq::ThreadPool pool(1);
  std::vector<float> fast(static_cast<std::size_t>(n)), plain(static_cast<std::size_t>(n));
  matrix.dequantize(pool, fast.data());
  for (const float x : fast) require(std::isfinite(x));
  lq::trellis_reference_decode(matrix.view().trellis, cols, 0, n, plain.data());
  require(fast == plain);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    read_matrix({data, size});
  } catch (const lq::Error&) {
  }
  return 0;
}
