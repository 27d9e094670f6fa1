#include "linalg/randomized_svd.h"

#include <algorithm>

#include "backends/cpu/gemm.h"
#include "base/error.h"
#include "base/rng.h"
#include "linalg/orthonormalize.h"
#include "linalg/small_dense.h"

namespace lq {

LowRankSvd randomized_svd(ThreadPool& pool, std::int64_t m, std::int64_t n, const float* a,
                          const RandomizedSvdOptions& o) {
  LQ_CHECK(o.rank >= 0 && o.rank <= std::min(m, n), kInvalidArgument,
           "rank {} of a {} x {} matrix must be between 0 and {}", o.rank, m, n, std::min(m, n));
  const std::int64_t r = o.rank;
  if (r == 0) return {};
  const std::int64_t p = std::min({r + std::max<std::int64_t>(o.oversampling, 0), m, n});
  const auto count = [](std::int64_t x, std::int64_t y) { return static_cast<std::size_t>(x * y); };

  std::vector<float> v(count(p, n));  // rows
  const std::int64_t given = o.start == nullptr ? 0 : std::min(o.start_rows, p);
  if (given > 0) std::copy(o.start, o.start + given * n, v.begin());
  Rng(o.seed, o.stream).fill_normal(pool, v.data() + given * n, (p - given) * n);

  std::vector<float> u(count(m, p));
  std::vector<float> z(count(n, p));
  std::vector<float> work;
  backends::gemm(pool, m, p, n, a, n, v.data(), n, u.data(), p, {.trans_b = true});
  orthonormalize(pool, m, p, u, work);
  for (int i = 0; i < o.power_iterations; ++i) {
    backends::gemm(pool, n, p, m, a, n, u.data(), p, z.data(), p, {.trans_a = true});
    orthonormalize(pool, n, p, z, work);
    u.resize(count(m, p));
    backends::gemm(pool, m, p, n, a, n, z.data(), p, u.data(), p);
    orthonormalize(pool, m, p, u, work);
    z.resize(count(n, p));
  }

  // a^T u = q c with c [p, p], so a ~ u c^T q^T; with c^T = f s g^T: a ~ (u f) s (q g)^T.
  backends::gemm(pool, n, p, m, a, n, u.data(), p, z.data(), p, {.trans_a = true});
  std::vector<float> q = z;
  orthonormalize(pool, n, p, q, work);
  std::vector<float> c(count(p, p));  // z^T q = c^T
  backends::gemm(pool, p, p, n, z.data(), p, q.data(), p, c.data(), p, {.trans_a = true});
  const Svd small = svd(p, p, std::vector<double>(c.begin(), c.end()).data());

  LowRankSvd out{std::vector<float>(count(m, r)), std::vector<float>(small.s.begin(), small.s.begin() + r),
                 std::vector<float>(count(r, n))};
  std::vector<float> f(small.u.begin(), small.u.end());
  std::vector<float> g(small.vt.begin(), small.vt.end());  // rows: g^T
  backends::gemm(pool, m, r, p, u.data(), p, f.data(), p, out.u.data(), r);
  backends::gemm(pool, r, n, p, g.data(), p, q.data(), p, out.vt.data(), n, {.trans_b = true});
  return out;
}

}  // namespace lq
