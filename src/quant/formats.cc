#include <array>

#include "base/error.h"
#include "quant/codebook/codebook_format.h"
#include "quant/format.h"
#include "quant/ggml/ggml_format.h"
#include "quant/int_row.h"
#include "quant/trellis/trellis_format.h"

namespace lq {
namespace {

std::string all_names() {
  std::string names;
  for (const QuantFormat* format : quant_formats()) {
    if (!names.empty()) names += ", ";
    names += format->name();
  }
  return names;
}

}  // namespace

std::span<const QuantFormat* const> quant_formats() {
  static const CodebookFormat nf(CodebookKind::kNormalFloat);
  static const CodebookFormat uniform(CodebookKind::kUniformInt);
  static const CodebookFormat lloyd_max(CodebookKind::kLloydMax);
  static const IntRowFormat int_row;
  static const TrellisFormat trellis;
  static const GgmlFormat ggml_blocks;
  static const std::array<const QuantFormat*, 6> kTable = {&nf,      &uniform, &lloyd_max,
                                                           &int_row, &trellis, &ggml_blocks};
  return kTable;
}

const QuantFormat* find_quant_format(std::string_view name) {
  for (const QuantFormat* format : quant_formats()) {
    if (format->name() == name) return format;
  }
  return nullptr;
}

const QuantFormat& quant_format(std::string_view name, std::string_view who) {
  const QuantFormat* format = find_quant_format(name);
  LQ_CHECK(format != nullptr, kInvalidArgument, "{}: format \"{}\", but there are {}", who, name,
           all_names());
  return *format;
}

QuantChoice parse_choice(std::string_view text, std::string_view who) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  const std::size_t end = std::min(text.find_first_of(" ,"), text.size());
  const QuantFormat& format = quant_format(text.substr(0, end), who);
  const std::string_view rest = end == text.size() ? std::string_view() : text.substr(end + 1);
  return {std::string(format.name()), format.parse(rest, who)};
}

double choice_bits_per_weight(const QuantChoice& choice) {
  return quant_format(choice.format, "choice").bits_per_weight(choice.parameters);
}

double stored_bits_per_weight(const QuantChoice& choice, std::int64_t rows, std::int64_t cols) {
  std::int64_t bytes = 0;
  for (const TensorSpec& part :
       quant_format(choice.format, "choice").parts(choice.parameters, rows, cols, choice.name())) {
    bytes += static_cast<std::int64_t>(part.bytes());
  }
  return 8.0 * static_cast<double>(bytes) / static_cast<double>(rows * cols);
}

std::unique_ptr<Quantizer> make_quantizer(const QuantChoice& choice, const QuantizerOptions& options) {
  return quant_format(choice.format, "choice").quantizer(choice.parameters, options);
}

}  // namespace lq
