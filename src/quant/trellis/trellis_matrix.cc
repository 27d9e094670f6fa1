#include "quant/trellis/trellis_matrix.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"

namespace lq {
namespace {

void check_bytes(std::string_view who, std::string_view part, std::size_t bytes, std::int64_t expected,
                 std::int64_t rows, std::int64_t cols, const TrellisConfig& config) {
  LQ_CHECK(bytes == static_cast<std::size_t>(expected), kCorruptFile,
           "{}: {} has {} bytes, but shape [{}, {}] in format tcq {} needs {}", who, part, bytes, rows, cols,
           to_string(config), expected);
}

// offset: borrowed as its four bytes.
PackedMatrix trellis_matrix_of(std::int64_t rows, std::int64_t cols, const TrellisConfig& config,
                               const TrellisSizes& sizes, const TrellisParts& p,
                               std::span<const std::uint8_t> offset, std::shared_ptr<const void> storage) {
  backends::PackedView view{.layout = backends::PackedLayout::kTrellis, .rows = rows, .cols = cols};
  view.trellis = {p.codes.data(), p.scales.data(),   p.scales2.data(), p.offset,
                  config.bits,    config.state_bits, config.block};
  std::vector<PackedPart> parts = {{"codes", DType::kU8, {sizes.strips, sizes.strip_bytes}, p.codes},
                                   {"scales", DType::kU8, {rows, sizes.blocks}, p.scales},
                                   {"scales2", DType::kF32, {sizes.groups}, p.scales2},
                                   {"offset", DType::kF32, {1}, offset}};
  return {{"tcq", to_string(config)}, std::move(parts), view, std::move(storage)};
}

// Offsets of opened matrices live here, beside what keeps the other parts alive.
struct Opened {
  float offset;
  std::shared_ptr<const void> parts;
};

}  // namespace

float trellis_most_scale() { return std::numeric_limits<float>::max() / 1024.0F; }

TrellisStored::TrellisStored(std::int64_t rows, std::int64_t cols, const TrellisConfig& config,
                             std::string_view who)
    : rows(rows),
      cols(cols),
      config(config),
      sizes(trellis_sizes(rows, cols, config, who)),
      codes(static_cast<std::size_t>(sizes.codes_bytes)),
      scales(static_cast<std::size_t>(sizes.scales_bytes)),
      scales2(static_cast<std::size_t>(sizes.groups)) {}

backends::PackedView TrellisStored::view() const {
  backends::PackedView view{.layout = backends::PackedLayout::kTrellis, .rows = rows, .cols = cols};
  view.trellis = {codes.data(), scales.data(),     scales2.data(), offset,
                  config.bits,  config.state_bits, config.block};
  return view;
}

float TrellisStored::step(std::int64_t index) const {
  return scales2[static_cast<std::size_t>(index / backends::kTrellisBlocks2)] / 255.0F;
}

float TrellisStored::scale(std::int64_t index) const {
  const float product = static_cast<float>(scales[static_cast<std::size_t>(index)]) * step(index);
  return offset + product;
}

PackedMatrix packed_trellis(std::shared_ptr<const TrellisStored> stored) {
  const auto bytes_of = [](const float* from, std::size_t count) {
    return std::span(reinterpret_cast<const std::uint8_t*>(from), 4 * count);
  };
  const TrellisStored& s = *stored;
  const TrellisParts parts{s.codes, s.scales, bytes_of(s.scales2.data(), s.scales2.size()), s.offset};
  return trellis_matrix_of(s.rows, s.cols, s.config, s.sizes, parts, bytes_of(&s.offset, 1),
                           std::move(stored));
}

PackedMatrix open_trellis(std::int64_t rows, std::int64_t cols, const TrellisConfig& config,
                          const TrellisParts& parts, std::string_view who,
                          std::shared_ptr<const void> keep_alive) {
  TrellisSizes sizes;
  try {
    sizes = trellis_sizes(rows, cols, config, who);
  } catch (const Error& e) {
    throw Error(ErrorCode::kCorruptFile, e.what());
  }
  check_bytes(who, "codes", parts.codes.size(), sizes.codes_bytes, rows, cols, config);
  check_bytes(who, "scales", parts.scales.size(), sizes.scales_bytes, rows, cols, config);
  check_bytes(who, "scales2", parts.scales2.size(), 4 * sizes.groups, rows, cols, config);
  const float most = trellis_most_scale();
  LQ_CHECK(parts.offset >= 0.0F && parts.offset <= most && !std::signbit(parts.offset), kCorruptFile,
           "{}: offset is {}, but must be from 0 to {}", who, parts.offset, most);
  for (std::int64_t g = 0; g < sizes.groups; ++g) {
    float scale2;
    std::memcpy(&scale2, parts.scales2.data() + 4 * g, sizeof scale2);
    LQ_CHECK(scale2 >= 0.0F && scale2 <= most && !std::signbit(scale2), kCorruptFile,
             "{}: scales2[{}] is {}, but must be from 0 to {}", who, g, scale2, most);
  }
  auto opened = std::make_shared<const Opened>(Opened{parts.offset, std::move(keep_alive)});
  const std::span offset(reinterpret_cast<const std::uint8_t*>(&opened->offset), sizeof(float));
  return trellis_matrix_of(rows, cols, config, sizes, parts, offset, std::move(opened));
}

}  // namespace lq
