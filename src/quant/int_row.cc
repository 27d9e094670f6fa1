#include "quant/int_row.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "base/error.h"
#include "quant/format_text.h"

namespace lq {
namespace {

constexpr std::array kWidths = {2, 3, 4, 8};
constexpr std::int64_t kRowGrain = 16;

int parse_bits(std::string_view text, std::string_view who) {
  text = trimmed(text);
  const std::optional<int> bits = whole_number(text);
  LQ_CHECK(bits && std::find(kWidths.begin(), kWidths.end(), *bits) != kWidths.end(), kInvalidArgument,
           "{}: \"{}\" bits for format int-row, which has 2, 3, 4 and 8, such as int-row,4", who, text);
  return *bits;
}

int bits_of(std::string_view parameters) { return parse_bits(parameters, "int-row"); }

std::int64_t row_bytes(std::int64_t cols, int bits) { return (cols * bits + 7) / 8; }

// The largest code value that is written: the range is symmetric.
int top_of(int bits) { return (1 << (bits - 1)) - 1; }

// Of a row: absmax / top, and small enough that no code's value overflows.
float scale_of(const float* w, std::int64_t cols, int bits) {
  float absmax = 0.0F;
  for (std::int64_t k = 0; k < cols; ++k) absmax = std::max(absmax, std::abs(w[k]));
  const float most = std::numeric_limits<float>::max() / static_cast<float>(1 << (bits - 1));
  return std::min(absmax / static_cast<float>(top_of(bits)), most);
}

// Nearest, ties to even, within the symmetric range.
float code_of(float w, float scale, int bits) {
  if (scale == 0.0F) return 0.0F;
  const auto top = static_cast<float>(top_of(bits));
  return std::clamp(std::nearbyint(w / scale), -top, top) + 0.0F;  // never -0, which has no code
}

// The bytes that a packed matrix owns.
struct Stored {
  std::vector<std::uint8_t> codes;
  std::vector<float> scales;
};

PackedMatrix matrix_of(int bits, std::int64_t rows, std::int64_t cols, std::span<const std::uint8_t> codes,
                       std::span<const std::uint8_t> scales, std::shared_ptr<const void> storage) {
  const backends::PackedView view{.layout = backends::PackedLayout::kIntRow,
                                  .rows = rows,
                                  .cols = cols,
                                  .int_row = {.codes = codes.data(), .scales = scales.data(), .bits = bits}};
  std::vector<PackedPart> parts = {{"codes", DType::kU8, {rows, row_bytes(cols, bits)}, codes},
                                   {"scales", DType::kF32, {rows}, scales}};
  return {{"int-row", std::to_string(bits)}, std::move(parts), view, std::move(storage)};
}

class IntRowQuantizer final : public Quantizer {
 public:
  explicit IntRowQuantizer(int bits) : bits_(bits) {}

  void round_trip(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                  float* q) const override {
    parallel_for(pool, rows, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const float scale = scale_of(w + i * cols, cols, bits_);
        for (std::int64_t k = i * cols; k < (i + 1) * cols; ++k) q[k] = code_of(w[k], scale, bits_) * scale;
      }
    });
  }

  PackedMatrix pack(ThreadPool& pool, const float* w, std::int64_t rows, std::int64_t cols,
                    const ErrorWeights& /*weights*/) const override {
    const std::int64_t stride = row_bytes(cols, bits_);
    const auto stored = std::make_shared<Stored>();
    stored->codes.resize(static_cast<std::size_t>(rows * stride));
    stored->scales.resize(static_cast<std::size_t>(rows));
    parallel_for(pool, rows, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        const float scale = scale_of(w + i * cols, cols, bits_);
        stored->scales[static_cast<std::size_t>(i)] = scale;
        put_row(w + i * cols, cols, scale, stored->codes.data() + i * stride);
      }
    });
    const std::span<const std::uint8_t> scales = {
        reinterpret_cast<const std::uint8_t*>(stored->scales.data()), stored->scales.size() * sizeof(float)};
    return matrix_of(bits_, rows, cols, stored->codes, scales, stored);
  }

  double bits_per_weight() const override { return bits_; }
  std::string name() const override { return "int-row " + std::to_string(bits_); }

 private:
  void put_row(const float* w, std::int64_t cols, float scale, std::uint8_t* row) const {
    const int middle = 1 << (bits_ - 1);
    for (std::int64_t k = 0; k < cols; ++k) {
      const int code = static_cast<int>(code_of(w[k], scale, bits_)) + middle;
      const std::int64_t at = k * bits_;
      const int word = code << (at % 8);
      row[at / 8] |= static_cast<std::uint8_t>(word);
      if (at % 8 + bits_ > 8) row[at / 8 + 1] |= static_cast<std::uint8_t>(word >> 8);
    }
  }

  int bits_;
};

}  // namespace

