// Work that repeats, as graphs, on every device of this machine: the bits of launches one by one, and what
// ends a graph.
#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <vector>

#include "backends/cuda/device.h"
#include "backends/cuda/elementwise.h"
#include "backends/cuda/loss.h"
#include "backends/cuda/product.h"
#include "backends/cuda/repeat.h"
#include "backends/cuda/tokens.h"
#include "base/error.h"

namespace lq::backends {
namespace {

constexpr Device kCard{DeviceKind::kCuda, 0};
constexpr std::int64_t kRows = 32, kDim = 40, kVocab = 50;

constexpr auto nothing = [] { return std::shared_ptr<const void>(); };

class CardFloats {
 public:
  CardFloats(DeviceQueue& queue, std::int64_t count) : bytes_(cuda::allocate(kCard, size(count))) {
    std::vector<float> values;
    for (std::int64_t i = 0; i < count; ++i)
      values.push_back(static_cast<float>((i * 37 + count) % 101) / 64 - 0.75F);
    cuda::copy_to_device(queue, values.data(), size(count), bytes_);
  }
  ~CardFloats() { cuda::release(bytes_); }
  CardFloats(const CardFloats&) = delete;
  CardFloats& operator=(const CardFloats&) = delete;
  float* data() const { return reinterpret_cast<float*>(bytes_); }

 private:
  static std::size_t size(std::int64_t count) { return static_cast<std::size_t>(count) * sizeof(float); }
  std::byte* bytes_;
};

class GraphOnDevice : public testing::Test {
 protected:
  void SetUp() override {
    if (cuda::devices().empty()) GTEST_SKIP() << "this machine has no CUDA device, or this build no CUDA";
    queue_ = cuda::open_queue(kCard);
  }
  cuda::RepeatCounts counts() const { return cuda::repeat_counts(*queue_); }
  cuda::Queue queue_;
};

// A table's rows by ids, a product and losses; the table changes too, so that what was left out would show.
class Losses {
 public:
  explicit Losses(DeviceQueue& queue)
      : queue_(queue),
        table_(queue, kVocab * kDim),
        x_(queue, kRows * kDim),
        logits_(queue, kRows * kVocab) {}

  std::vector<float> run(std::int32_t time, const std::function<void()>& more = {}, std::uint64_t key = 0) {
    std::vector<std::int32_t> ids, targets;
    for (std::int32_t t = 0; t < kRows; ++t) {
      ids.push_back((t * 7 + 13 * time) % kVocab);
      targets.push_back(t % 9 == time ? -1 : (t + 3 * time) % kVocab);
    }
    std::vector<float> losses(kRows);
    const cuda::RepeatedWork what = {
        {1, key},
        {{ids.data(), ids.size() * sizeof ids[0]}, {targets.data(), targets.size() * sizeof targets[0]}},
        {{losses.data(), losses.size() * sizeof losses[0]}}};
    cuda::repeat(queue_, what, nothing, [&](const void*) {
      ++host_;
      const DenseView table{table_.data(), DenseType::kF32};
      cuda::embedding_forward(queue_, table, kRows, kDim, ids.data(), x_.data());
      PackedView w;
      w.rows = kVocab;
      w.cols = kDim;
      w.device = kCard;
      w.dense = table;
      cuda::Product p;
      p.m = kRows;
      p.n = kVocab;
      p.k = kDim;
      p.a = x_.data();
      p.b = w;
      p.c = logits_.data();
      p.trans_b = true;
      p.precision = cuda::Precision::kBf16;
      cuda::multiply(queue_, p);
      // In two parts, as heads take long texts.
      for (const std::int64_t at : {std::int64_t{0}, kRows / 2}) {
        cuda::cross_entropy_forward(queue_, kRows / 2, kVocab, logits_.data() + at * kVocab,
                                    targets.data() + at, losses.data() + at);
      }
      if (more) more();
      cuda::scale(queue_, kVocab * kDim, 1.25F, table_.data());
    });
    return losses;
  }
  int host() const { return host_; }

