#include "cudnn_view.h"

#include <cstring>

namespace cudnn_on_cpu {

char* View::at(const Index& i) const {
  const Index k = {s.n[0] == 1 ? 0 : i[0], s.n[1] == 1 ? 0 : i[1], s.n[2] == 1 ? 0 : i[turned ? 3 : 2],
                   s.n[3] == 1 ? 0 : i[turned ? 2 : 3]};
  std::int64_t offset = k[1] * s.by[1] + k[2] * s.by[2] + k[3] * s.by[3];
  if (begins.empty()) {
    offset += k[0] * s.by[0];
  } else {
    const auto n = static_cast<std::size_t>(i[0]);
    if (k[along] >= lengths[n]) return nullptr;
    offset += begins[n];
  }
  return data + offset * (narrow ? 2 : 4);
}

double View::read(const Index& i) const {
  const char* const p = at(i);
  if (p == nullptr) return 0.0;
  if (narrow) {
    std::uint16_t bits;
    std::memcpy(&bits, p, sizeof bits);
    return float_of_bits(std::uint32_t{bits} << 16);
  }
  if (type == 4) {
    std::int32_t whole;
    std::memcpy(&whole, p, sizeof whole);
    return whole;
  }
  float f;
  std::memcpy(&f, p, sizeof f);
  return f;
}

void View::write(const Index& i, double x) const {
  char* const p = at(i);
  if (p == nullptr) return;
  const float f = static_cast<float>(rounded(type, x));
  if (narrow) {
    std::uint32_t bits;
    std::memcpy(&bits, &f, sizeof bits);
    const auto half = static_cast<std::uint16_t>(bits >> 16);
    std::memcpy(p, &half, sizeof half);
  } else {
    std::memcpy(p, &f, sizeof f);
  }
}

}  // namespace cudnn_on_cpu