std::string IntRowFormat::parse(std::string_view parameters, std::string_view who) const {
  return std::to_string(parse_bits(parameters, who));
}

std::string IntRowFormat::uniform(int bits) const { return parse(std::to_string(bits), "int-row"); }

std::vector<std::string> IntRowFormat::choices(ChoiceSet /*set*/) const {
  std::vector<std::string> choices;
  for (const int bits : kWidths) choices.push_back(std::to_string(bits));
  return choices;
}

double IntRowFormat::bits_per_weight(std::string_view parameters) const { return bits_of(parameters); }

SweepPlace IntRowFormat::sweep_place(std::string_view parameters) const {
  const int bits = bits_of(parameters);
  return {
      .order = {-bits}, .group = {bits}, .anchor = {bits}, .curve = {bits}, .grid = {bits}, .alone = false};
}

std::unique_ptr<Quantizer> IntRowFormat::quantizer(std::string_view parameters,
                                                   const QuantizerOptions& /*options*/) const {
  return std::make_unique<IntRowQuantizer>(bits_of(parameters));
}

std::vector<TensorSpec> IntRowFormat::parts(std::string_view parameters, std::int64_t rows, std::int64_t cols,
                                            std::string_view who) const {
  check_packed_shape(rows, cols, who);
  return {{"codes", DType::kU8, {rows, row_bytes(cols, bits_of(parameters))}},
          {"scales", DType::kF32, {rows}}};
}

PackedMatrix IntRowFormat::open(std::string_view parameters, std::int64_t rows, std::int64_t cols,
                                std::span<const std::span<const std::uint8_t>> bytes, std::string_view who,
                                std::shared_ptr<const void> keep_alive) const {
  const int bits = bits_of(parameters);
  const std::int64_t stride = row_bytes(cols, bits);
  const std::span<const std::uint8_t> codes = bytes[0];
  LQ_CHECK(codes.size() == static_cast<std::size_t>(rows * stride) &&
               bytes[1].size() == static_cast<std::size_t>(4 * rows),
           kCorruptFile,
           "{}: {} bytes of codes and {} of scales, but shape [{}, {}] at {} bits needs {} and {}", who,
           codes.size(), bytes[1].size(), rows, cols, bits, rows * stride, 4 * rows);
  const float most = std::numeric_limits<float>::max() / static_cast<float>(1 << (bits - 1));
  const int used = static_cast<int>(cols * bits - 8 * (stride - 1));  // bits of a row's last byte
  for (std::int64_t i = 0; i < rows; ++i) {
    float scale;
    std::memcpy(&scale, bytes[1].data() + 4 * i, sizeof(scale));
    LQ_CHECK(scale >= 0.0F && scale <= most && !std::signbit(scale), kCorruptFile,
             "{}: scales[{}] is {}, but must be from 0 to {}", who, i, scale, most);
    LQ_CHECK(codes[static_cast<std::size_t>((i + 1) * stride - 1)] >> used == 0, kCorruptFile,
             "{}: codes has bits in the padding of row {}, which must be zero", who, i);
  }
  return matrix_of(bits, rows, cols, codes, bytes[1], std::move(keep_alive));
}

}  // namespace lq