 private:
  DeviceQueue& queue_;
  CardFloats table_, x_, logits_;
  int host_ = 0;  // how often the host's part was done
};

TEST_F(GraphOnDevice, ReplaysReadInputsAnewAndBringOutputs) {
  setenv("LQ_CUDA_GRAPHS", "0", 1);
  const cuda::Queue one_by_one = cuda::open_queue(kCard);
  unsetenv("LQ_CUDA_GRAPHS");
  Losses want(*one_by_one);
  Losses have(*queue_);
  for (int time = 0; time < 6; ++time) EXPECT_EQ(have.run(time), want.run(time)) << time;
  EXPECT_EQ(have.host(), 2);
  EXPECT_EQ(want.host(), 6);
  EXPECT_EQ(counts().plain, 1);
  EXPECT_EQ(counts().captured, 1);
  EXPECT_EQ(counts().replayed, 4);
  EXPECT_EQ(cuda::repeat_counts(*one_by_one).plain, 6);
}

TEST_F(GraphOnDevice, WhatACaptureDoesNotAllowGoesOneByOne) {
  Losses want(*queue_);
  std::vector<std::vector<float>> expected;
  for (int time = 0; time < 4; ++time)
    expected.push_back(want.run(time, {}, 100 + static_cast<unsigned>(time)));
  std::vector<std::int32_t> elsewhere(kRows, 3);
  const CardFloats scratch(*queue_, kRows * kDim);
  float number = 0.0F;
  const std::vector<std::function<void()>> illegal = {
      [&] { cuda::release(cuda::allocate(kCard, 1000)); },
      [&] { cuda::copy_to_host(*queue_, scratch.data(), sizeof number, &number); },
      [&] { cuda::copy_to_device(*queue_, &number, sizeof number, scratch.data()); },
      [&] { cuda::finish(*queue_); },
      // Nothing of the work's inputs, so that a graph would always find the same.
      [&] {
        cuda::embedding_forward(*queue_, {scratch.data(), DenseType::kF32}, kRows, 1, elsewhere.data(),
                                scratch.data() + kDim);
      },
      // Memory that the runtime itself refuses.
      [&] { const cuda::Queue another = cuda::open_queue(kCard); },
      [&] { fail(ErrorCode::kInternal, "once is enough"); },
  };
  for (std::size_t i = 0; i < illegal.size(); ++i) {
    cuda::Queue fresh = cuda::open_queue(kCard);
    queue_.swap(fresh);
    Losses have(*queue_);
    int calls = 0;
    const auto more = [&] {
      if (i + 1 < illegal.size() || ++calls == 2) illegal[i]();
    };
    for (int time = 0; time < 4; ++time)
      EXPECT_EQ(have.run(time, more), expected[static_cast<std::size_t>(time)]) << i;
    EXPECT_EQ(counts().plain, 4) << i;
    EXPECT_EQ(counts().abandoned, 1) << i;
    EXPECT_EQ(have.host(), 5) << i;
  }
}

TEST_F(GraphOnDevice, MemoryGivenBackEndsGraphs) {
  Losses work(*queue_);
  for (int time = 0; time < 3; ++time) work.run(time);
  EXPECT_EQ(counts().replayed, 1);
  cuda::release(cuda::allocate(kCard, 8));
  for (int time = 3; time < 6; ++time) work.run(time);
  EXPECT_EQ(counts().plain, 2);
  EXPECT_EQ(counts().captured, 2);
  EXPECT_EQ(counts().replayed, 2);
}

TEST_F(GraphOnDevice, KeepsTheLatest) {
  Losses work(*queue_);
  for (std::uint64_t key = 0; key <= cuda::kMostGraphs; ++key) {
    for (int time = 0; time < 3; ++time) work.run(time, {}, key);
  }
  const auto all = static_cast<std::int64_t>(cuda::kMostGraphs) + 1;
  EXPECT_EQ(counts().captured, all);
  EXPECT_EQ(counts().replayed, all);
  work.run(3, {}, 1);
  EXPECT_EQ(counts().replayed, all + 1);
  work.run(4, {}, 0);  // made way
  EXPECT_EQ(counts().plain, all + 1);
}

TEST_F(GraphOnDevice, AStopIsNoReasonToBeginAgain) {
  Losses work(*queue_);
  work.run(0);
  EXPECT_THROW(work.run(1, [] { fail(ErrorCode::kInterrupted, "asked to"); }), Error);
  EXPECT_EQ(counts().abandoned, 0);
  work.run(2);
  EXPECT_EQ(counts().captured, 1);
  EXPECT_EQ(work.host(), 3);
}

// A weight that an interrupted capture was to decode is not there afterwards, but another one is.
TEST_F(GraphOnDevice, AnInterruptedCaptureDecodedNothing) {
  cuda::keep_decoded(*queue_, 4096);  // one of the weights
  const CardFloats one(*queue_, kVocab * kDim / 4), other(*queue_, kVocab * kDim / 4 + 1);
  const CardFloats scales(*queue_, kVocab), x(*queue_, kRows * kDim), y(*queue_, kRows * kVocab);
  const auto multiply = [&](const CardFloats& codes) {
    PackedView w;
    w.layout = PackedLayout::kIntRow;
    w.rows = kVocab;
    w.cols = kDim;
    w.device = kCard;
    w.int_row.codes = reinterpret_cast<const std::uint8_t*>(codes.data());
    w.int_row.scales = scales.data();
    w.int_row.bits = 8;
    cuda::Product p;
    p.m = kRows;
    p.n = kVocab;
    p.k = kDim;
    p.a = x.data();
    p.b = w;
    p.c = y.data();
    p.trans_b = true;
    p.precision = cuda::Precision::kBf16;
    cuda::multiply(*queue_, p);
  };
  const auto result = [&] {
    std::vector<float> all(kRows * kVocab);
    cuda::copy_to_host(*queue_, y.data(), all.size() * sizeof all[0], all.data());
    return all;
  };
  int calls = 0;
  const auto work = [&](const void*) {
    multiply(one);
    if (++calls == 2) fail(ErrorCode::kInterrupted, "asked to");
  };
  cuda::repeat(*queue_, {{8}, {}, {}}, nothing, work);
  const std::vector<float> want = result();
  multiply(other);
  EXPECT_NE(result(), want);
  EXPECT_THROW(cuda::repeat(*queue_, {{8}, {}, {}}, nothing, work), Error);
  multiply(one);
  EXPECT_EQ(result(), want);
}

// What was made for the work lives as long as its graph.
TEST_F(GraphOnDevice, WhatWasPreparedStays) {
  int alive = 0;
  int made = 0;
  struct Guard {
    int& count;
    explicit Guard(int& c) : count(c) { ++count; }
    ~Guard() { --count; }
  };
  const CardFloats x(*queue_, 10);
  for (int time = 0; time < 4; ++time) {
    cuda::repeat(
        *queue_, {{7}, {}, {}},
        [&]() -> std::shared_ptr<const void> {
          ++made;
          return std::make_shared<Guard>(alive);
        },
        [&](const void* prepared) {
          EXPECT_NE(prepared, nullptr);
          cuda::scale(*queue_, 10, 2.0F, x.data());
        });
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(made, 1);
  queue_.reset();
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace lq::backends
