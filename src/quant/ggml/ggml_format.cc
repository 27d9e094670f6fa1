#include "quant/ggml/ggml_format.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <utility>

#include "base/error.h"
#include "quant/format_text.h"
#include "quant/ggml/dequantize.h"
#include "quant/ggml/ggml_form.h"
#include "quant/ggml/ggml_quantizer.h"

namespace lq {
namespace {

using ggml::BlockKind;

const BlockKind& kind_named(std::string_view text, std::string_view who) {
  text = trimmed(text);
  const auto kinds = ggml::block_kinds();
  const auto at = std::ranges::find(kinds, text, &BlockKind::parameters);
  if (at != kinds.end()) return *at;
  std::vector<std::string_view> known;
  for (const BlockKind& kind : kinds) known.push_back(kind.parameters);
  fail(ErrorCode::kInvalidArgument, "{}: \"{}\" is no type of format ggml, which has {}, such as ggml,q4_k",
       who, text, fmt::join(known, ", "));
}

const BlockKind& kind_of(std::string_view parameters) { return kind_named(parameters, "ggml"); }

double bits_of(const BlockKind& kind) { return ggml::type_info(kind.type).bits_per_weight(); }

}  // namespace

std::vector<std::string> ggml_type_names() {
  std::vector<std::string> names;
  for (const BlockKind& kind : ggml::block_kinds()) names.emplace_back(kind.parameters);
  return names;
}

const BlockKind& ggml_kind_of(const BlockKind& kind, std::int64_t rows, std::int64_t cols,
                              std::string_view who) {
  check_packed_shape(rows, cols, who);
  const BlockKind* const fits = ggml::fitting_kind(kind, cols);
  LQ_CHECK(
      fits != nullptr, kInvalidArgument,
      "{}: rows of {} weights, but ggml's types have blocks of 32: leave the matrix out, or choose another "
      "format",
      who, cols);
  return *fits;
}

ggml::GgmlType ggml_type_of(std::string_view parameters, std::int64_t rows, std::int64_t cols) {
  return ggml_kind_of(kind_of(parameters), rows, cols, "ggml").type;
}

PackedMatrix ggml_matrix(const BlockKind& kind, std::int64_t rows, std::int64_t cols,
                         std::span<const std::uint8_t> blocks, std::string_view who,
                         std::shared_ptr<const void> storage) {
  const BlockKind& stored = ggml_kind_of(kind, rows, cols, who);
  const backends::PackedView view{.layout = backends::PackedLayout::kStored,
                                  .rows = rows,
                                  .cols = cols,
                                  .stored = {.form = &ggml::stored_form(stored.type),
                                             .data = reinterpret_cast<const std::byte*>(blocks.data())}};
  const std::int64_t stride = cols / stored.weights * ggml::type_info(stored.type).bytes;
  std::vector<PackedPart> parts = {{"blocks", DType::kU8, {rows, stride}, blocks}};
  return {{"ggml", std::string(kind.parameters)}, std::move(parts), view, std::move(storage)};
}

std::string GgmlFormat::parse(std::string_view parameters, std::string_view who) const {
  return std::string(kind_named(parameters, who).parameters);
}

std::string GgmlFormat::uniform(int bits) const {
  switch (bits) {
    case 2:
      return "q2_k";
    case 3:
      return "q3_k";
    case 4:
      return "q4_k";
    case 5:
      return "q5_k";
    case 6:
      return "q6_k";
    case 8:
      return "q8_0";
    default:
      fail(ErrorCode::kInvalidArgument, "{} bits for every matrix: format ggml has 2, 3, 4, 5, 6 and 8",
           bits);
  }
}

std::vector<std::string> GgmlFormat::choices(ChoiceSet /*set*/) const {
  std::vector<std::string> choices;
  for (const BlockKind& kind : ggml::block_kinds()) choices.emplace_back(kind.parameters);
  return choices;
}

double GgmlFormat::bits_per_weight(std::string_view parameters) const { return bits_of(kind_of(parameters)); }

SweepPlace GgmlFormat::sweep_place(std::string_view parameters) const {
  const BlockKind& kind = kind_of(parameters);
  const int size = static_cast<int>(1000.0 * bits_of(kind));
  return {.order = {-size, static_cast<int>(kind.type)},
          .group = {kind.codes},
          .anchor = {kind.codes},
          .curve = {kind.codes},
          .grid = {static_cast<int>(kind.type)},
          .alone = false,
          .width = static_cast<int>(std::bit_width(static_cast<unsigned>(kind.codes - 1)))};
}

std::unique_ptr<Quantizer> GgmlFormat::quantizer(std::string_view parameters,
                                                 const QuantizerOptions& options) const {
  return std::make_unique<GgmlQuantizer>(kind_of(parameters), options);
}

std::vector<TensorSpec> GgmlFormat::parts(std::string_view parameters, std::int64_t rows, std::int64_t cols,
                                          std::string_view who) const {
  const BlockKind& kind = ggml_kind_of(kind_of(parameters), rows, cols, who);
  return {{"blocks", DType::kU8, {rows, cols / kind.weights * ggml::type_info(kind.type).bytes}}};
}

PackedMatrix GgmlFormat::open(std::string_view parameters, std::int64_t rows, std::int64_t cols,
                              std::span<const std::span<const std::uint8_t>> bytes, std::string_view who,
                              std::shared_ptr<const void> keep_alive) const {
  const BlockKind& kind = kind_of(parameters);
  const BlockKind& stored = ggml_kind_of(kind, rows, cols, who);
  const std::int64_t block_bytes = ggml::type_info(stored.type).bytes;
  const std::int64_t blocks = rows * (cols / stored.weights);
  LQ_CHECK(bytes[0].size() == static_cast<std::size_t>(blocks * block_bytes), kCorruptFile,
           "{}: {} bytes of blocks, but shape [{}, {}] in {} needs {}", who, bytes[0].size(), rows, cols,
           ggml::type_info(stored.type).name, blocks * block_bytes);
  std::array<float, ggml::kMostWeights> values{};
  for (std::int64_t block = 0; block < blocks; ++block) {
    ggml::dequantize(stored.type, reinterpret_cast<const std::byte*>(bytes[0].data()) + block * block_bytes,
                     0, stored.weights, values.data());
    const auto end = values.begin() + stored.weights;
    LQ_CHECK(std::all_of(values.begin(), end, [](float x) { return std::isfinite(x); }), kCorruptFile,
             "{}: blocks: block {} holds a number that is not finite", who, block);
  }
  return ggml_matrix(kind, rows, cols, bytes[0], who, std::move(keep_alive));
}

}  // namespace lq
