#include "quant/codebook/codebook_format.h"

#include <cstring>
#include <optional>
#include <utility>

#include "base/error.h"
#include "quant/codebook/codebook_matrix.h"
#include "quant/codebook/codebook_quantizer.h"
#include "quant/format_text.h"

namespace lq {
namespace {

// Fine codes under coarse scales: what is lost is lost by clamping, each way to a decomposition ends
// elsewhere, and only decompose()'s own gives its error.
bool stands_alone(const CodebookConfig& c) {
  return (c.bits == 8 && c.scale_bits <= 4) || (c.bits >= 5 && c.scale_bits == 2);
}

bool is_lean(const CodebookConfig& c) {
  const bool fits = c.bits < 5 ? c.scale_bits <= 4 : c.bits < 8 ? c.scale_bits == 4 : c.scale_bits >= 4;
  return fits && c.scale2 == ScaleDType::kFp16 && c.block2 >= 64;
}

int parse_width(std::string_view text) {
  text = trimmed(text);
  const std::optional<int> bits = whole_number(text);
  LQ_CHECK(bits, kInvalidArgument,
           "configuration \"{}\": must be b,b0,b1,B0,B1 such as 3,8,fp32,64,256, or b alone", text);
  return *bits;
}

}  // namespace

std::string_view CodebookFormat::help() const {
  switch (kind_) {
    case CodebookKind::kNormalFloat:
      return "NormalFloat";
    case CodebookKind::kUniformInt:
      return "evenly spaced";
    case CodebookKind::kLloydMax:
      break;
  }
  return "Lloyd-Max";
}

std::string CodebookFormat::parse(std::string_view parameters, std::string_view who) const {
  try {
    if (parameters.find(',') == std::string_view::npos) return uniform(parse_width(parameters));
    return to_string(parse_codebook_config(parameters));
  } catch (const Error& e) {
    fail(e.code(), "{}: {}", who, e.what());
  }
}

std::vector<std::string> CodebookFormat::choices(ChoiceSet set) const {
  std::vector<std::string> choices;
  for (const CodebookConfig& c : every_codebook_config()) {
    if (set == ChoiceSet::kAll || is_lean(c)) choices.push_back(to_string(c));
  }
  return choices;
}

double CodebookFormat::bits_per_weight(std::string_view parameters) const {
  return codebook_bits_per_weight(parse_codebook_config(parameters));
}

SweepPlace CodebookFormat::sweep_place(std::string_view parameters) const {
  const CodebookConfig c = parse_codebook_config(parameters);
  const bool alone = stands_alone(c);
  // The alternation is sticky: factors that have settled beside one block size or scale width end 5 to 20 %
  // too high beside another. How many blocks share a second-level scale matters as much where scales are
  // coarse against the codes; otherwise the second level changes little. Wide scales come before narrow ones:
  // they disturb least.
  const bool coarse = c.scale_bits <= 3;
  return {.order = {-c.bits, c.block, -c.scale_bits, c.block2, -static_cast<int>(c.scale2)},
          .group = {c.bits, c.block, c.scale_bits, c.bits == 8 || coarse ? c.block2 : 0},
          .anchor = {c.bits, c.block, c.scale_bits, coarse ? c.block2 : 0},
          .curve = {c.bits, c.block, alone ? 1 : 0},
          .grid = {c.bits, c.block},
          .alone = alone,
          .width = c.bits};
}

std::unique_ptr<Quantizer> CodebookFormat::quantizer(std::string_view parameters,
                                                     const QuantizerOptions& options) const {
  return std::make_unique<CodebookQuantizer>(
      parse_codebook_config(parameters),
      CodebookQuantizerOptions{.kind = kind_, .scales = options.scales, .feedback = options.feedback});
}

std::vector<TensorSpec> CodebookFormat::parts(std::string_view parameters, std::int64_t rows,
                                              std::int64_t cols, std::string_view who) const {
  const CodebookConfig config = parse_codebook_config(parameters);
  const CodebookSizes sizes = codebook_sizes(rows, cols, config, who);
  return {{"codes", DType::kU8, {sizes.codes_bytes}},
          {"scales", DType::kU8, {sizes.scales_bytes}},
          {"scales2", stored_dtype(config.scale2), {sizes.groups}},
          {"offset", DType::kF32, {1}}};
}

PackedMatrix CodebookFormat::open(std::string_view parameters, std::int64_t rows, std::int64_t cols,
                                  std::span<const std::span<const std::uint8_t>> bytes, std::string_view who,
                                  std::shared_ptr<const void> keep_alive) const {
  CodebookParts parts{.codes = bytes[0], .scales = bytes[1], .scales2 = bytes[2]};
  LQ_CHECK(bytes[3].size() == sizeof(parts.offset), kCorruptFile, "{}: offset has {} bytes, but must have 4",
           who, bytes[3].size());
  std::memcpy(&parts.offset, bytes[3].data(), sizeof(parts.offset));
  return packed_matrix(CodebookMatrix(rows, cols, parse_codebook_config(parameters), kind_, parts, who,
                                      std::move(keep_alive)));
}

}  // namespace lq
