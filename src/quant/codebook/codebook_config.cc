#include "quant/codebook/codebook_config.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/error.h"
#include "quant/codebook/codebook.h"
#include "quant/format_text.h"

namespace lq {
namespace {

constexpr std::array kBlocks = {16, 32, 64};
constexpr std::array kBlocks2 = {16, 64, 256};
constexpr std::array<std::string_view, 3> kDtypeNames = {"bf16", "fp16", "fp32"};
constexpr std::array<std::string_view, 5> kFields = {
    "b (bits of a code)", "b0 (bits of a scale)", "b1 (type of a second-level scale)",
    "B0 (weights per scale)", "B1 (scales per second-level scale)"};

template <typename Values, typename Value>
bool contains(const Values& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

void check_value(std::string_view who, std::size_t field, int value) {
  const auto check = [&](const auto& choices) {
    LQ_CHECK(contains(choices, value), kInvalidArgument, "{}: {} is {}, but must be one of {}", who,
             kFields[field], value, fmt::join(choices, ", "));
  };
  if (field == 0) {
    check(kCodeWidths);
  } else if (field == 1) {
    check(kScaleWidths);
  } else if (field == 3) {
    check(kBlocks);
  } else {
    check(kBlocks2);
  }
}

ScaleDType dtype_of(std::string_view name, std::string_view who) {
  const auto found = std::find(kDtypeNames.begin(), kDtypeNames.end(), name);
  LQ_CHECK(found != kDtypeNames.end(), kInvalidArgument, "{}: {} is \"{}\", but must be one of {}", who,
           kFields[2], name, fmt::join(kDtypeNames, ", "));
  return static_cast<ScaleDType>(found - kDtypeNames.begin());
}

template <typename Widths>
std::vector<CodebookConfig> enumerate(const Widths& code_widths) {
  std::vector<CodebookConfig> all;
  for (const int bits : code_widths) {
    for (const int scale_bits : kScaleWidths) {
      for (const ScaleDType scale2 : {ScaleDType::kBf16, ScaleDType::kFp16, ScaleDType::kFp32}) {
        for (const int block : kBlocks) {
          for (const int block2 : kBlocks2) all.push_back({bits, scale_bits, scale2, block, block2});
        }
      }
    }
  }
  return all;
}

}  // namespace

std::string_view scale_dtype_name(ScaleDType dtype) { return kDtypeNames[static_cast<std::size_t>(dtype)]; }

int scale_dtype_size(ScaleDType dtype) { return dtype == ScaleDType::kFp32 ? 4 : 2; }

void check_codebook_config(const CodebookConfig& config, std::string_view who) {
  check_value(who, 0, config.bits);
  check_value(who, 1, config.scale_bits);
  check_value(who, 3, config.block);
  check_value(who, 4, config.block2);
  LQ_CHECK(static_cast<std::size_t>(config.scale2) < kDtypeNames.size(), kInvalidArgument,
           "{}: {} has no such type as number {}", who, kFields[2], static_cast<int>(config.scale2));
}

CodebookConfig parse_codebook_config(std::string_view text) {
  const std::string who = fmt::format("configuration \"{}\"", text);
  std::array<std::string_view, 5> parts;
  std::size_t count = 0;
  for (std::string_view rest = text;;) {
    const std::size_t comma = rest.find(',');
    if (count < parts.size()) parts[count] = trimmed(rest.substr(0, comma));
    ++count;
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  LQ_CHECK(count == parts.size(), kInvalidArgument,
           "{}: {} parts, but must be five, b,b0,b1,B0,B1 such as 3,8,fp32,64,256", who, count);
  std::array<int, 5> numbers{};
  for (const std::size_t i : {0U, 1U, 3U, 4U}) {
    const std::optional<int> number = whole_number(parts[i]);
    LQ_CHECK(number, kInvalidArgument, "{}: {} is \"{}\", but must be a whole number", who, kFields[i],
             parts[i]);
    numbers[i] = *number;
    check_value(who, i, numbers[i]);
  }
  return {numbers[0], numbers[1], dtype_of(parts[2], who), numbers[3], numbers[4]};
}

std::string to_string(const CodebookConfig& config) {
  return fmt::format("{},{},{},{},{}", config.bits, config.scale_bits, scale_dtype_name(config.scale2),
                     config.block, config.block2);
}

double codebook_bits_per_weight(const CodebookConfig& config) {
  return config.bits + static_cast<double>(config.scale_bits) / config.block +
         8.0 * scale_dtype_size(config.scale2) / (static_cast<double>(config.block) * config.block2);
}

const std::vector<CodebookConfig>& all_nf_configs() {
  static const std::vector<CodebookConfig> all = enumerate(kScaleWidths);
  return all;
}

const std::vector<CodebookConfig>& every_codebook_config() {
  static const std::vector<CodebookConfig> all = enumerate(kCodeWidths);
  return all;
}

CodebookConfig uniform_codebook_config(int bits) {
  CodebookConfig config;
  config.bits = bits;
  check_codebook_config(config, "uniform configuration");
  return config;
}

}  // namespace lq
