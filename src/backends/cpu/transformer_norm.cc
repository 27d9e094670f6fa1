#include "backends/cpu/transformer_norm.h"

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/transformer_norm.cc"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// After foreach_target.h, so that it is compiled for every target.
#include "backends/cpu/transformer_loops-inl.h"

HWY_BEFORE_NAMESPACE();
namespace lq::backends::HWY_NAMESPACE {

void RmsNormForward(std::int64_t rows, std::int64_t cols, const float* HWY_RESTRICT x0,
                    const float* HWY_RESTRICT w, float eps, float* y0, float* HWY_RESTRICT rstd) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* x = x0 + r * cols;
    float* y = y0 + r * cols;
    const float squares = sum_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto v = hn::LoadU(d, x + i);
      return hn::Mul(v, v);
    });
    const float scale = 1.0F / std::sqrt(squares / static_cast<float>(cols) + eps);
    rstd[r] = scale;
    for_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto normal = hn::Mul(hn::LoadU(d, x + i), hn::Set(d, scale));
      hn::StoreU(hn::Mul(normal, hn::LoadU(d, w + i)), d, y + i);
    });
  }
}

void RmsNormBackward(std::int64_t rows, std::int64_t cols, const float* HWY_RESTRICT x0,
                     const float* HWY_RESTRICT w, const float* HWY_RESTRICT rstd,
                     const float* HWY_RESTRICT dy0, float* HWY_RESTRICT dx0, float* HWY_RESTRICT dw) {
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* x = x0 + r * cols;
    const float* dy = dy0 + r * cols;
    float* dx = dx0 + r * cols;
    const float scale = rstd[r];
    const float inner = sum_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR {
      return hn::Mul(hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, w + i)), hn::LoadU(d, x + i));
    });
    // dx = rstd * (dy * w) - x * rstd^3 * inner / cols
    const float along = -scale * scale * scale * inner / static_cast<float>(cols);
    for_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto g = hn::Mul(hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, w + i)), hn::Set(d, scale));
      const auto total = hn::MulAdd(hn::LoadU(d, x + i), hn::Set(d, along), g);
      hn::StoreU(hn::Add(hn::LoadU(d, dx + i), total), d, dx + i);
    });
    if (dw == nullptr) continue;
    for_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto normal = hn::Mul(hn::LoadU(d, x + i), hn::Set(d, scale));
      hn::StoreU(hn::MulAdd(hn::LoadU(d, dy + i), normal, hn::LoadU(d, dw + i)), d, dw + i);
    });
  }
}

void LayerNormForward(std::int64_t rows, std::int64_t cols, const float* x0, const float* HWY_RESTRICT w,
                      const float* HWY_RESTRICT b, float eps, float* y0, float* HWY_RESTRICT mean,
                      float* HWY_RESTRICT rstd) {
  const auto count = static_cast<float>(cols);
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* x = x0 + r * cols;
    float* y = y0 + r * cols;
    const float middle =
        sum_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR { return hn::LoadU(d, x + i); }) / count;
    const float squares = sum_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto v = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, middle));
      return hn::Mul(v, v);
    });
    const float scale = 1.0F / std::sqrt(squares / count + eps);
    mean[r] = middle;
    rstd[r] = scale;
    for_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto normal = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, middle)), hn::Set(d, scale));
      hn::StoreU(hn::MulAdd(normal, hn::LoadU(d, w + i), hn::LoadU(d, b + i)), d, y + i);
    });
  }
}

void LayerNormBackward(std::int64_t rows, std::int64_t cols, const float* HWY_RESTRICT x0,
                       const float* HWY_RESTRICT w, const float* HWY_RESTRICT mean,
                       const float* HWY_RESTRICT rstd, const float* HWY_RESTRICT dy0, float* HWY_RESTRICT dx0,
                       float* HWY_RESTRICT dw, float* HWY_RESTRICT db) {
  const auto count = static_cast<float>(cols);
  for (std::int64_t r = 0; r < rows; ++r) {
    const float* x = x0 + r * cols;
    const float* dy = dy0 + r * cols;
    float* dx = dx0 + r * cols;
    const float middle = mean[r];
    const float scale = rstd[r];
    const auto normal = [&](auto d, std::int64_t i) HWY_ATTR {
      return hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, middle)), hn::Set(d, scale));
    };
    const float level = sum_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR {
      return hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, w + i));
    });
    const float inner = sum_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR {
      return hn::Mul(hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, w + i)), normal(d, i));
    });
    // dx = rstd * (g - mean(g) - normal * mean(g * normal)), g = dy * w
    for_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto g = hn::Mul(hn::LoadU(d, dy + i), hn::LoadU(d, w + i));
      const auto rest =
          hn::NegMulAdd(normal(d, i), hn::Set(d, inner / count), hn::Sub(g, hn::Set(d, level / count)));
      hn::StoreU(hn::MulAdd(rest, hn::Set(d, scale), hn::LoadU(d, dx + i)), d, dx + i);
    });
    if (dw == nullptr) continue;
    for_lanes(cols, [&](auto d, std::int64_t i) HWY_ATTR {
      const auto g = hn::LoadU(d, dy + i);
      hn::StoreU(hn::MulAdd(g, normal(d, i), hn::LoadU(d, dw + i)), d, dw + i);
      hn::StoreU(hn::Add(hn::LoadU(d, db + i), g), d, db + i);
    });
  }
}

}  // namespace lq::backends::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace lq::backends {
HWY_EXPORT(RmsNormForward);
HWY_EXPORT(RmsNormBackward);
HWY_EXPORT(LayerNormForward);
HWY_EXPORT(LayerNormBackward);

void rms_norm_forward(std::int64_t rows, std::int64_t cols, const float* x, const float* w, float eps,
                      float* y, float* rstd) {
  HWY_DYNAMIC_DISPATCH(RmsNormForward)(rows, cols, x, w, eps, y, rstd);
}

void rms_norm_backward(std::int64_t rows, std::int64_t cols, const float* x, const float* w,
                       const float* rstd, const float* dy, float* dx, float* dw) {
  HWY_DYNAMIC_DISPATCH(RmsNormBackward)(rows, cols, x, w, rstd, dy, dx, dw);
}

void layer_norm_forward(std::int64_t rows, std::int64_t cols, const float* x, const float* w, const float* b,
                        float eps, float* y, float* mean, float* rstd) {
  HWY_DYNAMIC_DISPATCH(LayerNormForward)(rows, cols, x, w, b, eps, y, mean, rstd);
}

void layer_norm_backward(std::int64_t rows, std::int64_t cols, const float* x, const float* w,
                         const float* mean, const float* rstd, const float* dy, float* dx, float* dw,
                         float* db) {
  HWY_DYNAMIC_DISPATCH(LayerNormBackward)(rows, cols, x, w, mean, rstd, dy, dx, dw, db);
}

}  // namespace lq::backends
#endif
