// Codes with feedback as the lanes of a warp choose them: the processor's bits, as long as a row's columns
// lie in one region.
#include "backends/cuda/feedback_element.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "backends/quantize_case.h"
#include "quant/codebook/feedback.h"

namespace lq::backends {
namespace {

// feedback.cu's choose_row: what lanes share by shuffles, the error of a column, by a plain loop.
void choose_row_as_lanes(const cuda::CodebookFeedback& of, const cuda::SharedBook& book,
                         const cuda::FeedbackRegion& g, int i) {
  std::vector<cuda::FeedbackLane> lanes(cuda::kLanes);
  for (int lane = 0; lane < cuda::kLanes; ++lane)
    cuda::load_feedback_lane(of, g, i, lane, lanes[static_cast<std::size_t>(lane)]);
  for (int c = g.cols - 1; c >= 0; --c) {
    const int owner = c % cuda::kLanes;
    const float error =
        cuda::choose_code(of, book, g, i, owner, c / cuda::kLanes, lanes[static_cast<std::size_t>(owner)]);
    for (int lane = 0; lane < cuda::kLanes; ++lane)
      cuda::take_error(of, g, c, error, lane, lanes[static_cast<std::size_t>(lane)]);
  }
}

std::vector<float> lower_factor(std::int64_t n, std::uint64_t stream) {
  std::vector<float> s = reference::normal_matrix(n, n, stream);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      float& x = s[static_cast<std::size_t>(i * n + j)];
      x = j > i ? 0.0F : j == i ? 1.0F + std::abs(x) : 0.3F * x;
    }
  }
  return s;
}

// Odd sizes; scales of blocks that go across rows, some of them zero; with and without a factor of the rows.
TEST(FeedbackElement, LanesChooseTheProcessorsCodesBitForBit) {
  ThreadPool pool(1);
  for (const auto& [rows, cols] :
       {std::pair<std::int64_t, std::int64_t>{1, 1}, {5, 33}, {31, 128}, {9, 97}}) {
    for (const int bits : {2, 3, 8}) {
      for (const bool both : {false, true}) {
        const std::vector<float> w = reference::normal_matrix(rows, cols, 21);
        const std::vector<float> s = lower_factor(cols, 22);
        const std::vector<float> t = lower_factor(rows, 23);
        std::vector<float> scales = reference::normal_matrix(1, (rows * cols + 15) / 16, 24);
        for (std::size_t i = 0; i < scales.size(); ++i) scales[i] = i % 9 == 4 ? 0.0F : std::abs(scales[i]);
        const Codebook& from = codebook_of(CodebookKind::kNormalFloat, bits);
        std::vector<float> want_q(w.size()), want_targets(w.size());
        std::vector<std::uint8_t> want_codes(w.size());
        FeedbackProblem problem{.w = w.data(),
                                .rows = rows,
                                .cols = cols,
                                .row_factor = both ? t.data() : nullptr,
                                .col_factor = s.data(),
                                .first_to_last = false,
                                .book = &from,
                                .block = 16,
                                .scales = scales.data()};
        feedback_quantize(pool, problem, {want_q.data(), want_codes.data(), want_targets.data()});

        std::vector<float> q = w;
        std::vector<float> f(w.size()), e(w.size()), targets(w.size());
        std::vector<std::uint8_t> codes(w.size());
        std::vector<float> wanted(static_cast<std::size_t>(rows * cuda::kFeedbackCols), 0.0F);
        std::vector<float> passed(wanted);
        cuda::CodebookFeedback of;
        of.rows = rows;
        of.cols = cols;
        of.bits = bits;
        of.block = 16;
        of.w = q.data();  // the values take the place of the weights
        of.scales = scales.data();
        of.s = s.data();
        of.t = both ? t.data() : nullptr;
        of.wanted = wanted.data();
        of.passed = passed.data();
        of.f = f.data();
        of.e = both ? e.data() : nullptr;
        of.q = q.data();
        of.codes = codes.data();
        of.targets = targets.data();
        const cuda::FeedbackRegion g{0, 0, static_cast<int>(rows), static_cast<int>(cols)};
        const cuda::SharedBook book = shared_book(from);
        for (int i = 0; i < g.rows; ++i)
          for (int c = 0; c < g.cols; ++c) cuda::want_element(of, g, i, c);
        for (int i = g.rows - 1; i >= 0; --i) {
          choose_row_as_lanes(of, book, g, i);
          if (!both) continue;
          for (int k = 0; k < i * g.cols; ++k) cuda::move_above(of, g, i, k / g.cols, k % g.cols);
        }
        EXPECT_EQ(codes, want_codes) << rows << " x " << cols << ", " << bits << " bits, " << both;
        EXPECT_EQ(q, want_q);
        EXPECT_EQ(targets, want_targets);
        for (std::size_t i = 0; both && i < w.size(); ++i) ASSERT_EQ(e[i], w[i] - q[i]);
      }
    }
  }
}

}  // namespace
}  // namespace lq::backends
