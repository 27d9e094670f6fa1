#include "data/whole_numbers.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>

#include "base/error.h"

namespace lq {
namespace {

using Json = nlohmann::ordered_json;

bool is_wide(std::string_view number) {
  if (number.find_first_of(".eE") != std::string_view::npos) return false;
  const char* const last = number.data() + number.size();
  std::uint64_t positive = 0;
  std::int64_t negative = 0;
  const auto result = number.front() == '-' ? std::from_chars(number.data(), last, negative)
                                            : std::from_chars(number.data(), last, positive);
  return result.ec == std::errc::result_out_of_range;
}

// A floating-point number that a wide one may have become.
bool holds_rounded(const Json& value) {
  if (value.is_structured()) return std::ranges::any_of(value, holds_rounded);
  constexpr double kLeast = 9e18;
  return value.is_number_float() && std::abs(value.get<double>()) >= kLeast;
}

}  // namespace

bool has_wide_number(std::string_view text) {
  constexpr std::string_view kNumber = "-+.0123456789eE";
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      in_string = c != '"';
    } else if (c == '"') {
      in_string = true;
    } else if (c == '-' || (c >= '0' && c <= '9')) {
      const std::size_t end = std::min(text.find_first_not_of(kNumber, i), text.size());
      if (is_wide(text.substr(i, end - i))) return true;
      i = end - 1;
    }
  }
  return false;
}

void check_whole_numbers(std::string_view text, const Json& value, const std::string& where) {
  if (!value.is_structured()) return;
  const bool rounded = std::ranges::any_of(
      value, [](const Json& member) { return member.is_structured() && holds_rounded(member); });
  LQ_CHECK(!rounded || !has_wide_number(text), kCorruptFile,
           "{}: a whole number of more than 64 bits; write it as a string", where);
}

}  // namespace lq
