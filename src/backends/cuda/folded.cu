#include "backends/cuda/folded.h"

#include "backends/cuda/blas.h"
#include "backends/cuda/folded_element.h"
#include "backends/cuda/launch.h"
#include "backends/cuda/weights.h"

namespace lq::backends::cuda {
namespace {

using Half = std::uint16_t;

struct NarrowRows {
  StridedRows to;
  const float* x;
  Half* out;
  bool aligned;
  __device__ void operator()(std::int64_t i) const {
    const RunOfRow run = run_of_row(i, to.cols);
    const float* const from = x + run.row * to.cols + run.col;
    Half* const at = out + run.row * to.stride + run.col;
    if (!aligned) {
      for (int e = 0; e < run.count; ++e) at[e] = bf16_of_float(from[e]);
      return;
    }
    const float4 a = reinterpret_cast<const float4*>(from)[0];
    const float4 b = reinterpret_cast<const float4*>(from)[1];
    uint4 all;
    all.x = pair_of_halves(bf16_of_float(a.x), bf16_of_float(a.y));
    all.y = pair_of_halves(bf16_of_float(a.z), bf16_of_float(a.w));
    all.z = pair_of_halves(bf16_of_float(b.x), bf16_of_float(b.y));
    all.w = pair_of_halves(bf16_of_float(b.z), bf16_of_float(b.w));
    *reinterpret_cast<uint4*>(at) = all;
  }
};

bool begins_a_run(const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; }

// out[row * stride + col] = x[row, col], rounded.
void narrow_rows(DeviceQueue& queue, std::int64_t rows, std::int64_t cols, const float* x,
                 std::int64_t stride, Half* out) {
  const bool aligned = cols % kFoldRun == 0 && stride % kFoldRun == 0 && begins_a_run(x) && begins_a_run(out);
  for_each(queue, "rounding to bf16", runs_of(rows, cols), NarrowRows{{cols, stride}, x, out, aligned});
}

FoldedLayout layout_of(const FoldedWeight* weights, int count) {
  FoldedLayout all;
  all.cols = weights[0].w.cols;
  for (int i = 0; i < count; ++i) {
    all.rows += weights[i].w.rows;
    for (int p = 0; p < weights[i].count; ++p) all.rank += weights[i].parts[p].rank;
  }
  return all;
}

// A low-rank part, and where it lies.
struct PlacedPart {
  const FoldedPart* part;
  std::int64_t out;   // outputs of its weight,
  std::int64_t top;   // which begin at this row
  std::int64_t rank;  // at this place among all ranks,
  std::int64_t low;   // and at this one among those that see x (in backward)
};

struct PlacedParts {
  PlacedPart of[kMostFolded * kMostFoldedParts];
  int count = 0;
  std::int64_t seeing = 0;  // ranks of those that see x
};

PlacedParts places_of(const FoldedWeight* weights, int count) {
  PlacedParts all;
  std::int64_t top = 0;
  std::int64_t rank = 0;
  for (int i = 0; i < count; ++i) {
    for (int p = 0; p < weights[i].count; ++p) {
      const FoldedPart& part = weights[i].parts[p];
      all.of[all.count++] = {&part, weights[i].w.rows, top, rank, all.seeing};
      rank += part.rank;
      if (!part.apart) all.seeing += part.rank;
    }
    top += weights[i].w.rows;
  }
  return all;
}

// All B with their scales, zeros between them, in the last columns.
void write_b(DeviceQueue& queue, const FoldedLayout& layout, const PlacedParts& parts, Half* matrix) {
  WriteFactors write{{}, layout.rank, layout.stride(), matrix + layout.cols};
  for (int i = 0; i < parts.count; ++i) {
    const PlacedPart& p = parts.of[i];
    write.factors.of[write.factors.count++] = {p.part->b, p.out,  p.part->rank,
                                               p.top,     p.rank, p.part->scaling};
  }
  for_each(queue, "low-rank factors", runs_of(layout.rows, layout.rank), write);
}

// A of all parts that see x, in the last rows: at their places among all ranks, or close together.
void write_a(DeviceQueue& queue, const FoldedLayout& layout, const PlacedParts& parts, bool together,
             Half* matrix) {
  WriteFactors write{{}, layout.cols, layout.stride(), matrix + layout.rows * layout.stride()};
  for (int i = 0; i < parts.count; ++i) {
    const PlacedPart& p = parts.of[i];
    if (p.part->apart) continue;
    write.factors.of[write.factors.count++] = {
        p.part->a, p.part->rank, layout.cols, together ? p.low : p.rank, 0, 1.0F};
  }
  if (write.factors.count == 0) return;
  const std::int64_t rows = together ? parts.seeing : layout.rank;
  for_each(queue, "low-rank factors", runs_of(rows, layout.cols), write);
}

// The weights decoded; what lies beside and below them is whatever it was.
Half* decoded(DeviceQueue& queue, const FoldedWeight* weights, int count, const FoldedLayout& layout) {
  const void* codes[kMostFolded];
  std::uint64_t shape = static_cast<std::uint64_t>(layout.stride());
  for (int i = 0; i < count; ++i) {
    codes[i] = codes_of(weights[i].w);
    // Who lies below the first: any mixture will do.
    shape = shape * 0x9e3779b97f4a7c15U + reinterpret_cast<std::uintptr_t>(codes[i]);
  }
  const std::int64_t n = layout.elements();
  const DecodedRing::Place place =
      queue.decoded.place(codes[0], static_cast<std::size_t>(n) * sizeof(Half), release_count(), shape);
  Half* const matrix = place.fits ? reinterpret_cast<Half*>(queue.decoded_bytes.data + place.offset)
                                  : buffer_of<Half>(queue, Buffer::kWeight, n);
  if (place.there) return matrix;
  std::int64_t top = 0;
  for (int i = 0; i < count; ++i) {
    decode_bf16(queue, weights[i].w, matrix + top * layout.stride(), layout.stride());
    top += weights[i].w.rows;
  }
  return matrix;
}

// c = op(a) op(b); what else is set is the caller's.
BlasProduct product_of(std::int64_t m, std::int64_t n, std::int64_t k, const Half* a, std::int64_t lda,
                       const Half* b, std::int64_t ldb) {
  BlasProduct q;
  q.m = m;
  q.n = n;
  q.k = k;
  q.type = BlasType::kBf16;
  q.a.data = a;
  q.a.ld = lda;
  q.b.data = b;
  q.b.ld = ldb;
  return q;
}

void multiply_into(DeviceQueue& queue, BlasProduct q, Half* c, std::int64_t ldc) {
  q.rounded_c = c;
  q.ldc = ldc;
  queue.blas->multiply(q);
}

// c = , or c += alpha times, without gaps.
void multiply_onto(DeviceQueue& queue, BlasProduct q, float alpha, bool accumulate, float* c) {
  q.c = c;
  q.ldc = q.n;
  q.alpha = alpha;
  q.beta = accumulate ? 1.0F : 0.0F;
  queue.blas->multiply(q);
}

// u behind x: of neighbours that see x by one product.
void write_u(DeviceQueue& queue, const FoldedLayout& layout, const PlacedParts& parts, std::int64_t n,
             const Half* matrix, Half* left) {
  const std::int64_t stride = layout.stride();
  for (int i = 0; i < parts.count;) {
    const PlacedPart& first = parts.of[i];
    Half* const to = left + layout.cols + first.rank;
    if (first.part->apart) {
      narrow_rows(queue, n, first.part->rank, first.part->u, stride, to);
      ++i;
      continue;
    }
    std::int64_t rank = 0;
    for (; i < parts.count && !parts.of[i].part->apart; ++i) rank += parts.of[i].part->rank;
    BlasProduct q =
        product_of(n, rank, layout.cols, left, stride, matrix + (layout.rows + first.rank) * stride, stride);
    q.b.transposed = true;
    multiply_into(queue, q, to, stride);
  }
}

// du behind dy, a product for each weight's neighbours that see x.
void write_du(DeviceQueue& queue, const FoldedLayout& layout, const PlacedParts& parts, std::int64_t n,
              const Half* matrix, std::int64_t stride, Half* left) {
  for (int i = 0; i < parts.count;) {
    const PlacedPart& first = parts.of[i];
    if (first.part->apart) {
      ++i;
      continue;
    }
    std::int64_t rank = 0;
    for (; i < parts.count && parts.of[i].top == first.top && !parts.of[i].part->apart; ++i)
      rank += parts.of[i].part->rank;
    const Half* const b = matrix + first.top * layout.stride() + layout.cols + first.rank;
    multiply_into(queue, product_of(n, rank, first.out, left + first.top, stride, b, layout.stride()),
                  left + layout.rows + first.low, stride);
  }
}

}  // namespace

bool folds(const DeviceQueue& queue) { return queue.folds && queue.blas != nullptr && queue.has_bf16(); }

bool folds(const FoldedWeight* weights, int count, std::int64_t n) {
  if (count < 1 || count > kMostFolded) return false;
  bool worth = count > 1;
  for (int i = 0; i < count; ++i) {
    const PackedView& w = weights[i].w;
    if (codes_of(w) == nullptr || w.rows * w.cols * n < kSmallProduct) return false;
    worth = worth || weights[i].count > 0;
  }
  return worth;
}

void folded_forward(DeviceQueue& queue, const FoldedWeight* weights, int count, std::int64_t n,
                    const float* x) {
  const FoldedLayout layout = layout_of(weights, count);
  const PlacedParts parts = places_of(weights, count);
  const std::int64_t stride = layout.stride();
  Half* const matrix = decoded(queue, weights, count, layout);
  Half* const left = buffer_of<Half>(queue, Buffer::kLeft, n * stride);
  narrow_rows(queue, n, layout.cols, x, stride, left);
  write_b(queue, layout, parts, matrix);
  write_a(queue, layout, parts, false, matrix);
  write_u(queue, layout, parts, n, matrix, left);
  std::int64_t top = 0;
  std::int64_t rank = 0;  // of the weights so far: their zeros behind those are left out
  for (int i = 0; i < count;) {
    const FoldedWeight& first = weights[i];
    const std::int64_t out = first.w.rows;
    std::int64_t batch = 0;
    for (; i < count && weights[i].w.rows == out && weights[i].y == first.y + batch * n * out; ++i, ++batch) {
      for (int p = 0; p < weights[i].count; ++p) rank += weights[i].parts[p].rank;
    }
    BlasProduct q = product_of(n, out, layout.cols + rank, left, stride, matrix + top * stride, stride);
    q.b.transposed = true;
    q.b.stride = out * stride;
    q.stride_c = n * out;
    q.batch = batch;
    multiply_onto(queue, q, 1.0F, false, first.y);
    top += batch * out;
  }
}

void folded_backward(DeviceQueue& queue, const FoldedWeight* weights, int count, std::int64_t n,
                     const float* x, float* dx, bool accumulate) {
  const FoldedLayout layout = layout_of(weights, count);
  const PlacedParts parts = places_of(weights, count);
  const std::int64_t ld = layout.stride();
  const std::int64_t stride = padded_to_run(layout.rows + parts.seeing);
  bool wants_a = false;
  bool wants_b = false;
  for (int i = 0; i < parts.count; ++i) {
    wants_a = wants_a || (!parts.of[i].part->apart && parts.of[i].part->da != nullptr);
    wants_b = wants_b || (!parts.of[i].part->apart && parts.of[i].part->db != nullptr);
  }
  Half* const matrix = decoded(queue, weights, count, layout);
  Half* const left = buffer_of<Half>(queue, Buffer::kLeft, n * stride);
  std::int64_t top = 0;
  for (int i = 0; i < count; ++i) {
    narrow_rows(queue, n, weights[i].w.rows, weights[i].dy, stride, left + top);
    top += weights[i].w.rows;
  }
  const Half* const bottom = matrix + layout.rows * ld;
  if (parts.seeing > 0) {
    write_b(queue, layout, parts, matrix);
    write_a(queue, layout, parts, true, matrix);
    write_du(queue, layout, parts, n, matrix, stride, left);
  }
  if (wants_a || wants_b) {
    Half* const right = buffer_of<Half>(queue, Buffer::kRight, n * layout.cols);
    narrow_rows(queue, n, layout.cols, x, layout.cols, right);
    Half* const u = wants_b ? buffer_of<Half>(queue, Buffer::kLowRank, n * parts.seeing) : nullptr;
    if (wants_b) {
      BlasProduct q = product_of(n, parts.seeing, layout.cols, right, layout.cols, bottom, ld);
      q.b.transposed = true;
      multiply_into(queue, q, u, parts.seeing);
    }
    for (int i = 0; i < parts.count; ++i) {
      const PlacedPart& p = parts.of[i];
      if (p.part->apart) continue;
      if (p.part->db != nullptr) {
        BlasProduct q = product_of(p.out, p.part->rank, n, left + p.top, stride, u + p.low, parts.seeing);
        q.a.transposed = true;
        multiply_onto(queue, q, p.part->scaling, true, p.part->db);
      }
      if (p.part->da != nullptr) {
        BlasProduct q =
            product_of(p.part->rank, layout.cols, n, left + layout.rows + p.low, stride, right, layout.cols);
        q.a.transposed = true;
        multiply_onto(queue, q, 1.0F, true, p.part->da);
      }
    }
  }
  if (dx == nullptr) return;
  multiply_onto(queue, product_of(n, layout.cols, layout.rows + parts.seeing, left, stride, matrix, ld), 1.0F,
                accumulate, dx);
}

}  // namespace lq::backends::cuda
