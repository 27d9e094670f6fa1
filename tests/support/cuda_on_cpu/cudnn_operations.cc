// The arithmetic of a graph's operations.
#include <algorithm>
#include <cmath>

#include "cudnn_run.h"

namespace cudnn_on_cpu {

int Run::pointwise(const Descriptor& o) {
  const Descriptor& how = *o.part(750);
  const int mode = how.get<int>(0);
  const bool backward = mode == 201;
  const Descriptor& x = *o.part(751);
  const Descriptor* const b = o.part(backward ? 757 : 752);
  const Descriptor* const t = o.part(758);
  const Descriptor& y = *o.part(backward ? 756 : 753);
  const std::int64_t axis = how.has(9) ? how.get<std::int64_t>(9) : -1;
  const bool wrong = option("LQ_CPU_CUDNN_FAULT", 0) == 2;
  const View vx = view(x), vy = view(y);
  const View vb = b != nullptr ? view(*b) : View{};
  const View vt = t != nullptr ? view(*t) : View{};
  int status = 0;
  each(vy.s, [&](const Index& i) {
    const double p = mode == 501 ? 0.0 : vx.read(i);
    const double q = b != nullptr ? vb.read(i) : NAN;
    double r = NAN;
    switch (mode) {
      case 0:
        r = p + q;
        break;
      case 1:
        r = p * q;
        break;
      case 6:
        r = p / q;
        break;
      case 9:
        r = p - q;
        break;
      case 13:
        r = std::exp(p);
        break;
      case 15:
        r = std::log(p);
        break;
      case 101:
        r = std::tanh(p);
        break;
      case 201:
        r = q * (1.0 - std::tanh(p) * std::tanh(p));
        break;
      case 302:
        r = p > q;
        break;
      case 303:
        r = wrong ? p > q : p >= q;
        break;
      case 304:
        r = p < q;
        break;
      case 400:
        r = p != 0.0 && q != 0.0;
        break;
      case 501:
        r = static_cast<double>(i[axis]);
        break;
      case 601:
        r = vt.read(i) != 0.0 ? p : q;
        break;
      default:
        status = kBad;
    }
    vy.write(i, r);
  });
  finish(y);
  return status;
}

int Run::product(const Descriptor& o) {
  const Descriptor& a = *o.part(1520);
  const Descriptor& b = *o.part(1521);
  const Descriptor& c = *o.part(1522);
  const Shape sa = shape_of(a), sb = shape_of(b), sc = shape_of(c);
  if (sa.n[3] != sb.n[2] || sc.n[2] != sa.n[2] || sc.n[3] != sb.n[3] || sa.n[1] != sc.n[1] ||
      sc.n[1] % sb.n[1] != 0)
    return kBad;
  const std::int64_t group = sc.n[1] / sb.n[1];
  const View va = view(a), vb = view(b), vc = view(c);
  const auto length = [&](int name, std::int64_t i, std::int64_t whole) {
    const Descriptor* const l = o.part(name);
    return l == nullptr ? whole : int_at(id_of(*l), i);
  };
  std::vector<double> left, right;
  for (std::int64_t n = 0; n < sc.n[0]; ++n) {
    const std::int64_t rows = length(1525, n, sc.n[2]);
    const std::int64_t cols = length(1526, n, sc.n[3]);
    const std::int64_t depth = length(1527, n, sa.n[3]);
    if (rows > sc.n[2] || cols > sc.n[3] || depth > sa.n[3]) return kBad;
    for (std::int64_t h = 0; h < sc.n[1]; ++h) {
      left.assign(static_cast<std::size_t>(rows * depth), 0.0);
      right.assign(static_cast<std::size_t>(cols * depth), 0.0);
      for (std::int64_t k = 0; k < depth; ++k) {
        for (std::int64_t i = 0; i < rows; ++i) {
          const Index from = {n, h, i, k};
          // What multiplies is bf16, whatever it is called on the way.
          left[static_cast<std::size_t>(i * depth + k)] = rounded(9, va.read(from));
        }
        for (std::int64_t j = 0; j < cols; ++j) {
          const Index from = {n, h / group, k, j};
          right[static_cast<std::size_t>(j * depth + k)] = vb.read(from);
        }
      }
      for (std::int64_t i = 0; i < sc.n[2]; ++i) {
        for (std::int64_t j = 0; j < sc.n[3]; ++j) {
          double sum = 0.0;
          if (i < rows && j < cols) {
            const double* const l = left.data() + i * depth;
            const double* const r = right.data() + j * depth;
            for (std::int64_t k = 0; k < depth; ++k) sum += l[k] * r[k];
          }
          const Index to = {n, h, i, j};
          vc.write(to, sum);
        }
      }
    }
  }
  finish(c);
  return 0;
}

int Run::reduction(const Descriptor& o) {
  const Descriptor& x = *o.part(1610);
  const Descriptor& y = *o.part(1611);
  const bool largest = o.part(1612)->get<int>(1600) == 3;
  const Shape sx = shape_of(x), sy = shape_of(y);
  std::int64_t share[4];  // elements of x for one of y
  for (int d = 0; d < 4; ++d) {
    if (sx.n[d] % sy.n[d] != 0) return kBad;
    share[d] = sx.n[d] / sy.n[d];
  }
  const View vx = view(x), vy = view(y);
  each(sy, [&](const Index& to) {
    double all = largest ? -INFINITY : 0.0;
    each({{share[0], share[1], share[2], share[3]}, {}}, [&](const Index& k) {
      Index from;
      for (int d = 0; d < 4; ++d) from[d] = to[d] * share[d] + k[d];
      const double v = vx.read(from);
      all = largest ? std::max(all, v) : all + v;
    });
    vy.write(to, all);
  });
  finish(y);
  return 0;
}

int Run::reshape(const Descriptor& o) {
  const Descriptor& x = *o.part(2200);
  const Descriptor& y = *o.part(2201);
  const Shape sx = shape_of(x), sy = shape_of(y);
  for (int d = 0; d < 4; ++d) {
    const int e = d < 2 ? d : 5 - d;
    if (sx.n[d] != sy.n[e] || sx.by[d] != sy.by[e]) return kBad;
  }
  if (!is_virtual(x)) {
    aliases_[id_of(y)] = &x;
    made_[id_of(y)] = nullptr;
    return 0;
  }
  const View vx = view(x), vy = view(y);
  each(sy, [&](const Index& i) {
    const Index from = {i[0], i[1], i[3], i[2]};
    vy.write(i, vx.read(from));
  });
  return 0;
}

}  // namespace cudnn_on_cpu
