#include "base/byte_size.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "base/option_error.h"

namespace lq {
namespace {

// 0: no such unit.
double unit_bytes(const std::string& unit) {
  static constexpr std::string_view kLetters = "kmgt";
  if (unit.empty() || unit == "b") return 1.0;
  const std::size_t power = kLetters.find(unit[0]);
  if (power == std::string_view::npos) return 0.0;
  const std::string rest = unit.substr(1);
  if (rest.empty() || rest == "ib") return std::pow(1024.0, static_cast<double>(power + 1));
  if (rest == "b") return std::pow(1000.0, static_cast<double>(power + 1));
  return 0.0;
}

}  // namespace

std::int64_t parse_byte_size(std::string_view text, std::string_view option) {
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string unit;
  if (error == std::errc()) {
    for (const char* c = end; c != text.data() + text.size(); ++c) {
      if (*c != ' ') unit += static_cast<char>(std::tolower(static_cast<unsigned char>(*c)));
    }
  }
  const double bytes = error == std::errc() ? number * unit_bytes(unit) : 0.0;
  check_option(bytes >= 1.0 && bytes <= 0x1p60, option,
               "is '{}', but must be a number and a unit, such as 6GiB, 500MB or 4096", text);
  return static_cast<std::int64_t>(bytes);
}

std::string byte_size_text(std::int64_t bytes) {
  static constexpr std::pair<std::int64_t, std::string_view> kUnits[] = {{std::int64_t{1} << 40, "TiB"},
                                                                         {1'000'000'000'000, "TB"},
                                                                         {std::int64_t{1} << 30, "GiB"},
                                                                         {1'000'000'000, "GB"},
                                                                         {1 << 20, "MiB"},
                                                                         {1'000'000, "MB"},
                                                                         {1 << 10, "KiB"},
                                                                         {1'000, "KB"}};
  for (const auto& [size, unit] : kUnits) {
    if (bytes % size == 0) return std::to_string(bytes / size) + std::string(unit);
  }
  return std::to_string(bytes);
}

}  // namespace lq
