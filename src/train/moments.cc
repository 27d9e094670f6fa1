#include "train/moments.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <vector>

namespace lq {

// For each power of ten 10^-6 ... 10^0, evenly spaced fractions of [0.1, 1]: twice as many at each larger
// power.
MomentTable dynamic_table(bool is_signed) {
  constexpr int kPowers = 7;
  std::vector<double> all = {0.0, 1.0};
  for (int i = 0; i < kPowers; ++i) {
    const int count = 1 << (is_signed ? i : i + 1);
    for (int j = 0; j < count; ++j) {
      const double middle = 0.1 + 0.9 * (j + 0.5) / count;
      const double value = std::pow(10.0, i - (kPowers - 1)) * middle;
      all.push_back(value);
      if (is_signed) all.push_back(-value);
    }
  }
  std::sort(all.begin(), all.end());
  MomentTable table{};
  for (std::size_t i = 0; i < 256; ++i) table.values[i] = static_cast<float>(all[i]);
  for (std::size_t i = 0; i < 255; ++i) table.middles[i] = 0.5F * (table.values[i] + table.values[i + 1]);
  table.middles[255] = std::numeric_limits<float>::infinity();
  return table;
}

std::uint8_t code_of_zero(const MomentTable& table) {
  return static_cast<std::uint8_t>(std::find(std::begin(table.values), std::end(table.values), 0.0F) -
                                   std::begin(table.values));
}

}  // namespace lq
