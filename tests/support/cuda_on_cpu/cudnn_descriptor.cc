#include "cudnn_descriptor.h"

#include <cmath>
#include <cstdlib>

namespace cudnn_on_cpu {

long option(const char* name, long otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr || *text == 0 ? otherwise : std::atol(text);
}

Shape shape_of(const Descriptor& t) {
  Shape s;
  for (std::size_t i = 0; i < 4; ++i) {
    s.n[i] = t.get<std::int64_t>(902, i);
    s.by[i] = t.get<std::int64_t>(903, i);
  }
  return s;
}
std::int64_t id_of(const Descriptor& t) { return t.get<std::int64_t>(906); }
int type_of(const Descriptor& t) { return t.get<int>(901); }
bool is_virtual(const Descriptor& t) { return t.has(907) && t.get<bool>(907); }
bool by_value(const Descriptor& t) { return t.has(908) && t.get<bool>(908); }

float float_of_bits(std::uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
double rounded(int type, double x) {
  const float f = static_cast<float>(x);
  if (type != 9 || std::isnan(f)) return f;
  std::uint32_t u;
  std::memcpy(&u, &f, sizeof u);
  return float_of_bits((u + 0x7fffU + (u >> 16 & 1U)) & 0xffff0000U);
}

}  // namespace cudnn_on_cpu
